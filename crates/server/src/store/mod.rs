//! What outlives the process: an index of streams and fragments (redb), and plain files with the media.
//!
//! ```text
//! index.redb                    streams, heads, fragments
//! media/<stream id>/<n>.media   bytes of fragments, end to end
//! ```
//!
//! A fragment is first written and synced to its media file, then its row is committed to the index, and then its
//! producer is told that it is persisted. Many that wait share one sync and one commit. What is in a media file and
//! not in the index is forgotten at the next start. Stream identifiers are made here at random: no name out of a
//! request becomes a path.

mod index;
mod segments;
mod writer;

use std::io;
use std::path::Path;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use crate::media::fragment::Fragment;
use crate::media::stream::Settings;
use index::Index;
pub(crate) use index::{StoredFragment, StoredStream};
use segments::Segment;
pub(crate) use segments::{Location, READ};
use writer::{Job, Writer};

/// Jobs that wait for the writer.
const WAITING: usize = 64;

/// Why something cannot be stored, or a store cannot be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct StoreError(pub(crate) String);

impl From<io::Error> for StoreError {
    fn from(error: io::Error) -> Self {
        StoreError(error.to_string())
    }
}

impl From<redb::Error> for StoreError {
    fn from(error: redb::Error) -> Self {
        StoreError(error.to_string())
    }
}

/// Hands what is to be stored to the thread that writes.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    jobs: mpsc::Sender<Job>,
}

impl Store {
    /// Opens the store in a folder, which is made where it is not there, and reads what it holds.
    pub(crate) fn open(folder: &Path) -> Result<(Self, Vec<StoredStream>), StoreError> {
        let media = folder.join("media");
        std::fs::create_dir_all(&media)?;
        let index = Index::open(&folder.join("index.redb"))?;
        let streams = index.streams(&media)?;
        segments::tidy(&media, &streams)?;
        let writer = Writer::new(index, media, &streams);
        let (jobs, receiver) = mpsc::channel(WAITING);
        std::thread::Builder::new().name("kineframe-store".to_owned()).spawn(move || writer.run(receiver))?;
        Ok((Store { jobs }, streams))
    }

    /// Keeps a stream's settings, and the counter that its next fragments begin after.
    pub(crate) fn settings(&self, id: &str, settings: Settings, counter: u64) -> oneshot::Receiver<Stored> {
        let (done, receiver) = oneshot::channel();
        let (id, jobs) = (id.to_owned(), self.jobs.clone());
        tokio::spawn(async move { jobs.send(Job::Settings { id, settings: Box::new(settings), counter, done }).await });
        receiver
    }

    /// Keeps a fragment; `done` is called when it is on disk, or cannot be.
    pub(crate) async fn fragment(
        &self,
        id: &str,
        fragment: Arc<Fragment>,
        done: impl FnOnce(Result<(), StoreError>) + Send + 'static,
    ) {
        // If the writer is gone, `done` is dropped with the job.
        let _ = self.jobs.send(Job::Fragment { id: id.to_owned(), fragment, done: Box::new(done) }).await;
    }

    /// Forgets a stream's fragments below this counter.
    pub(crate) fn expire(&self, id: &str, below: u64) {
        let job = Job::Expire { id: id.to_owned(), below };
        // When the writer is busy, the next call says it again.
        let _ = self.jobs.try_send(job);
    }

    /// Writes what was given before, and closes.
    pub(crate) async fn close(&self) {
        let (done, closed) = oneshot::channel();
        let _ = self.jobs.send(Job::Close { done }).await;
        let _ = closed.await;
    }

    /// Forgets a stream and all of its media.
    pub(crate) fn delete(&self, id: &str) -> oneshot::Receiver<Stored> {
        let (done, receiver) = oneshot::channel();
        let (id, jobs) = (id.to_owned(), self.jobs.clone());
        tokio::spawn(async move { jobs.send(Job::Delete { id, done }).await });
        receiver
    }
}

/// Whether something has been stored.
pub(crate) type Stored = Result<(), StoreError>;
