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
}

impl Window {
    /// The first byte that is still held.
    pub fn base(&self) -> u64 {
        self.pieces.front().map_or(self.end, |(start, _)| *start)
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
        if let Some((_, last)) = self.pieces.back_mut()
            && piece.len() < SHORT
            && last.len() + piece.len() <= JOINED
        {
            let mut joined = std::mem::take(last).try_into_mut().unwrap_or_else(|shared| BytesMut::from(&shared[..]));
            joined.extend_from_slice(&piece);
            *last = joined.freeze();
            return;
        }
        self.pieces.push_back((start, piece));
    }

    /// Lets go of the pieces that lie wholly before `before`.
    pub fn release(&mut self, before: u64) {
        while self.pieces.front().is_some_and(|(start, piece)| start.saturating_add(piece.len() as u64) <= before) {
            self.pieces.pop_front();
        }
    }

    /// `len` bytes from `at` on, shared where one piece holds them, else gathered once. `None` where not all are held.
    pub fn take(&self, at: u64, len: usize) -> Option<Bytes> {
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
        let text = |at, len| window.take(at, len).map(|bytes| String::from_utf8(bytes.to_vec()).unwrap());
        assert_eq!(text(1, 2).as_deref(), Some("bc"));
        assert_eq!(text(2, 4).as_deref(), Some("cdef"));
        assert_eq!(text(0, 8).as_deref(), Some("abcdefgh"));
        assert_eq!(text(8, 0).as_deref(), Some(""));
        assert_eq!((text(8, 1), text(u64::MAX, 1)), (None, None));
        window.release(4);
        assert_eq!((window.base(), window.end()), (0, 8));
        window.push(Bytes::from(vec![7; SHORT]));
        window.release(8);
        assert_eq!((window.base(), window.end()), (8, 8 + SHORT as u64));
        assert_eq!(window.take(7, 1), None);
        assert_eq!(window.take(9, 2).as_deref(), Some(&[7, 7][..]));
    }
}
