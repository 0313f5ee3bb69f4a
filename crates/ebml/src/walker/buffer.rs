//! The pieces that were pushed and are still needed, by their place in the input.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

/// A window of the input. Reading inside one piece copies nothing.
#[derive(Debug, Default)]
pub(super) struct Buffer {
    /// Offset of the first byte, and the piece; end to end.
    pieces: VecDeque<(u64, Bytes)>,
    end: u64,
}

impl Buffer {
    pub fn push(&mut self, piece: Bytes) {
        if !piece.is_empty() {
            let offset = self.end;
            self.end = self.end.saturating_add(piece.len() as u64);
            self.pieces.push_back((offset, piece));
        }
    }

    /// Where the next piece will start.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// The first byte that is still held.
    pub fn start(&self) -> u64 {
        self.pieces.front().map_or(self.end, |(offset, _)| *offset)
    }

    /// Bytes held.
    pub fn len(&self) -> u64 {
        self.end - self.start()
    }

    /// Lets go of everything before `to`.
    pub fn release(&mut self, to: u64) {
        while let Some((offset, piece)) = self.pieces.front_mut() {
            let piece_end = *offset + piece.len() as u64;
            if piece_end <= to {
                self.pieces.pop_front();
                continue;
            }
            if *offset < to {
                let _ = piece.split_to((to - *offset) as usize); // less than the piece's length
                *offset = to;
            }
            return;
        }
    }

    /// The contiguous bytes from `at` on: none where there are none, else at least one.
    pub fn contiguous(&self, at: u64) -> &[u8] {
        self.piece_at(at).map_or(&[], |(offset, piece)| piece.get((at - offset) as usize..).unwrap_or_default())
    }

    /// Copies bytes from `at` on into `out`, as many as there are, and says how many.
    pub fn peek(&self, at: u64, out: &mut [u8]) -> usize {
        let mut filled = 0;
        while let Some(room) = out.get_mut(filled..).filter(|room| !room.is_empty()) {
            let found = self.contiguous(at + filled as u64);
            let count = found.len().min(room.len());
            if count == 0 {
                break;
            }
            room[..count].copy_from_slice(&found[..count]);
            filled += count;
        }
        filled
    }

    /// At most `len` bytes from `at` on that lie in one piece, as a part of it.
    pub fn part(&self, at: u64, len: u64) -> Bytes {
        let Some((offset, piece)) = self.piece_at(at) else { return Bytes::new() };
        let from = (at - offset) as usize;
        let to = piece.len().min(from.saturating_add(usize::try_from(len).unwrap_or(usize::MAX)));
        piece.slice(from..to)
    }

    /// `len` bytes from `at` on, which must be there: a part of a piece, or gathered from several in one copy.
    pub fn gather(&self, at: u64, len: u64) -> Bytes {
        let first = self.part(at, len);
        if first.len() as u64 == len {
            return first;
        }
        let mut whole = BytesMut::with_capacity(len.min(self.end.saturating_sub(at)) as usize);
        let mut next = first;
        while !next.is_empty() {
            whole.extend_from_slice(&next);
            let done = whole.len() as u64;
            next = self.part(at + done, len - done);
        }
        whole.freeze()
    }

    fn piece_at(&self, at: u64) -> Option<(u64, &Bytes)> {
        let after = self.pieces.partition_point(|(offset, _)| *offset <= at);
        let (offset, piece) = self.pieces.get(after.checked_sub(1)?)?;
        (at - offset < piece.len() as u64).then_some((*offset, piece))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three() -> Buffer {
        let mut buffer = Buffer::default();
        for piece in [&b"abc"[..], b"", b"d", b"efgh"] {
            buffer.push(Bytes::from_static(piece));
        }
        buffer
    }

    #[test]
    fn reads_across_pieces() {
        let buffer = three();
        let mut out = [0; 4];
        assert_eq!((buffer.peek(1, &mut out), &out), (4, b"bcde"));
        assert_eq!((buffer.peek(6, &mut out), &out[..2]), (2, &b"gh"[..]));
        assert_eq!(buffer.peek(8, &mut out), 0);
        assert_eq!(buffer.gather(2, 5), Bytes::from_static(b"cdefg"));
        assert_eq!(buffer.part(0, 9), Bytes::from_static(b"abc"));
        assert_eq!(buffer.gather(5, 2).as_ptr(), buffer.contiguous(5).as_ptr());
        assert_eq!(buffer.contiguous(8), b"");
    }

    #[test]
    fn lets_go_of_what_is_behind() {
        let mut buffer = three();
        buffer.release(2);
        assert_eq!((buffer.start(), buffer.len(), buffer.end()), (2, 6, 8));
        assert_eq!(buffer.contiguous(2), b"c");
        assert_eq!(buffer.contiguous(1), b"");
        buffer.release(5);
        assert_eq!(buffer.contiguous(5), b"fgh");
        buffer.release(99);
        assert_eq!((buffer.start(), buffer.len()), (8, 0));
    }
}
