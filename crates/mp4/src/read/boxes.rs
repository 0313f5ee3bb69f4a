//! Box headers, and the boxes within a box (ISO/IEC 14496-12 §4.2).

use bytes::Bytes;
use kineframe_ebml::{ElementId, Error, ErrorKind, PathPart};
use mp4_atom::Atom;

/// The four characters of a box.
pub(crate) type Kind = [u8; 4];

/// The names of boxes above a place, outermost first.
pub(crate) type Path = [Kind];

/// A box header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub kind: Kind,
    /// Where it stands.
    pub offset: u64,
    /// Bytes of the header: 8, or 16 where the size has 64 bits.
    pub len: u64,
    /// The first byte behind the box; `None` for one that reaches to the end of the input.
    pub end: Option<u64>,
}

/// Bytes of the longest header.
pub(crate) const LONGEST: usize = 16;

/// What stands where a header should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parsed {
    Header(Header),
    /// More bytes are needed.
    Cut,
    /// A size that is less than the header's own.
    BadSize,
}

/// Reads the header at the start of `bytes`, which stands at `offset`.
pub(crate) fn header(bytes: &[u8], offset: u64) -> Parsed {
    let Some((size, rest)) = bytes.split_first_chunk::<4>() else { return Parsed::Cut };
    let Some((kind, rest)) = rest.split_first_chunk::<4>() else { return Parsed::Cut };
    let (len, size) = match u32::from_be_bytes(*size) {
        0 => return Parsed::Header(Header { kind: *kind, offset, len: 8, end: None }),
        1 => match rest.first_chunk::<8>() {
            Some(size) => (16, u64::from_be_bytes(*size)),
            None => return Parsed::Cut,
        },
        size => (8, u64::from(size)),
    };
    match offset.checked_add(size) {
        Some(end) if size >= len => Parsed::Header(Header { kind: *kind, offset, len, end: Some(end) }),
        _ => Parsed::BadSize,
    }
}

/// A box within another, whole.
#[derive(Debug, Clone)]
pub(crate) struct Child {
    pub kind: Kind,
    /// Where its header stands.
    pub offset: u64,
    pub body: Bytes,
    /// Where its body stands.
    pub body_offset: u64,
}

/// Most boxes within one.
const MOST: usize = 65_536;

/// The boxes within `body`, which stands at `offset`; and what is wrong with the first one that is not whole. Fewer than
/// eight bytes behind the last one are padding, as some writers leave it.
pub(crate) fn children(body: &Bytes, offset: u64, path: &Path) -> (Vec<Child>, Option<Error>) {
    let mut found = Vec::new();
    let mut at = 0usize;
    while let Some(rest) = body.get(at..).filter(|rest| rest.len() >= 8) {
        let here = offset.saturating_add(at as u64);
        if found.len() >= MOST {
            let kind = ErrorKind::Limit { what: "number of boxes within one", limit: MOST as u64 };
            return (found, Some(error(here, path, kind)));
        }
        let header = match header(rest, here) {
            Parsed::Header(header) => header,
            Parsed::Cut => return (found, Some(error(here, path, ErrorKind::Truncated))),
            Parsed::BadSize => {
                let kind = ErrorKind::InvalidValue("a box whose size is less than its header");
                return (found, Some(error(here, path, kind)));
            }
        };
        let len = header.end.map_or(rest.len() as u64, |end| end - here);
        let beyond = len.saturating_sub(rest.len() as u64);
        if beyond > 0 {
            let mut path = path.to_vec();
            path.push(header.kind);
            return (found, Some(error(here, &path, ErrorKind::BeyondParent(beyond))));
        }
        // It is within the slice, so it fits.
        let end = at + len as usize;
        let start = at + header.len as usize;
        let body_offset = here.saturating_add(header.len);
        found.push(Child { kind: header.kind, offset: here, body: body.slice(start..end), body_offset });
        at = end;
    }
    (found, None)
}

/// What was found wrong, as far as it is worth telling.
#[derive(Debug, Default)]
pub(crate) struct Problems(Vec<Error>);

impl Problems {
    /// Most that are kept of one box.
    const MOST: usize = 256;

    pub fn push(&mut self, problem: Error) {
        if self.0.len() < Self::MOST {
            self.0.push(problem);
        }
    }

    pub fn extend(&mut self, problem: Option<Error>) {
        if let Some(problem) = problem {
            self.push(problem);
        }
    }

    pub fn into_inner(self) -> Vec<Error> {
        self.0
    }
}

/// Reads a leaf.
pub(crate) fn leaf<T: Atom>(child: &Child, path: &Path) -> Result<T, Error> {
    let mut body: &[u8] = &child.body;
    T::decode_body(&mut body).map_err(|error_there| {
        let kind = match error_there {
            mp4_atom::Error::OutOfBounds | mp4_atom::Error::ShortRead => ErrorKind::Truncated,
            mp4_atom::Error::UnknownVersion(_) => ErrorKind::Unsupported("a version of the box that is not known"),
            mp4_atom::Error::Unsupported(what) => ErrorKind::Unsupported(what),
            _ => ErrorKind::InvalidValue("the box cannot be read"),
        };
        let mut path = path.to_vec();
        path.push(child.kind);
        error(child.offset, &path, kind)
    })
}

/// An error with the boxes around it.
pub(crate) fn error(offset: u64, path: &Path, kind: ErrorKind) -> Error {
    Error::new(offset, kind).with_path(kineframe_ebml::Path(path.iter().map(part).collect()))
}

/// Boxes by name where this crate reads them; others by their four characters as a number.
fn part(kind: &Kind) -> PathPart {
    const NAMES: &[&str] = &[
        "ftyp", "styp", "moov", "mvhd", "mvex", "trex", "trak", "tkhd", "edts", "elst", "mdia", "mdhd", "hdlr", "minf",
        "stbl", "stsd", "stts", "ctts", "stsc", "stsz", "stz2", "stco", "co64", "stss", "moof", "mfhd", "traf", "tfhd",
        "tfdt", "trun", "mdat", "esds", "colr", "pasp", "avcC", "hvcC", "av1C", "vpcC", "dOps", "udta", "uuid", "free",
    ];
    let known = NAMES.iter().find(|name| name.as_bytes() == kind);
    known.map_or(PathPart::Id(ElementId(u32::from_be_bytes(*kind))), |name| PathPart::Name(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_in_every_form() {
        let plain = Header { kind: *b"moov", offset: 5, len: 8, end: Some(13) };
        assert_eq!(header(b"\0\0\0\x08moov", 5), Parsed::Header(plain));
        let long = b"\0\0\0\x01mdat\0\0\0\x01\0\0\0\0";
        let wide = Header { kind: *b"mdat", offset: 0, len: 16, end: Some(1 << 32) };
        assert_eq!(header(long, 0), Parsed::Header(wide));
        assert_eq!(header(&long[..15], 0), Parsed::Cut);
        let open = Header { kind: *b"mdat", offset: 0, len: 8, end: None };
        assert_eq!(header(b"\0\0\0\0mdat", 0), Parsed::Header(open));
        assert_eq!(header(b"\0\0\0\x07moov", 0), Parsed::BadSize);
        assert_eq!(header(b"\0\0\0\x01mdat\0\0\0\0\0\0\0\x0f", 0), Parsed::BadSize);
        assert_eq!(header(b"\0\0\0\x01mdat\xff\xff\xff\xff\xff\xff\xff\xff", 9), Parsed::BadSize);
    }

    #[test]
    fn children_stop_at_what_is_not_whole() {
        let body = Bytes::from_static(b"\0\0\0\x09freeX\0\0\0\x20trak");
        let (found, problem) = children(&body, 100, &[*b"moov"]);
        assert_eq!((found.len(), &found[0].body[..], found[0].body_offset), (1, &b"X"[..], 108));
        let problem = problem.unwrap();
        assert_eq!(problem.to_string(), "byte 109: moov/trak: the element reaches 24 bytes beyond its parent");
        assert!(children(&Bytes::from_static(b"\0\0\0\x08free\0\0\0\0"), 0, &[]).1.is_none());
    }
}
