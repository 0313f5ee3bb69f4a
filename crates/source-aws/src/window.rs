//! At most so much within any second of the service's, whatever the network does.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// The length of time that a quota is about.
const SECOND: Duration = Duration::from_secs(1);

/// What may be used within a second.
///
/// The service counts a call at some time between its leaving and the beginning of its answer, and only these two are
/// known here. So a call counts from when it leaves to a second after its answer has begun. When another one leaves that
/// the service counts less than a second after it, it still counts here: whatever lies within one second of the service
/// was counted together here. The price is the time of an answer in each second.
#[derive(Debug)]
pub(crate) struct Window {
    most: f64,
    length: Duration,
    state: Mutex<State>,
    /// Held by the one that waits first; the others come in their order.
    turn: tokio::sync::Mutex<()>,
    answered: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Of calls that are on their way.
    open: f64,
    calls: u64,
    /// Of calls that were answered, and until when they count.
    answered: VecDeque<(Instant, f64)>,
}

/// What a call counts. Its answer has begun when this is dropped.
#[derive(Debug)]
pub(crate) struct Counted {
    window: Arc<Window>,
    cost: f64,
}

impl Window {
    /// So much a second; infinite is no limit. Below one, a call is let through every `1 / rate` seconds.
    pub(crate) fn new(rate: f64) -> Self {
        let rate = if rate.is_nan() { f64::INFINITY } else { rate.max(0.001) };
        let length = if rate < 1.0 { SECOND.div_f64(rate) } else { SECOND };
        let turn = tokio::sync::Mutex::new(());
        Window { most: rate.max(1.0), length, state: Mutex::default(), turn, answered: Notify::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until so much may be used. What costs more than a second gives is let through alone.
    pub(crate) async fn take(self: &Arc<Self>, cost: f64) -> Option<Counted> {
        if self.most.is_infinite() || cost <= 0.0 {
            return None;
        }
        let _turn = self.turn.lock().await;
        loop {
            let answered = self.answered.notified();
            let Err(next) = self.try_take(cost, Instant::now()) else { break };
            match next {
                Some(at) => tokio::select! {
                    () = tokio::time::sleep_until(at) => {}
                    () = answered => {}
                },
                None => answered.await,
            }
        }
        Some(Counted { window: self.clone(), cost })
    }

    /// Takes it, or tells when more may be there; `None` when that depends on an answer.
    fn try_take(&self, cost: f64, now: Instant) -> Result<(), Option<Instant>> {
        let mut state = self.state();
        while state.answered.front().is_some_and(|(until, _)| *until <= now) {
            state.answered.pop_front();
        }
        let used = state.open + state.answered.iter().map(|(_, cost)| cost).sum::<f64>();
        let alone = state.calls == 0 && state.answered.is_empty();
        if used + cost > self.most && !alone {
            return Err(state.answered.front().map(|(until, _)| *until));
        }
        state.open += cost;
        state.calls += 1;
        Ok(())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut state = self.window.state();
        state.calls = state.calls.saturating_sub(1);
        // Costs are counts, of which sums are exact; an empty sum is made so all the same.
        state.open = if state.calls == 0 { 0.0 } else { state.open - self.cost };
        state.answered.push_back((Instant::now() + self.window.length, self.cost));
        drop(state);
        self.window.answered.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// When the service counted what, where it counts a call after a part of its way.
    async fn served(rate: f64, calls: Vec<(f64, u64, f64)>) -> Vec<(Instant, f64)> {
        let (window, counted) = (Arc::new(Window::new(rate)), Arc::<Mutex<Vec<_>>>::default());
        let mut tasks = Vec::new();
        for (cost, way, part) in calls {
            let (window, counted) = (window.clone(), counted.clone());
            tasks.push(tokio::spawn(async move {
                let on_its_way = window.take(cost).await;
                let there = Duration::from_millis(way).mul_f64(part);
                tokio::time::sleep(there).await;
                counted.lock().unwrap().push((Instant::now(), cost));
                tokio::time::sleep(Duration::from_millis(way).saturating_sub(there)).await;
                drop(on_its_way);
            }));
        }
        for task in tasks {
            task.await.unwrap();
        }
        std::mem::take(&mut *counted.lock().unwrap())
    }

    /// The most within any second.
    fn most(counted: &[(Instant, f64)]) -> f64 {
        let within = |from: Instant| counted.iter().filter(move |(at, _)| *at >= from && *at < from + SECOND);
        counted.iter().map(|(from, _)| within(*from).map(|(_, cost)| cost).sum::<f64>()).fold(0.0, f64::max)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn no_second_of_the_service_has_more_than_the_limit(
            calls in proptest::collection::vec((1u32..100, 0u64..700, 0.0f64..=1.0), 1..40),
        ) {
            let calls: Vec<_> = calls.into_iter().map(|(cost, way, part)| (f64::from(cost), way, part)).collect();
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
            let counted = runtime.block_on(served(100.0, calls.clone()));
            prop_assert_eq!(counted.len(), calls.len());
            prop_assert!(most(&counted) <= 100.0, "{} within a second", most(&counted));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn with_answers_at_once_the_whole_rate_is_used() {
        let began = Instant::now();
        let counted = served(500.0, vec![(100.0, 1, 0.5); 50]).await;
        assert_eq!(most(&counted), 500.0);
        let took = began.elapsed();
        assert!((Duration::from_millis(8990)..Duration::from_millis(9100)).contains(&took), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_beyond_a_second_goes_alone_and_what_is_rare_waits() {
        let began = Instant::now();
        served(10.0, vec![(25.0, 0, 0.0), (5.0, 0, 0.0)]).await;
        assert!((Duration::from_millis(990)..Duration::from_millis(1010)).contains(&began.elapsed()));
        let began = Instant::now();
        served(0.5, vec![(1.0, 0, 0.0); 3]).await;
        assert!((Duration::from_millis(3990)..Duration::from_millis(4010)).contains(&began.elapsed()));
        served(f64::INFINITY, vec![(1e9, 0, 0.0); 3]).await;
    }
}
