//! PutMedia: a producer's stream in, acknowledgements out while it comes.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::Request;
use hyper::body::Incoming;
use hyper::header::HeaderMap;
use kineframe_fragment::ProducerTimestamp;
use tokio::time::{Instant, sleep_until};

use super::StreamRef;
use crate::http::{self, Answer, ApiError, Gone, PieceSender};
use crate::ingest::{AckError, AckEvent, Ingest, Start, Step, ack_line};
use crate::media::fragment::Fragment;
use crate::media::stream::{Buffer, Connection, Stream};
use crate::server::stopped;
use crate::service::Service;

/// What the headers of a PutMedia request say.
#[derive(Debug)]
struct Headers {
    stream: StreamRef,
    /// Cluster Timestamps are wall times, not times since the start.
    absolute: bool,
    /// Milliseconds since the Unix epoch; `None` where it is missing or no time.
    start_ms: Option<i64>,
    /// Acknowledgements are wanted.
    acknowledge: bool,
}

impl Headers {
    fn read(headers: &HeaderMap) -> Result<Self, ApiError> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
        let absolute = match text("x-amzn-fragment-timecode-type") {
            Some("ABSOLUTE") => true,
            Some("RELATIVE") => false,
            _ => {
                return Err(ApiError::invalid_argument("x-amzn-fragment-timecode-type must be ABSOLUTE or RELATIVE."));
            }
        };
        Ok(Headers {
            stream: StreamRef {
                stream_name: text("x-amzn-stream-name").map(str::to_owned),
                stream_arn: text("x-amzn-stream-arn").map(str::to_owned),
            },
            absolute,
            start_ms: text("x-amzn-producer-start-timestamp")
                .and_then(ProducerTimestamp::from_decimal)
                .and_then(ProducerTimestamp::as_millis),
            acknowledge: text("x-amzn-fragment-acknowledgment-required") != Some("0"),
        })
    }
}

/// PutMedia. The answer begins at once, and its body is the acknowledgements.
pub(crate) fn put_media(service: &Arc<Service>, request: Request<Incoming>) -> Result<Answer, ApiError> {
    let headers = Headers::read(request.headers())?;
    let stream = service.stream(&headers.stream)?;
    let connection =
        Connection::open(&stream.connections.put_media, service.options.max_put_media).ok_or_else(|| {
            ApiError::connection_limit(
                "Kinesis Video Streams has throttled the request because of too many open connections.",
            )
        })?;
    let (sender, answer) = http::pieces("application/json");
    let options = &service.options;
    let session = Session {
        number: stream.open_session(),
        ingest: Ingest::new(crate::ingest::IngestLimits::default()),
        buffer: Buffer { time: options.buffer_time, bytes: options.buffer_bytes },
        service: Arc::clone(service),
        stream,
        headers,
        sender,
        open: None,
    };
    tokio::spawn(async move {
        session.run(request.into_body()).await;
        drop(connection);
    });
    Ok(answer)
}

/// One PutMedia connection.
struct Session {
    service: Arc<Service>,
    stream: Arc<Stream>,
    number: u64,
    headers: Headers,
    sender: PieceSender,
    ingest: Ingest,
    buffer: Buffer,
    open: Option<Arc<Fragment>>,
}

/// Why a session ends.
#[derive(Debug)]
enum End {
    /// The body has come to its end, or was refused and the producer told so.
    Done,
    /// The producer broke off.
    Broken,
}

impl From<Gone> for End {
    fn from(_: Gone) -> Self {
        End::Broken
    }
}

impl Session {
    async fn run(mut self, body: Incoming) {
        let _ = self.take(body).await;
        if let Some(fragment) = self.open.take() {
            self.stream.abandon(&fragment);
        }
    }

    async fn take(&mut self, mut body: Incoming) -> Result<(), End> {
        let options = self.service.options.clone();
        let end = Instant::now() + options.session_end;
        let mut quiet_since = Instant::now();
        let mut next_idle = quiet_since + options.put_idle_ack;
        let mut stopping = self.service.stopping.clone();
        let mut deleted = self.stream.deletion();
        loop {
            tokio::select! {
                frame = body.frame() => match frame {
                    Some(Ok(frame)) => {
                        quiet_since = Instant::now();
                        next_idle = quiet_since + options.put_idle_ack;
                        let Ok(piece) = frame.into_data() else { continue };
                        self.piece(piece).await?;
                    }
                    Some(Err(_)) => return Err(End::Broken),
                    None => {
                        self.ingest.finish();
                        return self.steps().await;
                    }
                },
                () = sleep_until(next_idle) => {
                    next_idle += options.put_idle_ack;
                    self.acknowledge(&AckEvent::Idle, None, None).await?;
                }
                () = sleep_until(quiet_since + options.put_idle_end) => {
                    return self.refuse(AckError::STREAM_READ_ERROR, None).await;
                }
                () = sleep_until(end) => {
                    return self.refuse(AckError::MAX_CONNECTION_DURATION_REACHED, None).await;
                }
                () = stopped(&mut stopping) => return Err(End::Broken),
                () = deleted.wait() => return self.refuse(AckError::STREAM_NOT_ACTIVE, None).await,
            }
        }
    }

    async fn piece(&mut self, piece: Bytes) -> Result<(), End> {
        self.ingest.push(piece);
        self.steps().await
    }

    async fn steps(&mut self) -> Result<(), End> {
        while let Some(step) = self.ingest.next_step() {
            match step {
                Step::Started(start) => self.start(start).await?,
                Step::Media(bytes) => {
                    if let Some(fragment) = &self.open {
                        self.stream.append(fragment, bytes);
                    }
                }
                Step::Finished(facts) => {
                    let Some(fragment) = self.open.take() else { continue };
                    let timecode = Some(facts.timecode);
                    self.stream.finish(&fragment, facts);
                    self.stream.expire(self.buffer);
                    self.acknowledge(&AckEvent::Received, timecode, Some(&fragment.number)).await?;
                    if self.stream.settings().retention_hours > 0 {
                        self.acknowledge(&AckEvent::Persisted, timecode, Some(&fragment.number)).await?;
                    }
                }
                Step::Failed { error, timecode } => return self.refuse(error, timecode).await,
            }
        }
        Ok(())
    }

    async fn start(&mut self, start: Start) -> Result<(), End> {
        let origin = match (self.headers.absolute, self.headers.start_ms) {
            (true, _) => 0,
            (false, Some(start)) => start,
            (false, None) => {
                return self.refuse(AckError::INVALID_PRODUCER_TIMESTAMP, Some(start.timecode)).await;
            }
        };
        let Some(producer_ms) = start.timecode.checked_add(origin) else {
            return self.refuse(AckError::INVALID_PRODUCER_TIMESTAMP, Some(start.timecode)).await;
        };
        let fragment = self.stream.start(self.number, producer_ms, start.head);
        self.acknowledge(&AckEvent::Buffering, Some(start.timecode), Some(&fragment.number)).await?;
        self.open = Some(fragment);
        Ok(())
    }

    /// Tells the producer what is wrong, and ends the connection.
    async fn refuse(&mut self, error: AckError, timecode: Option<i64>) -> Result<(), End> {
        let number = self.open.as_ref().map(|fragment| fragment.number.clone());
        let timecode = timecode.or(self.ingest.open_timecode());
        self.acknowledge(&AckEvent::Error(error), timecode, number.as_deref()).await?;
        Err(End::Done)
    }

    async fn acknowledge(&self, event: &AckEvent, timecode: Option<i64>, number: Option<&str>) -> Result<(), End> {
        if self.headers.acknowledge {
            self.sender.send(ack_line(event, timecode, number).into()).await?;
        }
        Ok(())
    }
}
