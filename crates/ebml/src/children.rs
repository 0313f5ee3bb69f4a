//! The elements inside the data of a master element that has been gathered whole.
//!
//! `Info`, `Tracks` or `Tags` are small and bounded by [`Limits::element`], so a reader keeps their data in one
//! piece and walks it with [`children`], which copies nothing: each child's data is a part of the parent's.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

use crate::{ElementHeader, ElementId, ElementSize, Error, ErrorKind, Limits, Path, PathPart, parse_header, value};

/// Bytes of which parts can be had without a copy: `&[u8]` and [`Bytes`].
pub trait Data: AsRef<[u8]> + Clone + sealed::Sealed {
    /// The bytes of `range`, or none of them where it does not lie inside.
    fn part(&self, range: Range<usize>) -> Self;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for &[u8] {}
    impl Sealed for bytes::Bytes {}
}

impl Data for &[u8] {
    fn part(&self, range: Range<usize>) -> Self {
        self.get(range).unwrap_or_default()
    }
}

impl Data for Bytes {
    fn part(&self, range: Range<usize>) -> Self {
        if range.start <= range.end && range.end <= self.len() { self.slice(range) } else { Bytes::new() }
    }
}

/// The child elements in `data`, the whole data of a master element, which starts at byte `offset` of the input.
///
/// `Void` and `CRC-32` come like any other child ([`crate::check_crc32`] is for the latter). After an error
/// the iterator ends.
///
/// # Errors
/// Each item: an invalid header, a header that is cut off by the end of `data`, a child that reaches beyond it,
/// a child of unknown size (nothing but the schema could tell its end; the masters that may have one are never
/// gathered), more children, with all that stand in them, than [`Limits::elements`].
///
/// ```
/// use kineframe_ebml::{ElementId, Limits, children};
///
/// // A Void element of one byte, then element 0x4286 (EBMLVersion) with the value 1.
/// let data: &[u8] = &[0xEC, 0x81, 0x00, 0x42, 0x86, 0x81, 0x01];
/// let found: Vec<_> = children(data, 100, &Limits::default()).collect::<Result<_, _>>()?;
/// assert_eq!(found[1].header.id, ElementId(0x4286));
/// assert_eq!(found[1].header.offset, 103);
/// assert_eq!(found[1].unsigned()?, 1);
/// # Ok::<(), kineframe_ebml::Error>(())
/// ```
pub fn children<D: Data>(data: D, offset: u64, limits: &Limits) -> Children<D> {
    Children {
        data,
        position: 0,
        offset,
        depth: limits.depth,
        trail: Trail::default(),
        shared: Arc::new(Shared { limits: *limits, left: AtomicUsize::new(limits.elements) }),
        ended: false,
    }
}

/// Iterator over child elements, made by [`children`] and [`Child::children`].
#[derive(Debug, Clone)]
pub struct Children<D> {
    data: D,
    position: usize,
    offset: u64,
    depth: usize,
    trail: Trail,
    shared: Arc<Shared>,
    ended: bool,
}

/// What all levels of one gathered master share.
#[derive(Debug)]
struct Shared {
    limits: Limits,
    /// Elements that may still come.
    left: AtomicUsize,
}

impl<D> Children<D> {
    /// Names the master element in whose data the children stand, for the paths of errors.
    #[must_use]
    pub fn within(mut self, master: ElementId) -> Self {
        self.trail.push(master);
        self
    }
}

impl<D: Data> Children<D> {
    fn read(&mut self) -> Result<Child<D>, Error> {
        let bytes = self.data.as_ref();
        let offset = self.offset.saturating_add(self.position as u64);
        let fail = |kind, id| Err(Error::new(offset, kind).with_path(self.trail.path(id)));
        let rest = bytes.get(self.position..).unwrap_or_default();
        let header = match parse_header(rest, offset, &self.shared.limits) {
            Ok(Some(header)) => header,
            Ok(None) => return fail(ErrorKind::Truncated, None),
            Err(error) => return fail(error.kind, None),
        };
        let ElementSize::Known(size) = header.size else { return fail(ErrorKind::UnknownSize, Some(header.id)) };
        let start = self.position + usize::from(header.header_len);
        let room = (bytes.len() - start) as u64;
        if size > room {
            return fail(ErrorKind::BeyondParent(size - room), Some(header.id));
        }
        let counted = self.shared.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        if counted.is_err() {
            let limit = ErrorKind::Limit { what: "elements in one master", limit: self.shared.limits.elements as u64 };
            return fail(limit, Some(header.id));
        }
        let end = start + size as usize; // at most `bytes.len()`
        self.position = end;
        Ok(Child {
            header,
            data: self.data.part(start..end),
            depth: self.depth,
            trail: self.trail,
            shared: Arc::clone(&self.shared),
        })
    }
}

impl<D: Data> Iterator for Children<D> {
    type Item = Result<Child<D>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended || self.position >= self.data.as_ref().len() {
            return None;
        }
        let child = self.read();
        self.ended = child.is_err();
        Some(child)
    }
}

impl<D: Data> std::iter::FusedIterator for Children<D> {}

/// One element of a gathered master element.
#[derive(Debug, Clone)]
pub struct Child<D> {
    /// Its header; the size is always known.
    pub header: ElementHeader,
    /// Its data, a part of the master's.
    pub data: D,
    depth: usize,
    trail: Trail,
    shared: Arc<Shared>,
}

impl<D: Data> Child<D> {
    /// The Element ID.
    pub fn id(&self) -> ElementId {
        self.header.id
    }

    /// Whether it has no data. Its value is then the default that the schema gives, and only where that gives none
    /// the zero or empty text that the accessors below return (RFC 8794 §6.1).
    pub fn is_empty(&self) -> bool {
        self.data.as_ref().is_empty()
    }

    /// The elements inside this one, which is taken for a master element.
    ///
    /// # Errors
    /// The element lies deeper than [`Limits::depth`] masters.
    pub fn children(&self) -> Result<Children<D>, Error> {
        let Some(depth) = self.depth.checked_sub(1) else {
            return Err(
                self.error(ErrorKind::Limit { what: "depth of elements", limit: self.shared.limits.depth as u64 })
            );
        };
        let mut trail = self.trail;
        trail.push(self.header.id);
        Ok(Children {
            data: self.data.clone(),
            position: 0,
            offset: self.header.data_offset(),
            depth,
            trail,
            shared: Arc::clone(&self.shared),
            ended: false,
        })
    }

    /// The data as an Unsigned Integer ([`value::unsigned`]).
    ///
    /// # Errors
    /// A width that the type does not have, at this element's offset and path.
    pub fn unsigned(&self) -> Result<u64, Error> {
        value::unsigned(self.data.as_ref()).map_err(|kind| self.error(kind))
    }

    /// The data as a Signed Integer ([`value::signed`]).
    ///
    /// # Errors
    /// A width that the type does not have, at this element's offset and path.
    pub fn signed(&self) -> Result<i64, Error> {
        value::signed(self.data.as_ref()).map_err(|kind| self.error(kind))
    }

    /// The data as a Float ([`value::float`]).
    ///
    /// # Errors
    /// A width that the type does not have, at this element's offset and path.
    pub fn float(&self) -> Result<f64, Error> {
        value::float(self.data.as_ref()).map_err(|kind| self.error(kind))
    }

    /// The data as a String ([`value::string`]).
    ///
    /// # Errors
    /// Text that is not ASCII, at this element's offset and path.
    pub fn string(&self) -> Result<&str, Error> {
        value::string(self.data.as_ref()).map_err(|kind| self.error(kind))
    }

    /// The data as a UTF-8 string ([`value::utf8`]).
    ///
    /// # Errors
    /// Text that is not UTF-8, at this element's offset and path.
    pub fn utf8(&self) -> Result<&str, Error> {
        value::utf8(self.data.as_ref()).map_err(|kind| self.error(kind))
    }

    /// The data as a Date ([`value::date`]): nanoseconds since 2001-01-01T00:00:00 UTC.
    ///
    /// # Errors
    /// A width that the type does not have, at this element's offset and path.
    pub fn date(&self) -> Result<i64, Error> {
        value::date(self.data.as_ref()).map_err(|kind| self.error(kind))
    }

    /// An error at this element's offset, with its path.
    pub fn error(&self, kind: ErrorKind) -> Error {
        Error::new(self.header.offset, kind).with_path(self.trail.path(Some(self.header.id)))
    }
}

/// The masters around an element, outermost first; those beyond the array's length are left out of error paths.
#[derive(Debug, Clone, Copy)]
struct Trail {
    ids: [ElementId; 12],
    len: u8,
}

impl Default for Trail {
    fn default() -> Self {
        Trail { ids: [ElementId(0); 12], len: 0 }
    }
}

impl Trail {
    fn push(&mut self, id: ElementId) {
        if let Some(place) = self.ids.get_mut(usize::from(self.len)) {
            *place = id;
            self.len += 1;
        }
    }

    fn path(&self, last: Option<ElementId>) -> Path {
        Path(self.ids.iter().take(usize::from(self.len)).copied().chain(last).map(PathPart::Id).collect())
    }
}

#[cfg(test)]
mod tests;
