//! A reader through all of it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use bytes::Bytes;
use kineframe_consumer::{Consumer, Item, Session, SessionMonitor, SessionOptions};
use kineframe_source::{FaultKind, Faulty, MediaSource, PieceStream, StartSelector, Trigger};
use kineframe_source_aws::GetMedia;

use crate::schedule::{Break, Schedule};

/// A fragment as it came out.
pub struct Received {
    pub number: String,
    pub start_ms: Option<i64>,
    pub frames: Vec<Bytes>,
    pub whole: bool,
}

impl Received {
    /// Which one of those that were sent it is.
    pub fn index(&self) -> Result<u64, String> {
        self.start_ms.map(index_of).ok_or_else(|| format!("{} has lost its time", self.number))
    }
}

/// Which fragment of `common::upload` begins at this time.
pub fn index_of(start_ms: i64) -> u64 {
    (start_ms / 1000 - 1_700_000_000) as u64 / 2
}

/// Breaks the reads of a stream as a schedule says.
#[derive(Debug)]
struct Broken {
    inner: GetMedia,
    schedule: Vec<Option<(Break, u64)>>,
    reads: AtomicU64,
}

impl MediaSource for Broken {
    fn open(&self, start: &StartSelector) -> PieceStream {
        let read = self.reads.fetch_add(1, Ordering::SeqCst) as usize;
        let Some(Some((kind, at))) = self.schedule.get(read) else { return self.inner.open(start) };
        let kind = match kind {
            Break::Cut => FaultKind::Cut,
            Break::Reset => FaultKind::Error("connection reset".into()),
        };
        Faulty::new(self.inner.clone(), *at).with(kind, Trigger::Bytes(*at)).open(start)
    }
}

/// A session being read on a thread.
pub struct Reader {
    done: mpsc::Receiver<Result<Vec<Received>, String>>,
    monitor: SessionMonitor,
}

/// Begins to read from the beginning.
pub fn start(inner: GetMedia, schedule: &Schedule, options: SessionOptions) -> Reader {
    let broken = Broken { inner, schedule: schedule.reads.clone(), reads: AtomicU64::new(0) };
    let session = Session::new(broken, options);
    let monitor = session.monitor();
    let (sender, done) = mpsc::channel();
    std::thread::spawn(move || drop(sender.send(read(&session))));
    Reader { done, monitor }
}

fn read(session: &Session<Broken>) -> Result<Vec<Received>, String> {
    // What fails before anything was read is told at once: a user begins again.
    let mut tries = 0;
    let (first, pieces) = loop {
        tries += 1;
        let mut pieces = session.open_blocking(&StartSelector::Earliest);
        match pieces.next() {
            Some(Err(error)) if tries > 500 => return Err(error.to_string()),
            Some(Err(_)) => std::thread::sleep(Duration::from_millis(5)),
            first => break (first, pieces),
        }
    };
    let pieces = Box::new(first.into_iter().chain(pieces));
    let (mut got, mut open): (Vec<Received>, Vec<Bytes>) = (Vec::new(), Vec::new());
    for item in Consumer::of_pieces(pieces).without_bytes() {
        match item.map_err(|error| error.to_string())? {
            Item::Frame(frame) if frame.index != open.len() as u64 => return Err(format!("{frame:?} out of place")),
            Item::Frame(frame) => open.push(frame.data),
            Item::Fragment(fragment) => {
                let head = &fragment.tail().head;
                got.push(Received {
                    number: head.number.as_ref().map(ToString::to_string).unwrap_or_default(),
                    start_ms: head.producer_timestamp.and_then(|at| at.as_millis()),
                    frames: std::mem::take(&mut open),
                    // The service closes every fragment that is whole with a token.
                    whole: !fragment.tail().truncated && fragment.tail().continuation_token.is_some(),
                });
            }
            Item::Damage(damage) => return Err(format!("{damage:?}")),
            Item::ServiceError(error) => return Err(format!("{error:?}")),
            _ => {}
        }
    }
    Ok(got)
}

impl Reader {
    /// The producer has ended: so does the session, when it has everything.
    pub fn finish(&self) {
        self.monitor.finish_when_idle();
    }

    /// What it received.
    pub fn end(self, patience: Duration) -> Result<(Vec<Received>, SessionMonitor), String> {
        match self.done.recv_timeout(patience) {
            Ok(received) => Ok((received?, self.monitor)),
            Err(_) => {
                let (report, notices) = (self.monitor.report(), self.monitor.take_notices());
                Err(format!("the session does not end: {report:?}, {:?}", notices.last()))
            }
        }
    }
}
