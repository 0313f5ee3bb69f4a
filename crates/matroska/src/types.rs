//! Typed elements, in RFC 9559's words.

use bytes::Bytes;

use crate::demux::encoding::{self, Scope};
use crate::{BlockFrames, SegmentTicks, TimestampScale};

/// An EBML Header (RFC 8794 §11.2), defaults filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EbmlHeader {
    /// Where it stands.
    pub offset: u64,
    /// Bytes of the whole element.
    pub len: u64,
    /// `EBMLMaxIDLength`.
    pub max_id_length: u64,
    /// `EBMLMaxSizeLength`.
    pub max_size_length: u64,
    /// `DocType`, up to the first NUL.
    pub doc_type: String,
    /// `DocTypeVersion`.
    pub doc_type_version: u64,
    /// `DocTypeReadVersion`.
    pub doc_type_read_version: u64,
}

/// `\Segment\Info` (RFC 9559 §5.1.2).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Info {
    /// Where it stands.
    pub offset: u64,
    /// `TimestampScale`.
    pub timestamp_scale: TimestampScale,
    /// `Duration` in Segment Ticks; only a finite, positive one.
    pub duration: Option<f64>,
    /// `SegmentUUID`.
    pub segment_uuid: Option<Bytes>,
    /// `Title`.
    pub title: Option<String>,
    /// `MuxingApp`.
    pub muxing_app: Option<String>,
    /// `WritingApp`.
    pub writing_app: Option<String>,
    /// `DateUTC`: nanoseconds since 2001-01-01T00:00:00 UTC.
    pub date_utc: Option<i64>,
}

/// `TrackType` (RFC 9559 §5.1.4.1.3). Open: other numbers are carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TrackType(pub u64);

impl TrackType {
    /// Video.
    pub const VIDEO: TrackType = TrackType(1);
    /// Audio.
    pub const AUDIO: TrackType = TrackType(2);
    /// Subtitles.
    pub const SUBTITLE: TrackType = TrackType(17);

    /// `video`, `audio`, … as RFC 9559 names them; `unknown` for other numbers.
    pub fn name(self) -> &'static str {
        match self.0 {
            1 => "video",
            2 => "audio",
            3 => "complex",
            16 => "logo",
            17 => "subtitle",
            18 => "buttons",
            32 => "control",
            33 => "metadata",
            _ => "unknown",
        }
    }
}

/// `\Segment\Tracks\TrackEntry` (RFC 9559 §5.1.4.1).
#[derive(Debug, Clone, PartialEq)]
pub struct TrackEntry {
    /// `TrackNumber`; never 0.
    pub number: u64,
    /// `TrackUID`.
    pub uid: Option<u64>,
    /// `TrackType`.
    pub track_type: TrackType,
    /// `CodecID`, up to the first NUL.
    pub codec_id: String,
    /// `CodecPrivate`, with nothing undone.
    pub codec_private: Option<Bytes>,
    /// `Name`, up to the first NUL; `None` where absent or empty.
    pub name: Option<String>,
    /// `Language`.
    pub language: Option<String>,
    /// `FlagEnabled`.
    pub enabled: bool,
    /// `FlagDefault`.
    pub default: bool,
    /// `DefaultDuration` in nanoseconds a frame.
    pub default_duration: Option<std::num::NonZeroU64>,
    /// `CodecDelay` in nanoseconds.
    pub codec_delay: u64,
    /// `Video`, where present.
    pub video: Option<Video>,
    /// `Audio`, where present.
    pub audio: Option<Audio>,
    /// `ContentEncodings`, in the order in which they are undone (§5.1.4.1.31).
    pub encodings: Vec<ContentEncoding>,
    /// The element's data as stored.
    pub raw: Bytes,
}

impl TrackEntry {
    /// A track with no more than it must have, as RFC 9559 has the defaults.
    pub fn new(number: u64, track_type: TrackType, codec_id: impl Into<String>) -> Self {
        TrackEntry {
            number,
            uid: None,
            track_type,
            codec_id: codec_id.into(),
            codec_private: None,
            name: None,
            language: None,
            enabled: true,
            default: true,
            default_duration: None,
            codec_delay: 0,
            video: None,
            audio: None,
            encodings: Vec::new(),
            raw: Bytes::new(),
        }
    }

    /// `CodecPrivate` with the ContentEncodings undone whose scope covers it (§5.1.4.1.31.3), of at most
    /// `limit` bytes; `None` where there is none.
    ///
    /// # Errors
    /// An encoding that is not undone here, data that it does not fit, a result beyond `limit`.
    pub fn decoded_codec_private(&self, limit: u64) -> Option<Result<Bytes, kineframe_ebml::Error>> {
        let private = self.codec_private.as_ref()?;
        let mut budget = limit;
        Some(encoding::undo(&self.encodings, Scope::CodecPrivate, private, 0, &mut budget))
    }
}

/// `Video` (RFC 9559 §5.1.4.1.28).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Video {
    /// `PixelWidth`; 0 where missing. Producers get it wrong: the stream's own size counts.
    pub pixel_width: u64,
    /// `PixelHeight`; 0 where missing.
    pub pixel_height: u64,
    /// `DisplayWidth`, where present.
    pub display_width: Option<u64>,
    /// `DisplayHeight`, where present.
    pub display_height: Option<u64>,
    /// `DisplayUnit`.
    pub display_unit: u64,
    /// `FlagInterlaced`.
    pub interlaced: u64,
    /// `Colour`: (`MatrixCoefficients`, `Range`, `ChromaSitingHorz`, `ChromaSitingVert`, `Primaries`,
    /// `TransferCharacteristics`), codes as stored.
    pub colour: Option<Colour>,
    /// `ProjectionPoseRoll` in degrees, counter-clockwise.
    pub pose_roll: f64,
}

/// `Colour` (RFC 9559 §5.1.4.1.28.16), codes as stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Colour {
    /// `MatrixCoefficients`; 2 is unspecified.
    pub matrix_coefficients: Option<u64>,
    /// `BitsPerChannel`; 0 is unspecified.
    pub bits_per_channel: Option<u64>,
    /// `ChromaSitingHorz`: 1 left, 2 half.
    pub chroma_siting_horz: Option<u64>,
    /// `ChromaSitingVert`: 1 top, 2 half.
    pub chroma_siting_vert: Option<u64>,
    /// `Range`: 1 broadcast, 2 full.
    pub range: Option<u64>,
    /// `TransferCharacteristics`.
    pub transfer_characteristics: Option<u64>,
    /// `Primaries`.
    pub primaries: Option<u64>,
}

/// `Audio` (RFC 9559 §5.1.4.1.29).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Audio {
    /// `SamplingFrequency` in Hz.
    pub sampling_frequency: f64,
    /// `Channels`.
    pub channels: u64,
    /// `BitDepth`, where present.
    pub bit_depth: Option<u64>,
}

/// `ContentEncoding` (RFC 9559 §5.1.4.1.31.1).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ContentEncoding {
    /// zlib (algorithm 0).
    Zlib {
        /// `ContentEncodingScope`.
        scope: u64,
    },
    /// Header stripping (algorithm 3).
    HeaderStripping {
        /// `ContentEncodingScope`.
        scope: u64,
        /// The bytes taken off each frame.
        settings: Bytes,
    },
    /// One that is not undone: bzlib, lzo1x, encryption.
    Other {
        /// What it is.
        what: &'static str,
    },
}

/// A `Tags` element (RFC 9559 §5.1.8).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tags {
    /// Where its header stands.
    pub offset: u64,
    /// The first byte after it.
    pub end: u64,
    /// Every SimpleTag in stored order, nested ones after their parent.
    pub tags: Vec<SimpleTag>,
}

/// `SimpleTag` (RFC 9559 §5.1.8.1.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimpleTag {
    /// `TagName`, up to the first NUL; a nested tag as `parent/child`.
    pub name: String,
    /// Its value.
    pub value: TagValue,
}

/// The value of a SimpleTag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TagValue {
    /// `TagString`, up to the first NUL; bytes that are not UTF-8 replaced.
    String(String),
    /// `TagBinary`.
    Binary(Bytes),
    /// Neither is there.
    Absent,
}

/// A SimpleBlock or BlockGroup (RFC 9559 §10), with its frames taken apart.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// Where the SimpleBlock's or BlockGroup's header stands.
    pub offset: u64,
    /// Which of the two it was, and what only a BlockGroup has.
    pub origin: BlockOrigin,
    /// The track that it belongs to.
    pub track_number: u64,
    /// Time relative to the Cluster's Timestamp.
    pub relative: i16,
    /// Cluster Timestamp and relative time together; `None` while the Cluster's Timestamp is not known, or
    /// where the sum does not fit.
    pub timestamp: Option<SegmentTicks>,
    /// The container says that decoding can start here: the flag of a SimpleBlock, no reference in a group.
    pub keyframe: bool,
    /// The flag "invisible".
    pub invisible: bool,
    /// The flag "discardable" (SimpleBlock only).
    pub discardable: bool,
    /// How the frames were laced.
    pub lacing: Lacing,
    /// The frames in stored order, ContentEncodings undone.
    pub frames: BlockFrames,
}

/// A frame of a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockFrame {
    /// Where its stored bytes start.
    pub offset: u64,
    /// Stored bytes, before a ContentEncoding is undone.
    pub stored_len: u64,
    /// The frame, ContentEncodings undone; `Err` says why that cannot be.
    pub data: Result<Bytes, kineframe_ebml::Error>,
}

/// How frames share a block (RFC 9559 §10.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lacing {
    /// One frame.
    None,
    /// Sizes as in Ogg.
    Xiph,
    /// Equal sizes.
    FixedSize,
    /// Differences of sizes.
    Ebml,
}

/// Where a block came from.
#[derive(Debug, Clone, PartialEq)]
pub enum BlockOrigin {
    /// `SimpleBlock`.
    Simple,
    /// `BlockGroup`.
    Group {
        /// `BlockDuration` in Segment Ticks.
        duration: Option<u64>,
        /// `ReferenceBlock`s: times relative to this block.
        references: Vec<i64>,
        /// `DiscardPadding` in nanoseconds.
        discard_padding: Option<i64>,
    },
}
