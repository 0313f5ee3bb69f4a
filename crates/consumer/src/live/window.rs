//! Bytes of a read that are not handed out yet.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hasher};

use bytes::Bytes;

/// The pieces of a read from some offset on.
#[derive(Debug, Default)]
pub(super) struct Window {
    pieces: VecDeque<Bytes>,
    /// Where the first piece begins in the read.
    start: u64,
}

impl Window {
    pub(super) fn push(&mut self, piece: Bytes) {
        self.pieces.push_back(piece);
    }

    /// Whether all was taken.
    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Where the last byte that was read ends.
    pub(super) fn end(&self) -> u64 {
        self.pieces.iter().fold(self.start, |end, piece| end.saturating_add(piece.len() as u64))
    }

    /// Where the next byte to be taken stands in the read.
    pub(super) fn position(&self) -> u64 {
        self.start
    }

    /// A number that other bytes up to `end` do not have; of those that were not taken yet.
    pub(super) fn digest_to(&self, end: u64) -> u64 {
        let mut digest = DefaultHasher::new();
        let mut left = end.saturating_sub(self.start);
        for piece in &self.pieces {
            let part = piece.get(..usize::try_from(left).unwrap_or(usize::MAX)).unwrap_or(piece);
            digest.write(part);
            left -= part.len() as u64;
        }
        digest.finish()
    }

    /// The bytes up to `end` of the read, by handle, as one piece after the other.
    pub(super) fn take_to(&mut self, end: u64, mut take: impl FnMut(Bytes)) {
        while self.start < end {
            let Some(piece) = self.pieces.front_mut() else { return };
            let length = piece.len() as u64;
            let wanted = end - self.start;
            if wanted >= length {
                self.start += length;
                if let Some(piece) = self.pieces.pop_front() {
                    take(piece);
                }
            } else {
                // Less than the piece's length, which is a usize.
                let part = piece.split_to(wanted as usize);
                self.start = end;
                take(part);
            }
        }
    }
}
