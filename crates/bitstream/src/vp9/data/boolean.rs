//! The bool decoder (§9.2).

use super::tables::Tree;
use crate::{Error, ErrorKind};

const UNIT: &str = "VP9 data";

/// Reads decisions, each with the probability that it is 0. Behind its end it goes on in zeros: whether that was
/// needed, [`overrun`](Self::overrun) says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bool<'a> {
    data: &'a [u8],
    /// Bytes in front of `data`, for errors.
    before: u64,
    /// Bytes that went into `value`, those behind the end included.
    taken: u64,
    /// `BoolValue` in its highest eight bits, the ones that come next below.
    value: u64,
    /// How many bits stand below those eight; negative where there are fewer than eight.
    below: i32,
    /// `BoolRange`.
    range: u32,
}

impl<'a> Bool<'a> {
    /// `init_bool()` (§9.2.1): begins with these bytes, before which so many lie in the frame.
    pub(super) fn new(data: &'a [u8], before: usize) -> Result<Self, Error> {
        let mut bits = Bool { data, before: before as u64, taken: 0, value: 0, below: -8, range: 255 };
        if data.is_empty() {
            return Err(bits.error("init_bool", ErrorKind::Truncated));
        }
        if bits.read(128) {
            return Err(bits.error("marker_bit", ErrorKind::Kind));
        }
        Ok(bits)
    }

    /// What `value`, `below` and `taken` are when as many bytes have been taken as fit. They go in and come out one by
    /// one, so that they can stay in registers.
    #[cold]
    #[inline(never)]
    fn filled(data: &[u8], value: u64, below: i32, taken: u64) -> (u64, i32, u64) {
        // Fewer than eight bits are left.
        let held = (below + 8).clamp(0, 7) as u32;
        let bytes = if held == 0 { 8 } else { 7 };
        let rest = usize::try_from(taken).ok().and_then(|taken| data.get(taken..)).unwrap_or_default();
        let next = match rest.first_chunk::<8>() {
            Some(next) => u64::from_be_bytes(*next),
            None => rest.iter().zip(0_u32..).fold(0, |next, (byte, at)| next | u64::from(*byte) << (56 - 8 * at)),
        };
        // What of the eighth byte comes along is read again, in the same place.
        (value | next >> held, below + 8 * bytes, taken + u64::from(bytes.unsigned_abs()))
    }

    /// `read_bool()` (§9.2.2).
    #[inline]
    pub(super) fn read(&mut self, probability: u8) -> bool {
        let split = 1 + (((self.range - 1) * u32::from(probability)) >> 8);
        if self.below < 0 {
            (self.value, self.below, self.taken) = Self::filled(self.data, self.value, self.below, self.taken);
        }
        let high = u64::from(split) << 56;
        let bit = self.value >= high;
        let range = if bit { self.range - split } else { split };
        let value = if bit { self.value - high } else { self.value };
        // Both parts of a range are at least 1 and at most 255.
        let shift = range.leading_zeros().saturating_sub(24);
        self.range = range << shift;
        self.value = value << shift;
        self.below -= shift as i32; // At most 7.
        bit
    }

    /// `read_literal()` (§9.2.4): at most eight bits.
    pub(super) fn literal(&mut self, count: u32) -> u8 {
        (0..count.min(8)).fold(0, |value, _| value << 1 | u8::from(self.read(128)))
    }

    /// Walks a tree (§9.3.1).
    #[inline]
    pub(super) fn tree<const N: usize>(&mut self, tree: &Tree<N>, probabilities: &[u8; N]) -> u8 {
        let mut node = 0;
        while let (Some([zero, one]), Some(probability)) = (tree.get(node), probabilities.get(node)) {
            let next = if self.read(*probability) { *one } else { *zero };
            if next <= 0 {
                return next.unsigned_abs();
            }
            node = usize::from(next.unsigned_abs());
        }
        0
    }

    /// Bits of the data that were read, the eight that [`read`](Self::read) looks ahead included.
    fn position(&self) -> u64 {
        (8 * self.taken).saturating_add_signed(-i64::from(self.below))
    }

    /// More bits were needed than there are.
    pub(super) fn overrun(&self) -> bool {
        self.position() > 8 * self.data.len() as u64
    }

    /// `exit_bool()` (§9.2.3): nothing was read behind the end, and what is left is zero.
    pub(super) fn exit(&self) -> Result<(), Error> {
        if self.overrun() {
            return Err(self.error("exit_bool", ErrorKind::Truncated));
        }
        let rest = usize::try_from(self.taken).ok().and_then(|taken| self.data.get(taken..)).unwrap_or_default();
        if self.value << 8 != 0 || rest.iter().any(|byte| *byte != 0) {
            return Err(self.error("padding", ErrorKind::Trailing));
        }
        Ok(())
    }

    /// An error at the place reached.
    #[cold]
    pub(super) fn error(&self, field: &'static str, kind: ErrorKind) -> Error {
        Error { unit: UNIT, field, bit: 8 * self.before + self.position().min(8 * self.data.len() as u64), kind }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The decoder as the specification has it, a bit at a time.
    struct Slow<'a> {
        bits: Vec<bool>,
        at: usize,
        value: u32,
        range: u32,
        data: &'a [u8],
    }

    impl<'a> Slow<'a> {
        fn new(data: &'a [u8]) -> Self {
            let bits = data.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1 == 1)).collect();
            let mut slow = Slow { bits, at: 0, value: 0, range: 255, data };
            (0..8).for_each(|_| slow.shift());
            slow
        }

        fn shift(&mut self) {
            self.value = self.value << 1 | u32::from(self.bits.get(self.at).copied().unwrap_or(false));
            self.at += 1;
        }

        fn read(&mut self, probability: u8) -> bool {
            let split = 1 + (((self.range - 1) * u32::from(probability)) >> 8);
            let bit = self.value >= split;
            (self.range, self.value) = if bit { (self.range - split, self.value - split) } else { (split, self.value) };
            while self.range < 128 {
                self.range *= 2;
                self.shift();
            }
            bit
        }
    }

    #[test]
    fn reads_and_ends_as_the_specification_says() {
        let mut seed = 1_u32;
        let mut random = move || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 24) as u8
        };
        for round in 0..400 {
            let mut data: Vec<u8> = (0..round % 40 + 1).map(|_| random()).collect();
            data[0] &= 0x7f;
            data.extend(std::iter::repeat_n(0, round % 23));
            let (mut fast, mut slow) = (Bool::new(&data, 0).unwrap(), Slow::new(&data));
            assert!(!slow.read(128));
            for _ in 0..8 * round {
                let probability = random().max(1);
                assert_eq!(fast.read(probability), slow.read(probability));
                assert_eq!(fast.position(), slow.at as u64);
                let over = slow.at > slow.bits.len();
                assert_eq!(fast.overrun(), over);
                let zero = !over && slow.bits[slow.at..].iter().all(|bit| !bit);
                assert_eq!(fast.exit().is_ok(), zero, "{} of {}", slow.at, slow.data.len());
            }
        }
    }
}
