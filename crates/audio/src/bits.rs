//! Bits of a byte string, the most significant first, in and out.

/// Reads bits.
#[derive(Debug, Clone)]
pub(crate) struct BitReader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> BitReader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        BitReader { bytes, at: 0 }
    }

    /// The next `count` bits, at most 32; `None` where there are not so many.
    pub fn take(&mut self, count: u32) -> Option<u32> {
        let mut value = 0u32;
        for _ in 0..count {
            let byte = self.bytes.get(self.at / 8)?;
            value = (value << 1) | u32::from((byte >> (7 - self.at % 8)) & 1);
            self.at += 1;
        }
        Some(value)
    }

    /// One bit.
    pub fn flag(&mut self) -> Option<bool> {
        self.take(1).map(|bit| bit == 1)
    }

    /// Goes on at the next whole byte.
    pub fn align(&mut self) {
        self.at = self.at.next_multiple_of(8);
    }
}

/// Writes bits.
#[derive(Debug, Clone, Default)]
pub(crate) struct BitWriter {
    bytes: Vec<u8>,
    /// Bits of the last byte that are in use; 0 where it is full.
    used: u32,
}

impl BitWriter {
    /// Puts the low `count` bits of `value` in, at most 32.
    pub fn put(&mut self, count: u32, value: u32) {
        for place in (0..count).rev() {
            if self.used == 0 {
                self.bytes.push(0);
            }
            if let Some(last) = self.bytes.last_mut() {
                *last |= (((value >> place) & 1) as u8) << (7 - self.used);
            }
            self.used = (self.used + 1) % 8;
        }
    }

    /// Fills the last byte up with zeros.
    pub fn align(&mut self) {
        self.used = 0;
    }

    /// What was written, filled up with zeros.
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_was_put_in_is_read_again(fields in proptest::collection::vec((1u32..=32, any::<u32>()), 0..20)) {
            let mut writer = BitWriter::default();
            fields.iter().for_each(|(count, value)| writer.put(*count, *value));
            let bytes = writer.finish();
            let mut reader = BitReader::new(&bytes);
            for (count, value) in fields {
                prop_assert_eq!(reader.take(count), Some((u64::from(value) & ((1 << count) - 1)) as u32));
            }
            prop_assert_eq!(reader.take(8), None);
        }
    }
}
