//! The bytes that have come in and are not yet done with: pieces as they came, addressed by bytes from the start.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

/// Pieces that are this short are joined, so that handles cannot outweigh the bytes.
const SHORT: usize = 1 << 10;
/// Up to this size.
const JOINED: usize = 16 << 10;

/// A window of the input.
#[derive(Debug, Default)]
pub(crate) struct Window {
    /// Each with the place where it starts.
    pieces: VecDeque<(u64, Bytes)>,
    /// Where the last piece ends.
    end: u64,
    /// Nothing before this place can be had any more, though a piece that reaches over it may still be there: what can be
    /// had does not depend on how the input was cut.
    released: u64,
    /// Bytes copied: joined or gathered.
    copied: u64,
}

impl Window {
    /// The first byte that can still be had; it may be one that has yet to come.
    pub fn base(&self) -> u64 {
        self.released
    }

    /// Bytes that were copied so far, because pieces were short or what was wanted lay across them.
    pub fn copied(&self) -> u64 {
        self.copied
    }

    /// How many bytes have ever come.
    pub fn end(&self) -> u64 {
        self.end
    }

    pub fn push(&mut self, piece: Bytes) {
        if piece.is_empty() {
            return;
        }
        let start = self.end;
        self.end = self.end.saturating_add(piece.len() as u64);
        if self.end <= self.released {
            return;
        }
        if let Some((_, last)) = self.pieces.back_mut()
            && piece.len() < SHORT
            && last.len() + piece.len() <= JOINED
        {
            self.copied = self.copied.saturating_add(piece.len() as u64);
            match std::mem::take(last).try_into_mut() {
                Ok(mut joined) => {
                    joined.extend_from_slice(&piece);
                    *last = joined.freeze();
                }
                // Somebody holds a part of it, or it is the caller's: a buffer of our own begins.
                Err(shared) => {
                    *last = shared;
                    self.pieces.push_back((start, BytesMut::from(&piece[..]).freeze()));
                }
            }
            return;
        }
        self.pieces.push_back((start, piece));
    }

    /// Lets go of all before `before`, which may be yet to come.
    pub fn release(&mut self, before: u64) {
        self.released = self.released.max(before);
        while self.pieces.front().is_some_and(|(start, piece)| start.saturating_add(piece.len() as u64) <= before) {
            self.pieces.pop_front();
        }
    }

    /// Up to `N` bytes from `at` on, on the stack, and how many there are: for headers.
    pub fn peek<const N: usize>(&self, at: u64) -> ([u8; N], usize) {
        let (mut bytes, mut len) = ([0; N], 0);
        let place = self.pieces.partition_point(|(start, _)| *start <= at).saturating_sub(1);
        for (start, piece) in self.pieces.range(place..) {
            let Some(rest) = at.saturating_add(len as u64).checked_sub(*start) else { break };
            let rest = usize::try_from(rest).ok().and_then(|rest| piece.get(rest..)).unwrap_or_default();
            let (filled, room) = (len, bytes.get_mut(len..).unwrap_or_default());
            for (to, from) in room.iter_mut().zip(rest) {
                *to = *from;
                len += 1;
            }
            if len == N || len == filled {
                break;
            }
        }
        (bytes, len)
    }

    /// `len` bytes from `at` on, shared where one piece holds them, else gathered once. `None` where not all are held.
    pub fn take(&mut self, at: u64, len: usize) -> Option<Bytes> {
        let end = at.checked_add(len as u64)?;
        if at < self.base() || end > self.end {
            return None;
        }
        if len == 0 {
            return Some(Bytes::new());
        }
        let place = self.pieces.partition_point(|(start, _)| *start <= at).checked_sub(1)?;
        let (start, first) = self.pieces.get(place)?;
        let first = first.slice(usize::try_from(at - start).ok()?..);
        if first.len() >= len {
            return Some(first.slice(..len));
        }
        let mut gathered = BytesMut::with_capacity(len);
        gathered.extend_from_slice(&first);
        for (_, piece) in self.pieces.range(place + 1..) {
            let wanted = (len - gathered.len()).min(piece.len());
            gathered.extend_from_slice(piece.get(..wanted)?);
            if gathered.len() == len {
                self.copied = self.copied.saturating_add(len as u64);
                return Some(gathered.freeze());
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_within_and_across_pieces() {
        let mut window = Window::default();
        for piece in [&b"abc"[..], b"", b"d", b"efgh"] {
            window.push(Bytes::from_static(piece));
        }
        assert_eq!(window.copied(), 5);
        let mut text = |at, len| window.take(at, len).map(|bytes| String::from_utf8(bytes.to_vec()).unwrap());
        assert_eq!(text(1, 2).as_deref(), Some("bc"));
        assert_eq!(text(2, 4).as_deref(), Some("cdef"));
        assert_eq!(text(0, 8).as_deref(), Some("abcdefgh"));
        assert_eq!(text(8, 0).as_deref(), Some(""));
        assert_eq!((text(8, 1), text(u64::MAX, 1)), (None, None));
        // Five were joined into a buffer of their own, since the first piece may not be written to; then two parts lay
        // across the two.
        assert_eq!(window.copied(), 5 + 4 + 8);
        window.release(4);
        assert_eq!((window.base(), window.end(), window.take(3, 1)), (4, 8, None));
        window.push(Bytes::from(vec![7; SHORT]));
        window.release(8);
        assert_eq!((window.base(), window.end()), (8, 8 + SHORT as u64));
        assert_eq!(window.take(7, 1), None);
        assert_eq!(window.take(9, 2).as_deref(), Some(&[7, 7][..]));
    }

    #[test]
    fn what_is_not_yet_there_can_be_let_go_of() {
        let mut window = Window::default();
        window.release(5);
        window.push(Bytes::from_static(b"abcd"));
        assert_eq!((window.base(), window.end(), window.take(3, 1)), (5, 4, None));
        window.push(Bytes::from_static(b"efgh"));
        assert_eq!((window.take(4, 1), window.take(5, 3).as_deref()), (None, Some(&b"fgh"[..])));
        assert_eq!(window.copied(), 0);
    }

    #[test]
    fn headers_are_read_across_pieces_without_a_copy() {
        let mut window = Window::default();
        for piece in [vec![1; SHORT], vec![2; SHORT], vec![3; 2]] {
            window.push(Bytes::from(piece));
        }
        assert_eq!(window.copied(), 2, "the last was joined");
        let at = SHORT as u64 - 1;
        assert_eq!(window.peek::<4>(at), ([1, 2, 2, 2], 4));
        assert_eq!(window.peek::<4>(2 * at + 2), ([3, 3, 0, 0], 2));
        assert_eq!(window.peek::<4>(9999), ([0; 4], 0));
        assert_eq!(window.take(at, 2).as_deref(), Some(&[1, 2][..]));
        assert_eq!(window.copied(), 4);
    }
}
