//! The bytes of a body as they came, until they are given away up to some place.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

/// Pieces of this size or less are copied together when they are given away: a handle on each would keep the
/// buffer that it came in, which may be much larger.
const SMALL: usize = 4 << 10;

/// Bytes of the input from some offset on.
#[derive(Debug, Default)]
pub(super) struct Rope {
    pieces: VecDeque<Bytes>,
    start: u64,
    end: u64,
}

impl Rope {
    pub(super) fn push(&mut self, piece: Bytes) {
        self.end += piece.len() as u64;
        if !piece.is_empty() {
            self.pieces.push_back(piece);
        }
    }

    /// Bytes held.
    pub(super) fn len(&self) -> u64 {
        self.end - self.start
    }

    /// Gives away all bytes before `offset`.
    pub(super) fn take(&mut self, offset: u64) -> Vec<Bytes> {
        let mut taken = Vec::new();
        let mut small = BytesMut::new();
        while self.start < offset.min(self.end) {
            let Some(mut piece) = self.pieces.pop_front() else { break };
            let wanted = usize::try_from(offset - self.start).unwrap_or(usize::MAX);
            if wanted < piece.len() {
                let rest = piece.split_off(wanted);
                self.pieces.push_front(rest);
            }
            self.start += piece.len() as u64;
            if piece.len() <= SMALL {
                small.extend_from_slice(&piece);
            } else {
                if !small.is_empty() {
                    taken.push(small.split().freeze());
                }
                taken.push(piece);
            }
        }
        if !small.is_empty() {
            taken.push(small.freeze());
        }
        taken
    }

    /// Gives away all bytes before `offset` as one.
    pub(super) fn take_whole(&mut self, offset: u64) -> Bytes {
        let mut parts = self.take(offset);
        match parts.len() {
            0 => Bytes::new(),
            1 => parts.swap_remove(0),
            _ => parts.concat().into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn what_is_taken_is_what_was_pushed(
            sizes in proptest::collection::vec(0usize..9000, 0..12),
            cuts in proptest::collection::vec(0u64..40_000, 0..12),
        ) {
            let mut rope = Rope::default();
            let mut expected = Vec::new();
            for (index, size) in sizes.iter().enumerate() {
                let piece: Vec<u8> = (0..*size).map(|at| (at * 7 + index) as u8).collect();
                expected.extend_from_slice(&piece);
                rope.push(Bytes::from(piece));
            }
            let mut seen = Vec::new();
            for cut in cuts {
                seen.extend(rope.take(cut).concat());
                prop_assert_eq!(seen.len() as u64 + rope.len(), expected.len() as u64);
            }
            seen.extend_from_slice(&rope.take_whole(u64::MAX));
            prop_assert_eq!(seen, expected);
        }
    }
}
