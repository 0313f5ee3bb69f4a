//! What all connections share: the options and the streams.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::api::StreamRef;
use crate::http::ApiError;
use crate::media::stream::Stream;
use crate::names::{self, StreamArn};
use crate::options::Options;

/// The state of a server.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) options: Options,
    streams: Mutex<BTreeMap<String, Arc<Stream>>>,
    /// True once the server stops.
    pub(crate) stopping: watch::Receiver<bool>,
}

impl Service {
    pub(crate) fn new(options: Options, stopping: watch::Receiver<bool>) -> Self {
        Service { options, streams: Mutex::default(), stopping }
    }

    fn map(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Stream>>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a stream.
    ///
    /// # Errors
    /// There is one of this name.
    pub(crate) fn add_stream(&self, name: String, stream: Stream) -> Result<(), ApiError> {
        let mut streams = self.map();
        if streams.contains_key(&name) {
            return Err(ApiError::in_use("The stream already exists."));
        }
        streams.insert(name, Arc::new(stream));
        Ok(())
    }

    pub(crate) fn remove_stream(&self, name: &str) {
        self.map().remove(name);
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
