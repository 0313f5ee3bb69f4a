//! One fragment: its bytes as they come in, and what is known of it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::ingest::Facts;

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
}

/// What a reader gets.
#[derive(Debug, PartialEq)]
pub(crate) enum Read {
    /// The next bytes.
    Bytes(Bytes),
    /// Nothing now, but more will come.
    Wait,
    /// All has been read.
    End,
    /// No more will come, and the fragment is not whole.
    Broken,
}

impl Fragment {
    pub(crate) fn new(counter: u64, number: String, server_ms: i64, producer_ms: i64, head: Bytes) -> Self {
        Fragment { counter, number, server_ms, producer_ms, head, body: Mutex::default() }
    }

    fn body(&self) -> MutexGuard<'_, Body> {
        // Nothing panics while it holds the lock.
        self.body.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds bytes that came in.
    pub(crate) fn append(&self, bytes: Vec<Bytes>) {
        let now = super::stream::now_ms();
        let mut body = self.body();
        body.touched_ms = now;
        body.len += bytes.iter().map(|bytes| bytes.len() as u64).sum::<u64>();
        body.chunks.extend(bytes);
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

    /// The next bytes from `place`, which moves on.
    pub(crate) fn read(&self, place: &mut Place) -> Read {
        let body = self.body();
        if let Some(chunk) = body.chunks.get(place.chunk) {
            place.chunk += 1;
            return Read::Bytes(chunk.clone());
        }
        match body.phase {
            Phase::Open => Read::Wait,
            Phase::Whole(_) => Read::End,
            Phase::Broken => Read::Broken,
        }
    }
}
