//! Bodies of answers: whole ones, and those that are sent while they are made.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::{Mutex, mpsc};

use super::peer::Peer;
use crate::fault::{FaultKind, Planned};
use crate::ingest::AckError;
use crate::limits::Pace;
use crate::media::tags;
use crate::usage::{ByteCount, Connection};

/// Pieces that wait for a connection that is slower than what is sent.
const WAITING: usize = 16;

/// The body of an answer.
#[derive(Debug)]
pub(crate) enum AnswerBody {
    /// One that is there.
    Whole(Option<Bytes>),
    /// One that is sent chunk by chunk, and broken off by an error.
    Pieces {
        /// What is to be sent.
        receiver: mpsc::Receiver<io::Result<Bytes>>,
        /// Why it is broken off, once what came before has been handed on.
        failed: Option<io::Error>,
    },
}

/// Sends the pieces of a body.
#[derive(Debug)]
pub(crate) struct PieceSender {
    pieces: mpsc::Sender<io::Result<Bytes>>,
    fault: Option<Mutex<Planned>>,
    peer: Option<Peer>,
    flow: Option<(Mutex<Pace>, ByteCount)>,
}

/// The client has gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gone;

impl PieceSender {
    /// A sender, and where its pieces come out.
    pub(crate) fn channel() -> (Self, mpsc::Receiver<io::Result<Bytes>>) {
        let (pieces, receiver) = mpsc::channel(WAITING);
        (PieceSender { pieces, fault: None, peer: None, flow: None }, receiver)
    }

    /// The same with what is to go wrong in its body.
    pub(crate) fn with_fault(mut self, fault: Option<Planned>) -> Self {
        self.fault = fault.map(Mutex::new);
        self
    }

    /// The same for a connection of media: its bytes are counted, and slowed down to so many per second; and it is seen
    /// when its client leaves.
    pub(crate) fn over(mut self, connection: &Connection, peer: &Peer, rate: f64) -> Self {
        self.peer = Some(peer.clone());
        self.flow = Some((Mutex::new(Pace::new(rate)), connection.bytes()));
        self
    }

    /// Sends a piece, as soon as there is room for it.
    pub(crate) async fn send(&self, mut piece: Bytes) -> Result<(), Gone> {
        if let Some(fault) = &self.fault {
            let mut fault = fault.lock().await;
            let len = piece.len() as u64;
            if fault.after < len {
                let before = piece.split_to(usize::try_from(fault.after).unwrap_or(0));
                self.forward(before).await?;
                fault.after = u64::MAX;
                self.fail(*fault).await?;
            } else {
                fault.after -= len;
            }
        }
        self.forward(piece).await
    }

    async fn forward(&self, piece: Bytes) -> Result<(), Gone> {
        if piece.is_empty() {
            return Ok(());
        }
        let len = piece.len();
        self.pieces.send(Ok(piece)).await.map_err(|_| Gone)?;
        let Some((pace, count)) = &self.flow else { return Ok(()) };
        count.add(len);
        let wait = pace.lock().await.after(len);
        if let Some(wait) = wait {
            tokio::time::sleep(wait).await;
        }
        Ok(())
    }

    /// Does what was planned. `Ok` when the body goes on after it.
    async fn fail(&self, planned: Planned) -> Result<(), Gone> {
        match planned.kind {
            FaultKind::Garbage => {
                let len = 1 + planned.random as usize % 64;
                let noise = planned.random.to_le_bytes().into_iter().cycle().take(len);
                return self.forward(noise.collect()).await;
            }
            FaultKind::Cut => self.break_off().await,
            FaultKind::Reset => {
                if let Some(peer) = &self.peer {
                    peer.reset();
                }
                self.break_off().await;
            }
            FaultKind::Stall => self.gone().await,
            FaultKind::Error(id) => {
                // The numbers of what is read are those of what is put, but for a fragment that is not there.
                let code = if matches!(id, 3000 | 4000) { "FRAGMENT_NOT_FOUND" } else { AckError::of(id).code };
                for piece in tags::error_document(id, code, None) {
                    self.forward(piece).await?;
                }
            }
            FaultKind::Throttle | FaultKind::Expired | FaultKind::Moved => return Ok(()),
        }
        Err(Gone)
    }

    /// Breaks the connection off, so that the client sees that the body is not whole.
    pub(crate) async fn break_off(&self) {
        let _ = self.pieces.send(Err(io::ErrorKind::ConnectionAborted.into())).await;
    }

    /// Waits until the client has gone, or the connection has.
    pub(crate) async fn gone(&self) {
        match &self.peer {
            None => self.pieces.closed().await,
            Some(peer) => tokio::select! {
                () = self.pieces.closed() => {}
                () = peer.gone() => {}
            },
        }
    }
}

impl AnswerBody {
    pub(crate) fn whole(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        AnswerBody::Whole((!bytes.is_empty()).then_some(bytes))
    }

    /// A body, and what sends it.
    pub(crate) fn pieces() -> (PieceSender, Self) {
        let (sender, receiver) = PieceSender::channel();
        (sender, AnswerBody::Pieces { receiver, failed: None })
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
            AnswerBody::Pieces { failed: Some(error), .. } => Poll::Ready(Some(Err(error.kind().into()))),
            AnswerBody::Pieces { receiver, failed } => match receiver.poll_recv(context) {
                Poll::Ready(Some(Err(error))) => {
                    // An error makes the connection end at once. It comes one poll later, so that what was handed on
                    // before is written first.
                    *failed = Some(error);
                    context.waker().wake_by_ref();
                    Poll::Pending
                }
                other => other.map(|piece| piece.map(|piece| piece.map(Frame::data))),
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, AnswerBody::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            AnswerBody::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            AnswerBody::Pieces { .. } => SizeHint::default(),
        }
    }
}
