//! The same pieces, later.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use kineframe_fragment::StartSelector;

use crate::{MediaSource, PieceStream, Pieces, SourceError};

/// Slows another source down: a wait before the first piece, and each piece takes the time of its bytes.
///
/// As a stream it waits on tokio's clock, which a test can stop and turn (`tokio::time::pause`); it must then be
/// polled inside a tokio runtime with time. As blocking pieces it sleeps.
#[derive(Debug, Clone)]
pub struct Throttled<S> {
    inner: S,
    pace: Pace,
}

#[derive(Debug, Clone, Copy)]
struct Pace {
    latency: Duration,
    per_byte: Duration,
}

impl<S> Throttled<S> {
    /// Hands out `bytes_per_second` at most; 0 counts as 1.
    pub fn new(inner: S, bytes_per_second: u64) -> Self {
        let per_byte = Duration::from_nanos(1_000_000_000 / bytes_per_second.clamp(1, 1_000_000_000));
        Throttled { inner, pace: Pace { latency: Duration::ZERO, per_byte } }
    }

    /// Waits this long before the first piece.
    pub fn with_latency(mut self, latency: Duration) -> Self {
        self.pace.latency = latency;
        self
    }
}

impl Pace {
    fn wait(&self, first: bool, bytes: usize) -> Duration {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let latency = if first { self.latency } else { Duration::ZERO };
        latency.saturating_add(self.per_byte.saturating_mul(bytes))
    }
}

impl<S: MediaSource> MediaSource for Throttled<S> {
    fn open(&self, start: &StartSelector) -> PieceStream {
        Box::pin(ThrottledStream { inner: self.inner.open(start), pace: self.pace, first: true, held: None })
    }

    fn open_blocking(&self, start: &StartSelector) -> Pieces {
        let pace = self.pace;
        let mut first = true;
        Box::new(self.inner.open_blocking(start).inspect(move |piece| {
            let bytes = piece.as_ref().map_or(0, Bytes::len);
            std::thread::sleep(pace.wait(std::mem::replace(&mut first, false), bytes));
        }))
    }
}

type Item = Result<Bytes, SourceError>;

struct ThrottledStream {
    inner: PieceStream,
    pace: Pace,
    first: bool,
    held: Option<(Pin<Box<tokio::time::Sleep>>, Item)>,
}

impl Stream for ThrottledStream {
    type Item = Item;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Item>> {
        loop {
            if let Some((mut sleep, item)) = self.held.take() {
                if sleep.as_mut().poll(context).is_pending() {
                    self.held = Some((sleep, item));
                    return Poll::Pending;
                }
                return Poll::Ready(Some(item));
            }
            match self.inner.as_mut().poll_next(context) {
                Poll::Ready(Some(item)) => {
                    let first = std::mem::replace(&mut self.first, false);
                    let wait = self.pace.wait(first, item.as_ref().map_or(0, Bytes::len));
                    self.held = Some((Box::pin(tokio::time::sleep(wait)), item));
                }
                other => return other,
            }
        }
    }
}
