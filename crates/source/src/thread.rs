//! Blocking pieces as a stream: a thread reads, a bounded channel hands over.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;
use tokio::sync::mpsc;

use crate::{PieceStream, Pieces, SourceError, SourceErrorKind};

/// Pieces that may wait between the reading thread and the one that takes them.
const AHEAD: usize = 2;

/// Reads `pieces` on a thread of its own. The thread ends when the stream is dropped; a read that blocks then, as
/// of a terminal, is waited for by nobody.
pub(crate) fn stream(input: &Arc<str>, pieces: impl FnOnce() -> Pieces + Send + 'static) -> PieceStream {
    let (sender, receiver) = mpsc::channel(AHEAD);
    let failed = sender.clone();
    let spawned = std::thread::Builder::new().name("kineframe-read".to_owned()).spawn(move || {
        for piece in pieces() {
            if sender.blocking_send(piece).is_err() {
                return;
            }
        }
    });
    if let Err(error) = spawned {
        let kind = SourceErrorKind::Io { kind: error.kind(), message: format!("no thread to read with: {error}") };
        // The channel is empty, so that there is room for one.
        let _ = failed.try_send(Err(SourceError { input: input.clone(), offset: 0, kind }));
    }
    Box::pin(Received(receiver))
}

struct Received(mpsc::Receiver<Result<Bytes, SourceError>>);

impl Stream for Received {
    type Item = Result<Bytes, SourceError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context)
    }
}
