//! Which pictures are wanted.

use std::num::NonZeroU64;
use std::time::Duration;

use kineframe_fragment::{FragmentHead, FragmentNumber};

/// Which pictures of a track are wanted. The default wants every picture.
///
/// `at` and `fragments` unite; what they name (everything, where both are empty) is then narrowed by `every`,
/// `one_in` and `keyframes`: a picture must pass all that are set, and each of these is counted over all pictures
/// in the range, not over what another one left. `limit` counts last, over what is wanted in the end.
///
/// The choice falls on encoded frames in presentation order, before anything is decoded. What cannot be decoded
/// (frames before the first random access point) is not a picture and is not counted.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Selection {
    /// Pictures on screen at these times.
    pub at: Vec<At>,
    /// All pictures of these fragments.
    pub fragments: Vec<FragmentRef>,
    /// The first picture of each step of a grid.
    pub every: Option<Every>,
    /// Every Nth picture, from the first.
    pub one_in: Option<NonZeroU64>,
    /// Pictures of random access points only.
    pub keyframes: bool,
    /// At most this many, over all tracks.
    pub limit: Option<u64>,
}

impl Selection {
    /// Every picture.
    pub fn all() -> Self {
        Self::default()
    }

    /// Pictures of random access points.
    pub fn keyframes() -> Self {
        Selection { keyframes: true, ..Self::default() }
    }

    /// The first picture of each step, counted from the first picture.
    pub fn every(step: Duration) -> Self {
        Selection { every: Some(Every { step, grid: Grid::Start }), ..Self::default() }
    }

    /// Every Nth picture, from the first. 0 counts as 1.
    pub fn one_in(n: u64) -> Self {
        Selection { one_in: NonZeroU64::new(n), ..Self::default() }
    }

    /// At most this many.
    pub fn limit(self, pictures: u64) -> Self {
        Selection { limit: Some(pictures), ..self }
    }
}

/// A picture by its time: the last at or before it, in presentation order.
#[derive(Debug, Clone, PartialEq)]
pub enum At {
    /// The picture on screen when this time is first passed; past the end, the last one.
    Time(MediaTime),
    /// The picture of one fragment on screen this many nanoseconds after the Timestamp of its first Cluster; past
    /// the fragment's end, its last one.
    Offset {
        /// The fragment.
        fragment: FragmentRef,
        /// Nanoseconds; may be negative, since frames may lie before the Cluster's Timestamp.
        offset: i64,
    },
    /// The first picture of a fragment.
    First(FragmentRef),
}

/// A fragment, by what a person has to name it by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FragmentRef {
    /// By its number.
    Number(FragmentNumber),
    /// By its place among the EBML Documents of the input, from 0.
    Index(u64),
}

impl FragmentRef {
    /// Whether this is the fragment meant.
    pub fn is(&self, head: &FragmentHead) -> bool {
        match self {
            Self::Number(number) => head.number.as_ref() == Some(number),
            Self::Index(index) => head.index == *index,
        }
    }
}

/// A grid of steps, of each of which the first picture is wanted; a step without a picture gives none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Every {
    /// Length of a step. Zero wants every picture.
    pub step: Duration,
    /// Where the grid starts.
    pub grid: Grid,
}

/// Where a grid starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grid {
    /// At the beginning of the range where that is a time, else at the first picture.
    Start,
    /// At the Unix epoch.
    Epoch,
}

/// A time in the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaTime {
    /// Wall time: nanoseconds since the Unix epoch, on the clock that the options name.
    Wall(i128),
    /// Nanoseconds since the first frame.
    Elapsed(i128),
}

/// The clock that wall times are told on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Clock {
    /// The producer's timestamp of the fragment plus the frame's offset in it.
    #[default]
    Producer,
    /// The service's timestamp of the fragment plus the frame's offset in it.
    Server,
}

/// A half-open range: its beginning is in it, its end is not. All that is set must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Range {
    /// The first time wanted; `None` for the beginning.
    pub from: Option<MediaTime>,
    /// The fragment to begin with.
    pub from_fragment: Option<FragmentStart>,
    /// The first time not wanted any more: reading ends at the first frame at or past it.
    pub to: Option<MediaTime>,
    /// How long, counted from the first frame that the beginning lets in.
    pub length: Option<Duration>,
}

/// The fragment that a range begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FragmentStart {
    /// This one, or the first with a higher number.
    At(FragmentNumber),
    /// The first with a higher number than this one.
    After(FragmentNumber),
}

impl FragmentStart {
    /// Whether the range has begun with a frame of this fragment.
    pub(crate) fn reached(&self, head: &FragmentHead) -> bool {
        match (self, &head.number) {
            (_, None) => false,
            (Self::At(start), Some(number)) => number >= start,
            (Self::After(start), Some(number)) => number > start,
        }
    }
}

/// Which tracks are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TrackChoice {
    /// The first video track of each fragment.
    #[default]
    FirstVideo,
    /// The track of this number.
    Number(u64),
    /// All video tracks.
    AllVideo,
}

/// What becomes of pictures that are built on missing or damaged references.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Damaged {
    /// They are handed out, marked.
    #[default]
    Keep,
    /// They are left out, and counted.
    Skip,
}
