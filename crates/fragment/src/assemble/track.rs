//! What is counted of each track of a fragment, and the times of the frames in a block.

use std::num::NonZeroU64;

use kineframe_matroska::{Block, BlockOrigin, SegmentTicks, TimestampScale};

use crate::TrackSummary;

/// The running counts of a track.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TrackCount {
    pub summary: TrackSummary,
    /// `DefaultDuration` of its TrackEntry, in nanoseconds.
    pub default_duration: Option<NonZeroU64>,
    /// First and last presentation time in nanoseconds, and how many frames have one.
    span: Option<Span>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Span {
    first: i128,
    last: i128,
    /// Duration of the frame at `last`, where known.
    last_duration: Option<u64>,
    timed: u64,
}

impl TrackCount {
    pub fn new(number: u64, default_duration: Option<NonZeroU64>) -> Self {
        let summary = TrackSummary { number, frames: 0, payload_bytes: 0, keyframes: 0 };
        TrackCount { summary, default_duration, span: None }
    }

    /// Counts a frame; its index within the track is the answer.
    #[inline]
    pub fn count(&mut self, stored_len: u64, keyframe: bool, nanos: Option<i128>, duration: Option<u64>) -> u64 {
        let index = self.summary.frames;
        self.summary.frames += 1;
        self.summary.payload_bytes = self.summary.payload_bytes.saturating_add(stored_len);
        self.summary.keyframes += u64::from(keyframe);
        if let Some(time) = nanos {
            let span = self.span.get_or_insert(Span { first: time, last: time, last_duration: duration, timed: 0 });
            span.timed += 1;
            span.first = span.first.min(time);
            if time >= span.last {
                (span.last, span.last_duration) = (time, duration);
            }
        }
        index
    }

    /// Last minus first frame, and the duration of the last: its own, else the track's, else the mean.
    pub fn duration(&self) -> Option<(u64, u64)> {
        let span = self.span?;
        let between = u64::try_from(span.last.checked_sub(span.first)?).ok()?;
        let mean = span.timed.checked_sub(1).and_then(|steps| between.checked_div(steps));
        let own = span.last_duration.or(self.default_duration.map(NonZeroU64::get)).or(mean);
        Some((between, own.unwrap_or(0)))
    }
}

/// The times of a block's frames.
///
/// RFC 9559 §10.3 gives only the first frame of a lace a time. The others follow at the track's
/// DefaultDuration, or evenly over the BlockDuration, or, where neither is known, at the same time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct BlockTimes {
    timestamp: Option<SegmentTicks>,
    scale: TimestampScale,
    /// Nanoseconds from one frame of the lace to the next.
    step: u64,
    /// Nanoseconds that each frame lasts.
    pub duration: Option<u64>,
}

impl BlockTimes {
    #[inline]
    pub fn new(block: &Block, default_duration: Option<NonZeroU64>, scale: TimestampScale) -> Self {
        let ticks = match &block.origin {
            BlockOrigin::Group { duration, .. } => *duration,
            BlockOrigin::Simple => None,
        };
        let frames = u64::try_from(block.frames.len()).unwrap_or(u64::MAX).max(1);
        let of_block = ticks.and_then(|ticks| ticks.checked_mul(scale.0.get())).map(|nanos| nanos / frames);
        let of_track = default_duration.map(NonZeroU64::get);
        BlockTimes {
            timestamp: block.timestamp,
            scale,
            step: of_track.or(of_block).unwrap_or(0),
            duration: of_block.or(of_track),
        }
    }

    /// Presentation time of frame `place` of the block in nanoseconds.
    #[inline]
    pub fn nanos(&self, place: usize) -> Option<i128> {
        if place == 0 {
            return self.timestamp.map(|ticks| ticks.to_nanos(self.scale));
        }
        let later = i128::from(self.step).checked_mul(i128::try_from(place).ok()?)?;
        self.timestamp?.to_nanos(self.scale).checked_add(later)
    }

    /// The same in ticks, rounded down.
    #[inline]
    pub fn ticks(&self, place: usize) -> Option<SegmentTicks> {
        if place == 0 {
            return self.timestamp;
        }
        let ticks = self.nanos(place)?.div_euclid(i128::from(self.scale.0.get()));
        i64::try_from(ticks).ok().map(SegmentTicks)
    }
}
