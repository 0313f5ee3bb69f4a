//! Bodies of answers: whole ones, and those that are sent while they are made.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::mpsc;

/// Pieces that wait for a connection that is slower than what is sent.
const WAITING: usize = 16;

/// The body of an answer.
#[derive(Debug)]
pub(crate) enum AnswerBody {
    /// One that is there.
    Whole(Option<Bytes>),
    /// One that is sent chunk by chunk, and broken off by an error.
    Pieces(mpsc::Receiver<io::Result<Bytes>>),
}

/// Sends the pieces of a body.
#[derive(Debug, Clone)]
pub(crate) struct PieceSender(mpsc::Sender<io::Result<Bytes>>);

/// The client has gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gone;

impl PieceSender {
    /// Sends a piece, as soon as there is room for it.
    pub(crate) async fn send(&self, piece: Bytes) -> Result<(), Gone> {
        if piece.is_empty() {
            return Ok(());
        }
        self.0.send(Ok(piece)).await.map_err(|_| Gone)
    }

    /// Waits until the client has gone.
    pub(crate) async fn gone(&self) {
        self.0.closed().await;
    }
}

impl AnswerBody {
    pub(crate) fn whole(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        AnswerBody::Whole((!bytes.is_empty()).then_some(bytes))
    }

    /// A body, and what sends it.
    pub(crate) fn pieces() -> (PieceSender, Self) {
        let (sender, receiver) = mpsc::channel(WAITING);
        (PieceSender(sender), AnswerBody::Pieces(receiver))
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match &mut *self {
            AnswerBody::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            AnswerBody::Pieces(receiver) => {
                receiver.poll_recv(context).map(|piece| piece.map(|piece| piece.map(Frame::data)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, AnswerBody::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            AnswerBody::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            AnswerBody::Pieces(_) => SizeHint::default(),
        }
    }
}
