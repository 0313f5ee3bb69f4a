//! From nanoseconds to ticks, and from presentation times to decoding times.
//!
//! Every time is rounded by itself, from the start of the timeline, so that nothing drifts however long a stream is.

use kineframe_matroska::TrackEntry;

/// Ticks a second of video: milliseconds and most frame rates are whole numbers of them.
const VIDEO: u32 = 90_000;
/// For rates such as 24000/1001, of which a frame is no whole number of the former.
const FINE_VIDEO: u32 = 720_000;
/// Ticks a second of the movie: edits are told in them.
pub(crate) const MOVIE: u32 = 720_000;

/// Ticks a second in which the times of a track are told.
pub(crate) fn timescale(entry: &TrackEntry) -> u32 {
    if let Some(audio) = &entry.audio {
        // A float to integer cast saturates; the sum of two rates is not asked for here.
        let rate = audio.sampling_frequency.round() as u32;
        return if rate == 0 { VIDEO } else { rate };
    }
    let Some(duration) = entry.default_duration else { return VIDEO };
    // How far a frame is from a whole number of ticks, in 1/1000 tick: nanoseconds alone make it differ by 0.05.
    let off = |scale: u32| {
        let thousandths = u128::from(duration.get()) * u128::from(scale) / 1_000_000 % 1_000;
        thousandths.min(1_000 - thousandths)
    };
    if off(VIDEO) > 100 && off(FINE_VIDEO) <= 100 { FINE_VIDEO } else { VIDEO }
}

/// The tick nearest to a time in nanoseconds, halves upwards; the outermost one where 64 bits do not hold it.
pub(crate) fn ticks(nanos: i64, scale: u32) -> i64 {
    let ticks = (i128::from(nanos) * i128::from(scale) + 500_000_000).div_euclid(1_000_000_000);
    ticks.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
}

/// A number of ticks in nanoseconds, rounded to the nearest.
pub(crate) fn nanos(ticks: i64, scale: u32) -> i64 {
    let scale = i128::from(scale.max(1));
    let nanos = (i128::from(ticks) * 1_000_000_000 + scale / 2).div_euclid(scale);
    nanos.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
}

/// Decoding times for frames in decoding order that are shown at `shown`: the same times in rising order, so that each
/// frame is decoded as early as the order of pictures needs it, each at least one tick behind the one before and
/// behind `after`.
pub(crate) fn decoding_times(shown: &[i64], after: Option<i64>) -> Vec<i64> {
    let mut times = shown.to_vec();
    times.sort_unstable();
    let mut last = after;
    for time in &mut times {
        if let Some(last) = last {
            *time = (*time).max(last.saturating_add(1));
        }
        last = Some(*time);
    }
    times
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;

    use kineframe_matroska::{Audio, TrackType};
    use proptest::prelude::*;

    use super::*;

    fn video(nanos: u64) -> TrackEntry {
        let mut entry = TrackEntry::new(1, TrackType::VIDEO, "V_MPEG4/ISO/AVC");
        entry.default_duration = NonZeroU64::new(nanos);
        entry
    }

    #[test]
    fn timescales_hold_the_frame_rate() {
        for rate in [24, 25, 30, 50, 60] {
            assert_eq!(timescale(&video(1_000_000_000 / rate)), 90_000, "{rate}");
        }
        assert_eq!(timescale(&video(33_366_667)), 90_000); // 30000/1001: 3003 ticks
        assert_eq!(timescale(&video(41_708_333)), 720_000); // 24000/1001: 30030 ticks
        assert_eq!(timescale(&video(0)), 90_000);
        let mut sound = TrackEntry::new(2, TrackType::AUDIO, "A_AAC");
        sound.audio = Some(Audio { sampling_frequency: 44_100.0, channels: 2, bit_depth: None });
        assert_eq!(timescale(&sound), 44_100);
        sound.audio = Some(Audio { sampling_frequency: f64::NAN, channels: 2, bit_depth: None });
        assert_eq!(timescale(&sound), 90_000);
    }

    #[test]
    fn decoding_goes_by_presentation_order() {
        assert_eq!(decoding_times(&[0, 3, 1, 2, 6, 4, 5], None), [0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(decoding_times(&[5, 5, 5], None), [5, 6, 7]);
        assert_eq!(decoding_times(&[5, 8], Some(6)), [7, 8]);
        assert_eq!(decoding_times(&[], Some(6)), Vec::<i64>::new());
    }

    proptest! {
        #[test]
        fn times_come_back_to_the_nearest(millis in 0i64..4_000_000_000_000, scale in 1_000u32..4_000_000) {
            let time = millis * 1_000_000;
            let back = nanos(ticks(time, scale), scale);
            // Half a tick, and one for rounding.
            prop_assert!((back - time).abs() <= 500_000_000 / i64::from(scale) + 1);
        }

        #[test]
        fn ticks_come_back_as_they_were(count in -1_000_000_000_000i64..1_000_000_000_000, scale in 1u32..1_000_000) {
            prop_assert_eq!(ticks(nanos(count, scale), scale), count);
        }

        #[test]
        fn decoding_times_rise(shown in proptest::collection::vec(any::<i32>(), 0..50)) {
            let shown: Vec<i64> = shown.into_iter().map(i64::from).collect();
            let times = decoding_times(&shown, None);
            prop_assert!(times.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert_eq!(times.len(), shown.len());
        }
    }
}
