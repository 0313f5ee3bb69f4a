//! Anything that can be read, as pieces.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use crate::SourceError;

/// Handed-out buffers that are looked at for reuse: what a reader holds on to is at most this many pieces.
const LENT: usize = 4;

/// Pieces of at most `piece` bytes from anything that can be read; each is what one `read` brings.
///
/// `input` names it in errors.
pub fn reader<R: Read>(input: &str, inner: R, piece: usize) -> Reader<R> {
    Reader {
        inner: Some(inner),
        input: Arc::from(input),
        offset: 0,
        piece: piece.max(1),
        spare: BytesMut::new(),
        lent: VecDeque::new(),
    }
}

/// The iterator of [`reader`].
///
/// A buffer is filled across reads, so that a slow pipe's small pieces share one; and it is used again once nobody
/// holds a part of it, so that reading a long file allocates a few buffers in all.
#[derive(Debug)]
pub struct Reader<R> {
    inner: Option<R>,
    input: Arc<str>,
    offset: u64,
    piece: usize,
    /// Initialised bytes to read into.
    spare: BytesMut,
    lent: VecDeque<Bytes>,
}

impl<R: Read> Reader<R> {
    fn refill(&mut self) {
        // Below an eighth a read would bring needlessly little.
        if self.spare.len() > self.piece / 8 {
            return;
        }
        self.spare = BytesMut::new();
        for _ in 0..self.lent.len() {
            let Some(candidate) = self.lent.pop_front() else { break };
            match candidate.try_into_mut() {
                Ok(mut buffer) => {
                    buffer.resize(self.piece, 0);
                    self.spare = buffer;
                    return;
                }
                Err(candidate) => self.lent.push_back(candidate),
            }
        }
        self.spare = BytesMut::zeroed(self.piece);
    }
}

impl<R: Read> Iterator for Reader<R> {
    type Item = Result<Bytes, SourceError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.refill();
        let inner = self.inner.as_mut()?;
        let result = loop {
            match inner.read(&mut self.spare) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => break result,
            }
        };
        match result {
            Ok(0) => {
                self.inner = None;
                None
            }
            Ok(count) => {
                let count = count.min(self.spare.len());
                let piece = self.spare.split_to(count).freeze();
                self.offset = self.offset.saturating_add(count as u64);
                // Only a buffer that one read filled is offered for reuse: parts of a shared one would never
                // come together again.
                if count == self.piece {
                    if self.lent.len() == LENT {
                        self.lent.pop_front();
                    }
                    self.lent.push_back(piece.clone());
                }
                Some(Ok(piece))
            }
            Err(error) => {
                self.inner = None;
                Some(Err(SourceError::from_io(&self.input, self.offset, &error)))
            }
        }
    }
}
