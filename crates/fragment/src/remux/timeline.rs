//! Where each fragment lies in the time of a merged file.
//!
//! | producer timestamp of the fragment | where it starts |
//! |---|---|
//! | of the first | 0 |
//! | later than that of the one before | as much later |
//! | equal or earlier, or not told | at the end of the one before |
//!
//! After a start that was moved, those that follow keep their distance to it: a producer that begins again at
//! 0 goes on where it stopped, and its pace is kept.

use crate::ProducerTimestamp;

/// Places fragments one after the other. All times are nanoseconds from the start of the file.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Timeline {
    /// A producer timestamp, and where in the file it lies.
    anchor: Option<(ProducerTimestamp, i128)>,
    /// Where the fragment before starts.
    last_start: Option<i128>,
    /// Where what was placed so far ends.
    end: i128,
}

impl Timeline {
    /// Where a fragment of this producer timestamp starts.
    pub fn place(&mut self, producer: Option<ProducerTimestamp>) -> i128 {
        let by_producer = match (producer, self.anchor, self.last_start) {
            (Some(time), Some((known, at)), Some(last)) => {
                let start = time.0.checked_sub(known.0).and_then(|later| at.checked_add(later));
                start.filter(|start| *start > last)
            }
            _ => None,
        };
        let start = by_producer.unwrap_or(if self.last_start.is_some() { self.end } else { 0 });
        if let Some(time) = producer {
            self.anchor = Some((time, start));
        }
        self.last_start = Some(start);
        self.reaches(start);
        start
    }

    /// Takes note that something placed reaches up to `end`.
    pub fn reaches(&mut self, end: i128) {
        self.end = self.end.max(end);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: i128 = 1_000_000_000;

    /// Starts of fragments of one second each, in seconds; `None` for one without a producer timestamp.
    fn starts(producer: &[Option<i128>]) -> Vec<i128> {
        let mut timeline = Timeline::default();
        let place = |seconds: &Option<i128>| {
            let start = timeline.place(seconds.map(|seconds| ProducerTimestamp(seconds * SECOND)));
            timeline.reaches(start + SECOND);
            start / SECOND
        };
        producer.iter().map(place).collect()
    }

    #[test]
    fn fragments_lie_at_producer_time() {
        assert_eq!(starts(&[Some(100), Some(101), Some(105), Some(106)]), [0, 1, 5, 6]);
    }

    #[test]
    fn where_it_does_not_rise_they_follow_the_end() {
        assert_eq!(starts(&[Some(100), Some(101), Some(95), Some(96), Some(99)]), [0, 1, 2, 3, 6]);
        assert_eq!(starts(&[Some(7), Some(7), Some(7)]), [0, 1, 2]);
    }

    #[test]
    fn fragments_without_a_timestamp_follow_the_end() {
        assert_eq!(starts(&[None, None]), [0, 1]);
        assert_eq!(starts(&[Some(10), None, Some(15), None, Some(16)]), [0, 1, 5, 6, 7]);
    }

    proptest! {
        #[test]
        fn starts_rise(times in proptest::collection::vec(proptest::option::of(any::<i128>()), 1..20)) {
            let mut timeline = Timeline::default();
            let mut last = None;
            for time in times {
                let start = timeline.place(time.map(ProducerTimestamp));
                timeline.reaches(start.saturating_add(1));
                prop_assert!(last.is_none_or(|last| start > last || start == i128::MAX));
                last = Some(start);
            }
        }
    }
}
