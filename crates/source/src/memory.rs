//! A body that is in memory.

use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use kineframe_fragment::StartSelector;

use crate::file::{failed, from_the_beginning};
use crate::{MediaSource, PieceStream, Pieces, ReadSeek, polled};

/// A body in memory, handed out as one piece without a copy.
#[derive(Debug, Clone)]
pub struct Memory {
    name: Arc<str>,
    data: Bytes,
}

impl Memory {
    /// A body; `name` stands for it in errors.
    pub fn new(name: &str, data: impl Into<Bytes>) -> Self {
        Memory { name: Arc::from(name), data: data.into() }
    }
}

impl MediaSource for Memory {
    fn open(&self, start: &StartSelector) -> PieceStream {
        let mut pieces = self.open_blocking(start);
        polled(move |_| Poll::Ready(pieces.next()))
    }

    fn open_blocking(&self, start: &StartSelector) -> Pieces {
        if let Err(error) = from_the_beginning(&self.name, start) {
            return failed(error);
        }
        let piece = Some(self.data.clone()).filter(|data| !data.is_empty());
        Box::new(piece.map(Ok).into_iter())
    }

    fn random_access(&self) -> Option<Box<dyn ReadSeek>> {
        Some(Box::new(std::io::Cursor::new(self.data.clone())))
    }
}
