//! The boolean entropy decoder (RFC 6386 §7), which knows when it is asked for more than there is.

/// Reads booleans of given odds. Behind the end of its bytes it reads zeros, and [`overrun`](Self::overrun) says so.
#[derive(Debug, Clone)]
pub(super) struct BoolDecoder<'a> {
    /// What has not been taken into `value`.
    rest: &'a [u8],
    /// The next bits of the code less what was subtracted from them, the first one in the highest place.
    value: u64,
    range: u32,
    /// Bits in `value` besides the eight that the next boolean is decided by.
    ahead: i32,
    /// Bits that were taken into `value` so far, zeros behind the end among them.
    taken: u64,
    overrun: bool,
}

impl<'a> BoolDecoder<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        BoolDecoder { rest: bytes, value: 0, range: 255, ahead: -8, taken: 0, overrun: false }
    }

    /// A boolean that is false with odds of `probability` in 256.
    #[inline(always)]
    pub(super) fn read(&mut self, probability: u8) -> bool {
        if self.ahead < 0 {
            self.fill();
        }
        let split = 1 + (((self.range - 1) * u32::from(probability)) >> 8);
        let bound = u64::from(split) << 56;
        let one = self.value >= bound;
        if one {
            self.range -= split;
            self.value -= bound;
        } else {
            self.range = split;
        }
        // Both parts of a range of 128 to 255 are 1 to 254.
        let shift = self.range.leading_zeros() - 24;
        self.range <<= shift;
        self.value <<= shift;
        self.ahead -= shift.cast_signed();
        one
    }

    /// Takes the next seven bytes, or as many as are left.
    #[cold]
    #[inline(never)]
    fn fill(&mut self) {
        // Eight at the beginning, else one to seven.
        let missing = self.ahead.unsigned_abs();
        let (bytes, count) = match self.rest.first_chunk::<8>() {
            Some(bytes) => (*bytes, 7),
            None => {
                let mut bytes = [0; 8];
                let count = self.rest.len().min(7);
                bytes.iter_mut().zip(self.rest).for_each(|(byte, from)| *byte = *from);
                (bytes, count)
            }
        };
        self.rest = self.rest.get(count..).unwrap_or_default();
        // Where there are none left, seven bytes of zeros.
        self.overrun |= count == 0;
        let bits = if count == 0 { 56 } else { 8 * count as u32 };
        self.value |= (u64::from_be_bytes(bytes) >> 8) << missing;
        self.ahead += bits.cast_signed();
        self.taken += u64::from(bits);
    }

    /// A flag: even odds.
    pub(super) fn flag(&mut self) -> bool {
        self.read(128)
    }

    /// An unsigned number of at most 8 bits, each of even odds.
    pub(super) fn literal(&mut self, count: u32) -> u8 {
        (0..count).fold(0, |value, _| value << 1 | u8::from(self.flag()))
    }

    /// A number with a sign behind it, where a flag says that it is there.
    pub(super) fn optional_signed(&mut self, count: u32) {
        if self.flag() {
            self.literal(count);
            self.flag();
        }
    }

    /// A boolean was decided by bits behind the end.
    pub(super) fn overrun(&self) -> bool {
        self.overrun
    }

    /// Bits so far.
    pub(super) fn position(&self) -> u64 {
        // `ahead` is -8 where nothing was read.
        self.taken.saturating_sub(u64::from((self.ahead + 8).unsigned_abs()))
    }

    /// The code is the lower bound of what was read, with nothing but zeros behind.
    pub(super) fn ends_low(&self) -> bool {
        self.value == 0 && self.rest.iter().all(|byte| *byte == 0)
    }

    /// Bytes from the one with the next bit to the last one that is not zero.
    pub(super) fn left(&self) -> usize {
        let behind = self.rest.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        let ahead = usize::try_from((self.ahead + 8).max(0)).unwrap_or(0).div_ceil(8);
        if behind > 0 { ahead + behind } else { (64 - self.value.trailing_zeros() as usize).div_ceil(8) }
    }
}

#[cfg(test)]
mod tests {
    use super::BoolDecoder;

    /// The encoder of §7.3, which ends with all bits of its lower bound.
    #[derive(Default)]
    pub(in crate::vp8) struct BoolEncoder {
        bits: Vec<u8>,
        range: u32,
    }

    impl BoolEncoder {
        pub(in crate::vp8) fn new() -> Self {
            BoolEncoder { bits: vec![0; 8], range: 255 }
        }

        /// The lower bound is kept bit for bit: eight bits of it belong to the range.
        pub(in crate::vp8) fn write(&mut self, one: bool, probability: u8) {
            let split = 1 + (((self.range - 1) * u32::from(probability)) >> 8);
            if one {
                let mut carry = split;
                for bit in self.bits.iter_mut().rev() {
                    carry += u32::from(*bit);
                    *bit = (carry & 1) as u8;
                    carry >>= 1;
                }
                self.range -= split;
            } else {
                self.range = split;
            }
            while self.range < 128 {
                self.range <<= 1;
                self.bits.push(0);
            }
        }

        pub(in crate::vp8) fn finish(self) -> Vec<u8> {
            self.bits
                .chunks(8)
                .map(|bits| bits.iter().zip(0..).fold(0, |byte, (bit, at)| byte | bit << (7 - at)))
                .collect()
        }
    }

    fn odds(index: usize) -> u8 {
        (index * 89 % 255 + 1) as u8
    }

    #[test]
    fn what_was_written_is_read_and_nothing_is_left() {
        for count in 0..300 {
            let ones: Vec<bool> = (0..count).map(|index| index * index % 7 > 2).collect();
            let mut encoder = BoolEncoder::new();
            ones.iter().enumerate().for_each(|(index, one)| encoder.write(*one, odds(index)));
            let bytes = encoder.finish();
            let decode = |bytes: &[u8]| {
                let mut decoder = BoolDecoder::new(bytes);
                let read: Vec<bool> = (0..count).map(|index| decoder.read(odds(index))).collect();
                (read == ones, decoder.overrun(), decoder.ends_low(), decoder.left())
            };
            assert_eq!(decode(&bytes), (true, false, true, 0), "{count}");
            assert_eq!(decode(&[&bytes[..], &[0; 30]].concat()), (true, false, true, 0), "padding");
            let longer = decode(&[&bytes[..], &[0, 0, 0, 0, 0, 0, 0, 0, 1]].concat());
            assert!(longer.0 && !longer.2 && longer.3 >= 9, "{count}: {longer:?}");
        }
    }

    #[test]
    fn bits_count_from_the_first() {
        let mut decoder = BoolDecoder::new(&[0x55; 20]);
        assert_eq!(decoder.position(), 0);
        for _ in 0..12 {
            decoder.literal(8);
        }
        // The range is 255 at first, of which one half is 128: that costs no bit.
        assert!((90..=96).contains(&decoder.position()), "{}", decoder.position());
        assert!(!decoder.overrun());
        for _ in 0..10 {
            decoder.literal(8);
        }
        assert!(decoder.overrun() && decoder.position() > 160);
        assert!(!BoolDecoder::new(&[]).overrun(), "nothing was asked for");
    }
}
