//! Fan-out: a stream of another service, read once, and served to as many as like.

use std::future::poll_fn;
use std::sync::Arc;

use kineframe_fragment::{FragmentNumber, StartSelector};
use kineframe_source::{MediaSource, SourceError};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::api::control;
use crate::http::ApiError;
use crate::ingest::{DocumentStep, Documents, IngestLimits};
use crate::media::fragment::Fragment;
use crate::media::stream::Stream;
use crate::server::stopped;
use crate::service::Service;
use crate::usage::Connection;

/// How a stream is relayed. Made by [`Default`], then changed field by field.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RelayOptions {
    /// Where reading begins, where nothing of the stream is kept here yet; else it goes on behind what is. Default: at
    /// what arrives next.
    pub start: StartSelector,
    /// How long fragments are kept here, in hours; 0 is five minutes, and then there is no archive. Applies where the
    /// stream is not here yet. Default 24.
    pub retention_hours: u32,
}

impl Default for RelayOptions {
    fn default() -> Self {
        RelayOptions { start: StartSelector::Now, retention_hours: 24 }
    }
}

/// Why a stream is not, or no longer, relayed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RelayError {
    /// No stream can have this name.
    #[error("'{0}' is no name of a stream: 1 to 256 of a-z, A-Z, 0-9, _, . and -")]
    Name(String),
    /// A producer or another relay fills the stream of this name.
    #[error("the stream {0} is being filled by another producer; give this one another name")]
    Busy(String),
    /// What is read cannot be stored.
    #[error("the store: {0}")]
    Store(String),
    /// The source cannot be read, or not any more.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The service that is read reported an error in band, and ended.
    #[error("the service that is read says {code} ({id})")]
    Refused {
        /// The number of the error.
        id: i64,
        /// Its name.
        code: String,
    },
}

/// A stream that is relayed, until this is dropped, the server stops, or the source ends.
#[derive(Debug)]
#[must_use = "the relay ends when this is dropped"]
pub struct Relay {
    task: Option<JoinHandle<Result<(), RelayError>>>,
}

impl Relay {
    /// Waits for its end: the source ended in order, the stream was deleted here, or the server stops.
    ///
    /// # Errors
    /// See [`RelayError`].
    pub async fn ended(&mut self) -> Result<(), RelayError> {
        match &mut self.task {
            Some(task) => {
                let ended = task.await;
                self.task = None;
                // It is aborted by its drop alone, and does not panic.
                ended.unwrap_or(Ok(()))
            }
            None => Ok(()),
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

/// Begins to relay.
pub(crate) async fn start(
    service: &Arc<Service>,
    name: &str,
    source: impl MediaSource + 'static,
    options: RelayOptions,
) -> Result<Relay, RelayError> {
    let failed = |error: ApiError| RelayError::Store(error.message.into_owned());
    if !crate::names::is_stream_name(name) {
        return Err(RelayError::Name(name.to_owned()));
    }
    let find = || service.streams(|other| other == name).pop();
    let stream = match find() {
        Some(stream) => stream,
        None => {
            let settings = control::settings(&service.options, name, options.retention_hours);
            let stream = Stream::new(settings, service.options.limits);
            service.add_stream(name.to_owned(), stream).await.map_err(failed)?;
            find().ok_or_else(|| RelayError::Store("the stream was deleted".to_owned()))?
        }
    };
    let connection = stream.meter.connect_alone("PutMedia").ok_or_else(|| RelayError::Busy(name.to_owned()))?;
    // The limits are those of the service that is read; who reads here asks nothing of it.
    stream.meter.lift();
    let (session, counter) = stream.open_session();
    service.store_counter(&stream, counter).await.map_err(failed)?;
    let (archived, archive) = mpsc::unbounded_channel();
    let relaying = Relaying {
        service: Arc::clone(service),
        stream,
        session,
        connection,
        open: None,
        archived,
        archive,
        waiting: 0,
    };
    let task = tokio::spawn(relaying.run(source, options.start));
    Ok(Relay { task: Some(task) })
}

struct Relaying {
    service: Arc<Service>,
    stream: Arc<Stream>,
    session: u64,
    connection: Connection,
    open: Option<Arc<Fragment>>,
    archived: mpsc::UnboundedSender<bool>,
    archive: mpsc::UnboundedReceiver<bool>,
    /// Fragments that are on their way to the archive.
    waiting: usize,
}

/// The error in band of a service that does not have the fragment that was asked for.
const FRAGMENT_NOT_FOUND: i64 = 4000;

impl Relaying {
    async fn run(mut self, source: impl MediaSource, start: StartSelector) -> Result<(), RelayError> {
        let newest = self.stream.newest().and_then(|newest| FragmentNumber::new(&newest.number));
        let result = match newest {
            None => self.read(&source, &start).await,
            Some(newest) => match self.read(&source, &StartSelector::AfterFragment(newest)).await {
                // It is too long ago: what lies between is lost.
                Err(RelayError::Refused { id: FRAGMENT_NOT_FOUND, .. }) => self.read(&source, &start).await,
                other => other,
            },
        };
        while result.is_ok() && self.waiting > 0 {
            let Some(done) = self.archive.recv().await else { break };
            self.stored(done)?;
        }
        result
    }

    async fn read(&mut self, source: &impl MediaSource, start: &StartSelector) -> Result<(), RelayError> {
        let mut documents = Documents::new(IngestLimits::default().fragment_bytes);
        let mut pieces = source.open(start);
        let mut stopping = self.service.stopping.clone();
        let mut deleted = self.stream.deletion();
        loop {
            tokio::select! {
                piece = poll_fn(|context| pieces.as_mut().poll_next(context)) => match piece {
                    Some(piece) => {
                        let piece = piece?;
                        self.connection.bytes().add(piece.len());
                        documents.push(piece);
                        self.steps(&mut documents).await?;
                    }
                    None => {
                        documents.finish();
                        return self.steps(&mut documents).await;
                    }
                },
                Some(done) = self.archive.recv() => self.stored(done)?,
                () = stopped(&mut stopping) => return Ok(()),
                () = deleted.wait() => return Ok(()),
            }
        }
    }

    async fn steps(&mut self, documents: &mut Documents) -> Result<(), RelayError> {
        while let Some(step) = documents.next_step() {
            match step {
                DocumentStep::Started(identity) => self.open = Some(self.stream.adopt(self.session, identity)),
                DocumentStep::Media(bytes) => {
                    if let Some(fragment) = &self.open {
                        self.stream.append(fragment, bytes);
                    }
                }
                DocumentStep::Finished(facts) => {
                    let Some(fragment) = self.open.take() else { continue };
                    self.stream.finish(&fragment, facts);
                    self.service.expire(&self.stream);
                    if self.stream.has_archive() {
                        let archived = self.archived.clone();
                        self.waiting += 1;
                        let done = move |done| {
                            let _ = archived.send(done);
                        };
                        self.service.archive(&self.stream, &fragment, done).await;
                    }
                }
                DocumentStep::Broken => self.abandon(),
                DocumentStep::Refused { id, code } => return Err(RelayError::Refused { id, code }),
            }
        }
        Ok(())
    }

    fn stored(&mut self, done: bool) -> Result<(), RelayError> {
        self.waiting = self.waiting.saturating_sub(1);
        if done { Ok(()) } else { Err(RelayError::Store("a fragment cannot be written".to_owned())) }
    }

    fn abandon(&mut self) {
        if let Some(fragment) = self.open.take() {
            self.stream.abandon(&fragment);
        }
    }
}

impl Drop for Relaying {
    fn drop(&mut self) {
        self.abandon();
    }
}
