//! How many samples lie between what was written and the next frame, by timestamps.
//!
//! Places are counted from an *anchor*, a time and the sample that belongs to it, never from one frame to the next: so
//! roundings to milliseconds do not add up. What comes too early is appended, and the next gap is that much shorter.

/// Gaps up to this, in nanoseconds, are the unrest of producers' clocks.
const UNREST: i128 = 20_000_000;
const SECOND: i128 = 1_000_000_000;

/// A time in nanoseconds, on one of two clocks that say nothing of each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Time {
    /// Since the Unix epoch, by the producer.
    Producer(i128),
    /// On the container's own clock.
    Media(i128),
}

impl Time {
    /// So many nanoseconds later.
    pub fn later(self, nanos: i128) -> Option<Time> {
        Some(match self {
            Time::Producer(time) => Time::Producer(time.checked_add(nanos)?),
            Time::Media(time) => Time::Media(time.checked_add(nanos)?),
        })
    }

    /// Nanoseconds from `earlier` on; `None` on another clock.
    fn since(self, earlier: Time) -> Option<i128> {
        match (self, earlier) {
            (Time::Producer(time), Time::Producer(earlier)) | (Time::Media(time), Time::Media(earlier)) => {
                time.checked_sub(earlier)
            }
            _ => None,
        }
    }
}

/// The gap in front of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gap {
    /// Its length in samples.
    pub samples: u64,
    /// Its length in nanoseconds.
    pub nanos: i128,
}

/// Where the frames of a recording lie.
#[derive(Debug, Clone, Default)]
pub(crate) struct Timeline {
    anchor: Option<(Time, u64)>,
    /// The fragment at hand, and the time of its first frame.
    fragment: Option<(u64, Time)>,
}

impl Timeline {
    /// The gap in front of a frame of this fragment and time, where there is one worth filling; `written` samples are
    /// there, `rate` of which are a second.
    pub fn place(&mut self, fragment: u64, time: Option<Time>, tick: i128, written: u64, rate: u32) -> Option<Gap> {
        let time = time?;
        let first = self.fragment.is_none_or(|(index, _)| index != fragment);
        // A fragment that begins no later than the one before follows its end, and so does one on another clock.
        let rises = self.fragment.is_some_and(|(_, before)| time.since(before).is_some_and(|later| later > 0));
        if first {
            self.fragment = Some((fragment, time));
        }
        if self.anchor.is_none() || (first && !rises) {
            self.anchor = Some((time, written));
            return None;
        }
        let (start, at) = self.anchor?;
        let place = time.since(start)?.checked_mul(i128::from(rate))?.checked_add(SECOND / 2)?.div_euclid(SECOND);
        let samples = place.checked_add(i128::from(at))?.checked_sub(i128::from(written))?;
        let nanos = samples.checked_mul(SECOND)? / i128::from(rate.max(1));
        let unrest = UNREST.max(tick.saturating_mul(2));
        (nanos > unrest).then_some(Gap { samples: u64::try_from(samples).ok()?, nanos })
    }

    /// Says that the gap just told stays open: what follows comes at once.
    pub fn skip(&mut self, time: Option<Time>, written: u64) {
        self.anchor = time.map(|time| (time, written)).or(self.anchor);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MILLI: i128 = 1_000_000;

    /// Gaps in samples in front of frames of 160 samples at 8 kHz, given as (fragment, milliseconds).
    fn gaps(frames: &[(u64, i128)]) -> Vec<u64> {
        let (mut timeline, mut written, mut found) = (Timeline::default(), 0, Vec::new());
        for (fragment, millis) in frames {
            let gap = timeline.place(*fragment, Some(Time::Producer(millis * MILLI)), MILLI, written, 8_000);
            let samples = gap.map_or(0, |gap| gap.samples);
            found.push(samples);
            written += samples + 160;
        }
        found
    }

    #[test]
    fn a_gap_is_as_long_as_the_timestamps_say() {
        assert_eq!(gaps(&[(0, 5_000), (0, 5_020), (1, 5_040), (2, 6_000), (2, 6_020)]), [0, 0, 0, 7_520, 0]);
        assert_eq!(gaps(&[(0, 0), (0, 100), (0, 120)]), [0, 640, 0]);
    }

    #[test]
    fn unrest_is_no_gap_and_does_not_add_up() {
        assert_eq!(gaps(&[(0, 0), (0, 30), (0, 35), (1, 70), (2, 81)]), [0; 5]);
        let steady: Vec<(u64, i128)> =
            (0..1_000).map(|n| (n / 10, i128::from(n) * 20 + 19 * i128::from(n % 2))).collect();
        assert_eq!(gaps(&steady).iter().sum::<u64>(), 0);
        // A clock that runs 1 % fast is followed.
        let fast: Vec<(u64, i128)> = (0..1_000).map(|n| (n / 10, i128::from(n) * 202 / 10)).collect();
        let sum: u64 = gaps(&fast).iter().sum();
        assert!((1_400..=1_600).contains(&sum), "{sum}");
    }

    #[test]
    fn a_fragment_that_begins_no_later_follows_the_end() {
        assert_eq!(gaps(&[(0, 9_000), (1, 1_000), (2, 1_020), (3, 2_000)]), [0, 0, 0, 7_680]);
        assert_eq!(gaps(&[(0, 0), (1, 0), (2, 0)]), [0; 3]);
        // One that overlaps is appended, and shortens the next gap.
        assert_eq!(gaps(&[(0, 0), (0, 20), (1, 10), (2, 1_000)]), [0, 0, 0, 8_000 - 480]);
    }

    #[test]
    fn clocks_are_not_held_against_each_other() {
        let mut timeline = Timeline::default();
        assert_eq!(timeline.place(0, Some(Time::Media(0)), MILLI, 0, 8_000), None);
        assert_eq!(timeline.place(1, Some(Time::Producer(1 << 60)), MILLI, 160, 8_000), None);
        assert_eq!(timeline.place(1, None, MILLI, 320, 8_000), None);
        let gap = timeline.place(1, Some(Time::Producer((1 << 60) + SECOND)), MILLI, 320, 8_000);
        assert_eq!(gap.map(|gap| gap.samples), Some(8_000 - 160));
    }

    proptest! {
        #[test]
        fn no_time_is_too_odd(times in proptest::collection::vec((0u64..3, any::<i128>(), any::<bool>()), 1..20), rate: u32) {
            let mut timeline = Timeline::default();
            for (at, (fragment, time, media)) in times.into_iter().enumerate() {
                let time = if media { Time::Media(time) } else { Time::Producer(time) };
                let gap = timeline.place(fragment, Some(time), 1, at as u64 * 100, rate);
                prop_assert!(gap.is_none_or(|gap| gap.nanos > UNREST));
            }
        }
    }
}
