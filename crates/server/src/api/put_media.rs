//! PutMedia: a producer's stream in, acknowledgements out while it comes.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::HeaderMap;
use kineframe_fragment::ProducerTimestamp;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::StreamRef;
use super::get_media::TOO_MANY;
use crate::fault::{FaultKind, FaultTarget, Planned};
use crate::http::peer::Peer;
use crate::http::{self, Answer, ApiError, Gone, PieceSender};
use crate::ingest::{AckError, AckEvent, Ingest, IngestLimits, Start, Step, ack_line};
use crate::limits::Pace;
use crate::media::fragment::Fragment;
use crate::media::stream::Stream;
use crate::server::stopped;
use crate::service::Service;
use crate::usage::{Connection, Points};

const NAME: &str = "PutMedia";
/// How long a producer may go on sending after it was refused.
const DRAIN: Duration = Duration::from_secs(5);

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
pub(crate) async fn put_media(
    service: &Arc<Service>,
    headers: &HeaderMap,
    body: Incoming,
    peer: &Peer,
) -> Result<Answer, ApiError> {
    let headers = Headers::read(headers)?;
    service.befall(FaultTarget::Put).await?;
    let stream = service.stream(&headers.stream)?;
    stream.meter.call(NAME, Points::default())?;
    if stream.meter.is_lifted() {
        return Err(ApiError::connection_limit("The stream is a relay of another one, which fills it."));
    }
    let connection = stream
        .meter
        .connect(NAME, service.options.max_put_media)
        .ok_or_else(|| ApiError::connection_limit(TOO_MANY))?;
    let (number, counter) = stream.open_session();
    service.store_counter(&stream, counter).await?;
    let (sender, answer) = http::pieces("application/json");
    let (archived, archive) = mpsc::unbounded_channel();
    let session = Session {
        pace: Pace::new(service.options.limits.put_bytes),
        connection,
        number,
        waiting: 0,
        archived,
        archive,
        ingest: Ingest::new(IngestLimits::from(&service.options)),
        service: Arc::clone(service),
        stream,
        headers,
        sender,
        open: None,
        held: None,
        fault: service.faults.plan(FaultTarget::Put),
        peer: peer.clone(),
    };
    tokio::spawn(session.run(body));
    Ok(answer)
}

/// One PutMedia connection.
struct Session {
    /// Let go of before the answer ends: a producer may begin anew at once.
    connection: Connection,
    pace: Pace,
    service: Arc<Service>,
    stream: Arc<Stream>,
    number: u64,
    /// Fragments that are on their way to the archive.
    waiting: usize,
    archived: mpsc::UnboundedSender<Archived>,
    archive: mpsc::UnboundedReceiver<Archived>,
    headers: Headers,
    sender: PieceSender,
    ingest: Ingest,
    open: Option<Arc<Fragment>>,
    /// A fragment whose turn has not come.
    held: Option<Start>,
    fault: Option<Planned>,
    peer: Peer,
}

/// A fragment is in the archive, or cannot be put there.
struct Archived {
    timecode: i64,
    number: String,
    done: bool,
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
    async fn run(mut self, mut body: Incoming) {
        let end = self.take(&mut body).await;
        // What is whole is acknowledged, whatever came after it.
        while self.waiting > 0 && !matches!(end, Err(End::Broken)) {
            let Some(archived) = self.archive.recv().await else { break };
            if self.persisted(archived).await.is_err() {
                break;
            }
        }
        if let Some(fragment) = self.open.take() {
            self.stream.abandon(&fragment);
        }
        drop(self);
        if !matches!(end, Err(End::Broken)) {
            drain(body).await;
        }
    }

    async fn take(&mut self, body: &mut Incoming) -> Result<(), End> {
        let options = self.service.options.clone();
        let end = Instant::now() + options.session_end;
        let mut quiet_since = Instant::now();
        let mut next_idle = quiet_since + options.put_idle_ack;
        // Until when nothing more is read: the rest waits in the socket, and the producer with it.
        let mut pause = None;
        let mut whole = false;
        let mut stopping = self.service.stopping.clone();
        let mut deleted = self.stream.deletion();
        while !whole || pause.is_some() {
            tokio::select! {
                frame = body.frame(), if pause.is_none() => {
                    match frame {
                        Some(Ok(frame)) => {
                            let piece = frame.into_data().unwrap_or_default();
                            let len = piece.len();
                            self.connection.bytes().add(len);
                            let turn = self.piece(piece).await?;
                            pause = turn.max(self.pace.after(len).map(|wait| Instant::now() + wait));
                        }
                        Some(Err(_)) => return Err(End::Broken),
                        None => {
                            whole = true;
                            self.ingest.finish();
                            pause = self.steps().await?;
                        }
                    }
                    quiet_since = pause.unwrap_or_else(Instant::now);
                    next_idle = quiet_since + options.put_idle_ack;
                }
                () = sleep_until(pause.unwrap_or(end)), if pause.is_some() => {
                    pause = self.steps().await?;
                    quiet_since = pause.unwrap_or_else(Instant::now);
                    next_idle = quiet_since + options.put_idle_ack;
                }
                Some(archived) = self.archive.recv() => self.persisted(archived).await?,
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
        Ok(())
    }

    async fn piece(&mut self, mut piece: Bytes) -> Result<Option<Instant>, End> {
        let len = piece.len() as u64;
        match self.fault.take() {
            Some(fault) if fault.after < len => {
                let before = piece.split_to(usize::try_from(fault.after).unwrap_or(0));
                self.ingest.push(before);
                self.steps().await?;
                self.fail(fault).await?;
            }
            Some(fault) => self.fault = Some(Planned { after: fault.after - len, ..fault }),
            None => {}
        }
        self.ingest.push(piece);
        self.steps().await
    }

    /// Does what was planned. `Ok` when the body goes on after it.
    async fn fail(&mut self, fault: Planned) -> Result<(), End> {
        match fault.kind {
            FaultKind::Garbage => {
                self.ingest.push(Bytes::copy_from_slice(&fault.random.to_le_bytes()));
                return Ok(());
            }
            FaultKind::Throttle | FaultKind::Expired | FaultKind::Moved => return Ok(()),
            FaultKind::Error(id) => return self.refuse(AckError::of(id), None).await,
            FaultKind::Stall => self.sender.gone().await,
            FaultKind::Reset => {
                self.peer.reset();
                self.sender.break_off().await;
            }
            FaultKind::Cut => self.sender.break_off().await,
        }
        Err(End::Broken)
    }

    /// Does what can be done with what has come, and tells when there is more to do: the service takes so many
    /// fragments a second.
    async fn steps(&mut self) -> Result<Option<Instant>, End> {
        while let Some(step) = self.held.take().map(Step::Started).or_else(|| self.ingest.next_step()) {
            match step {
                Step::Started(start) => match self.stream.meter.fragment() {
                    Ok(()) => self.start(start).await?,
                    Err(at) => {
                        self.held = Some(start);
                        return Ok(Some(at));
                    }
                },
                Step::Media(bytes) => {
                    if let Some(fragment) = &self.open {
                        self.stream.append(fragment, bytes);
                    }
                }
                Step::Finished(facts) => {
                    let Some(fragment) = self.open.take() else { continue };
                    let timecode = facts.timecode;
                    self.stream.finish(&fragment, facts);
                    self.service.expire(&self.stream);
                    // What is whole is stored, also where the producer has gone.
                    let told = self.acknowledge(&AckEvent::Received, Some(timecode), Some(&fragment.number)).await;
                    self.archive(&fragment, timecode).await?;
                    told?;
                }
                Step::Failed { error, timecode } => self.refuse(error, timecode).await?,
            }
        }
        Ok(None)
    }

    /// Gives a whole fragment to the archive, where the stream has one.
    async fn archive(&mut self, fragment: &Arc<Fragment>, timecode: i64) -> Result<(), End> {
        if !self.stream.has_archive() {
            return Ok(());
        }
        let (archived, number) = (self.archived.clone(), fragment.number.clone());
        let done = move |done| drop(archived.send(Archived { timecode, number, done }));
        self.waiting += 1;
        self.service.archive(&self.stream, fragment, done).await;
        while let Ok(archived) = self.archive.try_recv() {
            self.persisted(archived).await?;
        }
        Ok(())
    }

    async fn persisted(&mut self, archived: Archived) -> Result<(), End> {
        self.waiting = self.waiting.saturating_sub(1);
        let Archived { timecode, number, done } = archived;
        if done {
            return self.acknowledge(&AckEvent::Persisted, Some(timecode), Some(&number)).await;
        }
        self.acknowledge(&AckEvent::Error(AckError::ARCHIVAL_ERROR), Some(timecode), Some(&number)).await?;
        Err(End::Done)
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
        // Known as open first: where the producer has gone already it is abandoned, and no reader waits for its rest.
        self.open = Some(Arc::clone(&fragment));
        self.acknowledge(&AckEvent::Buffering, Some(start.timecode), Some(&fragment.number)).await
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

/// Reads what a producer that has been refused still sends, for a while: a socket that is closed with unread bytes is
/// reset, and the error would be lost with it.
async fn drain(mut body: Incoming) {
    let rest = async { while let Some(Ok(_)) = body.frame().await {} };
    let _ = tokio::time::timeout(DRAIN, rest).await;
}
