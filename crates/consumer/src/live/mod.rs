//! A read that goes on for months: [`Session`].

mod options;
mod prefix;
mod reader;
mod report;
mod thin;
mod timer;
mod watch;
mod window;

use std::sync::{Arc, Mutex, PoisonError};

use futures_util::stream;
use kineframe_source::{MediaSource, PieceStream, StartSelector};

pub use options::{Integrity, SessionOptions, SlowReader, Until};
use reader::SessionReader;
pub use report::{GapReason, LeftOut, SessionGap, SessionNotice, SessionReport};

/// A live source read as one body that goes on: over ends, cut connections, refused calls, moved endpoints.
///
/// A Kinesis Video read ends often: after three seconds without media, after some 45 minutes, when a connection
/// breaks. A session opens the source again where the last whole fragment ended, drops what it has handed out
/// already, and so makes one body of many reads: every fragment once, every frame once, in order. It is a source
/// itself, so that everything that takes a source takes a session.
///
/// ```
/// use kineframe_consumer::{Consumer, Session, SessionOptions, Until};
/// use kineframe_source::{FaultKind, Faulty, File, Trigger};
///
/// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/captures/output_get_media.mkv");
/// // In earnest: kineframe_source_aws::Client::blocking(..)?.stream("kvs://front-door".parse()?).get_media()
/// let camera = File::new(path);
/// let mut options = SessionOptions::default();
/// options.until = Until::Idle;
/// let session = Session::new(camera, options);
/// let monitor = session.monitor();
/// for fragment in Consumer::open(&session).fragments().take(3) {
///     println!("{:?}", fragment?.number());
/// }
/// assert_eq!(monitor.report().gaps, 0);
/// let next_time = monitor.resume_point();
/// # assert!(next_time.is_some());
/// # Ok::<(), kineframe_consumer::ConsumerError>(())
/// ```
#[derive(Debug)]
pub struct Session<S> {
    source: Arc<S>,
    options: SessionOptions,
    told: Arc<Mutex<Told>>,
}

/// What a session shares with its reader.
#[derive(Debug, Default)]
struct Told {
    report: SessionReport,
    notices: Vec<SessionNotice>,
    resume: Option<StartSelector>,
    finish: bool,
}

/// Notices that wait to be taken; later ones are left out, and counted in the report alone.
const MAX_NOTICES: usize = 1024;

impl Told {
    fn notice(&mut self, notice: SessionNotice) {
        if self.notices.len() < MAX_NOTICES {
            self.notices.push(notice);
        }
    }
}

impl<S> Session<S> {
    /// A session over a source that can be opened again and again, such as GetMedia.
    pub fn new(source: S, options: SessionOptions) -> Self {
        Session { source: Arc::new(source), options, told: Arc::default() }
    }

    /// A handle that tells how the session fares, also while it is read elsewhere.
    pub fn monitor(&self) -> SessionMonitor {
        SessionMonitor(self.told.clone())
    }
}

/// Tells how a session fares.
#[derive(Debug, Clone)]
pub struct SessionMonitor(Arc<Mutex<Told>>);

impl SessionMonitor {
    /// What happened so far, in numbers.
    pub fn report(&self) -> SessionReport {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).report.clone()
    }

    /// What happened since this was last called. At most 1024 wait.
    pub fn take_notices(&self) -> Vec<SessionNotice> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner).notices)
    }

    /// Ends the session when it has handed out what there is now, whatever [`Until`] says: at the idle end of the first
    /// read that begins after this.
    pub fn finish_when_idle(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).finish = true;
    }

    /// Where another session goes on so that nothing is lost: behind the last fragment that was handed out whole. The
    /// fragment after it may have been handed out in part. `None` before the first whole fragment.
    pub fn resume_point(&self) -> Option<StartSelector> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).resume.clone()
    }
}

impl<S: MediaSource + 'static> MediaSource for Session<S> {
    fn open(&self, start: &StartSelector) -> PieceStream {
        let reader = SessionReader::new(self.source.clone(), start.clone(), self.options.clone(), self.told.clone());
        Box::pin(stream::unfold(reader, |mut reader| async move {
            let piece = reader.next().await?;
            Some((piece, reader))
        }))
    }
}

#[cfg(test)]
mod tests;
