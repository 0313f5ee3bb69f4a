//! Bytes in pieces, as a network or a pipe might give them.

use crate::Rng;

/// Sizes of pieces that every push parser is tried with.
pub const PIECE_SIZES: [usize; 8] = [1, 2, 3, 7, 188, 1024, 8192, 65_536];

/// `data` in pieces of `size` bytes, the last one shorter.
pub fn pieces(data: &[u8], size: usize) -> impl Iterator<Item = &[u8]> {
    data.chunks(size)
}

/// `data` in pieces of random length: mostly a few bytes, some longer, now and then an empty one.
pub fn random_pieces(data: &[u8], seed: u64) -> Vec<&[u8]> {
    let mut rng = Rng::new(seed);
    let typical = 1 << (2 + rng.below(13)); // 4 bytes to 16 KiB, so that seeds differ in kind
    let mut rest = data;
    let mut found = Vec::new();
    while !rest.is_empty() {
        let len = match rng.below(16) {
            0 => 0,
            1 => 1,
            2 => rng.below(typical * 8),
            _ => 1 + rng.below(typical),
        };
        let (piece, after) = rest.split_at(len.min(rest.len()));
        found.push(piece);
        rest = after;
    }
    found
}

/// `data` in two pieces, at each place from before the first byte to behind the last.
pub fn every_cut(data: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    (0..=data.len()).map(|at| data.split_at(at))
}

/// `data` whole, in each of [`PIECE_SIZES`], and cut at random `random` times, each with a label for messages.
pub fn cuttings(data: &[u8], random: usize, seed: u64) -> impl Iterator<Item = (String, Vec<&[u8]>)> {
    let whole = std::iter::once(("whole".to_owned(), vec![data]));
    let fixed = PIECE_SIZES.iter().map(|size| (format!("pieces of {size}"), pieces(data, *size).collect()));
    let random = (seed..seed + random as u64).map(|seed| (format!("random, seed {seed}"), random_pieces(data, seed)));
    whole.chain(fixed).chain(random)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_or_moved() {
        let data = Rng::new(3).bytes(10_000);
        let mut seen = 0;
        for (label, parts) in cuttings(&data, 50, 9) {
            assert_eq!(parts.concat(), data, "{label}");
            seen += 1;
        }
        assert_eq!(seen, 1 + 8 + 50);
        assert!(every_cut(&data[..20]).all(|(a, b)| [a, b].concat() == data[..20]));
        assert_eq!(every_cut(&data[..20]).count(), 21);
    }

    #[test]
    fn random_pieces_differ_by_seed_and_hold_empty_ones() {
        let data = Rng::new(4).bytes(5000);
        assert_ne!(random_pieces(&data, 1), random_pieces(&data, 2));
        assert_eq!(random_pieces(&data, 1), random_pieces(&data, 1));
        assert!((0..20).any(|seed| random_pieces(&data, seed).iter().any(|piece| piece.is_empty())));
        assert!(random_pieces(&[], 1).is_empty());
    }
}
