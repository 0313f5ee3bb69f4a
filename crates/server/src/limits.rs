//! The service's quotas: how often a stream may be called, what calls cost, and how fast bodies go.

use std::collections::VecDeque;

use tokio::time::{Duration, Instant};

/// What the service allows, per second. An infinite figure is no limit; one below 0.001 counts as 0.001.
///
/// A call beyond a limit is refused with `ClientLimitExceededException`, which is a 400; a body beyond one is slowed
/// down. Up to a second's worth may come at once.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Limits {
    /// Calls of each API for one stream. Default 5.
    pub calls: f64,
    /// Calls of each API of the control plane, over all streams. Default 50.
    pub account_calls: f64,
    /// The same of DescribeStream and GetDataEndpoint. Default 300.
    pub account_lookups: f64,
    /// Fragments of one stream that GetMediaForFragmentList and GetClip are asked for, those that a player fetches, and
    /// images of GetImages. Default 500.
    pub fragment_media_points: f64,
    /// Points of one stream for looking up fragments: `MaxResults` for a call of ListFragments, a fragment each for
    /// GetClip, 400 and one for each image for GetImages. Default 10,000.
    pub fragment_metadata_points: f64,
    /// Bytes of one GetMedia or GetMediaForFragmentList connection. Default 25 million.
    pub get_bytes: f64,
    /// Bytes of one PutMedia connection. Default 12.5 million.
    pub put_bytes: f64,
    /// Fragments that begin in one stream. No error acknowledgement is about them: a producer that sends more is read
    /// no faster. Default 5.
    pub put_fragments: f64,
    /// Fragments that begin in the body of one GetMedia connection. Default 5.
    pub get_fragments: f64,
    /// Playlists of one HLS session. Default 5.
    pub hls_playlists: f64,
    /// Fragments of one HLS session. Default 20.
    pub hls_fragments: f64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            calls: 5.0,
            account_calls: 50.0,
            account_lookups: 300.0,
            fragment_media_points: 500.0,
            fragment_metadata_points: 10_000.0,
            get_bytes: 25e6,
            put_bytes: 12.5e6,
            put_fragments: 5.0,
            get_fragments: 5.0,
            hls_playlists: 5.0,
            hls_fragments: 20.0,
        }
    }
}

impl Limits {
    /// No limit of any kind.
    pub fn none() -> Self {
        let no = f64::INFINITY;
        Limits {
            calls: no,
            account_calls: no,
            account_lookups: no,
            fragment_media_points: no,
            fragment_metadata_points: no,
            get_bytes: no,
            put_bytes: no,
            put_fragments: no,
            get_fragments: no,
            hls_playlists: no,
            hls_fragments: no,
        }
    }
}

/// What a call beyond a limit is told.
pub(crate) const EXCEEDED: &str = "Kinesis Video Streams has throttled the request because you have exceeded a limit.";

/// The part of a second that a body may run ahead of its rate.
const AHEAD: f64 = 0.25;
/// What is let through beyond a rate's second: calls that a client spaced right may arrive closer together.
const SLACK: f64 = 1.2;

/// Tokens that flow in at a rate.
#[derive(Debug)]
pub(crate) struct Bucket {
    rate: f64,
    most: f64,
    tokens: f64,
    at: Instant,
}

impl Bucket {
    /// For calls and points: a second's worth at once, and one call at least.
    pub(crate) fn of_calls(rate: f64) -> Self {
        Bucket::new(rate, (rate * SLACK).max(1.0))
    }

    fn new(rate: f64, most: f64) -> Self {
        Bucket { rate: rate.max(0.001), most, tokens: most, at: Instant::now() }
    }

    fn flow(&mut self, now: Instant) {
        let flowed = now.saturating_duration_since(self.at).as_secs_f64() * self.rate;
        self.at = self.at.max(now);
        self.tokens = (self.tokens + flowed).min(self.most);
    }

    /// Whether so many tokens are there. More than there ever are counts as all.
    pub(crate) fn has(&mut self, tokens: f64, now: Instant) -> bool {
        if self.rate.is_infinite() {
            return true;
        }
        self.flow(now);
        self.tokens >= tokens.min(self.most)
    }

    /// Takes tokens that are there.
    pub(crate) fn take(&mut self, tokens: f64) {
        if self.rate.is_finite() {
            self.tokens -= tokens.min(self.most);
        }
    }

    /// Takes a token, if there is one.
    pub(crate) fn call(&mut self) -> bool {
        let there = self.has(1.0, Instant::now());
        if there {
            self.take(1.0);
        }
        there
    }
}

/// Slows a body down to a rate.
#[derive(Debug)]
pub(crate) struct Pace(Option<Bucket>);

impl Pace {
    /// Bytes per second.
    pub(crate) fn new(rate: f64) -> Self {
        Pace(rate.is_finite().then(|| Bucket::new(rate, rate.max(0.001) * AHEAD)))
    }

    /// How long to wait after so many bytes.
    pub(crate) fn after(&mut self, bytes: usize) -> Option<Duration> {
        let bucket = self.0.as_mut()?;
        bucket.flow(Instant::now());
        bucket.tokens -= bytes as f64;
        (bucket.tokens < 0.0).then(|| Duration::from_secs_f64((-bucket.tokens / bucket.rate).min(3600.0)))
    }
}

/// Lets so many through within any second; who comes then is told when it is his turn.
#[derive(Debug)]
pub(crate) struct Turns {
    most: usize,
    /// The time in which so many are let through: a second, or what makes the rate.
    length: Duration,
    /// When the last ones were.
    last: VecDeque<Instant>,
}

impl Turns {
    pub(crate) fn new(rate: f64) -> Self {
        let rate = rate.max(0.001);
        let most = rate.max(1.0).floor();
        let length = Duration::try_from_secs_f64(most / rate).unwrap_or(Duration::from_secs(1));
        Turns { most: if rate.is_finite() { most as usize } else { usize::MAX }, length, last: VecDeque::new() }
    }

    /// Takes a turn.
    ///
    /// # Errors
    /// The time from which there is one.
    pub(crate) fn take(&mut self, now: Instant) -> Result<(), Instant> {
        if self.most == usize::MAX {
            return Ok(());
        }
        while self.last.front().is_some_and(|at| *at + self.length <= now) {
            self.last.pop_front();
        }
        match self.last.front() {
            Some(first) if self.last.len() >= self.most => Err(*first + self.length),
            _ => {
                self.last.push_back(now);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_second_of_calls_at_once_and_then_the_rate() {
        let mut bucket = Bucket::of_calls(5.0);
        assert_eq!((0..20).filter(|_| bucket.call()).count(), 6);
        tokio::time::advance(Duration::from_millis(1000)).await;
        assert_eq!((0..20).filter(|_| bucket.call()).count(), 5);
        let mut endless = Bucket::of_calls(f64::INFINITY);
        assert!((0..1000).all(|_| endless.call()));
        let mut rare = Bucket::of_calls(0.1);
        assert!(rare.call() && !rare.call());
    }

    #[tokio::test(start_paused = true)]
    async fn turns_come_so_many_within_any_second() {
        for (rate, count, took) in [(5.0, 23, 4000), (0.5, 3, 4000), (2.5, 5, 1600), (f64::INFINITY, 1000, 0)] {
            let (mut turns, began) = (Turns::new(rate), Instant::now());
            let mut taken = Vec::new();
            while taken.len() < count {
                match turns.take(Instant::now()) {
                    Ok(()) => taken.push(Instant::now()),
                    Err(at) => tokio::time::sleep_until(at).await,
                }
            }
            let elapsed = began.elapsed().as_millis();
            assert!((took..took + 20).contains(&elapsed), "{rate}: {elapsed} ms");
        }
        // Who is late loses nothing, and gains nothing.
        let mut turns = Turns::new(5.0);
        tokio::time::advance(Duration::from_secs(100)).await;
        assert_eq!((0..20).filter(|_| turns.take(Instant::now()).is_ok()).count(), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_may_cost_more_than_a_second_gives() {
        let mut bucket = Bucket::of_calls(500.0);
        let now = Instant::now();
        assert!(bucket.has(1000.0, now));
        bucket.take(1000.0);
        assert!(!bucket.has(1.0, now));
        tokio::time::advance(Duration::from_millis(800)).await;
        assert!(bucket.has(400.0, Instant::now()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_goes_at_its_rate() {
        let mut pace = Pace::new(1e6);
        let began = Instant::now();
        for _ in 0..300 {
            if let Some(wait) = pace.after(10_000) {
                tokio::time::sleep(wait).await;
            }
        }
        let took = began.elapsed();
        assert!((Duration::from_millis(2700)..Duration::from_millis(2800)).contains(&took), "{took:?}");
        assert_eq!(Pace::new(f64::INFINITY).after(usize::MAX), None);
    }
}
