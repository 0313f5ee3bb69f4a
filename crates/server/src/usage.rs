//! What of a stream is used, and what of that is refused.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value, json};
use tokio::time::{Duration, Instant};

use crate::http::ApiError;
use crate::limits::{Bucket, EXCEEDED, Limits, Turns};

/// The length of time that is meant by "a second".
const SECOND: Duration = Duration::from_secs(1);
/// Calls of the last second that are remembered one by one.
const REMEMBERED: usize = 100_000;

/// What was asked of one stream since the server started.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct Usage {
    /// By the name of the call: `GetMedia`, `ListFragments`, `DescribeStream` …; those that were called.
    pub calls: BTreeMap<&'static str, CallUsage>,
    /// The most points of fragment media that calls cost within one second. See [`Limits::fragment_media_points`].
    pub most_media_points: f64,
    /// The most points for looking up fragments, likewise.
    pub most_metadata_points: f64,
    /// The most fragments that producers began within one second. See [`Limits::put_fragments`].
    pub most_fragments: usize,
}

impl Usage {
    /// What was asked of one call; nothing of one that was not made.
    pub fn of(&self, call: &str) -> CallUsage {
        self.calls.get(call).copied().unwrap_or_default()
    }
}

impl Usage {
    /// The same as JSON.
    pub(crate) fn to_json(&self) -> Value {
        let calls = self.calls.iter().map(|(name, call)| {
            let call = json!({
                "made": call.made,
                "refused": call.refused,
                "most_in_a_second": call.most_in_a_second,
                "connections": call.connections,
                "most_connections": call.most_connections,
                "bytes": call.bytes,
            });
            ((*name).to_owned(), call)
        });
        json!({
            "calls": calls.collect::<Map<_, _>>(),
            "most_media_points": self.most_media_points,
            "most_metadata_points": self.most_metadata_points,
            "most_fragments": self.most_fragments,
        })
    }
}

/// What was asked of one call of one stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct CallUsage {
    /// How often it was called, refused calls included.
    pub made: u64,
    /// How often it was refused for a limit of calls, points or connections.
    pub refused: u64,
    /// The most calls within one second, those that were refused for it included.
    pub most_in_a_second: usize,
    /// Connections that are open: of GetMedia, GetMediaForFragmentList and PutMedia alone.
    pub connections: usize,
    /// The most connections that were open at once.
    pub most_connections: usize,
    /// Bytes of media that were sent, or taken in.
    pub bytes: u64,
}

/// What a call costs beside itself.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Points {
    pub(crate) media: f64,
    pub(crate) metadata: f64,
}

impl Points {
    /// Fragments that are looked up and read.
    pub(crate) fn fragments(count: usize) -> Self {
        Points { media: count as f64, metadata: count as f64 }
    }
}

/// Counts what is asked of a stream, and refuses what is too much.
#[derive(Debug)]
pub(crate) struct Meter {
    limits: Limits,
    /// Everything is counted, and nothing refused.
    lifted: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    calls: BTreeMap<&'static str, Counted>,
    media: (Bucket, Window),
    metadata: (Bucket, Window),
    fragments: (Turns, Window),
}

#[derive(Debug)]
struct Counted {
    bucket: Bucket,
    window: Window,
    made: u64,
    refused: u64,
    gauge: Arc<Gauge>,
}

/// What connections of a kind are open, and what went over them.
#[derive(Debug, Default)]
struct Gauge {
    open: AtomicUsize,
    most: AtomicUsize,
    bytes: AtomicU64,
}

impl Meter {
    pub(crate) fn new(limits: Limits) -> Self {
        let points = |rate| (Bucket::of_calls(rate), Window::default());
        let state = State {
            calls: BTreeMap::new(),
            media: points(limits.fragment_media_points),
            metadata: points(limits.fragment_metadata_points),
            fragments: (Turns::new(limits.put_fragments), Window::default()),
        };
        Meter { limits, lifted: AtomicBool::new(false), state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Refuses nothing from now on: the stream is a relay's.
    pub(crate) fn lift(&self) {
        self.lifted.store(true, Ordering::Release);
    }

    /// Whether the stream is a relay's.
    pub(crate) fn is_lifted(&self) -> bool {
        self.lifted.load(Ordering::Acquire)
    }

    /// Counts a call.
    ///
    /// # Errors
    /// It is beyond the limit of its calls, or of points.
    pub(crate) fn call(&self, name: &'static str, points: Points) -> Result<(), ApiError> {
        self.admit(name, points, None)
    }

    /// Counts a request of a session, whose calls have a limit of their own.
    ///
    /// # Errors
    /// It is beyond that limit, or of points.
    pub(crate) fn session_call(
        &self,
        name: &'static str,
        points: Points,
        limit: &Mutex<Bucket>,
    ) -> Result<(), ApiError> {
        let mut limit = limit.lock().unwrap_or_else(PoisonError::into_inner);
        self.admit(name, points, Some(&mut limit))
    }

    fn admit(&self, name: &'static str, points: Points, limit: Option<&mut Bucket>) -> Result<(), ApiError> {
        let (now, mut state) = (Instant::now(), self.state());
        let state = &mut *state;
        let call = state.calls.entry(name).or_insert_with(|| Counted::new(self.limits.calls));
        call.made += 1;
        call.window.add(1.0, now);
        let bucket = limit.unwrap_or(&mut call.bucket);
        let allowed =
            bucket.has(1.0, now) && state.media.0.has(points.media, now) && state.metadata.0.has(points.metadata, now);
        if !allowed && !self.is_lifted() {
            call.refused += 1;
            return Err(ApiError::client_limit(EXCEEDED));
        }
        bucket.take(1.0);
        for ((bucket, window), cost) in [(&mut state.media, points.media), (&mut state.metadata, points.metadata)] {
            if cost > 0.0 {
                bucket.take(cost);
                window.add(cost, now);
            }
        }
        Ok(())
    }

    /// Counts a fragment that a producer begins.
    ///
    /// # Errors
    /// It is one too many; the time from which it is not.
    pub(crate) fn fragment(&self) -> Result<(), Instant> {
        let (now, mut state) = (Instant::now(), self.state());
        let (turns, window) = &mut state.fragments;
        turns.take(now)?;
        window.add(1.0, now);
        Ok(())
    }

    /// Counts a connection that a call opens, if it is not beyond `most`.
    pub(crate) fn connect(&self, name: &'static str, most: usize) -> Option<Connection> {
        self.open(name, if self.is_lifted() { usize::MAX } else { most })
    }

    /// Counts the only connection of a call.
    pub(crate) fn connect_alone(&self, name: &'static str) -> Option<Connection> {
        self.open(name, 1)
    }

    fn open(&self, name: &'static str, most: usize) -> Option<Connection> {
        let mut state = self.state();
        let call = state.calls.entry(name).or_insert_with(|| Counted::new(self.limits.calls));
        let open = call.gauge.open.load(Ordering::Acquire);
        if open >= most {
            call.refused += 1;
            return None;
        }
        // Opened under the lock alone; closed at any time.
        call.gauge.open.fetch_add(1, Ordering::AcqRel);
        call.gauge.most.fetch_max(open + 1, Ordering::AcqRel);
        Some(Connection(Arc::clone(&call.gauge)))
    }

    /// What was counted.
    pub(crate) fn usage(&self) -> Usage {
        let state = self.state();
        let calls = state.calls.iter().map(|(name, call)| {
            let usage = CallUsage {
                made: call.made,
                refused: call.refused,
                most_in_a_second: call.window.most as usize,
                connections: call.gauge.open.load(Ordering::Acquire),
                most_connections: call.gauge.most.load(Ordering::Acquire),
                bytes: call.gauge.bytes.load(Ordering::Acquire),
            };
            (*name, usage)
        });
        Usage {
            calls: calls.collect(),
            most_media_points: state.media.1.most,
            most_metadata_points: state.metadata.1.most,
            most_fragments: state.fragments.1.most as usize,
        }
    }
}

impl Counted {
    fn new(rate: f64) -> Self {
        Counted {
            bucket: Bucket::of_calls(rate),
            window: Window::default(),
            made: 0,
            refused: 0,
            gauge: Arc::default(),
        }
    }
}

/// One of the connections that are counted; it no longer counts when this is dropped.
#[derive(Debug)]
pub(crate) struct Connection(Arc<Gauge>);

impl Connection {
    /// What counts the bytes that go over it.
    pub(crate) fn bytes(&self) -> ByteCount {
        ByteCount(Arc::clone(&self.0))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Counts bytes of media.
#[derive(Debug, Clone)]
pub(crate) struct ByteCount(Arc<Gauge>);

impl ByteCount {
    pub(crate) fn add(&self, bytes: usize) {
        self.0.bytes.fetch_add(bytes as u64, Ordering::AcqRel);
    }
}

/// The sum over the last second, and the greatest that it was.
#[derive(Debug, Default)]
struct Window {
    last: VecDeque<(Instant, f64)>,
    sum: f64,
    most: f64,
}

impl Window {
    fn add(&mut self, cost: f64, now: Instant) {
        while let Some((at, old)) = self.last.front().copied()
            && (now.saturating_duration_since(at) >= SECOND || self.last.len() >= REMEMBERED)
        {
            self.sum -= old;
            self.last.pop_front();
        }
        self.last.push_back((now, cost));
        self.sum += cost;
        self.most = self.most.max(self.sum);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn calls_points_and_connections_are_counted_and_refused() {
        let meter = Meter::new(Limits::default());
        let refused = (0..8).filter(|_| meter.call("ListFragments", Points::default()).is_err()).count();
        assert_eq!(refused, 2);
        let usage = meter.usage().of("ListFragments");
        assert_eq!((usage.made, usage.refused, usage.most_in_a_second), (8, 2, 8));
        // Points are shared by the calls that cost them.
        assert!(meter.call("GetMediaForFragmentList", Points { media: 500.0, metadata: 0.0 }).is_ok());
        assert!(meter.call("GetClip", Points::fragments(200)).is_err());
        tokio::time::advance(Duration::from_millis(400)).await;
        assert!(meter.call("GetClip", Points::fragments(200)).is_ok());
        let usage = meter.usage();
        assert_eq!((usage.most_media_points, usage.most_metadata_points), (700.0, 200.0));

        let one = meter.connect("GetMedia", 2).unwrap();
        let two = meter.connect("GetMedia", 2).unwrap();
        assert!(meter.connect("GetMedia", 2).is_none());
        one.bytes().add(7);
        drop((one, two));
        let usage = meter.usage().of("GetMedia");
        assert_eq!((usage.connections, usage.most_connections, usage.bytes, usage.refused), (0, 2, 7, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn the_most_within_any_second_is_kept() {
        let mut window = Window::default();
        for step in 0..20 {
            window.add(1.0, Instant::now());
            tokio::time::advance(Duration::from_millis(if step < 10 { 90 } else { 500 })).await;
        }
        // Eleven steps of 90 ms lie within one second.
        assert_eq!(window.most, 11.0);
    }
}
