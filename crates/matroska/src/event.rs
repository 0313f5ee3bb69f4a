//! What the demuxer tells, in the order of the bytes.

use std::sync::Arc;

use bytes::Bytes;
use kineframe_ebml::{ElementId, ElementSize, Error};

use crate::{Block, EbmlHeader, Info, SegmentTicks, Tags, TrackEntry};

/// One event of a Matroska stream. Offsets count bytes from the start of the input.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// An EBML Header at the top level: a new EBML Document starts (RFC 8794 §8.1).
    EbmlHeader(EbmlHeader),
    /// A Segment starts.
    SegmentStart {
        /// Where its header stands.
        offset: u64,
        /// Its declared size.
        size: ElementSize,
    },
    /// An Info element, whole.
    Info(Arc<Info>),
    /// A Tracks element, whole. Told by the same handle as the one before where the stored bytes are the same, and
    /// nothing is wrong with them.
    Tracks(Arc<Tracks>),
    /// A Tags element, whole.
    Tags(Tags),
    /// A Cluster starts.
    ClusterStart {
        /// Where its header stands.
        offset: u64,
        /// Its declared size.
        size: ElementSize,
    },
    /// The Cluster's Timestamp (RFC 9559 §5.1.3.1), told when it is read: normally right after the start.
    ClusterTimestamp(SegmentTicks),
    /// A SimpleBlock or BlockGroup.
    Block(Block),
    /// The Cluster has ended: by its size, or by an element that cannot stand in it.
    ClusterEnd {
        /// The first byte after its data.
        offset: u64,
        /// Its declared size was reached exactly, or it had none and an element ended it in order.
        complete: bool,
    },
    /// The Segment has ended.
    SegmentEnd {
        /// The first byte after its data.
        offset: u64,
        /// As for a Cluster. At the end of input a Segment of unknown size is complete.
        complete: bool,
    },
    /// An element that was passed over: unknown, not needed (Cues, SeekHead, Chapters, …), or unusable.
    Skipped {
        /// Its ID.
        id: ElementId,
        /// Where its header stands.
        offset: u64,
        /// Its declared size.
        size: ElementSize,
        /// What is wrong with it; `None` where it is only not needed.
        reason: Option<Error>,
    },
    /// Bytes that no element could be made of were left behind by a resynchronisation.
    Damage {
        /// The first byte lost.
        offset: u64,
        /// How many bytes were lost.
        length: u64,
        /// What was wrong at the place where reading stopped.
        error: Error,
    },
}

/// A Tracks element (RFC 9559 §5.1.4).
#[derive(Debug, Clone, PartialEq)]
pub struct Tracks {
    /// The tracks in stored order.
    pub entries: Vec<TrackEntry>,
    /// The element's data as stored: equal bytes mean equal tracks.
    pub raw: Bytes,
}
