//! Units of time (RFC 9559 §11).

use std::num::NonZeroU64;

/// Nanoseconds in one Segment Tick (`TimestampScale`, RFC 9559 §5.1.2.9). Default 1,000,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TimestampScale(pub NonZeroU64);

impl Default for TimestampScale {
    fn default() -> Self {
        TimestampScale(NonZeroU64::new(1_000_000).expect("not zero"))
    }
}

/// A time in Segment Ticks: the unit of Cluster Timestamps and of blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct SegmentTicks(pub i64);

impl SegmentTicks {
    /// The time in nanoseconds; `i128` holds every product.
    pub fn to_nanos(self, scale: TimestampScale) -> i128 {
        i128::from(self.0) * i128::from(scale.0.get())
    }

    /// The tick nearest to a time in nanoseconds, halves upwards; `None` where it does not fit.
    pub fn from_nanos(nanos: i128, scale: TimestampScale) -> Option<SegmentTicks> {
        let scale = i128::from(scale.0.get());
        let ticks = nanos.checked_add(scale / 2)?.div_euclid(scale);
        i64::try_from(ticks).ok().map(SegmentTicks)
    }
}
