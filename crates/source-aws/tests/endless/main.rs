//! Sessions as users have them: slow readers, the delay of a frame, an hour.

#[path = "../common/mod.rs"]
mod common;
mod delay;
mod hour;
mod plot;
mod slow;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// These tests look at the clock: one at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}
