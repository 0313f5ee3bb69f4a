//! Damage to bytes.

use std::ops::Range;

use crate::Rng;

/// `data` with bit `bit` (0 is the lowest) of byte `at` flipped.
///
/// # Panics
/// Where there is no such byte or bit.
pub fn flipped(data: &[u8], at: usize, bit: u32) -> Vec<u8> {
    assert!(bit < 8, "a byte has no bit {bit}");
    let mut data = data.to_vec();
    data[at] ^= 1 << bit;
    data
}

/// `data` with each bit of the bytes in `ranges` flipped in turn: byte, bit, and the damaged bytes.
pub fn bit_flips<'a>(
    data: &'a [u8],
    ranges: impl IntoIterator<Item = Range<usize>> + 'a,
) -> impl Iterator<Item = (usize, u32, Vec<u8>)> + 'a {
    let places = ranges.into_iter().flatten().flat_map(|at| (0..8).map(move |bit| (at, bit)));
    places.map(|(at, bit)| (at, bit, flipped(data, at, bit)))
}

/// `data` with the bytes of `range` replaced by `by`, of any length.
pub fn replaced(data: &[u8], range: Range<usize>, by: &[u8]) -> Vec<u8> {
    [&data[..range.start], by, &data[range.end..]].concat()
}

/// `data` with some of its bits flipped, each a byte's place and a bit of it, then cut short. Places and the length are
/// taken modulo the length of `data`, so that any numbers will do: those of a property test.
///
/// # Panics
/// Where `data` is empty.
pub fn spoiled(data: &[u8], flips: &[(usize, u8)], length: usize) -> Vec<u8> {
    let mut spoiled = data.to_vec();
    for (at, bit) in flips {
        spoiled[at % data.len()] ^= 1 << (bit % 8);
    }
    spoiled.truncate(length % data.len());
    spoiled
}

/// `data` with `extra` put in at `at`.
pub fn inserted(data: &[u8], at: usize, extra: &[u8]) -> Vec<u8> {
    replaced(data, at..at, extra)
}

/// `data` without the bytes of `range`.
pub fn removed(data: &[u8], range: Range<usize>) -> Vec<u8> {
    replaced(data, range, &[])
}

/// `data` with the bytes of `range` replaced by random ones.
pub fn garbled(data: &[u8], range: Range<usize>, seed: u64) -> Vec<u8> {
    let noise = Rng::new(seed).bytes(range.len());
    replaced(data, range, &noise)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_does_what_it_says() {
        let data = [0, 1, 2, 3, 4];
        assert_eq!(flipped(&data, 2, 7), [0, 1, 0x82, 3, 4]);
        assert_eq!(inserted(&data, 5, &[9]), [0, 1, 2, 3, 4, 9]);
        assert_eq!(removed(&data, 1..3), [0, 3, 4]);
        assert_eq!(replaced(&data, 0..4, &[8]), [8, 4]);
        assert_eq!(garbled(&data, 1..4, 1).len(), 5);
        assert_eq!(spoiled(&data, &[(2, 7), (6, 9)], 9), [0, 3, 0x82, 3]);
        let flips: Vec<_> = bit_flips(&data, [0..1, 4..5]).collect();
        assert_eq!(flips.len(), 16);
        assert_eq!(flips[8], (4, 0, vec![0, 1, 2, 3, 5]));
    }
}
