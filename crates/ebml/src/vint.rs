//! Variable-size integers (RFC 8794 §4), over nom's streaming parsers.

use nom::IResult;
use nom::bytes::streaming::take;
use nom::number::streaming::be_u8;

use crate::{ElementId, ElementSize, ErrorKind};

/// The error of these parsers: a kind, or nom's own (which they never give on the paths used here).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct VintError(ErrorKind);

impl From<VintError> for ErrorKind {
    fn from(error: VintError) -> ErrorKind {
        error.0
    }
}

impl nom::error::ParseError<&[u8]> for VintError {
    fn from_error_kind(_: &[u8], _: nom::error::ErrorKind) -> Self {
        VintError(ErrorKind::Truncated)
    }

    fn append(_: &[u8], _: nom::error::ErrorKind, other: Self) -> Self {
        other
    }
}

fn fail<T>(kind: ErrorKind) -> Result<T, nom::Err<VintError>> {
    Err(nom::Err::Failure(VintError(kind)))
}

/// The first byte and those that follow it, as one big-endian number.
fn number(input: &[u8], first: u8, more: u32) -> IResult<&[u8], u64, VintError> {
    let (rest, tail) = take(more)(input)?;
    Ok((rest, tail.iter().fold(u64::from(first), |value, byte| value << 8 | u64::from(*byte))))
}

/// An Element ID of at most `max` bytes, marker kept (RFC 8794 §5).
pub(crate) fn id(input: &[u8], max: u8) -> IResult<&[u8], ElementId, VintError> {
    let (rest, first) = be_u8(input)?;
    let more = first.leading_zeros();
    if more >= u32::from(max.min(4)) {
        return fail(ErrorKind::InvalidId(first));
    }
    let (rest, value) = number(rest, first, more)?;
    let value = value as u32; // four bytes at most
    let bits = 7 * (more + 1);
    let data = value & ((1u32 << bits) - 1);
    if (data == 0 && value != ElementId::ALL_ZERO.0) || data == (1u32 << bits) - 1 {
        return fail(ErrorKind::ReservedId(value));
    }
    // All ones in one width less is reserved there, so that value alone may be told in the next width.
    if more > 0 && data < (1u32 << (bits - 7)) - 1 {
        return fail(ErrorKind::OverlongId(value));
    }
    Ok((rest, ElementId(value)))
}

/// An Element Data Size of at most `max` bytes (RFC 8794 §6).
pub(crate) fn size(input: &[u8], max: u8) -> IResult<&[u8], ElementSize, VintError> {
    let (rest, first) = be_u8(input)?;
    let more = first.leading_zeros();
    if more >= u32::from(max.min(8)) {
        return fail(ErrorKind::InvalidSize(first));
    }
    let (rest, value) = number(rest, first, more)?;
    let mask = (1u64 << (7 * (more + 1))) - 1;
    let data = value & mask;
    let size = if data == mask { ElementSize::Unknown } else { ElementSize::Known(data) };
    Ok((rest, size))
}

#[cfg(test)]
mod tests;
