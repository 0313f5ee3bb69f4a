//! What the splitter tells.

use std::sync::Arc;

use bytes::Bytes;
use kineframe_matroska::{Info, SegmentTicks, SimpleTag, TimestampScale, Tracks};

use crate::{ContinuationToken, FragmentNumber, ProducerTimestamp, ServerTimestamp};

/// One event of a body. A fragment is the span of one EBML Document.
///
/// Order within a fragment: `Started`, then `Frame`s and `Tag`s as they stand, then `Finished`. `Finished`
/// comes at the closing tags where the body has them, and not when the next fragment begins: closing tags are
/// a Tags element with a `CONTINUATION_TOKEN` behind a Cluster, which the service always writes last. Where
/// something of the fragment follows all the same, its `Frame`s and `Tag`s come out as they stand, and
/// `Amended` tells the new end. `Damage` can come anywhere.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A fragment has begun and what precedes its first frame is known: number, times, tracks.
    Started(Arc<FragmentHead>),
    /// A frame of the fragment that last started.
    Frame(Frame),
    /// A tag, in stored order, repeats kept, those of the service too. Those before the first Cluster come
    /// right after `Started`.
    Tag(SimpleTag),
    /// The fragment is over.
    Finished(Arc<FragmentTail>),
    /// What `Finished` told of the last fragment was not all of it: something stood between its closing tags
    /// and the next fragment. Rare; never in a body as the service writes it.
    Amended(Arc<FragmentTail>),
    /// The service reported an error in band; comes right before the `Finished` of the fragment that tells it.
    ServiceError(ServiceError),
    /// Bytes were lost.
    Damage(Damage),
}

/// What is known of a fragment before its first frame.
#[derive(Debug, Clone, PartialEq)]
pub struct FragmentHead {
    /// Counts the EBML Documents of the body from 0.
    pub index: u64,
    /// Where its EBML Header stands.
    pub offset: u64,
    /// Its number, where the body tells one that is legal.
    pub number: Option<FragmentNumber>,
    /// When the producer says that it began.
    pub producer_timestamp: Option<ProducerTimestamp>,
    /// When the service began to receive it.
    pub server_timestamp: Option<ServerTimestamp>,
    /// Its Info element; the default where there is none.
    pub info: Arc<Info>,
    /// Its tracks; `None` where there is no usable Tracks element. Shared with the fragment before where the
    /// stored bytes are equal, so that `Arc::ptr_eq` tells that nothing changed.
    pub tracks: Option<Arc<Tracks>>,
    /// Timestamp of its first Cluster, in ticks of `timestamp_scale`; `None` without a Cluster.
    pub first_cluster: Option<SegmentTicks>,
    /// Nanoseconds a tick.
    pub timestamp_scale: TimestampScale,
}

/// What is known of a fragment at its end.
#[derive(Debug, Clone, PartialEq)]
pub struct FragmentTail {
    /// The head, completed by what came later (a number told only after the Cluster, say).
    pub head: Arc<FragmentHead>,
    /// Bytes from its EBML Header to its end.
    pub length: u64,
    /// Where to go on after it.
    pub continuation_token: Option<ContinuationToken>,
    /// How far it was behind the newest one of the stream.
    pub millis_behind_now: Option<i64>,
    /// No element of known size was cut, and if this or an earlier fragment of the body had closing tags, its
    /// own were seen.
    pub complete: bool,
    /// The input ended or broke inside it: an element was cut, bytes were lost, or the input ended where
    /// closing tags were due.
    pub truncated: bool,
    /// Frames of all tracks.
    pub frames: u64,
    /// Stored frame bytes, before a ContentEncoding is undone.
    pub payload_bytes: u64,
    /// Last minus first frame of the longest track, plus its frame duration, in nanoseconds.
    pub duration: Option<u64>,
    /// What was counted of each track, in the order of Tracks.
    pub tracks: Vec<TrackSummary>,
    /// Every tag in order, repeats kept.
    pub tags: Vec<SimpleTag>,
    /// Tags that are neither here nor were told, since the fragment has more than
    /// [`Options::tags`](crate::Options::tags) or [`Options::tag_bytes`](crate::Options::tag_bytes) allow.
    pub tags_omitted: u64,
    /// The error that the service reported in it.
    pub error: Option<ServiceError>,
}

/// What was counted of a track within a fragment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackSummary {
    /// Its `TrackNumber`.
    pub number: u64,
    /// Its frames.
    pub frames: u64,
    /// The stored bytes of its frames.
    pub payload_bytes: u64,
    /// Its frames that the container calls key frames.
    pub keyframes: u64,
}

/// One encoded frame. Its identity is (fragment, track, index), never its time.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// The fragment that it belongs to.
    pub fragment: Arc<FragmentHead>,
    /// Its track.
    pub track_number: u64,
    /// Counts the frames of its track in the fragment, in stored order, from 0.
    pub index: u64,
    /// Presentation time in ticks of the fragment's timestamp scale, as stored; `None` where its Cluster has
    /// told none. A frame in a lace has the time of its place in it, rounded down to a tick.
    pub timestamp: Option<SegmentTicks>,
    /// Nanoseconds from the Timestamp of the fragment's first Cluster; may be negative.
    pub offset: Option<i64>,
    /// Wall time: producer timestamp of the fragment plus `offset`.
    pub producer_time: Option<ProducerTimestamp>,
    /// Nanoseconds that it lasts, where a BlockDuration or the track's DefaultDuration says so. The
    /// BlockDuration of a lace is spread evenly over its frames.
    pub duration: Option<u64>,
    /// The container says that decoding can start here.
    pub keyframe: bool,
    /// The container says that it is decoded, but not shown.
    pub invisible: bool,
    /// The container says that no other frame needs it (SimpleBlock only).
    pub discardable: bool,
    /// The encoded frame, ContentEncodings undone. Empty with [`Payload::Skip`](crate::Payload::Skip), but for frames
    /// that have to be looked into.
    pub data: Bytes,
    /// Where its stored bytes start in the body.
    pub position: u64,
    /// Its stored length, before a ContentEncoding is undone.
    pub stored_len: u64,
}

/// An error that the service reported in band, in a body that began with HTTP 200.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceError {
    /// `AWS_KINESISVIDEO_ERROR_ID`, where it is a number; else `AWS_KINESISVIDEO_EXCEPTION_ERROR_CODE`, where
    /// that is one.
    pub id: Option<i64>,
    /// `AWS_KINESISVIDEO_ERROR_CODE` or `AWS_KINESISVIDEO_EXCEPTION_ERROR_CODE`.
    pub code: Option<String>,
    /// `AWS_KINESISVIDEO_EXCEPTION_MESSAGE`.
    pub message: Option<String>,
    /// The fragment that it is about, where it says so.
    pub fragment_number: Option<FragmentNumber>,
}

/// Bytes that were lost, or that nothing could be made of.
#[derive(Debug, Clone, PartialEq)]
pub struct Damage {
    /// The fragment in which they lie ([`FragmentHead::index`]); `None` before the first and behind the closing
    /// tags of one.
    pub fragment: Option<u64>,
    /// The first byte lost.
    pub offset: u64,
    /// How many.
    pub length: u64,
    /// What was wrong there, with the element path.
    pub error: kineframe_matroska::Error,
}
