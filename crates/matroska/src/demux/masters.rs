//! `EBML`, `Info` and `Tags`: elements that are gathered whole and told as one value. `Tracks` has its own module.
//!
//! What is wrong inside one of them is a [`Problem`], the first of which is kept:
//!
//! | trouble | what becomes of it | the walk over the siblings |
//! |---|---|---|
//! | a value of a wrong width, text that is not text | as if the element were absent | goes on |
//! | a child reaches beyond its parent, or is no element | what stands before it counts | ends, `structural` |
//! | a CRC-32 that does not fit | the data counts all the same | goes on |

use std::ffi::CStr;

use bytes::Bytes;
use kineframe_ebml::{
    Child, Children, Crc32Check, Data, ElementHeader, ElementId, ElementSize, Error, ErrorKind, Limits,
};
use kineframe_ebml::{PathPart, check_crc32, children};

use super::walk::Place;
use crate::{EbmlHeader, Info, MatroskaSchema, SimpleTag, TagValue, Tags, TimestampScale, ids};

/// What is wrong inside an element that was gathered whole.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Problem {
    pub(super) id: ElementId,
    pub(super) offset: u64,
    pub(super) size: ElementSize,
    pub(super) error: Error,
    /// The elements do not fit together, so that the bytes may be something else altogether.
    pub(super) structural: bool,
    /// Where, inside, an element starts that ends this one or the Segment: the size of this one is wrong.
    pub(super) foreign: Option<(u64, ElementId)>,
}

/// Collects problems: the first counts, a structural one before others.
#[derive(Debug, Default)]
pub(super) struct Problems(Option<Problem>);

impl Problems {
    pub(super) fn note(&mut self, header: &ElementHeader, error: Error, structural: bool) {
        if self.0.as_ref().is_some_and(|problem| problem.structural || !structural) {
            return;
        }
        let foreign = match error.path.0.last() {
            Some(PathPart::Id(id)) if structural && is_top_level(*id) => Some((error.offset, *id)),
            _ => None,
        };
        let error = error.with_names(&MatroskaSchema);
        self.0 = Some(Problem { id: header.id, offset: header.offset, size: header.size, error, structural, foreign });
    }

    pub(super) fn into_first(self) -> Option<Problem> {
        self.0
    }

    /// The children of a gathered master, one after the other; trouble among them ends the walk.
    pub(super) fn each<D: Data>(
        &mut self,
        master: &ElementHeader,
        list: Children<D>,
        mut visit: impl FnMut(&mut Problems, Child<D>),
    ) -> bool {
        for child in list {
            match child {
                Ok(child) if is_top_level(child.id()) => {
                    // The start of something that cannot be inside: the size of what is around it is wrong.
                    let error = child.error(ErrorKind::InvalidValue("an element that cannot stand here"));
                    self.note(master, error, true);
                    return false;
                }
                Ok(child) => visit(self, child),
                Err(error) => {
                    self.note(master, error, true);
                    return false;
                }
            }
        }
        true
    }

    /// The children of a child.
    pub(super) fn each_in<D: Data>(&mut self, child: &Child<D>, visit: impl FnMut(&mut Problems, Child<D>)) -> bool {
        match child.children() {
            Ok(list) => self.each(&child.header, list, visit),
            Err(error) => {
                // Too deep: the element is passed over, those after it still count.
                self.note(&child.header, error, false);
                true
            }
        }
    }

    /// A value, or `None` where its width or form is not its type's.
    pub(super) fn value<D: Data, T>(&mut self, child: &Child<D>, value: Result<T, Error>) -> Option<T> {
        match value {
            Ok(value) => Some(value),
            Err(error) => {
                self.note(&child.header, error, false);
                None
            }
        }
    }

    pub(super) fn unsigned<D: Data>(&mut self, child: &Child<D>) -> Option<u64> {
        self.value(child, child.unsigned())
    }

    /// Text up to the first NUL; bytes that are not UTF-8 are replaced, since producers write what they like.
    pub(super) fn text<D: Data>(child: &Child<D>) -> String {
        let data = child.data.as_ref();
        let text = CStr::from_bytes_until_nul(data).map_or(data, CStr::to_bytes);
        match std::str::from_utf8(text) {
            Ok(text) => text.to_owned(),
            Err(_) => String::from_utf8_lossy(text).into_owned(),
        }
    }

    /// Compares the master's CRC-32, where it has one.
    pub(super) fn checksum(&mut self, master: &ElementHeader, data: &Bytes) {
        let kind = match check_crc32(data) {
            Crc32Check::Absent | Crc32Check::Match => return,
            Crc32Check::Mismatch { .. } => {
                ErrorKind::InvalidValue("the CRC-32 does not fit the data; the data is told as it is")
            }
            Crc32Check::Invalid => ErrorKind::InvalidValue("a CRC-32 that is not four bytes"),
        };
        if let Some(Ok(child)) =
            children(data.clone(), master.data_offset(), &Limits::default()).within(master.id).next()
        {
            self.note(&child.header, child.error(kind), false);
        }
    }
}

/// An EBML Header, a Segment or a child of one.
fn is_top_level(id: ElementId) -> bool {
    // All of those have IDs of four bytes, and few others have.
    id.len() == 4 && matches!(Place::of(id), Place::Ebml | Place::Segment | Place::Cluster | Place::TopLevel)
}

/// An EBML Header (RFC 8794 §11.2).
pub(super) fn ebml_header(header: &ElementHeader, data: Bytes, limits: &Limits) -> (EbmlHeader, Option<Problem>) {
    let mut problems = Problems::default();
    let mut out = EbmlHeader {
        offset: header.offset,
        len: u64::from(header.header_len) + data.len() as u64,
        max_id_length: 4,
        max_size_length: 8,
        doc_type: String::new(),
        doc_type_version: 1,
        doc_type_read_version: 1,
    };
    problems.checksum(header, &data);
    problems.each(header, children(&data[..], header.data_offset(), limits).within(header.id), |problems, child| {
        let field = match child.id() {
            ids::EBML_MAX_ID_LENGTH => &mut out.max_id_length,
            ids::EBML_MAX_SIZE_LENGTH => &mut out.max_size_length,
            ids::DOC_TYPE_VERSION => &mut out.doc_type_version,
            ids::DOC_TYPE_READ_VERSION => &mut out.doc_type_read_version,
            ids::DOC_TYPE => {
                out.doc_type = Problems::text(&child);
                return;
            }
            _ => return,
        };
        // An empty element has the default value (RFC 8794 §6.1).
        if !child.data.is_empty()
            && let Some(value) = problems.unsigned(&child)
        {
            *field = value;
        }
    });
    (out, problems.into_first())
}

/// An Info element (RFC 9559 §5.1.2).
pub(super) fn info(header: &ElementHeader, data: Bytes, limits: &Limits) -> (Info, Option<Problem>) {
    let mut problems = Problems::default();
    let mut out = Info { offset: header.offset, ..Info::default() };
    problems.checksum(header, &data);
    problems.each(header, children(&data[..], header.data_offset(), limits).within(header.id), |problems, child| {
        match child.id() {
            ids::TIMESTAMP_SCALE if child.data.is_empty() => {}
            ids::TIMESTAMP_SCALE => match problems.unsigned(&child).map(std::num::NonZeroU64::new) {
                Some(Some(scale)) => out.timestamp_scale = TimestampScale(scale),
                Some(None) => {
                    let error = child.error(ErrorKind::InvalidValue("a TimestampScale of 0; the default is taken"));
                    problems.note(&child.header, error, false);
                }
                None => {}
            },
            ids::DURATION => match problems.value(&child, child.float()) {
                Some(ticks) if ticks.is_finite() && ticks > 0.0 => out.duration = Some(ticks),
                Some(_) => {
                    let error = child.error(ErrorKind::InvalidValue("a Duration that is not a positive number"));
                    problems.note(&child.header, error, false);
                }
                None => {}
            },
            ids::SEGMENT_UUID => out.segment_uuid = Some(data.slice_ref(child.data)),
            ids::TITLE => out.title = Some(Problems::text(&child)),
            ids::MUXING_APP => out.muxing_app = Some(Problems::text(&child)),
            ids::WRITING_APP => out.writing_app = Some(Problems::text(&child)),
            ids::DATE_UTC => out.date_utc = problems.value(&child, child.date()),
            _ => {}
        }
    });
    (out, problems.into_first())
}

/// A Tags element (RFC 9559 §5.1.8).
pub(super) fn tags(header: &ElementHeader, data: Bytes, limits: &Limits) -> (Tags, Option<Problem>) {
    let mut problems = Problems::default();
    let end = header.data_offset() + data.len() as u64;
    // Names of nested tags repeat those around them: their sum stays within a multiple of the data.
    let budget = data.len().saturating_mul(4).saturating_add(64 << 10);
    let mut out = TagList { data: &data, tags: Vec::new(), budget };
    problems.checksum(header, &data);
    problems.each(header, children(&data[..], header.data_offset(), limits).within(header.id), |problems, tag| {
        if tag.id() == ids::TAG {
            problems.each_in(&tag, |problems, child| {
                if child.id() == ids::SIMPLE_TAG {
                    out.read(problems, &child, "");
                }
            });
        }
    });
    (Tags { offset: header.offset, end, tags: out.tags }, problems.into_first())
}

struct TagList<'a> {
    /// The data of the whole element.
    data: &'a Bytes,
    tags: Vec<SimpleTag>,
    budget: usize,
}

impl TagList<'_> {
    /// Adds a SimpleTag and those inside it. The depth is bounded by [`Limits::depth`].
    fn read(&mut self, problems: &mut Problems, element: &Child<&[u8]>, parent: &str) {
        let mut name = String::new();
        let mut value = TagValue::Absent;
        let mut nested = Vec::new();
        let whole = problems.each_in(element, |_, child| match child.id() {
            ids::TAG_NAME => name = Problems::text(&child),
            ids::TAG_STRING => value = TagValue::String(Problems::text(&child)),
            ids::TAG_BINARY => value = TagValue::Binary(self.data.slice_ref(child.data)),
            ids::SIMPLE_TAG => nested.push(child),
            _ => {}
        });
        if !whole {
            return; // A value could be cut short, or not this tag's.
        }
        if !parent.is_empty() {
            name = format!("{parent}/{name}");
        }
        let Some(left) = self.budget.checked_sub(name.len()) else {
            let kind = ErrorKind::Limit { what: "bytes of nested tag names", limit: self.budget as u64 };
            problems.note(&element.header, element.error(kind), false);
            return;
        };
        self.budget = left;
        let place = self.tags.len();
        self.tags.push(SimpleTag { name, value });
        for child in nested {
            let name = self.tags[place].name.clone();
            self.read(problems, &child, &name);
        }
    }
}
