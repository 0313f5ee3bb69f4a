//! Which host serves which stream: asked once, shared, asked again when it fails or grows old.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::error::Error;

/// The calls that go to a data endpoint (`APIName` of GetDataEndpoint).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Api {
    /// PutMedia.
    PutMedia,
    /// GetMedia.
    GetMedia,
    /// ListFragments.
    ListFragments,
    /// GetMediaForFragmentList.
    GetMediaForFragmentList,
    /// GetClip.
    GetClip,
    /// GetImages.
    GetImages,
}

impl Api {
    /// As GetDataEndpoint names it.
    pub fn name(self) -> &'static str {
        match self {
            Api::PutMedia => "PUT_MEDIA",
            Api::GetMedia => "GET_MEDIA",
            Api::ListFragments => "LIST_FRAGMENTS",
            Api::GetMediaForFragmentList => "GET_MEDIA_FOR_FRAGMENT_LIST",
            Api::GetClip => "GET_CLIP",
            Api::GetImages => "GET_IMAGES",
        }
    }

    /// As the API reference names the call.
    pub fn operation(self) -> &'static str {
        match self {
            Api::PutMedia => "PutMedia",
            Api::GetMedia => "GetMedia",
            Api::ListFragments => "ListFragments",
            Api::GetMediaForFragmentList => "GetMediaForFragmentList",
            Api::GetClip => "GetClip",
            Api::GetImages => "GetImages",
        }
    }
}

/// How long an endpoint is taken for good. The service says to ask again every 45 minutes.
pub(crate) const MAX_AGE: Duration = Duration::from_secs(40 * 60);

/// Endpoints by stream and call.
#[derive(Default)]
pub(crate) struct Endpoints {
    slots: Mutex<HashMap<Key, Arc<Slot>>>,
}

/// A stream and a call of it.
type Key = (Arc<str>, Api);

#[derive(Default)]
struct Slot {
    /// Held while the service is asked, so that many readers ask once.
    asking: tokio::sync::Mutex<()>,
    known: Mutex<Option<(Arc<str>, Instant)>>,
}

impl Slot {
    fn fresh(&self) -> Option<Arc<str>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.as_ref().filter(|(_, at)| at.elapsed() < MAX_AGE).map(|(endpoint, _)| endpoint.clone())
    }
}

impl Endpoints {
    /// The endpoint, asked for where none is known that is young enough.
    pub(crate) async fn get<F: Future<Output = Result<String, Error>>>(
        &self,
        stream: &Arc<str>,
        api: Api,
        ask: impl FnOnce() -> F,
    ) -> Result<Arc<str>, Error> {
        let slot = {
            let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
            slots.entry((stream.clone(), api)).or_default().clone()
        };
        if let Some(endpoint) = slot.fresh() {
            return Ok(endpoint);
        }
        let _asking = slot.asking.lock().await;
        // Another reader may have asked while this one waited.
        if let Some(endpoint) = slot.fresh() {
            return Ok(endpoint);
        }
        let endpoint: Arc<str> = Arc::from(ask().await?);
        *slot.known.lock().unwrap_or_else(PoisonError::into_inner) = Some((endpoint.clone(), Instant::now()));
        Ok(endpoint)
    }

    /// What is known of it is not to be relied on.
    pub(crate) fn forget(&self, stream: &Arc<str>, api: Api) {
        let slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.get(&(stream.clone(), api)) {
            *slot.known.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }
}

impl fmt::Debug for Endpoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        f.debug_struct("Endpoints").field("known", &slots.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn asked_once_by_many_again_with_age_and_after_a_failure() {
        let endpoints = Arc::new(Endpoints::default());
        let (asked, stream) = (Arc::new(AtomicU32::new(0)), Arc::<str>::from("kvs://door"));
        let get = async || {
            let ask = || async {
                tokio::time::sleep(Duration::from_millis(50)).await;
                Ok(format!("http://h{}", asked.fetch_add(1, Ordering::SeqCst)))
            };
            endpoints.get(&stream, Api::GetMedia, ask).await.unwrap()
        };
        let (a, b, c) = tokio::join!(get(), get(), get());
        assert_eq!([&*a, &*b, &*c], ["http://h0"; 3]);
        tokio::time::advance(MAX_AGE - Duration::from_secs(1)).await;
        assert_eq!(&*get().await, "http://h0");
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(&*get().await, "http://h1");
        endpoints.forget(&stream, Api::PutMedia);
        assert_eq!(&*get().await, "http://h1");
        endpoints.forget(&stream, Api::GetMedia);
        assert_eq!(&*get().await, "http://h2");
    }
}
