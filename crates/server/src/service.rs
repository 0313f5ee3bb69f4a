//! What all connections share: the options and the streams.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::api::StreamRef;
use crate::auth::{EXPIRED, Guard};
use crate::fault::{FaultKind, FaultTarget, Faults};
use crate::hls::Sessions;
use crate::http::ApiError;
use crate::limits::{Bucket, EXCEEDED};
use crate::media::fragment::Fragment;
use crate::media::stream::{Keep, Stream};
use crate::moves::{MOVED, Moves};
use crate::names::{self, StreamArn};
use crate::options::Options;
use crate::pictures::Pictures;
use crate::store::{Store, StoreError, StoredStream};
use crate::usage::Points;

/// The state of a server.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) options: Options,
    pub(crate) guard: Guard,
    pub(crate) faults: Faults,
    pub(crate) moves: Moves,
    pub(crate) sessions: Sessions,
    pub(crate) pictures: Pictures,
    /// Calls of the control plane over all streams.
    account: Mutex<BTreeMap<&'static str, Bucket>>,
    streams: Mutex<BTreeMap<String, Arc<Stream>>>,
    store: Option<Store>,
    /// True once the server stops.
    pub(crate) stopping: watch::Receiver<bool>,
}

/// Streams of an account.
const STREAMS: usize = 10_000;

impl Service {
    pub(crate) fn new(
        options: Options,
        stopping: watch::Receiver<bool>,
        store: Option<Store>,
        stored: Vec<StoredStream>,
        moves: Moves,
    ) -> Self {
        let guard = Guard::new(options.auth.clone(), options.region.clone());
        let faults = Faults::new(&options.faults);
        let pictures = Pictures::new(options.decoders.clone());
        let limits = options.limits;
        let streams = stored.into_iter().map(|stored| {
            let stream = Stream::restored(stored, limits);
            let name = stream.settings().name.clone();
            (name, Arc::new(stream))
        });
        Service {
            options,
            guard,
            faults,
            moves,
            sessions: Sessions::default(),
            pictures,
            account: Mutex::default(),
            streams: Mutex::new(streams.collect()),
            store,
            stopping,
        }
    }

    fn map(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Stream>>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a stream.
    ///
    /// # Errors
    /// There is one of this name, or it cannot be stored.
    pub(crate) async fn add_stream(&self, name: String, stream: Stream) -> Result<(), ApiError> {
        let stream = Arc::new(stream);
        {
            let mut map = self.map();
            let full = map.len() >= STREAMS;
            match map.entry(name.clone()) {
                Entry::Occupied(_) => return Err(ApiError::in_use("The stream already exists.")),
                Entry::Vacant(_) if full => {
                    return Err(ApiError::too_many_streams(
                        "The number of streams created for the account is too high.",
                    ));
                }
                Entry::Vacant(entry) => drop(entry.insert(Arc::clone(&stream))),
            }
        }
        let stored = self.store_settings(&stream).await;
        if stored.is_err() {
            self.map().remove(&name);
        }
        stored
    }

    /// Keeps a stream's settings.
    ///
    /// # Errors
    /// They cannot be stored.
    pub(crate) async fn store_settings(&self, stream: &Stream) -> Result<(), ApiError> {
        let counter = stream.counter();
        self.store_counter(stream, counter).await
    }

    /// Keeps a stream's settings, and the counter that its next fragments begin with.
    ///
    /// # Errors
    /// They cannot be stored.
    pub(crate) async fn store_counter(&self, stream: &Stream, counter: u64) -> Result<(), ApiError> {
        let Some(store) = &self.store else { return Ok(()) };
        let settings = stream.settings().clone();
        let stored = store.settings(&stream.id, settings, counter);
        match stored.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(ApiError::internal_failure(error.to_string())),
            Err(_) => Err(ApiError::internal_failure("The store has gone.")),
        }
    }

    /// Removes a stream and all that is stored of it.
    ///
    /// # Errors
    /// It cannot be removed from the store.
    pub(crate) async fn remove_stream(&self, stream: &Stream) -> Result<(), ApiError> {
        let name = stream.settings().name.clone();
        self.map().remove(&name);
        stream.delete();
        let Some(store) = &self.store else { return Ok(()) };
        match store.delete(&stream.id).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(ApiError::internal_failure(error.to_string())),
            Err(_) => Err(ApiError::internal_failure("The store has gone.")),
        }
    }

    /// Puts a whole fragment into the archive; `done` is called when it is there, or cannot be.
    pub(crate) async fn archive(
        &self,
        stream: &Arc<Stream>,
        fragment: &Arc<Fragment>,
        done: impl FnOnce(bool) + Send + 'static,
    ) {
        let Some(store) = &self.store else {
            fragment.archive();
            done(true);
            return;
        };
        fragment.set_pending(true);
        let (kept, owner, mut told) = (Arc::clone(fragment), Arc::clone(stream), Told(Some(done)));
        let done = move |result: Result<(), StoreError>| {
            kept.set_pending(false);
            owner.cool();
            told.tell(result.is_ok());
        };
        store.fragment(&stream.id, Arc::clone(fragment), done).await;
    }

    /// Closes the store: what was given to it before is on disk when this returns.
    pub(crate) async fn close(&self) {
        if let Some(store) = &self.store {
            store.close().await;
        }
    }

    /// Forgets what is too old, or too much, of a stream.
    pub(crate) fn expire(&self, stream: &Stream) {
        let options = &self.options;
        let keep = Keep {
            time: options.buffer_time,
            bytes: options.buffer_bytes,
            archive_bytes: if self.store.is_some() { u64::MAX } else { options.memory_bytes },
        };
        if let (Some(below), Some(store)) = (stream.expire(keep), &self.store) {
            store.expire(&stream.id, below);
        }
    }

    /// Counts a call of the control plane, which may be about a stream.
    ///
    /// # Errors
    /// It is beyond the limit of the account, or of the stream.
    pub(crate) fn control_call(&self, name: &'static str, stream: Option<&Stream>) -> Result<(), ApiError> {
        let limits = &self.options.limits;
        let rate = match name {
            "DescribeStream" | "GetDataEndpoint" => limits.account_lookups,
            _ => limits.account_calls,
        };
        let mut account = self.account.lock().unwrap_or_else(PoisonError::into_inner);
        if !account.entry(name).or_insert_with(|| Bucket::of_calls(rate)).call() {
            return Err(ApiError::client_limit(EXCEEDED));
        }
        drop(account);
        stream.map_or(Ok(()), |stream| stream.meter.call(name, Points::default()))
    }

    /// What goes wrong with a request on purpose, before it is looked at.
    ///
    /// # Errors
    /// It is refused.
    pub(crate) async fn befall(&self, target: FaultTarget) -> Result<(), ApiError> {
        match self.faults.of_request(target) {
            Some(FaultKind::Throttle) => Err(ApiError::client_limit("Rate exceeded")),
            Some(FaultKind::Expired) => Err(ApiError::expired_token(EXPIRED)),
            Some(FaultKind::Moved) => match self.moves.move_on(self.options.listen.ip()).await {
                Ok(_) => Err(ApiError::invalid_endpoint(MOVED)),
                Err(error) => Err(ApiError::internal_failure(error.to_string())),
            },
            _ => Ok(()),
        }
    }

    /// The streams whose name is wanted, ordered by name.
    pub(crate) fn streams(&self, wanted: impl Fn(&str) -> bool) -> Vec<Arc<Stream>> {
        self.map().iter().filter(|(name, _)| wanted(name)).map(|(_, stream)| Arc::clone(stream)).collect()
    }

    /// The stream that a request names.
    ///
    /// # Errors
    /// It names none or two, or one that is not there.
    pub(crate) fn stream(&self, wanted: &StreamRef) -> Result<Arc<Stream>, ApiError> {
        match (wanted.stream_name.as_deref(), wanted.stream_arn.as_deref()) {
            (Some(name), None) => {
                if !names::is_stream_name(name) {
                    return Err(ApiError::invalid_argument(
                        "1 validation error detected: Value at 'streamName' failed to satisfy constraint: Member must \
                         satisfy regular expression pattern: [a-zA-Z0-9_.-]+",
                    ));
                }
                self.map().get(name).cloned().ok_or_else(ApiError::no_stream)
            }
            (None, Some(arn)) => {
                let Some(parts) = StreamArn::parse(arn) else {
                    return Err(ApiError::invalid_argument("StreamARN is not the ARN of a stream."));
                };
                let stream = self.map().get(parts.name).cloned();
                stream.filter(|stream| stream.settings().arn == arn).ok_or_else(ApiError::no_stream)
            }
            _ => Err(ApiError::invalid_argument("Either StreamName or StreamARN must be given, and not both.")),
        }
    }
}

/// Tells someone whether something was done: that it was not, if nothing else is told.
struct Told<F: FnOnce(bool)>(Option<F>);

impl<F: FnOnce(bool)> Told<F> {
    fn tell(&mut self, done: bool) {
        if let Some(tell) = self.0.take() {
            tell(done);
        }
    }
}

impl<F: FnOnce(bool)> Drop for Told<F> {
    fn drop(&mut self) {
        self.tell(false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::control;
    use crate::limits::Limits;

    #[tokio::test]
    async fn an_account_has_its_number_of_streams() {
        let options = Options { limits: Limits::none(), ..Options::default() };
        let (_stop, stopping) = watch::channel(false);
        let service = Service::new(options, stopping, None, Vec::new(), Moves::new().0);
        let make = async |name: usize| {
            let input = format!(r#"{{"StreamName":"s{name}"}}"#);
            control::answer(&service, "/createStream", input.as_bytes(), "").await.map_err(|error| error.kind)
        };
        for name in 0..STREAMS {
            assert!(make(name).await.is_ok());
        }
        assert_eq!(make(STREAMS).await.err(), Some("AccountStreamLimitExceededException"));
        assert_eq!(make(0).await.err(), Some("ResourceInUseException"));
    }
}
