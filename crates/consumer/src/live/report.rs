//! What a session tells of itself.

use std::time::Duration;

use kineframe_fragment::{FragmentNumber, ProducerTimestamp, ServiceError};
use kineframe_source::SourceError;

/// What a session did, in numbers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct SessionReport {
    /// Reads that were opened.
    pub reads: u64,
    /// Reads that failed.
    pub failures: u64,
    /// Reads that brought nothing.
    pub idle_ends: u64,
    /// Whole fragments handed out.
    pub fragments: u64,
    /// Bytes handed out.
    pub bytes: u64,
    /// Bytes read and not handed out: fragments read again.
    pub repeated_bytes: u64,
    /// Stretches that were not read.
    pub gaps: u64,
    /// Frames that a reader who was behind was spared. See [`SlowReader::KeyFrames`](super::SlowReader::KeyFrames).
    pub frames_left_out: u64,
    /// Their bytes.
    pub bytes_left_out: u64,
}

/// What happened to a session.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum SessionNotice {
    /// A read failed; the next begins after the pause.
    Failed {
        /// What happened.
        error: SourceError,
        /// How long is waited.
        pause: Duration,
    },
    /// The service ended a read with an error in band; the next begins after the pause.
    Refused {
        /// What it said.
        error: ServiceError,
        /// How long is waited.
        pause: Duration,
    },
    /// A read brought nothing new: the stream is idle.
    Idle,
    /// Bytes of a fragment were not media. It is read again: what is then the same is stored so.
    Damaged(Option<FragmentNumber>),
    /// A fragment that was read again was not the same up to where it had been cut.
    Changed(FragmentNumber),
    /// Media was not read.
    Gap(SessionGap),
    /// The reader is behind: from the next fragment on it gets key frames alone.
    Behind {
        /// How far this fragment was behind the newest.
        by: Duration,
        /// The last fragment that was handed out whole.
        after: FragmentNumber,
    },
    /// The reader has caught up: from the next fragment on it gets everything.
    CaughtUp(LeftOut),
}

/// A stretch that was not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionGap {
    /// The last fragment before it.
    pub after: Option<FragmentNumber>,
    /// The first fragment behind it.
    pub before: Option<FragmentNumber>,
    /// When the last frame before it ended.
    pub from: Option<ProducerTimestamp>,
    /// When the first fragment behind it begins.
    pub to: Option<ProducerTimestamp>,
    /// Why.
    pub reason: GapReason,
}

/// What a reader who was behind did without.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct LeftOut {
    /// The last fragment before that had all of its frames.
    pub after: Option<FragmentNumber>,
    /// The last fragment that had key frames alone.
    pub to: Option<FragmentNumber>,
    /// Fragments that had key frames alone.
    pub fragments: u64,
    /// Frames that were left out.
    pub frames: u64,
    /// Bytes of their blocks.
    pub bytes: u64,
}

/// Why a stretch was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum GapReason {
    /// The service does not have it (any more).
    Gone,
    /// The reader was too slow, and is to have the newest.
    SlowReader,
}
