//! The `CRC-32` element (RFC 8794 §11.3.1).

use crate::{ElementId, ElementSize, Limits, parse_header};

/// Bytes that a whole `CRC-32` element takes: ID, size, value.
pub const CRC32_ELEMENT_LEN: usize = 6;

/// What a master element's `CRC-32` says of its data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crc32Check {
    /// The data does not begin with a `CRC-32` element.
    Absent,
    /// The value fits the data.
    Match,
    /// The value does not fit.
    Mismatch {
        /// The value in the element.
        stored: u32,
        /// The value of the data.
        computed: u32,
    },
    /// A `CRC-32` element whose data is not four bytes.
    Invalid,
}

/// The CRC-32 of `data` as RFC 8794 §11.3.1 wants it: the CRC of ISO 3309 and ITU-T V.42, that is polynomial
/// 0x04C11DB7, bits reflected, initial value and final XOR of all ones.
///
/// ```
/// assert_eq!(kineframe_ebml::crc32(b"123456789"), 0xCBF4_3926);
/// ```
pub fn crc32(data: &[u8]) -> u32 {
    crc32fast::hash(data)
}

/// Checks the whole data of a master element against the `CRC-32` element at its start, where there is one.
///
/// It covers all data of the master except the `CRC-32` element itself, which must be the first child and holds
/// the value little-endian.
pub fn check_crc32(data: &[u8]) -> Crc32Check {
    let Ok(Some(header)) = parse_header(data, 0, &Limits::default()) else { return Crc32Check::Absent };
    if header.id != ElementId::CRC32 {
        return Crc32Check::Absent;
    }
    let rest = data.get(usize::from(header.header_len)..).unwrap_or_default();
    let (ElementSize::Known(4), Some((stored, covered))) = (header.size, rest.split_first_chunk::<4>()) else {
        return Crc32Check::Invalid;
    };
    let (stored, computed) = (u32::from_le_bytes(*stored), crc32(covered));
    if stored == computed { Crc32Check::Match } else { Crc32Check::Mismatch { stored, computed } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_of_the_crc_catalogue() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(crc32(b""), 0);
    }

    #[test]
    fn little_endian_over_the_rest() {
        let mut data = vec![0xBF, 0x84, 0x26, 0x39, 0xF4, 0xCB];
        data.extend_from_slice(b"123456789");
        assert_eq!(check_crc32(&data), Crc32Check::Match);
        data[2] ^= 1;
        assert_eq!(check_crc32(&data), Crc32Check::Mismatch { stored: 0xCBF4_3927, computed: 0xCBF4_3926 });
        // The same element with its size in two bytes.
        let mut wide = vec![0xBF, 0x40, 0x04, 0x26, 0x39, 0xF4, 0xCB];
        wide.extend_from_slice(b"123456789");
        assert_eq!(check_crc32(&wide), Crc32Check::Match);
    }

    #[test]
    fn absent_and_invalid() {
        assert_eq!(check_crc32(&[]), Crc32Check::Absent);
        assert_eq!(check_crc32(&[0xBF]), Crc32Check::Absent);
        assert_eq!(check_crc32(&[0xEC, 0x80]), Crc32Check::Absent);
        assert_eq!(check_crc32(&[0xBF, 0x83, 1, 2, 3]), Crc32Check::Invalid);
        assert_eq!(check_crc32(&[0xBF, 0x84, 1, 2, 3]), Crc32Check::Invalid);
        assert_eq!(check_crc32(&[0xBF, 0xFF, 1, 2, 3, 4]), Crc32Check::Invalid);
    }
}
