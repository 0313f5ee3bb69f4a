//! SIGINT and SIGTERM: asked once we finish the file at hand and stop, asked twice we end at once.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::outcome::Failure;

/// Whether a signal has asked us to stop.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicI32>);

impl Stop {
    /// Watches for signals from now on; `on_stop` is called from another thread at the first.
    ///
    /// # Errors
    /// The system refuses to install the handlers or start the thread.
    pub fn watch(on_stop: impl Fn() + Send + 'static) -> io::Result<Stop> {
        let stop = Stop::default();
        let mut signals = Signals::new([SIGINT, SIGTERM])?;
        let seen = stop.clone();
        std::thread::Builder::new().name("signals".into()).spawn(move || {
            for signal in signals.forever() {
                if seen.0.swap(signal, Ordering::SeqCst) != 0 {
                    std::process::exit(128 + signal);
                }
                on_stop();
            }
        })?;
        Ok(stop)
    }

    /// The signal as a failure, if there was one.
    ///
    /// # Errors
    /// [`Failure::Interrupted`] once a signal has come.
    pub fn check(&self) -> Result<(), Failure> {
        match self.0.load(Ordering::SeqCst) {
            0 => Ok(()),
            signal => Err(Failure::Interrupted(signal)),
        }
    }
}
