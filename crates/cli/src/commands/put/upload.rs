//! One PutMedia connection: what went out, and what came back.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use bytes::Bytes;
use kineframe::source_aws::{Ack, AckEvent, Client, Error, PutMedia, PutSender, PutTimecodes, StreamHandle};
use serde_json::json;

use crate::outcome::Failure;
use crate::output::Output;

/// How long the last acknowledgements are waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// What was acknowledged, over all connections.
#[derive(Debug, Default)]
pub struct Tally {
    /// Fragments sent.
    pub sent: u64,
    /// Bytes sent.
    pub bytes: u64,
    /// Fragments acknowledged as stored (received, where the stream stores nothing).
    pub acknowledged: u64,
    /// Connections opened.
    pub connections: u64,
    /// `ERROR` acknowledgements.
    pub errors: u64,
    /// The first of them, in words.
    pub first_error: Option<String>,
}

/// A connection.
pub struct Upload {
    client: Client,
    stream: String,
    sender: Option<PutSender>,
    acks: Receiver<Result<Ack, Error>>,
    /// Fragments by Cluster Timestamp that are not acknowledged yet.
    waiting: BTreeMap<i64, u64>,
    /// What counts as stored.
    stored: AckEvent,
    opened: Instant,
}

impl Upload {
    /// Opens a connection; fragments of a stream without retention are never persisted.
    pub fn open(stream: &StreamHandle, retained: bool, tally: &mut Tally) -> Result<Upload, Failure> {
        let PutMedia { sender, mut acks } = stream.put_media(PutTimecodes::Absolute);
        let (out, received) = channel();
        let client = stream.client().clone();
        let runtime = client.clone();
        std::thread::Builder::new()
            .name("acknowledgements".into())
            .spawn(move || {
                while let Some(ack) = runtime.block_on(acks.next()) {
                    if out.send(ack).is_err() {
                        return;
                    }
                }
            })
            .map_err(|error| Failure::Work(format!("no thread to read acknowledgements with: {error}")))?;
        tally.connections += 1;
        Ok(Upload {
            client,
            stream: stream.id().to_string(),
            sender: Some(sender),
            acks: received,
            waiting: BTreeMap::new(),
            stored: if retained { AckEvent::Persisted } else { AckEvent::Received },
            opened: Instant::now(),
        })
    }

    /// How long it has been open.
    pub fn age(&self) -> Duration {
        self.opened.elapsed()
    }

    /// Sends a piece, and says what has come back.
    ///
    /// # Errors
    /// The connection is over: why.
    pub fn send(&mut self, piece: Bytes, tally: &mut Tally, output: &mut Output) -> Result<(), Failure> {
        let length = piece.len() as u64;
        let sent = self.sender.as_ref().map(|sender| self.client.block_on(sender.send(piece)));
        match sent {
            Some(Ok(())) => {
                tally.bytes += length;
                while let Ok(ack) = self.acks.try_recv() {
                    self.take(ack, tally, output)?;
                }
                Ok(())
            }
            _ => {
                self.drain(tally, output)?;
                let why = tally.first_error.clone();
                Err(Failure::Work(format!(
                    "{}: PutMedia: the service ended the connection{}; what was acknowledged is stored",
                    self.stream,
                    why.map(|why| format!(" ({why})")).unwrap_or_default()
                )))
            }
        }
    }

    /// A fragment has begun.
    pub fn began(&mut self, timecode: i64, tally: &mut Tally) {
        tally.sent += 1;
        *self.waiting.entry(timecode).or_default() += 1;
    }

    /// Ends the connection, and waits for what is to come back.
    ///
    /// # Errors
    /// The service refused or could not be reached.
    pub fn close(mut self, tally: &mut Tally, output: &mut Output) -> Result<(), Failure> {
        self.sender = None;
        self.drain(tally, output)
    }

    fn drain(&mut self, tally: &mut Tally, output: &mut Output) -> Result<(), Failure> {
        self.sender = None;
        loop {
            match self.acks.recv_timeout(PATIENCE) {
                Ok(ack) => self.take(ack, tally, output)?,
                Err(RecvTimeoutError::Disconnected | RecvTimeoutError::Timeout) => return Ok(()),
            }
        }
    }

    fn take(&mut self, ack: Result<Ack, Error>, tally: &mut Tally, output: &mut Output) -> Result<(), Failure> {
        let ack = ack.map_err(crate::kvs::failure)?;
        if ack.event == self.stored
            && let Some(timecode) = ack.fragment_timecode
            && let Some(count) = self.waiting.get_mut(&timecode)
        {
            tally.acknowledged += 1;
            *count -= 1;
            if *count == 0 {
                self.waiting.remove(&timecode);
            }
        }
        if ack.event == AckEvent::Error {
            tally.errors += 1;
            let code = ack.error_code.as_deref().unwrap_or("an error without a name");
            let id = ack.error_id.map(|id| format!(" {id}")).unwrap_or_default();
            let at = ack.fragment_timecode.filter(|&at| at >= 0).map(|at| format!(" at {at}")).unwrap_or_default();
            tally.first_error.get_or_insert_with(|| format!("{code}{id}{at}"));
        }
        let object = json!({
            "EventType": ack.event.name(),
            "FragmentTimecode": ack.fragment_timecode,
            "FragmentNumber": ack.fragment_number.as_ref().map(ToString::to_string),
            "ErrorId": ack.error_id,
            "ErrorCode": ack.error_code,
        });
        output.item(&object, || match (&ack.event, &ack.fragment_number) {
            (event, Some(number)) if *event == self.stored => format!("{number}  {}", event.name()),
            _ => String::new(),
        })
    }
}
