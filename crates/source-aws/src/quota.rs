//! The service's limits, kept on our side, so that it need not refuse.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::endpoint::Api;
use crate::window::{Counted, Window};

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
    calls: Mutex<HashMap<Api, Arc<Window>>>,
    control: Mutex<HashMap<&'static str, Arc<Window>>>,
    media_points: Arc<Window>,
    metadata_points: Arc<Window>,
    quotas: Quotas,
}

/// A call on its way. To be dropped when its answer has begun: the service has counted it then.
#[derive(Debug)]
pub(crate) struct Metered(#[allow(dead_code, reason = "held for what its end does")] [Option<Counted>; 3]);

impl Meter {
    fn new(quotas: Quotas) -> Self {
        Meter {
            get_media: Arc::new(Semaphore::new(quotas.get_media_connections.clamp(1, 10_000))),
            fragment_list: Arc::new(Semaphore::new(quotas.fragment_list_connections.clamp(1, 10_000))),
            calls: Mutex::default(),
            control: Mutex::default(),
            media_points: Arc::new(Window::new(quotas.fragment_media_points)),
            metadata_points: Arc::new(Window::new(quotas.fragment_metadata_points)),
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
    pub(crate) async fn call(&self, api: Api, metadata: f64, media: f64) -> Metered {
        let rate = self.quotas.calls_per_second;
        let calls = lock(&self.calls).entry(api).or_insert_with(|| Arc::new(Window::new(rate))).clone();
        // Always in this order, so that no two wait for each other.
        Metered([calls.take(1.0).await, self.metadata_points.take(metadata).await, self.media_points.take(media).await])
    }

    /// Waits until a control plane call may be made.
    pub(crate) async fn control(&self, operation: &'static str) -> Metered {
        let rate = self.quotas.control_calls_per_second;
        let calls = lock(&self.control).entry(operation).or_insert_with(|| Arc::new(Window::new(rate))).clone();
        Metered([calls.take(1.0).await, None, None])
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn calls_come_in_seconds_of_the_rate() {
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
        let meter = Meter::new(Quotas { calls_per_second: f64::INFINITY, ..Quotas::default() });
        let began = Instant::now();
        for _ in 0..80 {
            meter.call(Api::GetMediaForFragmentList, 0.0, 50.0).await;
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
