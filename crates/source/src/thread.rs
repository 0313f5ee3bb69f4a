//! Blocking pieces as a stream: a thread reads, a bounded channel hands over.

use std::sync::Arc;

use tokio::sync::mpsc;

use crate::{PieceStream, Pieces, SourceError, SourceErrorKind, polled};

/// Pieces that may wait between the reading thread and the one that takes them.
const AHEAD: usize = 2;

/// Reads `pieces` on a thread of its own. The thread ends when the stream is dropped; a read that blocks then, as
/// of a terminal, is waited for by nobody.
pub(crate) fn stream(input: &Arc<str>, pieces: impl FnOnce() -> Pieces + Send + 'static) -> PieceStream {
    let (sender, mut receiver) = mpsc::channel(AHEAD);
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
    polled(move |context| receiver.poll_recv(context))
}
