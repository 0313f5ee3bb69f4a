//! A body of the service, handed to a reader as it comes.

use std::sync::Arc;
use std::time::Duration;

use aws_smithy_types::byte_stream::ByteStream;
use bytes::Bytes;
use kineframe_source::{PieceStream, SourceError, polled};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use crate::error::{Error, ErrorKind};
use crate::sdk::innermost;

/// Pieces that may wait for the reader. The socket is read no further while they do.
const AHEAD: usize = 4;

/// Where pieces go to.
pub(crate) type Sender = mpsc::Sender<Result<Bytes, SourceError>>;

/// A stream that a task fills. When the reader drops it, the task is dropped where it waits, with its connection.
pub(crate) fn spawn<F>(handle: &Handle, fill: impl FnOnce(Sender) -> F) -> PieceStream
where
    F: Future<Output = ()> + Send + 'static,
{
    let (sender, mut receiver) = mpsc::channel(AHEAD);
    let gone = sender.clone();
    let work = fill(sender);
    handle.spawn(async move {
        tokio::select! {
            // What is ready goes out first.
            biased;
            () = work => {}
            () = gone.closed() => {}
        }
    });
    polled(move |context| receiver.poll_recv(context))
}

/// A body that is read with a deadline for each piece.
pub(crate) struct Body {
    stream: ByteStream,
    operation: &'static str,
    target: Arc<str>,
    deadline: Duration,
}

impl Body {
    pub(crate) fn new(stream: ByteStream, operation: &'static str, target: &Arc<str>, deadline: Duration) -> Self {
        Body { stream, operation, target: target.clone(), deadline }
    }

    /// The next piece, which is not empty; `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<Result<Bytes, Error>> {
        let error = |kind, message: &str| Some(Err(Error::new(self.operation, &self.target, kind, message)));
        loop {
            match tokio::time::timeout(self.deadline, self.stream.next()).await {
                Ok(Some(Ok(piece))) if piece.is_empty() => {}
                Ok(Some(Ok(piece))) => return Some(Ok(piece)),
                Ok(Some(Err(cause))) => {
                    return error(ErrorKind::Network, &format!("the body broke off: {}", innermost(&cause)));
                }
                Ok(None) => return None,
                Err(_) => return error(ErrorKind::Timeout(self.deadline), "the body fell silent"),
            }
        }
    }
}
