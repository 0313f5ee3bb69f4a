//! Chance for pauses: spread, not secrecy.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// A time from 0 to `bound`.
pub(crate) fn jitter(bound: Duration) -> Duration {
    // Each `RandomState` has keys of its own, seeded by the system once a thread.
    let random = RandomState::new().hash_one(0u8);
    bound.mul_f64((random >> 11) as f64 / (1u64 << 53) as f64)
}
