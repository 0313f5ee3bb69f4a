//! The same bytes in other pieces.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;
use kineframe_fragment::StartSelector;

use crate::random::Random;
use crate::{MediaSource, PieceStream, Pieces, SourceError};

/// Cuts the pieces of another source: other pieces, the same bytes.
#[derive(Debug, Clone)]
pub struct Chopped<S> {
    inner: S,
    sizes: Sizes,
}

#[derive(Debug, Clone)]
enum Sizes {
    Every(usize),
    Random { longest: usize, random: Random },
    Cuts(Vec<u64>),
}

impl<S> Chopped<S> {
    /// Cuts after every `size` bytes of the body; a size of 0 counts as 1. What the inner source's pieces cut
    /// stays cut.
    pub fn every(inner: S, size: usize) -> Self {
        Chopped { inner, sizes: Sizes::Every(size.max(1)) }
    }

    /// Pieces of 1 to `longest` bytes, the same ones for the same seed.
    pub fn random(inner: S, longest: usize, seed: u64) -> Self {
        Chopped { inner, sizes: Sizes::Random { longest: longest.max(1), random: Random::new(seed) } }
    }

    /// Cuts at these byte offsets of the body, and nowhere else.
    pub fn at(inner: S, mut offsets: Vec<u64>) -> Self {
        offsets.sort_unstable_by(|a, b| b.cmp(a));
        Chopped { inner, sizes: Sizes::Cuts(offsets) }
    }
}

impl<S: MediaSource> MediaSource for Chopped<S> {
    fn open(&self, start: &StartSelector) -> PieceStream {
        Box::pin(ChoppedStream { inner: self.inner.open(start), knife: Knife::new(&self.sizes) })
    }

    fn open_blocking(&self, start: &StartSelector) -> Pieces {
        let mut inner = self.inner.open_blocking(start);
        let mut knife = Knife::new(&self.sizes);
        Box::new(std::iter::from_fn(move || {
            loop {
                if let Some(piece) = knife.cut() {
                    return Some(Ok(piece));
                }
                match inner.next()? {
                    Ok(piece) => knife.rest = piece,
                    Err(error) => return Some(Err(error)),
                }
            }
        }))
    }
}

struct ChoppedStream {
    inner: PieceStream,
    knife: Knife,
}

impl Stream for ChoppedStream {
    type Item = Result<Bytes, SourceError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(piece) = self.knife.cut() {
                return Poll::Ready(Some(Ok(piece)));
            }
            match self.inner.as_mut().poll_next(context) {
                Poll::Ready(Some(Ok(piece))) => self.knife.rest = piece,
                other => return other,
            }
        }
    }
}

struct Knife {
    sizes: Sizes,
    /// What the inner source gave and is not yet handed out.
    rest: Bytes,
    offset: u64,
    /// Where the next cut falls.
    next: u64,
}

impl Knife {
    fn new(sizes: &Sizes) -> Self {
        Knife { sizes: sizes.clone(), rest: Bytes::new(), offset: 0, next: 0 }
    }

    /// The next part of the piece at hand; `None` when it is used up.
    fn cut(&mut self) -> Option<Bytes> {
        if self.rest.is_empty() {
            return None;
        }
        while self.next <= self.offset {
            self.next = match &mut self.sizes {
                Sizes::Every(size) => self.next.saturating_add(*size as u64),
                Sizes::Random { longest, random } => self.next.saturating_add(1 + random.below(*longest as u64)),
                Sizes::Cuts(offsets) => offsets.pop().unwrap_or(u64::MAX),
            };
        }
        let room = usize::try_from(self.next - self.offset).unwrap_or(usize::MAX);
        let piece = self.rest.split_to(room.min(self.rest.len()));
        self.offset = self.offset.saturating_add(piece.len() as u64);
        Some(piece)
    }
}
