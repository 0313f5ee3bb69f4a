//! Lacing (RFC 9559 §10.3): several frames in one block.
//!
//! | kind | sizes are told as | the last frame |
//! |---|---|---|
//! | Xiph | a sum of bytes, each 255 but the last | takes what is left |
//! | EBML | a VINT, then signed differences as VINTs | takes what is left |
//! | fixed | not at all | all are equally long |

use std::ops::Range;

use kineframe_ebml::ErrorKind;

use crate::Lacing;

/// Where the frames of a laced block lie in `data`, which starts right after the block's header.
///
/// # Errors
/// No frame count, sizes that reach beyond the block, a reserved or negative size, a block that does not divide.
pub(super) fn frames(lacing: Lacing, data: &[u8]) -> Result<Vec<Range<usize>>, ErrorKind> {
    let (&count, rest) = data.split_first().ok_or(ErrorKind::InvalidValue("a laced block without a frame count"))?;
    let count = usize::from(count) + 1;
    let mut at = 1;
    let mut sizes = Vec::with_capacity(count);
    match lacing {
        Lacing::None => return Ok(std::iter::once(0..data.len()).collect()),
        Lacing::FixedSize => {
            if rest.len() % count != 0 {
                return Err(ErrorKind::InvalidValue("a fixed-size lace that does not divide into its frames"));
            }
            sizes.resize(count - 1, rest.len() / count);
        }
        Lacing::Xiph => {
            for _ in 1..count {
                let mut size = 0;
                loop {
                    let byte = usize::from(*data.get(at).ok_or(BEYOND)?);
                    at += 1;
                    size += byte;
                    if byte < 255 {
                        break;
                    }
                }
                sizes.push(size);
            }
        }
        Lacing::Ebml => {
            let mut size = 0i64;
            for index in 1..count {
                let (value, len) = vint(data.get(at..).unwrap_or_default()).ok_or(BEYOND)?;
                at += len;
                let ones = (1i64 << (7 * len)) - 1;
                let value = i64::try_from(value).map_err(|_| BEYOND)?; // at most 56 bits
                if value == ones {
                    return Err(ErrorKind::InvalidValue("a reserved size in an EBML lace"));
                }
                size = if index == 1 { value } else { size.checked_add(value - (ones >> 1)).ok_or(BEYOND)? };
                sizes.push(usize::try_from(size).map_err(|_| BEYOND)?);
            }
        }
    }
    let mut frames = Vec::with_capacity(count);
    for size in sizes {
        let end = at.checked_add(size).filter(|end| *end <= data.len()).ok_or(BEYOND)?;
        frames.push(at..end);
        at = end;
    }
    frames.push(at..data.len());
    if at > data.len() { Err(BEYOND) } else { Ok(frames) }
}

const BEYOND: ErrorKind = ErrorKind::InvalidValue("lace sizes that reach beyond the block");

/// A VINT of 1 to 8 bytes without its marker (RFC 8794 §4), and its width.
#[inline]
pub(super) fn vint(data: &[u8]) -> Option<(u64, usize)> {
    let first = *data.first()?;
    if first >= 0x80 {
        return Some((u64::from(first & 0x7F), 1));
    }
    let len = first.leading_zeros() as usize + 1;
    let bytes = data.get(..len)?;
    let value = bytes.iter().fold(0u64, |value, byte| value << 8 | u64::from(*byte));
    (len <= 8).then(|| (value & ((1u64 << (7 * len)) - 1), len))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lens(lacing: Lacing, data: &[u8]) -> Result<Vec<usize>, ErrorKind> {
        frames(lacing, data).map(|frames| frames.into_iter().map(|range| range.len()).collect())
    }

    #[test]
    fn xiph() {
        // The example of RFC 9559 §10.3.2: 800, 500, 1000 bytes.
        let mut data = vec![2, 255, 255, 255, 35, 255, 245];
        data.resize(7 + 2300, 0);
        assert_eq!(lens(Lacing::Xiph, &data), Ok(vec![800, 500, 1000]));
        assert_eq!(frames(Lacing::Xiph, &data).unwrap()[0].start, 7);
        assert_eq!(lens(Lacing::Xiph, &[0, 1, 2]), Ok(vec![2]));
        assert_eq!(lens(Lacing::Xiph, &[1, 255, 255]), Err(BEYOND));
        assert_eq!(lens(Lacing::Xiph, &[1, 3, 0, 0]), Err(BEYOND));
        assert!(lens(Lacing::Xiph, &[]).is_err());
    }

    #[test]
    fn ebml() {
        // The example of RFC 9559 §10.3.3: 800, 500, 1000 bytes; the difference is -300.
        let mut data = vec![2, 0x43, 0x20, 0x5E, 0xD3];
        data.resize(5 + 2300, 0);
        assert_eq!(lens(Lacing::Ebml, &data), Ok(vec![800, 500, 1000]));
        assert_eq!(lens(Lacing::Ebml, &[1, 0xFF, 0]), Err(ErrorKind::InvalidValue("a reserved size in an EBML lace")));
        assert_eq!(lens(Lacing::Ebml, &[2, 0x81, 0x80, 0, 0]), Err(BEYOND));
        assert_eq!(lens(Lacing::Ebml, &[1, 0]), Err(BEYOND));
        assert_eq!(lens(Lacing::Ebml, &[1, 0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFE]), Err(BEYOND));
    }

    #[test]
    fn fixed() {
        assert_eq!(lens(Lacing::FixedSize, &[2, 1, 2, 3, 4, 5, 6]), Ok(vec![2, 2, 2]));
        assert_eq!(lens(Lacing::FixedSize, &[255]), Ok(vec![0; 256]));
        assert!(lens(Lacing::FixedSize, &[2, 1]).is_err());
    }

    #[test]
    fn vints() {
        assert_eq!(vint(&[0x81]), Some((1, 1)));
        assert_eq!(vint(&[0x40, 0x02, 9]), Some((2, 2)));
        assert_eq!(vint(&[1, 0, 0, 0, 0, 0, 0, 3]), Some((3, 8)));
        assert_eq!(vint(&[0, 1]), None);
        assert_eq!(vint(&[0x40]), None);
    }
}
