//! A walk over all elements of an input that arrives in pieces.
//!
//! [`Walker`] is the general reader: any document type that a [`Schema`] describes, each element in order, at any
//! depth, however the input was cut. It holds no more than the element at hand, and gets through damage.

mod buffer;
mod scan;
mod step;

use std::collections::VecDeque;

use bytes::Bytes;

use crate::{ElementDef, ElementHeader, ElementId, ElementType, Error, ErrorKind, Limits, Path, PathPart, Schema};
use buffer::Buffer;

/// An element that a [`Walker`] met.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Element {
    /// ID, size, and where it stands.
    pub header: ElementHeader,
    /// Master elements around it: 0 at the top level.
    pub depth: usize,
    /// What the schema says of it, where it knows it.
    pub def: Option<&'static ElementDef>,
    /// The schema does not know it, or does not let it stand here.
    pub misplaced: bool,
}

impl Element {
    /// The Element ID.
    pub fn id(&self) -> ElementId {
        self.header.id
    }

    /// Its name, where the schema knows it.
    pub fn name(&self) -> Option<&'static str> {
        self.def.map(|def| def.name)
    }

    /// Whether it holds elements.
    pub fn is_master(&self) -> bool {
        self.def.is_some_and(|def| def.ty == ElementType::Master)
    }
}

/// What a [`Walker`] finds, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// An element begins. For a master its children and its [`Item::End`] follow.
    Start(Element),
    /// Data of the element that began last, which is no master; as [`DataMode`] says.
    Data {
        /// The bytes.
        bytes: Bytes,
        /// Where they start in the input.
        offset: u64,
        /// Whether these are the last of the element.
        last: bool,
    },
    /// A master element ends.
    End {
        /// Which.
        element: Element,
        /// Where, in bytes from the start of the input.
        end: u64,
        /// Why.
        reason: EndReason,
    },
    /// Something is wrong, and reading goes on (with [`Recovery::Scan`]).
    Damage(Damage),
}

/// Why a master element ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndReason {
    /// Its size was known and is reached.
    Size,
    /// Its size is unknown, and an element follows that cannot stand in it, or the end of a master around it
    /// (RFC 8794 §6.2).
    NextElement,
    /// Its size is unknown, and the input ends.
    Input,
    /// Its size is known, but the input ended before, or an element came that cannot stand in it: an EBML header
    /// ends every open element, whatever size was declared.
    Early {
        /// Bytes between here and the end that the size gives.
        missing: u64,
    },
}

/// A damaged place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// What is wrong and where.
    pub error: Error,
    /// Where reading goes on. It may lie before `error.offset`: then the elements given from there on had a wrong
    /// size, and what they seem to hold is read anew.
    pub resume: u64,
}

impl Damage {
    /// Bytes between the place where reading failed and where it goes on.
    pub fn lost(&self) -> u64 {
        self.resume.saturating_sub(self.error.offset)
    }
}

/// What is given of elements that are no masters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DataMode {
    /// Nothing.
    #[default]
    Skip,
    /// Their bytes as they arrive, uncopied; how many [`Item::Data`] depends on the cuts. At least one.
    Stream,
    /// Their bytes whole, in one [`Item::Data`]; copied only where they lie in several pieces. An element beyond
    /// [`Limits::element`] is damage.
    Gather,
}

/// What is done about damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Recovery {
    /// It is an error, and the walk ends.
    Stop,
    /// It is reported, and the walk goes on.
    ///
    /// A child that reaches beyond its parents is believed where the schema lets it stand there: their sizes then
    /// count as unknown. Where nothing can be read, the input is searched, from the data of the last element that
    /// stood where the schema lets it (since a wrong size may have swallowed what followed), for the next plausible
    /// element: an EBML header with its DocType and a Root Element behind it, or another master element with an ID
    /// of four bytes and a fitting child first. Time stays linear in the input.
    #[default]
    Scan,
}

/// Reads all elements of an input that is pushed in pieces.
///
/// ```
/// use kineframe_ebml::{DataMode, Item, Limits, Recovery, Schema, Walker};
/// # use kineframe_ebml::{ElementDef, ElementId, ElementType};
/// # struct Matroska;
/// # static EBML: ElementDef = ElementDef { id: ElementId::EBML, name: "EBML", ty: ElementType::Master, parent: None,
/// #     recursive: false, unknown_size_allowed: false };
/// # static DOC_TYPE: ElementDef = ElementDef { id: ElementId(0x4282), name: "DocType", ty: ElementType::String,
/// #     parent: Some(ElementId::EBML), recursive: false, unknown_size_allowed: false };
/// # impl Schema for Matroska {
/// #     fn element(&self, id: ElementId) -> Option<&'static ElementDef> {
/// #         [&EBML, &DOC_TYPE].into_iter().find(|def| def.id == id)
/// #     }
/// # }
///
/// let mut walker = Walker::new(Matroska, Limits::default(), Recovery::Stop).with_data(DataMode::Gather);
/// let mut seen = Vec::new();
/// for piece in [&b"\x1A\x45\xDF\xA3\x87\x42"[..], b"\x82\x84we", b"bm"] {
///     walker.push(piece.to_vec())?;
///     while let Some(item) = walker.next()? {
///         match item {
///             Item::Start(element) => seen.push(format!("{} {}", element.depth, element.name().unwrap_or("?"))),
///             Item::Data { bytes, .. } => seen.push(format!("{bytes:?}")),
///             Item::End { end, .. } => seen.push(format!("end {end}")),
///             Item::Damage(_) => unreachable!("not with Recovery::Stop"),
///         }
///     }
/// }
/// walker.finish();
/// assert_eq!(walker.next()?, None);
/// assert_eq!(seen, ["0 EBML", "1 DocType", "b\"webm\"", "end 12"]);
/// # Ok::<(), kineframe_ebml::Error>(())
/// ```
#[derive(Debug)]
pub struct Walker<S> {
    schema: S,
    limits: Limits,
    recovery: Recovery,
    data: DataMode,
    buffer: Buffer,
    /// The first byte that is not yet read.
    position: u64,
    stack: Vec<Open>,
    state: State,
    queue: VecDeque<Item>,
    /// Where the data of the last element starts that stood where the schema lets it; a scan starts there.
    anchor: Option<u64>,
    /// Bytes that were read again, to keep the time linear.
    reread: u64,
    finished: bool,
    failed: Option<Error>,
}

/// An open master element.
#[derive(Debug)]
struct Open {
    element: Element,
    /// Where it ends; `None` where the size is unknown or has been found wrong.
    end: Option<u64>,
}

impl Open {
    /// Its size was found wrong, and `at` is behind the end that it gives.
    fn overrun(&self, at: u64) -> bool {
        self.end.is_none() && self.element.header.end_offset().is_some_and(|declared| at >= declared)
    }
}

#[derive(Debug)]
enum State {
    /// At the start of an element, or at the end of one or more masters.
    Header,
    /// In the data of an element.
    Data { element: Element, end: u64, mode: DataMode },
    /// Looking for a plausible element, from here on.
    Scan { error: Error, at: u64 },
    /// Nothing more comes.
    Done,
}

/// What one step of the machine did.
enum Step {
    Go,
    NeedInput,
}

impl<S: Schema> Walker<S> {
    /// A walk that gives no data ([`DataMode::Skip`]).
    pub fn new(schema: S, limits: Limits, recovery: Recovery) -> Self {
        Walker {
            schema,
            limits,
            recovery,
            data: DataMode::Skip,
            buffer: Buffer::default(),
            position: 0,
            stack: Vec::new(),
            state: State::Header,
            queue: VecDeque::new(),
            anchor: None,
            reread: 0,
            finished: false,
            failed: None,
        }
    }

    /// The same with another way to give data.
    #[must_use]
    pub fn with_data(mut self, mode: DataMode) -> Self {
        self.data = mode;
        self
    }

    /// Chooses what is given of the element that [`Item::Start`] announced last, instead of the general mode;
    /// of no effect on a master, or once its data has begun to be given.
    ///
    /// With [`DataMode::Gather`] on an element beyond [`Limits::element`] it stays as it was, and this is `false`.
    pub fn data_of_current(&mut self, wanted: DataMode) -> bool {
        let State::Data { element, mode, .. } = &mut self.state else { return false };
        let fits = element.header.size.known().is_some_and(|size| size <= self.limits.element);
        if !self.queue.is_empty() || (wanted == DataMode::Gather && !fits) {
            return false;
        }
        *mode = wanted;
        true
    }

    /// Takes the next piece of the input, of any length. Then call [`Walker::next`] until it gives `None`.
    ///
    /// # Errors
    /// `Misuse` after [`Walker::finish`].
    pub fn push(&mut self, piece: impl Into<Bytes>) -> Result<(), Error> {
        if self.finished {
            return Err(Error::new(self.buffer.end(), ErrorKind::Misuse("push after finish")));
        }
        self.buffer.push(piece.into());
        Ok(())
    }

    /// Says that the input is at its end. Then call [`Walker::next`] until it gives `None`, for what is still open.
    pub fn finish(&mut self) {
        self.finished = true;
    }

    /// The next item; `None` where more input is needed, or after [`Walker::finish`] there is no more.
    ///
    /// # Errors
    /// With [`Recovery::Stop`]: the first damage, again and again.
    #[allow(clippy::should_implement_trait)] // `None` is not the end.
    pub fn next(&mut self) -> Result<Option<Item>, Error> {
        loop {
            if let Some(item) = self.queue.pop_front() {
                return Ok(Some(item));
            }
            if let Some(error) = &self.failed {
                return Err(error.clone());
            }
            let step = match &self.state {
                State::Header => self.header(),
                State::Data { .. } => self.read_data(),
                State::Scan { .. } => self.scan(),
                State::Done => Step::NeedInput,
            };
            if matches!(step, Step::NeedInput) && self.queue.is_empty() && self.failed.is_none() {
                return Ok(None);
            }
        }
    }

    /// Where in the input the walk is, in bytes.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Master elements that are open.
    pub fn depth(&self) -> usize {
        self.stack.len()
    }

    /// Bytes of the input that are held: once [`Walker::next`] has given `None`, at most twice [`Limits::element`],
    /// for going back and for looking ahead.
    pub fn buffered(&self) -> u64 {
        self.buffer.len()
    }

    /// The innermost known end around the position. Ends further out are never less.
    fn bound(&self) -> Option<u64> {
        self.stack.iter().rev().find_map(|open| open.end)
    }

    /// An error at `offset` inside the open masters, and in `last`.
    fn error(&self, offset: u64, kind: ErrorKind, last: Option<ElementId>) -> Error {
        let name = |id| self.schema.element(id).map_or(PathPart::Id(id), |def| PathPart::Name(def.name));
        let ids = self.stack.iter().map(|open| open.element.id()).chain(last);
        Error::new(offset, kind).with_path(Path(ids.map(name).collect()))
    }
}

#[cfg(test)]
mod tests;
