//! GetMedia: a stream from some place on, live at its end.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::{StreamRef, Timestamp, required};
use crate::fault::FaultTarget;
use crate::http::peer::Peer;
use crate::http::{self, Answer, ApiError, Gone, PieceSender};
use crate::limits::Turns;
use crate::media::fragment::{Fragment, Next, Place};
use crate::media::stream::{Begin, Stream, now_ms};
use crate::media::tags;
use crate::server::stopped;
use crate::service::Service;
use crate::usage::{Connection, Points};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetMedia {
    #[serde(flatten)]
    stream: StreamRef,
    start_selector: Option<StartSelector>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StartSelector {
    start_selector_type: Option<String>,
    after_fragment_number: Option<String>,
    start_timestamp: Option<Timestamp>,
    continuation_token: Option<String>,
}

const NAME: &str = "GetMedia";
/// What a connection beyond the limit is told.
pub(crate) const TOO_MANY: &str =
    "Kinesis Video Streams has throttled the request because of too many open connections.";

/// GetMedia.
pub(crate) fn get_media(service: &Service, body: &[u8], peer: &Peer) -> Result<Answer, ApiError> {
    let input: GetMedia = http::parse(body)?;
    let stream = service.stream(&input.stream)?;
    let selector = required("startSelector", input.start_selector)?;
    let begin = begin(&stream, selector, service.options.idle_end)?;
    stream.meter.call(NAME, Points::default())?;
    let connection = stream
        .meter
        .connect(NAME, service.options.max_get_media)
        .ok_or_else(|| ApiError::connection_limit(TOO_MANY))?;
    let (sender, answer) = http::pieces("video/webm");
    let sender = sender.with_fault(service.faults.plan(FaultTarget::Get));
    let sender = sender.over(&connection, peer, service.options.limits.get_bytes);
    tokio::spawn(read(service, &stream, begin, sender, Some(connection)));
    Ok(answer)
}

/// Sends a stream from some place on, to the end of the session.
pub(crate) fn read(
    service: &Service,
    stream: &Arc<Stream>,
    begin: Begin,
    sender: PieceSender,
    connection: Option<Connection>,
) -> impl Future<Output = ()> + Send + use<> {
    // A reader in this process has no connection, and one of a relay asks nothing of the service.
    let limited = connection.is_some() && !stream.meter.is_lifted();
    let session = Session {
        turns: limited.then(|| Turns::new(service.options.limits.get_fragments)),
        _connection: connection,
        idle_end: service.options.idle_end,
        end: Instant::now() + service.options.session_end,
        stopping: service.stopping.clone(),
        stream: Arc::clone(stream),
        sender,
    };
    session.run(begin)
}

/// Where reading begins.
fn begin(stream: &Stream, selector: StartSelector, idle_end: Duration) -> Result<Begin, ApiError> {
    let number = |name, text: Option<String>| -> Result<String, ApiError> {
        let text = required(name, text)?;
        let digits = (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then_some(text).ok_or_else(|| ApiError::invalid_argument(format!("{name} is not a fragment number.")))
    };
    let time = |time: Option<Timestamp>| Ok(required("startSelector.startTimestamp", time)?.millis);
    Ok(match required("startSelector.startSelectorType", selector.start_selector_type)?.as_str() {
        "NOW" => Begin::At(now(stream, idle_end)),
        "EARLIEST" => Begin::At(0),
        "FRAGMENT_NUMBER" => {
            stream.after_number(&number("startSelector.afterFragmentNumber", selector.after_fragment_number)?)
        }
        "CONTINUATION_TOKEN" => {
            stream.after_number(&number("startSelector.continuationToken", selector.continuation_token)?)
        }
        "SERVER_TIMESTAMP" => Begin::At(stream.at_time(time(selector.start_timestamp)?, |fragment| fragment.server_ms)),
        "PRODUCER_TIMESTAMP" => {
            Begin::At(stream.at_time(time(selector.start_timestamp)?, |fragment| fragment.producer_ms))
        }
        other => {
            return Err(ApiError::invalid_argument(format!(
                "1 validation error detected: Value '{other}' at 'startSelector.startSelectorType' failed to satisfy \
                 constraint: Member must satisfy enum value set: [FRAGMENT_NUMBER, SERVER_TIMESTAMP, \
                 PRODUCER_TIMESTAMP, NOW, EARLIEST, CONTINUATION_TOKEN]"
            )));
        }
    })
}

/// The newest fragment while a producer is at work, else the next one.
pub(crate) fn now(stream: &Stream, idle_end: Duration) -> u64 {
    let recent = |fragment: &Arc<Fragment>| {
        let age = now_ms().saturating_sub(fragment.touched_ms());
        age <= i64::try_from(idle_end.as_millis()).unwrap_or(i64::MAX)
    };
    stream.newest().filter(recent).map_or(stream.next_counter(), |fragment| fragment.counter)
}

/// One GetMedia connection.
struct Session {
    /// Let go of before the body ends: a reader may begin anew at once.
    _connection: Option<Connection>,
    /// Of fragments, where they are limited.
    turns: Option<Turns>,
    stream: Arc<Stream>,
    sender: PieceSender,
    idle_end: Duration,
    end: Instant,
    stopping: tokio::sync::watch::Receiver<bool>,
}

/// Why a session ends.
enum End {
    /// In order: nothing came for a while, its time is up, or the server stops.
    Quiet,
    /// The client has gone.
    Gone,
}

impl From<Gone> for End {
    fn from(_: Gone) -> Self {
        End::Gone
    }
}

impl Session {
    async fn run(mut self, begin: Begin) {
        // The body is broken off by no more than its end: what a client sees is a last chunk.
        let _ = match begin {
            Begin::At(counter) => self.follow(counter).await,
            Begin::Gone => self.error(4000, "FRAGMENT_NOT_FOUND").await,
        };
    }

    async fn error(&self, id: u32, code: &str) -> Result<(), End> {
        for piece in tags::error_document(id, code, None) {
            self.sender.send(piece).await?;
        }
        Ok(())
    }

    async fn follow(&mut self, mut counter: u64) -> Result<(), End> {
        let mut changes = self.stream.subscribe();
        loop {
            changes.borrow_and_update();
            let Some(fragment) = self.stream.at_counter(counter) else {
                self.wait(&mut changes).await?;
                continue;
            };
            counter = fragment.counter + 1;
            self.fragment(&fragment, &mut changes).await?;
        }
    }

    async fn fragment(
        &mut self,
        fragment: &Fragment,
        changes: &mut tokio::sync::watch::Receiver<u64>,
    ) -> Result<(), End> {
        self.turn().await?;
        self.send(fragment.head.clone()).await?;
        self.send(tags::opening(fragment)).await?;
        let mut place = Place::default();
        loop {
            changes.borrow_and_update();
            match fragment.next(&mut place).await {
                Next::Bytes(bytes) => self.send(bytes).await?,
                Next::Wait => self.wait(changes).await?,
                Next::End => break,
                // Without closing tags: the reader sees that it was cut.
                Next::Broken => return Ok(()),
            }
        }
        let newest = self.stream.newest().map_or(fragment.server_ms, |newest| newest.server_ms);
        self.send(tags::closing(fragment, newest.saturating_sub(fragment.server_ms))).await
    }

    /// Waits until another fragment may begin.
    async fn turn(&mut self) -> Result<(), End> {
        let Some(Err(at)) = self.turns.as_mut().map(|turns| turns.take(Instant::now())) else { return Ok(()) };
        tokio::select! {
            () = sleep_until(at.min(self.end)) => {}
            () = self.sender.gone() => return Err(End::Gone),
            () = stopped(&mut self.stopping) => return Err(End::Quiet),
        }
        match self.turns.as_mut().map(|turns| turns.take(Instant::now())) {
            // The session's time is up before that.
            Some(Err(_)) => Err(End::Quiet),
            _ => Ok(()),
        }
    }

    async fn send(&mut self, piece: bytes::Bytes) -> Result<(), End> {
        tokio::select! {
            sent = timeout_at(self.end, self.sender.send(piece)) => match sent {
                Ok(sent) => Ok(sent?),
                Err(_) => Err(End::Quiet),
            },
            () = stopped(&mut self.stopping) => Err(End::Quiet),
        }
    }

    /// Waits for something new.
    async fn wait(&mut self, changes: &mut tokio::sync::watch::Receiver<u64>) -> Result<(), End> {
        if self.stream.is_deleted() {
            return Err(End::Quiet);
        }
        let end = self.end.min(Instant::now() + self.idle_end);
        tokio::select! {
            changed = timeout_at(end, changes.changed()) => match changed {
                Ok(Ok(())) => Ok(()),
                _ => Err(End::Quiet),
            },
            () = self.sender.gone() => Err(End::Gone),
            () = stopped(&mut self.stopping) => Err(End::Quiet),
        }
    }
}
