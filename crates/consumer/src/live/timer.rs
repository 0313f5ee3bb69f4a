//! Waiting, in a program with any runtime or none.

use std::time::Duration;

use tokio::sync::oneshot;

/// Waits. A thread sleeps, so that no runtime is needed: pauses are rare, and a session has one at a time.
pub(super) async fn pause(time: Duration) {
    if time.is_zero() {
        return;
    }
    let (done, waiting) = oneshot::channel::<()>();
    let spawned = std::thread::Builder::new().name("kineframe-pause".into()).spawn(move || {
        let end = std::time::Instant::now() + time;
        // In short steps, so that the thread ends soon after the session is dropped.
        while let Some(left) = end.checked_duration_since(std::time::Instant::now()).filter(|left| !left.is_zero()) {
            if done.is_closed() {
                return;
            }
            std::thread::sleep(left.min(Duration::from_millis(100)));
        }
        let _ = done.send(());
    });
    match spawned {
        Ok(_) => drop(waiting.await),
        // Without threads there is nothing better.
        Err(_) => std::thread::sleep(time),
    }
}

/// A time from 0 to `bound`.
pub(super) fn jitter(bound: Duration) -> Duration {
    use std::hash::{BuildHasher, RandomState};
    let random = RandomState::new().hash_one(0u8);
    bound.mul_f64((random >> 11) as f64 / (1u64 << 53) as f64)
}
