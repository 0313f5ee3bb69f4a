//! The bytes that have come in and are not yet done with: pieces as they came, never joined ahead of need.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use kineframe_ebml::MAX_HEADER_LEN;

/// Above this many pieces, small ones are joined as they come, so that handles cannot outweigh the bytes.
const MAX_PIECES: usize = 1 << 20;
/// The size up to which pieces are joined then.
const JOINED: usize = 64 << 10;

/// A window of the input, addressed by bytes from its start.
#[derive(Debug, Default)]
pub(super) struct Input {
    pieces: VecDeque<Bytes>,
    /// Where the first piece starts.
    base: u64,
    /// Where the last piece ends: how many bytes have ever come.
    end: u64,
    /// The piece last looked at, and where it starts.
    current: usize,
    current_start: u64,
    /// Bytes that were copied to make parts contiguous.
    copied: u64,
}

impl Input {
    /// Bytes that have come.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// The first byte that is still held.
    pub(super) fn base(&self) -> u64 {
        self.base
    }

    /// Bytes that were copied to make parts contiguous.
    pub(super) fn copied(&self) -> u64 {
        self.copied
    }

    /// Adds a piece at the end.
    pub(super) fn push(&mut self, piece: Bytes) {
        if piece.is_empty() {
            return;
        }
        self.end += piece.len() as u64;
        if self.pieces.len() >= MAX_PIECES
            && let Some(last) = self.pieces.back_mut()
            && last.len() + piece.len() <= JOINED
        {
            let mut joined = match std::mem::take(last).try_into_mut() {
                Ok(owned) => owned,
                Err(shared) => {
                    self.copied += shared.len() as u64;
                    BytesMut::from(&shared[..])
                }
            };
            self.copied += piece.len() as u64;
            joined.extend_from_slice(&piece);
            *last = joined.freeze();
            return;
        }
        self.pieces.push_back(piece);
    }

    /// Lets go of the pieces that lie wholly before `before`.
    #[inline]
    pub(super) fn release(&mut self, before: u64) {
        if self.pieces.front().is_none_or(|first| self.base + first.len() as u64 > before) {
            return;
        }
        self.release_pieces(before);
    }

    fn release_pieces(&mut self, before: u64) {
        while let Some(first) = self.pieces.front() {
            let end = self.base + first.len() as u64;
            if end > before {
                break;
            }
            self.pieces.pop_front();
            self.base = end;
            match self.current.checked_sub(1) {
                Some(index) => self.current = index,
                None => self.current_start = end,
            }
        }
    }

    /// The bytes from `at` to the end of the piece that holds it; empty where none are held.
    pub(super) fn piece_at(&mut self, at: u64) -> &[u8] {
        match self.piece(at) {
            Some((piece, within)) => &piece[within..],
            None => &[],
        }
    }

    /// The piece that holds byte `at`, and the byte's place in it.
    #[inline]
    pub(super) fn piece(&mut self, at: u64) -> Option<(&Bytes, usize)> {
        let (piece, within) = self.locate(at)?;
        Some((&self.pieces[piece], within))
    }

    /// Up to a header's worth of bytes from `at` on.
    pub(super) fn peek<'a>(&'a mut self, at: u64, scratch: &'a mut [u8; MAX_HEADER_LEN]) -> &'a [u8] {
        let Some((piece, within)) = self.locate(at) else { return &[] };
        let first = &self.pieces[piece][within..];
        if first.len() >= MAX_HEADER_LEN {
            return &first[..MAX_HEADER_LEN];
        }
        let mut filled = first.len();
        scratch[..filled].copy_from_slice(first);
        for more in self.pieces.range(piece + 1..) {
            let take = more.len().min(MAX_HEADER_LEN - filled);
            scratch[filled..filled + take].copy_from_slice(&more[..take]);
            filled += take;
            if filled == MAX_HEADER_LEN {
                break;
            }
        }
        &scratch[..filled]
    }

    /// `len` bytes from `at` on: a part of the piece that holds them all, or a buffer of exactly that size with
    /// no other owner. The caller has made sure that they are there.
    pub(super) fn take(&mut self, at: u64, len: usize) -> Bytes {
        if len == 0 {
            return Bytes::new();
        }
        let Some((piece, within)) = self.locate(at) else {
            debug_assert!(false, "bytes that are not held");
            return Bytes::new();
        };
        let first = &self.pieces[piece];
        if first.len() - within >= len {
            return first.slice(within..within + len);
        }
        let mut gathered = BytesMut::with_capacity(len);
        gathered.extend_from_slice(&first[within..]);
        for more in self.pieces.range(piece + 1..) {
            let take = more.len().min(len - gathered.len());
            gathered.extend_from_slice(&more[..take]);
            if gathered.len() == len {
                break;
            }
        }
        debug_assert_eq!(gathered.len(), len, "bytes that have not come");
        self.copied += gathered.len() as u64;
        gathered.freeze()
    }

    /// The index of the piece that holds byte `at`, and the byte's place in it.
    #[inline]
    fn locate(&mut self, at: u64) -> Option<(usize, usize)> {
        if at < self.base || at >= self.end {
            return None;
        }
        while at < self.current_start {
            self.current -= 1;
            self.current_start -= self.pieces[self.current].len() as u64;
        }
        loop {
            let len = self.pieces[self.current].len() as u64;
            if at < self.current_start + len {
                return Some((self.current, (at - self.current_start) as usize));
            }
            self.current += 1;
            self.current_start += len;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(pieces: &[&'static [u8]]) -> Input {
        let mut input = Input::default();
        for piece in pieces {
            input.push(Bytes::from_static(piece));
        }
        input
    }

    #[test]
    fn parts_within_and_across_pieces() {
        let mut input = input(&[b"abc", b"", b"d", b"efgh"]);
        assert_eq!(input.end(), 8);
        assert_eq!(&input.take(1, 2)[..], b"bc");
        assert_eq!(input.copied(), 0);
        assert_eq!(&input.take(2, 4)[..], b"cdef");
        assert_eq!(input.copied(), 4);
        assert_eq!(input.peek(0, &mut [0; 12]), b"abcdefgh");
        assert_eq!(input.peek(8, &mut [0; 12]), b"");
        assert_eq!(input.piece_at(4), b"efgh");
        assert_eq!(input.piece_at(0), b"abc");
    }

    #[test]
    fn released_pieces_are_gone_and_places_stay() {
        let mut input = input(&[b"abc", b"d", b"efgh"]);
        assert_eq!(input.piece_at(5), b"fgh");
        input.release(4);
        assert_eq!(input.base(), 4);
        assert_eq!(&input.take(5, 3)[..], b"fgh");
        assert_eq!(input.piece_at(3), b"");
        input.release(8);
        assert_eq!(input.piece_at(7), b"");
        input.push(Bytes::from_static(b"ij"));
        assert_eq!(&input.take(8, 2)[..], b"ij");
    }

    #[test]
    fn a_gathered_part_has_one_owner() {
        let mut input = input(&[b"ab", b"cd"]);
        let gathered = input.take(0, 4);
        assert!(gathered.try_into_mut().is_ok());
    }
}
