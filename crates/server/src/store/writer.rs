//! The thread that writes: one sync and one commit for all that waits.

use std::collections::{BTreeMap, VecDeque};
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use super::index::{self, FragmentRow, Index, StoredStream};
use super::{Location, Segment, StoreError, Stored};
use crate::media::fragment::Fragment;
use crate::media::stream::Settings;

/// A media file is not added to beyond this.
const SEGMENT: u64 = 64 << 20;
/// Jobs that share a commit at most.
const TOGETHER: usize = 64;

/// What is called when a fragment is on disk, or cannot be.
pub(super) type Done = Box<dyn FnOnce(Stored) + Send>;

/// Something to be written.
pub(super) enum Job {
    Settings { id: String, settings: Box<Settings>, counter: u64, done: oneshot::Sender<Stored> },
    Fragment { id: String, fragment: Arc<Fragment>, done: Done },
    Expire { id: String, below: u64 },
    Delete { id: String, done: oneshot::Sender<Stored> },
    Close { done: oneshot::Sender<()> },
}

/// The state of the thread.
pub(super) struct Writer {
    index: Index,
    media: PathBuf,
    streams: BTreeMap<String, Stream>,
}

/// What is open of a stream.
#[derive(Default)]
struct Stream {
    /// The media file that is added to.
    current: Option<(Arc<Segment>, File, u64)>,
    /// Media files with the counter of their last fragment, oldest first.
    segments: VecDeque<(Arc<Segment>, u64)>,
    next_segment: u64,
    /// The head of the newest fragment and its number.
    head: Option<(u64, Bytes)>,
    /// The first fragment of each head that is still of use.
    heads: VecDeque<(u64, u64)>,
}

/// A fragment whose bytes are written and not yet synced.
struct Pending {
    id: String,
    fragment: Arc<Fragment>,
    location: Location,
    row: FragmentRow,
    /// The head goes in with it.
    new_head: bool,
    done: Done,
}

impl Writer {
    pub(super) fn new(index: Index, media: PathBuf, stored: &[StoredStream]) -> Self {
        let mut streams = BTreeMap::new();
        for stream in stored {
            let mut open = Stream::default();
            for fragment in &stream.fragments {
                let segment = &fragment.location.segment;
                open.next_segment = open.next_segment.max(segment.number + 1);
                match open.segments.back_mut() {
                    Some((last, counter)) if last.number == segment.number => *counter = fragment.counter,
                    _ => open.segments.push_back((Arc::clone(segment), fragment.counter)),
                }
                if open.heads.back().is_none_or(|(number, _)| *number != fragment.head_number) {
                    open.heads.push_back((fragment.head_number, fragment.counter));
                }
            }
            open.head = stream.heads.iter().next_back().map(|(number, bytes)| (*number, bytes.clone()));
            streams.insert(stream.id.clone(), open);
        }
        Writer { index, media, streams }
    }

    /// Writes until no one can ask for more.
    pub(super) fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        let mut close = None;
        while close.is_none()
            && let Some(mut job) = jobs.blocking_recv()
        {
            let mut batch = Vec::new();
            loop {
                match job {
                    Job::Close { done } => close = Some(done),
                    job => batch.push(job),
                }
                match jobs.try_recv() {
                    Ok(next) if close.is_none() && batch.len() < TOGETHER => job = next,
                    Ok(next) => {
                        batch.push(next);
                        break;
                    }
                    Err(_) => break,
                }
            }
            self.batch(batch);
        }
        drop(self);
        if let Some(done) = close {
            let _ = done.send(());
        }
    }

    fn batch(&mut self, jobs: Vec<Job>) {
        let mut pending = Vec::new();
        for job in jobs {
            match job {
                Job::Fragment { id, fragment, done } => match self.append(&id, &fragment) {
                    Ok((location, row, new_head)) => {
                        pending.push(Pending { id, fragment, location, row, new_head, done });
                    }
                    Err(error) => done(Err(error)),
                },
                // What came before is written before, so that order holds.
                other => {
                    self.commit(std::mem::take(&mut pending));
                    self.other(other);
                }
            }
        }
        self.commit(pending);
    }

    fn append(&mut self, id: &str, fragment: &Fragment) -> Result<(Location, FragmentRow, bool), StoreError> {
        let folder = self.media.join(id);
        let stream = self.streams.get_mut(id).ok_or_else(|| StoreError("the stream was deleted".to_owned()))?;
        let facts = fragment.facts().ok_or_else(|| StoreError("the fragment is not whole".to_owned()))?;
        if stream.current.as_ref().is_none_or(|(_, _, len)| *len >= SEGMENT) {
            std::fs::create_dir_all(&folder)?;
            let segment = Arc::new(Segment::new(&folder, stream.next_segment));
            let file = OpenOptions::new().write(true).create_new(true).open(segment.path())?;
            File::open(&folder)?.sync_all()?;
            stream.next_segment += 1;
            stream.segments.push_back((Arc::clone(&segment), fragment.counter));
            stream.current = Some((segment, file, 0));
        }
        let Some((segment, file, end)) = &mut stream.current else {
            return Err(StoreError("no media file is open".to_owned()));
        };
        let offset = *end;
        let mut len = 0;
        for chunk in fragment.chunks() {
            if let Err(error) = file.write_all(&chunk) {
                // Where the file ends is not known any more: the next fragment gets another.
                stream.current = None;
                return Err(error.into());
            }
            len += chunk.len() as u64;
        }
        *end += len;
        let location = Location { segment: Arc::clone(segment), offset, len };
        if let Some((_, last)) = stream.segments.back_mut() {
            *last = fragment.counter;
        }
        let (head, new_head) = match &stream.head {
            Some((number, head)) if *head == fragment.head => (*number, false),
            other => (other.as_ref().map_or(1, |(number, _)| number + 1), true),
        };
        if new_head {
            stream.head = Some((head, fragment.head.clone()));
            stream.heads.push_back((head, fragment.counter));
        }
        let row = FragmentRow {
            number: fragment.number.clone(),
            server_ms: fragment.server_ms,
            producer_ms: fragment.producer_ms,
            came_ms: (fragment.came_ms != fragment.server_ms).then_some(fragment.came_ms),
            head,
            segment: location.segment.number,
            offset,
            len,
            facts,
        };
        Ok((location, row, new_head))
    }

    /// Makes what was appended durable, and says so.
    fn commit(&mut self, pending: Vec<Pending>) {
        if pending.is_empty() {
            return;
        }
        let result = self.sync(&pending);
        for Pending { fragment, location, done, id, .. } in pending {
            match &result {
                Ok(()) => fragment.stored_at(location),
                // The index may lack a head that later rows would name.
                Err(_) => self.reset(&id),
            }
            done(result.clone());
        }
    }

    fn reset(&mut self, id: &str) {
        if let Some(stream) = self.streams.get_mut(id) {
            stream.current = None;
            if let Some((number, _)) = stream.head.take() {
                stream.head = Some((number, Bytes::new()));
            }
        }
    }

    fn sync(&self, pending: &[Pending]) -> Result<(), StoreError> {
        let mut synced: Vec<&Arc<Segment>> = Vec::new();
        for Pending { id, location, .. } in pending {
            let segment = &location.segment;
            if synced.iter().any(|other| Arc::ptr_eq(other, segment)) {
                continue;
            }
            match self.streams.get(id).and_then(|stream| stream.current.as_ref()) {
                Some((current, file, _)) if Arc::ptr_eq(current, segment) => file.sync_data()?,
                // It was full within this batch.
                _ => OpenOptions::new().append(true).open(segment.path())?.sync_data()?,
            }
            synced.push(segment);
        }
        self.index.write(|transaction| {
            for Pending { id, fragment, row, new_head, .. } in pending {
                if *new_head {
                    index::put_head(transaction, id, row.head, &fragment.head)?;
                }
                index::put_fragment(transaction, id, fragment.counter, row)?;
            }
            Ok(())
        })
    }

    fn other(&mut self, job: Job) {
        match job {
            Job::Settings { id, settings, counter, done } => {
                let result = self.index.write(|transaction| index::put_stream(transaction, &id, *settings, counter));
                if result.is_ok() {
                    self.streams.entry(id).or_default();
                }
                let _ = done.send(result);
            }
            Job::Expire { id, below } => self.expire(&id, below),
            Job::Delete { id, done } => {
                let result = self.index.write(|transaction| index::remove_stream(transaction, &id));
                if result.is_ok() {
                    self.streams.remove(&id);
                    // What cannot be removed now is removed at the next start.
                    let _ = std::fs::remove_dir_all(self.media.join(&id));
                }
                let _ = done.send(result);
            }
            Job::Fragment { .. } | Job::Close { .. } => {}
        }
    }

    /// Rows go first: a file without rows is removed at the next start, a row without its file would be a lie.
    fn expire(&mut self, id: &str, below: u64) {
        let Some(stream) = self.streams.get_mut(id) else { return };
        // A head is of use until the fragments of the next one begin.
        while stream.heads.get(1).is_some_and(|(_, first)| *first <= below) {
            stream.heads.pop_front();
        }
        let head = stream.heads.front().map_or(0, |(number, _)| *number);
        if self.index.write(|transaction| index::remove_below(transaction, id, below, head)).is_err() {
            return;
        }
        while let Some((segment, last)) = stream.segments.front()
            && *last < below
        {
            if stream.current.as_ref().is_some_and(|(current, _, _)| current.number == segment.number) {
                stream.current = None;
            }
            let _ = std::fs::remove_file(segment.path());
            stream.segments.pop_front();
        }
    }
}
