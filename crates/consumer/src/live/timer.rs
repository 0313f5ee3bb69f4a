//! Waiting, in a program with any runtime or none.

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// Waits. One thread wakes all that wait in this process, so that no runtime is needed; it is there while somebody
/// waits, and shortly after.
pub(super) async fn pause(time: Duration) {
    if time.is_zero() {
        return;
    }
    // Later than anybody waits, and no time that a clock could not tell.
    let until = Instant::now() + time.min(Duration::from_secs(u32::MAX.into()));
    Pause { until, number: None }.await;
}

/// A time from 0 to `bound`.
pub(super) fn jitter(bound: Duration) -> Duration {
    use std::hash::{BuildHasher, RandomState};
    let random = RandomState::new().hash_one(0u8);
    bound.mul_f64((random >> 11) as f64 / (1u64 << 53) as f64)
}

/// How long the thread stays when nobody waits: a session that pauses does so again soon.
const LINGER: Duration = Duration::from_secs(2);

static CLOCK: Mutex<Clock> = Mutex::new(Clock { waiting: BTreeMap::new(), numbers: 0, runs: false });
static CHANGED: Condvar = Condvar::new();

struct Clock {
    /// Who waits until when; the number tells those apart that wait until the same time.
    waiting: BTreeMap<(Instant, u64), Waker>,
    numbers: u64,
    runs: bool,
}

/// Nothing panics while it holds the lock, so that a poisoned one is as good.
fn clock() -> MutexGuard<'static, Clock> {
    CLOCK.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Pause {
    until: Instant,
    /// Under which it waits.
    number: Option<u64>,
}

impl Future for Pause {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if Instant::now() >= self.until {
            return Poll::Ready(());
        }
        let mut clock = clock();
        let number = *self.number.get_or_insert_with(|| {
            clock.numbers += 1;
            clock.numbers
        });
        clock.waiting.insert((self.until, number), context.waker().clone());
        if !clock.runs {
            clock.runs = start().is_ok();
        }
        let runs = clock.runs;
        drop(clock);
        if runs {
            CHANGED.notify_one();
            return Poll::Pending;
        }
        // Without threads there is nothing better.
        std::thread::sleep(self.until.saturating_duration_since(Instant::now()));
        Poll::Ready(())
    }
}

impl Drop for Pause {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            clock().waiting.remove(&(self.until, number));
        }
    }
}

fn start() -> io::Result<()> {
    std::thread::Builder::new().name("kineframe-pause".into()).spawn(run).map(drop)
}

/// Wakes who has waited long enough, until nobody waits.
fn run() {
    let mut clock = clock();
    loop {
        let now = Instant::now();
        let mut due = Vec::new();
        while let Some(first) = clock.waiting.first_entry()
            && first.key().0 <= now
        {
            due.push(first.remove());
        }
        if !due.is_empty() {
            // What a waker does is its own.
            drop(clock);
            due.into_iter().for_each(Waker::wake);
            clock = self::clock();
            continue;
        }
        let next = clock.waiting.first_key_value().map(|((at, _), _)| at.saturating_duration_since(now));
        let waited = CHANGED.wait_timeout(clock, next.unwrap_or(LINGER)).unwrap_or_else(PoisonError::into_inner);
        clock = waited.0;
        if next.is_none() && waited.1.timed_out() && clock.waiting.is_empty() {
            clock.runs = false;
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt as _;
    use futures_util::future::{Either, select};
    use futures_util::stream::FuturesUnordered;
    use kineframe_source::block_on;

    use super::*;

    #[test]
    fn those_that_wait_wake_in_their_order_and_not_before_their_time() {
        let began = Instant::now();
        let pauses: FuturesUnordered<_> = [30u64, 10, 20, 10, 0]
            .into_iter()
            .map(|millis| async move {
                pause(Duration::from_millis(millis)).await;
                (millis, began.elapsed())
            })
            .collect();
        let woken = block_on(pauses.collect::<Vec<_>>());
        let order: Vec<u64> = woken.iter().map(|(millis, _)| *millis).collect();
        assert_eq!(order, [0, 10, 10, 20, 30]);
        assert!(woken.iter().all(|(millis, took)| *took >= Duration::from_millis(*millis)), "{woken:?}");
    }

    #[test]
    fn a_pause_that_is_dropped_waits_no_longer() {
        let long = Box::pin(pause(Duration::from_secs(1_000_000)));
        let both = block_on(select(long, Box::pin(pause(Duration::from_millis(5)))));
        let Either::Right(((), long)) = both else { panic!("the longer one ended first") };
        let now = Instant::now();
        // Other tests wait as well, but none so long.
        let range = now + Duration::from_secs(900_000)..now + Duration::from_secs(1_100_000);
        let waits = || clock().waiting.keys().any(|(until, _)| range.contains(until));
        assert!(waits());
        drop(long);
        assert!(!waits());
    }

    #[test]
    fn a_wait_of_ages_is_no_overflow() {
        let ages = Box::pin(pause(Duration::MAX));
        assert!(matches!(block_on(select(ages, Box::pin(pause(Duration::from_millis(1))))), Either::Right(_)));
    }
}
