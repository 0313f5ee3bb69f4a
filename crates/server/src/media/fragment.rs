//! One fragment: its bytes as they come in, and what is known of it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::ingest::Facts;
use crate::store::{Location, READ, StoredFragment};

/// A fragment of a stream. Readers hold it while its bytes still arrive.
#[derive(Debug)]
pub(crate) struct Fragment {
    /// Its place in the stream: fragments are ordered by it.
    pub(crate) counter: u64,
    /// Its number: decimal digits.
    pub(crate) number: String,
    /// When its first byte was taken in, in milliseconds since the Unix epoch.
    pub(crate) server_ms: i64,
    /// When its producer says that it began, in milliseconds since the Unix epoch.
    pub(crate) producer_ms: i64,
    /// When it came here, in milliseconds since the Unix epoch: its `server_ms` may be another service's.
    pub(crate) came_ms: i64,
    /// What stands before the service's tags: EBML Header to Tracks.
    pub(crate) head: Bytes,
    body: Mutex<Body>,
}

#[derive(Debug, Default)]
struct Body {
    chunks: Vec<Bytes>,
    len: u64,
    phase: Phase,
    /// When bytes came in last, in milliseconds since the Unix epoch.
    touched_ms: i64,
    /// It is in the archive.
    archived: bool,
    /// It is on its way to the disk.
    pending: bool,
    /// Where it is on disk.
    location: Option<Location>,
}

/// How far a fragment has come.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) enum Phase {
    /// Its bytes still arrive.
    #[default]
    Open,
    /// It is whole.
    Whole(Facts),
    /// Its producer broke off.
    Broken,
}

/// Where a reader stands in a fragment.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Place {
    chunk: usize,
    offset: u64,
}

/// What is there to be read.
#[derive(Debug)]
enum Read {
    /// The next bytes.
    Bytes(Bytes),
    /// The next bytes are on disk, at this place of the fragment.
    Stored(Location, u64),
    /// Nothing now, but more will come.
    Wait,
    /// All has been read.
    End,
    /// No more will come, and the fragment is not whole.
    Broken,
}

impl Fragment {
    pub(crate) fn new(counter: u64, number: String, server_ms: i64, producer_ms: i64, head: Bytes) -> Self {
        let came_ms = server_ms;
        Fragment { counter, number, server_ms, producer_ms, came_ms, head, body: Mutex::default() }
    }

    /// The same, come here at this time.
    pub(crate) fn came(self, came_ms: i64) -> Self {
        Fragment { came_ms, ..self }
    }

    /// One that was found on disk.
    pub(crate) fn restored(stored: StoredFragment) -> Self {
        let StoredFragment { counter, number, server_ms, producer_ms, came_ms, head, location, facts, .. } = stored;
        let fragment = Fragment::new(counter, number, server_ms, producer_ms, head).came(came_ms);
        let len = location.len;
        *fragment.body() =
            Body { len, phase: Phase::Whole(facts), archived: true, location: Some(location), ..Body::default() };
        fragment
    }

    fn body(&self) -> MutexGuard<'_, Body> {
        // Nothing panics while it holds the lock.
        self.body.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds bytes that came in, and says how many.
    pub(crate) fn append(&self, bytes: Vec<Bytes>) -> u64 {
        let now = super::stream::now_ms();
        let mut body = self.body();
        body.touched_ms = now;
        let more = bytes.iter().map(|bytes| bytes.len() as u64).sum::<u64>();
        body.len += more;
        body.chunks.extend(bytes);
        more
    }

    /// Ends it.
    pub(crate) fn close(&self, phase: Phase) {
        self.body().phase = phase;
    }

    /// When its newest bytes came in, in milliseconds since the Unix epoch.
    pub(crate) fn touched_ms(&self) -> i64 {
        self.body().touched_ms.max(self.server_ms)
    }

    /// How far it has come.
    pub(crate) fn phase(&self) -> Phase {
        self.body().phase.clone()
    }

    /// What is known of it, once it is whole.
    pub(crate) fn facts(&self) -> Option<Facts> {
        match self.phase() {
            Phase::Whole(facts) => Some(facts),
            _ => None,
        }
    }

    /// Bytes of its Cluster and what follows, as far as they have come.
    pub(crate) fn len(&self) -> u64 {
        self.body().len
    }

    /// Its bytes in memory.
    pub(crate) fn chunks(&self) -> Vec<Bytes> {
        self.body().chunks.clone()
    }

    /// It is in the archive, which is in memory.
    pub(crate) fn archive(&self) {
        self.body().archived = true;
    }

    /// It is in the archive, on disk.
    pub(crate) fn stored_at(&self, location: Location) {
        let mut body = self.body();
        body.archived = true;
        body.location = Some(location);
    }

    /// Whether it is in the archive.
    pub(crate) fn is_archived(&self) -> bool {
        self.body().archived
    }

    /// It is on its way to the disk.
    pub(crate) fn is_pending(&self) -> bool {
        self.body().pending
    }

    /// It is given to the store, or the store has answered.
    pub(crate) fn set_pending(&self, pending: bool) {
        self.body().pending = pending;
    }

    /// Lets go of its bytes in memory if they are on disk; whether they are.
    pub(crate) fn cool(&self) -> bool {
        let mut body = self.body();
        let stored = body.location.is_some();
        if stored {
            body.chunks = Vec::new();
        }
        stored
    }

    /// The next bytes from `place`, which moves on.
    fn read(&self, place: &mut Place) -> Read {
        let body = self.body();
        if let Some(chunk) = body.chunks.get(place.chunk) {
            place.chunk += 1;
            place.offset += chunk.len() as u64;
            return Read::Bytes(chunk.clone());
        }
        match (&body.phase, &body.location) {
            (Phase::Open, _) => Read::Wait,
            (Phase::Broken, _) => Read::Broken,
            (Phase::Whole(_), Some(location)) if place.offset < location.len => {
                let at = place.offset;
                place.offset += (location.len - at).min(READ);
                Read::Stored(location.clone(), at)
            }
            (Phase::Whole(_), _) => Read::End,
        }
    }

    /// The next bytes from `place`, waiting for the disk where they are there.
    pub(crate) async fn next(&self, place: &mut Place) -> Next {
        match self.read(place) {
            Read::Bytes(bytes) => Next::Bytes(bytes),
            Read::Wait => Next::Wait,
            Read::End => Next::End,
            Read::Broken => Next::Broken,
            Read::Stored(location, at) => match tokio::task::spawn_blocking(move || location.read(at)).await {
                Ok(Ok(bytes)) => Next::Bytes(bytes),
                // Its file has gone: its retention is over, or its stream was deleted.
                _ => Next::Broken,
            },
        }
    }
}

/// What a reader gets, from memory or from disk.
#[derive(Debug, PartialEq)]
pub(crate) enum Next {
    /// The next bytes.
    Bytes(Bytes),
    /// Nothing now, but more will come.
    Wait,
    /// All has been read.
    End,
    /// No more will come, and the fragment is not whole.
    Broken,
}
