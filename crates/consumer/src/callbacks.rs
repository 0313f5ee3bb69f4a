//! The front door with callbacks, on a thread of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use kineframe_fragment::StartSelector;
use kineframe_source::MediaSource;

use crate::consumer::{Consumer, Item};
use crate::error::ConsumerError;
use crate::fragments::Fragment;

type OnFragment = Box<dyn FnMut(Fragment) + Send>;
type OnEnd = Box<dyn FnOnce() + Send>;
type OnError = Box<dyn FnOnce(ConsumerError) + Send>;

/// Calls back for each fragment, from a thread of its own.
///
/// ```
/// use std::sync::mpsc;
/// use kineframe_consumer::Callbacks;
/// use kineframe_source::File;
///
/// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/captures/output_get_media.mkv");
/// let (sender, numbers) = mpsc::channel();
/// let running = Callbacks::new()
///     .on_fragment(move |fragment| sender.send(fragment.number().cloned()).unwrap())
///     .on_end(|| println!("that was all"))
///     .on_error(|error| eprintln!("{error}"))
///     .start(File::new(path))?;
/// running.join();
/// assert_eq!(numbers.iter().count(), 5);
/// # Ok::<(), kineframe_consumer::ConsumerError>(())
/// ```
///
/// A slow callback slows the reading down; nothing is queued. A panic in a callback ends the thread, and goes on from
/// [`Running::join`].
#[derive(Default)]
pub struct Callbacks {
    on_fragment: Option<OnFragment>,
    on_end: Option<OnEnd>,
    on_error: Option<OnError>,
}

impl Callbacks {
    /// Without any.
    pub fn new() -> Self {
        Self::default()
    }

    /// Called for each fragment, at its closing tags; the last one of a body too.
    pub fn on_fragment(mut self, call: impl FnMut(Fragment) + Send + 'static) -> Self {
        self.on_fragment = Some(Box::new(call));
        self
    }

    /// Called once when the input has ended, or reading was stopped.
    pub fn on_end(mut self, call: impl FnOnce() + Send + 'static) -> Self {
        self.on_end = Some(Box::new(call));
        self
    }

    /// Called once when reading failed; then there is no call of `on_end`.
    pub fn on_error(mut self, call: impl FnOnce(ConsumerError) + Send + 'static) -> Self {
        self.on_error = Some(Box::new(call));
        self
    }

    /// Begins to read.
    ///
    /// # Errors
    /// The thread could not be started.
    pub fn start(self, source: impl MediaSource + 'static) -> Result<Running, ConsumerError> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let Callbacks { on_fragment, on_end, on_error } = self;
        let read = move || {
            let mut on_fragment = on_fragment;
            // Looked at for each piece, so that a long fragment does not delay the end.
            let asked = stopped.clone();
            let pieces = source.open_blocking(&StartSelector::Earliest);
            let pieces = pieces.take_while(move |_| !asked.load(Ordering::Relaxed));
            let mut consumer = Consumer::of_pieces(Box::new(pieces));
            let failed = consumer.find_map(|item| {
                match item {
                    Ok(Item::Fragment(fragment)) if !stopped.load(Ordering::Relaxed) => {
                        if let Some(call) = &mut on_fragment {
                            call(fragment);
                        }
                    }
                    Ok(_) => {}
                    Err(error) => return Some(error),
                }
                None
            });
            match failed {
                Some(error) => on_error.into_iter().for_each(|call| call(error.clone())),
                None => on_end.into_iter().for_each(|call| call()),
            }
        };
        match std::thread::Builder::new().name("kineframe-consumer".to_owned()).spawn(read) {
            Ok(thread) => Ok(Running { stop, thread }),
            Err(error) => Err(ConsumerError::Thread(error.to_string())),
        }
    }
}

impl std::fmt::Debug for Callbacks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Callbacks").finish_non_exhaustive()
    }
}

/// A read that goes on. Dropping this lets it go on; [`stop`](Self::stop) ends it.
#[derive(Debug)]
pub struct Running {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Running {
    /// Asks the read to end: no callback for a fragment comes after the one that may be running. A read that waits
    /// for input ends when the next piece comes.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Waits for the end.
    pub fn join(self) {
        if let Err(payload) = self.thread.join() {
            std::panic::resume_unwind(payload);
        }
    }
}
