//! Element headers: an ID and a data size (RFC 8794 §4 to §6).

use crate::{ElementId, Error, ErrorKind, Limits, vint};

/// Most bytes that an element header can take: four for the ID, eight for the size.
pub const MAX_HEADER_LEN: usize = 12;

/// How long an element's data is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ElementSize {
    /// This many bytes.
    Known(u64),
    /// All VINT_DATA bits are one: the data ends where an element starts that cannot stand in it
    /// (RFC 8794 §6.2).
    Unknown,
}

impl ElementSize {
    /// The number of bytes, where it is known.
    pub fn known(self) -> Option<u64> {
        match self {
            ElementSize::Known(size) => Some(size),
            ElementSize::Unknown => None,
        }
    }
}

/// The header of an element, and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ElementHeader {
    /// The Element ID.
    pub id: ElementId,
    /// The Element Data Size.
    pub size: ElementSize,
    /// Bytes of ID and size together, 2 to 12.
    pub header_len: u8,
    /// Where the header starts, in bytes from the start of the input.
    pub offset: u64,
}

impl ElementHeader {
    /// Where the data starts.
    #[inline]
    pub fn data_offset(&self) -> u64 {
        self.offset.saturating_add(u64::from(self.header_len))
    }

    /// Where the data ends, where the size is known and the end can be told in 64 bits.
    #[inline]
    pub fn end_offset(&self) -> Option<u64> {
        self.data_offset().checked_add(self.size.known()?)
    }
}

/// Reads the element header at the start of `input`, which stands at `offset`.
///
/// `Ok(None)` means that `input` holds a part of a header: at most [`MAX_HEADER_LEN`] bytes are ever needed.
///
/// # Errors
/// An ID or size that no legal width gives (RFC 8794 §4.1, §5), or that is wider than `limits` allow.
#[inline]
pub fn parse_header(input: &[u8], offset: u64, limits: &Limits) -> Result<Option<ElementHeader>, Error> {
    match quick(input, offset, limits) {
        Some(header) => Ok(Some(header)),
        None => parse(input, offset, limits),
    }
}

fn parse(input: &[u8], offset: u64, limits: &Limits) -> Result<Option<ElementHeader>, Error> {
    let at = |kind| Error::new(offset, kind);
    let (rest, id) = match vint::id(input, limits.id_length) {
        Ok(parsed) => parsed,
        Err(nom::Err::Incomplete(_)) => return Ok(None),
        Err(nom::Err::Error(kind) | nom::Err::Failure(kind)) => return Err(at(ErrorKind::from(kind))),
    };
    let (rest, size) = match vint::size(rest, limits.size_length) {
        Ok(parsed) => parsed,
        Err(nom::Err::Incomplete(_)) => return Ok(None),
        Err(nom::Err::Error(kind) | nom::Err::Failure(kind)) => return Err(at(ErrorKind::from(kind))),
    };
    let header_len = (input.len() - rest.len()) as u8; // at most MAX_HEADER_LEN
    Ok(Some(ElementHeader { id, size, header_len, offset }))
}

/// The same without nom where nothing is in question: no end of the input is near, both widths are legal and the ID is
/// one. Nearly every header, at a tenth of the work.
#[inline]
fn quick(input: &[u8], offset: u64, limits: &Limits) -> Option<ElementHeader> {
    let input = input.first_chunk::<MAX_HEADER_LEN>()?;
    let [a, b, c, d, ..] = *input;
    let id_len = a.leading_zeros() as usize + 1;
    if id_len > usize::from(limits.id_length.min(4)) {
        return None;
    }
    let id = ElementId(u32::from_be_bytes([a, b, c, d]) >> (8 * (4 - id_len)));
    let size = input[id_len..].first_chunk::<8>()?; // there always are, behind four bytes at most
    let size_len = size[0].leading_zeros() as usize + 1;
    if size_len > usize::from(limits.size_length.min(8)) || !id.is_valid() {
        return None;
    }
    let ones = (1u64 << (7 * size_len)) - 1;
    let data = (u64::from_be_bytes(*size) >> (8 * (8 - size_len))) & ones;
    let size = if data == ones { ElementSize::Unknown } else { ElementSize::Known(data) };
    Some(ElementHeader { id, size, header_len: (id_len + size_len) as u8, offset })
}
