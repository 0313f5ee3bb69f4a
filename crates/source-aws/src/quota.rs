//! The service's limits, kept on our side, so that it need not refuse.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::endpoint::Api;

/// What one client asks of a stream at most. The defaults are the service's own limits for a stream; several
/// processes that read the same stream share them, so give each its part.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Quotas {
    /// GetMedia connections at a time.
    pub get_media_connections: usize,
    /// GetMediaForFragmentList connections at a time.
    pub fragment_list_connections: usize,
    /// Calls of each data API a second.
    pub calls_per_second: f64,
    /// Fragments of GetMediaForFragmentList and GetClip, and images of GetImages, a second.
    pub fragment_media_points: f64,
    /// Fragments listed (each ListFragments call costs its `MaxResults`), clipped, and images plus 400, a second.
    pub fragment_metadata_points: f64,
    /// Control plane calls of each kind a second.
    pub control_calls_per_second: f64,
}

impl Default for Quotas {
    fn default() -> Self {
        Quotas {
            get_media_connections: 3,
            fragment_list_connections: 5,
            calls_per_second: 5.0,
            fragment_media_points: 500.0,
            fragment_metadata_points: 10_000.0,
            control_calls_per_second: 5.0,
        }
    }
}

/// The meters of every stream that a client reads.
#[derive(Debug)]
pub(crate) struct Meters {
    quotas: Quotas,
    streams: Mutex<HashMap<Arc<str>, Arc<Meter>>>,
}

impl Meters {
    pub(crate) fn new(quotas: Quotas) -> Self {
        Meters { quotas, streams: Mutex::new(HashMap::new()) }
    }

    pub(crate) fn of(&self, stream: &Arc<str>) -> Arc<Meter> {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        streams.entry(stream.clone()).or_insert_with(|| Arc::new(Meter::new(self.quotas))).clone()
    }
}

/// What is used of one stream.
#[derive(Debug)]
pub(crate) struct Meter {
    get_media: Arc<Semaphore>,
    fragment_list: Arc<Semaphore>,
    calls: Mutex<HashMap<Api, Bucket>>,
    control: Mutex<HashMap<&'static str, Bucket>>,
    media_points: Mutex<Bucket>,
    metadata_points: Mutex<Bucket>,
    quotas: Quotas,
}

impl Meter {
    fn new(quotas: Quotas) -> Self {
        Meter {
            get_media: Arc::new(Semaphore::new(quotas.get_media_connections.clamp(1, 10_000))),
            fragment_list: Arc::new(Semaphore::new(quotas.fragment_list_connections.clamp(1, 10_000))),
            calls: Mutex::default(),
            control: Mutex::default(),
            media_points: Mutex::new(Bucket::new(quotas.fragment_media_points)),
            metadata_points: Mutex::new(Bucket::new(quotas.fragment_metadata_points)),
            quotas,
        }
    }

    /// A connection; given back when the permit is dropped. `None` for calls that hold none.
    pub(crate) async fn connection(&self, api: Api) -> Option<OwnedSemaphorePermit> {
        let semaphore = match api {
            Api::GetMedia => &self.get_media,
            Api::GetMediaForFragmentList => &self.fragment_list,
            _ => return None,
        };
        // Never closed, so that there always is one in the end.
        semaphore.clone().acquire_owned().await.ok()
    }

    /// Waits until a call of this API may be made that costs so many points.
    pub(crate) async fn call(&self, api: Api, metadata: f64, media: f64) {
        let at = Instant::now();
        let call =
            lock(&self.calls).entry(api).or_insert_with(|| Bucket::new(self.quotas.calls_per_second)).take(1.0, at);
        let metadata = lock(&self.metadata_points).take(metadata, at);
        let media = lock(&self.media_points).take(media, at);
        tokio::time::sleep(call.max(metadata).max(media)).await;
    }

    /// Waits until a control plane call may be made.
    pub(crate) async fn control(&self, operation: &'static str) {
        let rate = self.quotas.control_calls_per_second;
        let wait = lock(&self.control).entry(operation).or_insert_with(|| Bucket::new(rate)).take(1.0, Instant::now());
        tokio::time::sleep(wait).await;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Tokens that flow in at a rate, at most a second's worth. Taking more than there are puts the taker in line.
#[derive(Debug)]
struct Bucket {
    rate: f64,
    tokens: f64,
    at: Instant,
}

impl Bucket {
    fn new(rate: f64) -> Self {
        let rate = if rate.is_finite() { rate.clamp(0.001, 1e12) } else { 1e12 };
        // A burst of one second, and never less than one call.
        Bucket { rate, tokens: rate.max(1.0), at: Instant::now() }
    }

    /// Takes tokens, on credit if need be; how long to wait for them.
    fn take(&mut self, tokens: f64, now: Instant) -> Duration {
        let flowed = now.saturating_duration_since(self.at).as_secs_f64() * self.rate;
        self.at = self.at.max(now);
        self.tokens = (self.tokens + flowed).min(self.rate.max(1.0)) - tokens;
        if self.tokens >= 0.0 {
            Duration::ZERO
        } else {
            Duration::from_secs_f64((-self.tokens / self.rate).min(86_400.0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn calls_are_spread_at_the_rate_after_a_burst_of_a_second() {
        let meter = Meter::new(Quotas::default());
        let began = Instant::now();
        for _ in 0..25 {
            meter.call(Api::GetMedia, 0.0, 0.0).await;
        }
        let took = began.elapsed();
        assert!((Duration::from_millis(3900)..Duration::from_millis(4200)).contains(&took), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn fragments_are_metered_whatever_the_number_of_calls() {
        let meter = Meter::new(Quotas::default());
        let began = Instant::now();
        for _ in 0..10 {
            meter.call(Api::GetMediaForFragmentList, 0.0, 400.0).await;
        }
        let took = began.elapsed();
        // 4,000 fragments at 500 a second, less the first second's.
        assert!((Duration::from_millis(6900)..Duration::from_millis(7300)).contains(&took), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_waited_for_and_given_back() {
        let meter = Meter::new(Quotas { get_media_connections: 1, ..Quotas::default() });
        let held = meter.connection(Api::GetMedia).await.unwrap();
        let second = meter.connection(Api::GetMedia);
        assert!(tokio::time::timeout(Duration::from_secs(5), second).await.is_err());
        drop(held);
        assert!(meter.connection(Api::GetMedia).await.is_some());
        assert!(meter.connection(Api::ListFragments).await.is_none());
    }
}
