//! Reading syntax elements from a NAL unit, bit by bit.

use crate::{Error, ErrorKind};

/// Reads bits and Exp-Golomb codes from the bytes of a NAL unit as they are: emulation prevention bytes (H.264
/// §7.3.1) are stepped over on the way, so that nothing is copied.
///
/// ```
/// use kineframe_bitstream::BitReader;
///
/// let mut bits = BitReader::new("example", &[0b1_010_0010, 0b1_1000000]);
/// assert_eq!(bits.ue("first"), Ok(0));
/// assert_eq!(bits.ue("second"), Ok(1));
/// assert_eq!(bits.se("third"), Ok(-2)); // 00101: the code number 4 stands for -2.
/// assert!(!bits.more_rbsp_data()); // A one bit and zero bits end the unit.
/// ```
#[derive(Debug, Clone)]
pub struct BitReader<'a> {
    unit: &'static str,
    bytes: &'a [u8],
    /// Bytes taken from `bytes`, emulation prevention bytes included.
    taken: usize,
    /// The byte being read; its low `left` bits are still to come.
    current: u8,
    left: u32,
    /// Zero bytes right before the next one.
    zeros: u32,
    /// There are emulation prevention bytes.
    escaped: bool,
}

impl<'a> BitReader<'a> {
    /// Reads `bytes`; `unit` names them in errors.
    pub fn new(unit: &'static str, bytes: &'a [u8]) -> Self {
        BitReader { unit, bytes, taken: 0, current: 0, left: 0, zeros: 0, escaped: true }
    }

    /// Reads `bytes` of a codec that has no emulation prevention: AV1, VP9.
    pub fn plain(unit: &'static str, bytes: &'a [u8]) -> Self {
        BitReader { escaped: false, ..BitReader::new(unit, bytes) }
    }

    /// Bits read, those of emulation prevention bytes included.
    pub fn position(&self) -> u64 {
        self.taken as u64 * 8 - u64::from(self.left)
    }

    /// An error at the place reached.
    pub fn error(&self, field: &'static str, kind: ErrorKind) -> Error {
        Error { unit: self.unit, field, bit: self.position(), kind }
    }

    /// An error unless `value` lies within the bounds, both included.
    pub fn within<T: Copy + Into<i64>>(&self, field: &'static str, value: T, min: i64, max: i64) -> Result<T, Error> {
        if (min..=max).contains(&value.into()) {
            Ok(value)
        } else {
            Err(self.error(field, ErrorKind::Range { value: value.into(), min, max }))
        }
    }

    /// The next `count` bits, at most 32, the first one highest: `u(n)`.
    pub fn bits(&mut self, count: u32, field: &'static str) -> Result<u32, Error> {
        debug_assert!(count <= 32);
        let mut value = 0_u64;
        let mut wanted = count.min(32);
        while wanted > 0 {
            if self.left == 0 {
                self.refill(field)?;
            }
            let step = wanted.min(self.left);
            let part = (u32::from(self.current) >> (self.left - step)) & ((1 << step) - 1);
            value = value << step | u64::from(part);
            self.left -= step;
            wanted -= step;
        }
        Ok(value as u32) // At most 32 bits were gathered.
    }

    /// The next bit: `u(1)`.
    pub fn flag(&mut self, field: &'static str) -> Result<bool, Error> {
        Ok(self.bits(1, field)? == 1)
    }

    /// The next 8 bits at most.
    pub fn byte(&mut self, count: u32, field: &'static str) -> Result<u8, Error> {
        Ok(self.bits(count.min(8), field)? as u8)
    }

    /// An unsigned Exp-Golomb code: `ue(v)`, 0 to 2³² − 2.
    pub fn ue(&mut self, field: &'static str) -> Result<u32, Error> {
        let mut zeros = 0;
        while !self.flag(field)? {
            zeros += 1;
            if zeros > 31 {
                return Err(self.error(field, ErrorKind::Golomb));
            }
        }
        // 2^zeros - 1 + at most 2^zeros - 1, with zeros below 32.
        Ok((1_u32 << zeros) - 1 + self.bits(zeros, field)?)
    }

    /// As [`ue`](Self::ue), with an upper bound.
    pub fn ue_max(&mut self, field: &'static str, max: u32) -> Result<u32, Error> {
        let value = self.ue(field)?;
        self.within(field, value, 0, i64::from(max))
    }

    /// A signed Exp-Golomb code: `se(v)`, −2³¹ + 1 to 2³¹ − 1.
    pub fn se(&mut self, field: &'static str) -> Result<i32, Error> {
        let code = self.ue(field)?;
        // Half of a 32-bit number, rounded up, fits 31 bits: the largest code is 2^32 - 2.
        let magnitude = code.div_ceil(2) as i32;
        Ok(if code % 2 == 1 { magnitude } else { -magnitude })
    }

    /// Whether anything but the trailing bits is left (`more_rbsp_data()`, H.264 §7.2). Not for slice data, after
    /// which `cabac_zero_words` may follow.
    pub fn more_rbsp_data(&self) -> bool {
        let Some(last) = self.bytes.iter().rposition(|byte| *byte != 0) else { return false };
        let stop = last as u64 * 8 + 7 - u64::from(self.bytes[last].trailing_zeros());
        self.position() < stop
    }

    fn refill(&mut self, field: &'static str) -> Result<(), Error> {
        if self.escaped && self.zeros >= 2 && self.bytes.get(self.taken) == Some(&3) {
            self.taken += 1;
            self.zeros = 0;
        }
        let Some(byte) = self.bytes.get(self.taken) else {
            return Err(self.error(field, ErrorKind::Truncated));
        };
        self.taken += 1;
        self.zeros = if *byte == 0 { self.zeros + 1 } else { 0 };
        (self.current, self.left) = (*byte, 8);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Writes bits, to compare the reader with.
    #[derive(Default)]
    struct BitWriter(Vec<bool>);

    impl BitWriter {
        fn bits(&mut self, value: u64, count: u32) {
            self.0.extend((0..count).rev().map(|bit| value >> bit & 1 == 1));
        }

        fn ue(&mut self, value: u32) {
            let code = u64::from(value) + 1;
            let length = 64 - code.leading_zeros();
            self.bits(0, length - 1);
            self.bits(code, length);
        }

        /// The bytes with trailing bits, and with emulation prevention bytes in front of what needs them.
        fn nal(mut self) -> Vec<u8> {
            self.0.push(true);
            while !self.0.len().is_multiple_of(8) {
                self.0.push(false);
            }
            let bytes = self.0.chunks(8).map(|bits| bits.iter().fold(0, |byte, bit| byte << 1 | u8::from(*bit)));
            let mut out: Vec<u8> = Vec::new();
            let mut zeros = 0;
            for byte in bytes {
                if zeros >= 2 && byte <= 3 {
                    out.push(3);
                    zeros = 0;
                }
                zeros = if byte == 0 { zeros + 1 } else { 0 };
                out.push(byte);
            }
            out
        }
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(values in prop::collection::vec((any::<u32>(), 0_u32..33, 0_u8..3), 0..40)) {
            let mut writer = BitWriter::default();
            for (value, shift, kind) in &values {
                let value = if *shift == 32 { 0 } else { value >> shift };
                match kind {
                    0 => writer.bits(u64::from(value), 32 - (*shift).min(31)),
                    1 => writer.ue(value.min(u32::MAX - 1)),
                    _ => writer.ue(value.min(u32::MAX - 1)),
                }
            }
            let nal = writer.nal();
            let mut reader = BitReader::new("test", &nal);
            for (value, shift, kind) in &values {
                let value = if *shift == 32 { 0 } else { value >> shift };
                prop_assert!(*kind == 0 && *shift == 31 || reader.more_rbsp_data());
                match kind {
                    0 => prop_assert_eq!(reader.bits(32 - (*shift).min(31), "u").unwrap(), value),
                    1 => prop_assert_eq!(reader.ue("ue").unwrap(), value.min(u32::MAX - 1)),
                    _ => {
                        let code = i64::from(value.min(u32::MAX - 1));
                        let expected = if code % 2 == 1 { (code + 1) / 2 } else { -(code / 2) };
                        prop_assert_eq!(i64::from(reader.se("se").unwrap()), expected);
                    }
                }
            }
            prop_assert!(!reader.more_rbsp_data());
        }

        #[test]
        fn random_bytes_end_in_an_error_and_not_beyond_them(bytes in prop::collection::vec(0_u8..5, 0..64)) {
            let mut reader = BitReader::new("test", &bytes);
            while reader.ue("ue").is_ok() {}
            prop_assert!(reader.position() <= bytes.len() as u64 * 8);
        }
    }

    #[test]
    fn a_code_of_32_zeros_is_refused() {
        let mut reader = BitReader::new("SPS", &[0, 0, 3, 0, 0, 3, 1, 0, 0]);
        assert_eq!(
            reader.ue("seq_parameter_set_id").unwrap_err().to_string(),
            "SPS: seq_parameter_set_id at bit 40: an Exp-Golomb code longer than any value needs"
        );
    }

    #[test]
    fn the_largest_code_is_read() {
        let mut reader = BitReader::new("x", &[0, 0, 0, 1, 0xff, 0xff, 0xff, 0xfe]);
        assert_eq!(reader.ue("x"), Ok(u32::MAX - 1));
        let mut reader = BitReader::new("x", &[0, 0, 0, 1, 0xff, 0xff, 0xff, 0xfe]);
        assert_eq!(reader.se("x"), Ok(-i32::MAX));
    }
}
