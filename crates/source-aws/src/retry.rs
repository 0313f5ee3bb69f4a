//! Trying again: when it helps, later each time, and not for ever.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::error::{Error, ErrorKind};
use crate::random::jitter;

/// How often and how patiently a call is tried again.
///
/// The pause before try *n* is drawn from 0 to `base` · 2ⁿ⁻¹, at most `longest` ("full jitter"), so that many readers
/// that were cut off together do not come back together. A retry also costs from a budget that all calls of a client
/// share and that successes refill: when the service is down for good, calls fail after a while at their first try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// Tries of one call, the first one counted. At least 1.
    pub tries: u32,
    /// Upper bound of the first pause.
    pub base: Duration,
    /// Upper bound of every pause.
    pub longest: Duration,
    /// Retries that a client may have outstanding; each success gives one tenth back, a success after a retry all
    /// that it took.
    pub budget: u32,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        RetryPolicy { tries: 6, base: Duration::from_millis(200), longest: Duration::from_secs(10), budget: 100 }
    }
}

impl RetryPolicy {
    /// One try.
    pub fn never() -> Self {
        RetryPolicy { tries: 1, ..RetryPolicy::default() }
    }

    /// How long to wait before try `tries + 1`, drawn by chance.
    pub fn pause(&self, tries: u32) -> Duration {
        let bound = self.base.saturating_mul(1 << tries.saturating_sub(1).min(20)).min(self.longest);
        jitter(bound)
    }
}

/// What is left to spend on retries, in tenths of one.
#[derive(Debug, Clone)]
pub(crate) struct Budget {
    tenths: Arc<Mutex<u32>>,
    full: u32,
}

impl Budget {
    pub(crate) fn new(policy: &RetryPolicy) -> Self {
        let full = policy.budget.saturating_mul(10);
        Budget { tenths: Arc::new(Mutex::new(full)), full }
    }

    fn take(&self) -> bool {
        let mut tenths = self.tenths.lock().unwrap_or_else(PoisonError::into_inner);
        let enough = *tenths >= 10;
        if enough {
            *tenths -= 10;
        }
        enough
    }

    fn refill(&self, retries: u32) {
        let mut tenths = self.tenths.lock().unwrap_or_else(PoisonError::into_inner);
        *tenths = tenths.saturating_add(retries.saturating_mul(10).max(1)).min(self.full);
    }
}

/// Calls until it succeeds, fails for good, or tries and budget are used up. `failed` sees every failure first: it
/// drops cached endpoints and credentials that the failure speaks against.
pub(crate) async fn call<T, F: Future<Output = Result<T, Error>>>(
    policy: &RetryPolicy,
    budget: &Budget,
    mut call: impl FnMut() -> F,
    failed: impl Fn(&ErrorKind),
) -> Result<T, Error> {
    let mut tries = 0;
    loop {
        tries += 1;
        let error = match call().await {
            Ok(value) => {
                budget.refill(tries - 1);
                return Ok(value);
            }
            Err(error) => error,
        };
        failed(&error.kind);
        // Credentials that a fresh look at the chain did not renew will not renew by waiting a little.
        let spent = error.kind == ErrorKind::ExpiredCredentials && tries > 1;
        if spent || tries >= policy.tries || !error.kind.is_retryable() || !budget.take() {
            return Err(error);
        }
        tokio::time::sleep(policy.pause(tries)).await;
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    async fn failing(policy: &RetryPolicy, budget: &Budget, kind: ErrorKind) -> (u32, Result<(), Error>) {
        let calls = Cell::new(0);
        let result = call(
            policy,
            budget,
            || {
                calls.set(calls.get() + 1);
                let error = Error::new("GetMedia", &Arc::from("kvs://s"), kind.clone(), "");
                async move { Err(error) }
            },
            |_| {},
        )
        .await;
        (calls.get(), result)
    }

    #[tokio::test(start_paused = true)]
    async fn only_what_can_pass_is_tried_again() {
        let policy = RetryPolicy::default();
        let budget = Budget::new(&policy);
        assert_eq!(failing(&policy, &budget, ErrorKind::Throttled).await.0, 6);
        assert_eq!(failing(&policy, &budget, ErrorKind::NotFound).await.0, 1);
        assert_eq!(failing(&RetryPolicy::never(), &budget, ErrorKind::Network).await.0, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_budget_ends_the_tries_of_all_and_successes_refill_it() {
        let policy = RetryPolicy { budget: 7, ..RetryPolicy::default() };
        let budget = Budget::new(&policy);
        assert_eq!(failing(&policy, &budget, ErrorKind::Network).await.0, 6);
        assert_eq!(failing(&policy, &budget, ErrorKind::Network).await.0, 3);
        assert_eq!(failing(&policy, &budget, ErrorKind::Network).await.0, 1);
        for _ in 0..10 {
            call(&policy, &budget, || async { Ok(()) }, |_| {}).await.unwrap();
        }
        assert_eq!(failing(&policy, &budget, ErrorKind::Network).await.0, 2);
    }

    #[test]
    fn pauses_grow_up_to_the_longest() {
        let policy = RetryPolicy::default();
        for tries in 1..100 {
            let bound = policy.base.saturating_mul(1 << (tries - 1).min(20)).min(policy.longest);
            assert!((0..50).all(|_| policy.pause(tries) <= bound));
        }
        assert!((0..200).any(|_| policy.pause(50) > policy.longest / 2));
    }
}
