//! A stream of the server for readers in the same process.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream as Pieces;
use kineframe_source::{MediaSource, PieceStream, SourceError, SourceErrorKind, StartSelector};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use crate::api::get_media;
use crate::http::PieceSender;
use crate::media::stream::{Begin, Stream};
use crate::service::Service;

/// A stream of a [`Server`](crate::Server) as a source: what GetMedia sends, without a connection. Reads count as none
/// of the stream's connections; they end when no media came in for a while, as those of GetMedia do.
#[derive(Debug, Clone)]
pub struct LocalStream {
    service: Arc<Service>,
    stream: Arc<Stream>,
    handle: Handle,
}

impl LocalStream {
    pub(crate) fn new(service: Arc<Service>, stream: Arc<Stream>, handle: Handle) -> Self {
        LocalStream { service, stream, handle }
    }

    fn begin(&self, start: &StartSelector) -> Begin {
        let stream = &self.stream;
        let time = |millis: Option<i64>| millis.unwrap_or(i64::MAX);
        match start {
            StartSelector::Now => Begin::At(get_media::now(stream, self.service.options.idle_end)),
            StartSelector::Earliest => Begin::At(0),
            StartSelector::AfterFragment(number) => stream.after_number(number.as_str()),
            StartSelector::ContinuationToken(token) => stream.after_number(token.as_str()),
            StartSelector::ProducerTimestamp(at) => {
                Begin::At(stream.at_time(time(at.as_millis()), |fragment| fragment.producer_ms))
            }
            StartSelector::ServerTimestamp(at) => {
                Begin::At(stream.at_time(time(at.as_millis()), |fragment| fragment.server_ms))
            }
        }
    }
}

impl MediaSource for LocalStream {
    fn open(&self, start: &StartSelector) -> PieceStream {
        let (sender, receiver) = PieceSender::channel();
        let begin = self.begin(start);
        let read = get_media::read(&self.service, &self.stream, begin, sender, None);
        self.handle.spawn(read);
        let input = Arc::from(format!("stream {} of the local service", self.stream.settings().name));
        Box::pin(Received { receiver, input, offset: 0 })
    }
}

struct Received {
    receiver: mpsc::Receiver<std::io::Result<Bytes>>,
    input: Arc<str>,
    offset: u64,
}

impl Pieces for Received {
    type Item = Result<Bytes, SourceError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.receiver.poll_recv(context).map(|piece| {
            Some(match piece? {
                Ok(piece) => {
                    self.offset = self.offset.saturating_add(piece.len() as u64);
                    Ok(piece)
                }
                Err(error) => Err(SourceError {
                    input: Arc::clone(&self.input),
                    offset: self.offset,
                    kind: SourceErrorKind::Io { kind: error.kind(), message: error.to_string() },
                }),
            })
        })
    }
}
