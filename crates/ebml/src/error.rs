//! What is wrong with the bytes, where, and in which element.

use std::fmt;

use crate::{ElementId, Schema};

/// The master elements around a place, outermost first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Path(pub Vec<PathPart>);

/// One element of a [`Path`]: its name where a schema knows it, else its ID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathPart {
    /// An element that the schema knows.
    Name(&'static str),
    /// One that it does not know.
    Id(ElementId),
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, part) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("/")?;
            }
            match part {
                PathPart::Name(name) => f.write_str(name)?,
                PathPart::Id(id) => write!(f, "{id}")?,
            }
        }
        Ok(())
    }
}

/// What is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// The byte, counted from the start of the input, where the element in question starts.
    pub offset: u64,
    /// The element in question and those around it, outermost first; empty where nothing is known.
    pub path: Path,
    /// What is wrong.
    pub kind: ErrorKind,
}

impl Error {
    /// An error at `offset` with nothing known of the elements around it.
    pub fn new(offset: u64, kind: ErrorKind) -> Self {
        Error { offset, path: Path::default(), kind }
    }

    /// The same error with the elements around it.
    pub fn with_path(mut self, path: Path) -> Self {
        self.path = path;
        self
    }

    /// The same error with the elements of its path named as `schema` names them.
    pub fn with_names(mut self, schema: &(impl Schema + ?Sized)) -> Self {
        for part in &mut self.path.0 {
            if let PathPart::Id(id) = *part
                && let Some(def) = schema.element(id)
            {
                *part = PathPart::Name(def.name);
            }
        }
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "byte {}: ", self.offset)?;
        if !self.path.0.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        write!(f, "{}", self.kind)
    }
}

impl std::error::Error for Error {}

/// What is wrong with the bytes, by culprit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The first byte has no length marker within the widest legal ID.
    #[error("not an element ID: first byte 0x{0:02X}")]
    InvalidId(u8),
    /// All VINT_DATA bits of the ID are zero or all are one (RFC 8794 §5); 0x80 is let through, see
    /// [`ElementId::is_valid`].
    #[error("reserved element ID 0x{0:X}")]
    ReservedId(u32),
    /// The ID could be told in fewer bytes (RFC 8794 §5).
    #[error("element ID 0x{0:X} is longer than it needs to be")]
    OverlongId(u32),
    /// The first byte has no length marker within the widest legal size.
    #[error("not an element size: first byte 0x{0:02X}")]
    InvalidSize(u8),
    /// An element of known size reaches beyond the element that it stands in.
    #[error("the element reaches {0} bytes beyond its parent")]
    BeyondParent(u64),
    /// An element that may not stand at the top level.
    #[error("element {0} may not stand here")]
    Unexpected(ElementId),
    /// An element of unknown size that the schema does not allow it for (RFC 8794 §6.2).
    #[error("unknown size where the element must have a known one")]
    UnknownSize,
    /// A value of a width that its type does not have (RFC 8794 §7).
    #[error("a {ty} of {len} bytes")]
    ValueLength {
        /// The type, in the RFC's words.
        ty: &'static str,
        /// The width in bytes.
        len: u64,
    },
    /// Text that is not ASCII or UTF-8.
    #[error("text that is not {0}")]
    InvalidText(&'static str),
    /// The data ends inside an element.
    #[error("the data ends inside the element")]
    Truncated,
    /// An element that must be there is not.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A value that the element may not have.
    #[error("{0}")]
    InvalidValue(&'static str),
    /// A bound of [`Limits`](crate::Limits) was reached.
    #[error("limit: {what} is beyond {limit}")]
    Limit {
        /// What was counted.
        what: &'static str,
        /// The bound.
        limit: u64,
    },
    /// Legal, but not done here.
    #[error("not supported: {0}")]
    Unsupported(&'static str),
    /// The caller broke a rule of the API.
    #[error("misuse: {0}")]
    Misuse(&'static str),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzzing::MiniSchema;

    #[test]
    fn a_message_says_where_and_what() {
        let path = Path([0x1853_8067, 0x4FFF].map(|id| PathPart::Id(ElementId(id))).to_vec());
        let error = Error::new(12, ErrorKind::ValueLength { ty: "float", len: 3 }).with_path(path);
        assert_eq!(error.to_string(), "byte 12: 0x18538067/0x4FFF: a float of 3 bytes");
        assert_eq!(error.with_names(&MiniSchema).to_string(), "byte 12: Segment/0x4FFF: a float of 3 bytes");
        assert_eq!(Error::new(0, ErrorKind::Truncated).to_string(), "byte 0: the data ends inside the element");
    }
}
