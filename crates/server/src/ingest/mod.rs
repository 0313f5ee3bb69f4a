//! The body of a PutMedia call, taken apart into fragments: bytes in, [`Step`]s out, no I/O and no clock.
//!
//! The body is one Segment with many Clusters, each of which is a fragment. What a producer sends is kept as it is,
//! byte for byte: only the header of a Segment of known size is rewritten, since the Segment comes out once for each
//! fragment. Tags between Clusters N and N+1 are fragment N's, those before the first Cluster the first fragment's;
//! Tags that name their targets stand with the tracks, as a file muxer writes them, and come with each fragment.

mod ack;
mod counts;
mod documents;
mod rope;
mod tags;

use bytes::{BufMut, Bytes, BytesMut};
use kineframe_ebml::{ElementSize, SizeWidth, encode_header};
use kineframe_matroska::{Block, DemuxOptions, Demuxer, Error, ErrorKind, Event, Limits, TrackEntry, ids};
use serde::{Deserialize, Serialize};

pub(crate) use ack::{AckError, AckEvent, ack_line};
use counts::Counts;
pub(crate) use documents::{DocumentStep, Documents, Identity};
use rope::Rope;
use tags::UserTags;
pub(crate) use tags::{UserTag, user_tags};

use crate::options::Options;

/// What a fragment may be at most: the service's quotas.
#[derive(Debug, Clone, Copy)]
pub(crate) struct IngestLimits {
    /// Bytes of a fragment.
    pub(crate) fragment_bytes: u64,
    /// Milliseconds from a Cluster's Timestamp to its last frame.
    pub(crate) fragment_ms: i64,
    /// Tracks of a stream.
    pub(crate) tracks: usize,
    /// Tags of a fragment.
    pub(crate) tags: usize,
}

impl Default for IngestLimits {
    fn default() -> Self {
        IngestLimits { fragment_bytes: 50 << 20, fragment_ms: 20_000, tracks: 3, tags: 10 }
    }
}

impl From<&Options> for IngestLimits {
    fn from(options: &Options) -> Self {
        IngestLimits {
            fragment_bytes: options.max_fragment_bytes,
            fragment_ms: i64::try_from(options.max_fragment_time.as_millis()).unwrap_or(i64::MAX),
            ..IngestLimits::default()
        }
    }
}

/// Bytes before the first Cluster: three CodecPrivate of 1 MiB and what else there is.
const PROLOGUE: u64 = 8 << 20;
/// Bytes of a CodecPrivate.
const CODEC_PRIVATE: usize = 1 << 20;
/// Characters of a CodecID or of a track's Name.
const TRACK_TEXT: usize = 32;

/// What happened in the body.
#[derive(Debug, PartialEq)]
pub(crate) enum Step {
    /// A Cluster begins, and with it a fragment.
    Started(Start),
    /// Bytes of the open fragment: of its Cluster, or of what follows it.
    Media(Vec<Bytes>),
    /// The open fragment is whole.
    Finished(Facts),
    /// The body is no good from here on; the open fragment, if there is one, is lost.
    Failed {
        /// What is told to the producer.
        error: AckError,
        /// Timecode of the fragment in question, in milliseconds, where there is one.
        timecode: Option<i64>,
    },
}

/// The beginning of a fragment.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Start {
    /// The Cluster's Timestamp in milliseconds.
    pub(crate) timecode: i64,
    /// EBML Header, Segment header, Info, Tracks: what stands before the service's tags.
    pub(crate) head: Bytes,
}

/// What is known of a whole fragment.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Facts {
    /// The Cluster's Timestamp in milliseconds.
    pub(crate) timecode: i64,
    /// How long it lasts.
    pub(crate) duration_ms: u64,
    /// Its frames, of all tracks.
    pub(crate) frames: u64,
    /// The tags that its producer gave it.
    pub(crate) tags: Vec<UserTag>,
}

/// Takes a PutMedia body apart.
#[derive(Debug)]
pub(crate) struct Ingest {
    demuxer: Demuxer,
    limits: IngestLimits,
    rope: Rope,
    stage: Stage,
    /// The prologue as far as it has come.
    prologue: Prologue,
    scale: u64,
    tracks: Vec<TrackEntry>,
    previous_timecode: Option<i64>,
    /// Bytes of the open fragment that were given away.
    given: u64,
    counts: Counts,
    tags: UserTags,
    queue: std::collections::VecDeque<Step>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Stage {
    /// Before the first Cluster.
    Prologue,
    /// A Cluster has begun, its Timestamp is awaited.
    Timestamp,
    /// In a fragment.
    Open {
        timecode: i64,
    },
    /// Behind a fragment that its producer ended.
    Between,
    Failed,
}

/// What goes before every Cluster.
#[derive(Debug, Default)]
struct Prologue {
    /// What every fragment repeats.
    repeated: BytesMut,
    /// The same with the tags that only the first fragment has.
    first: BytesMut,
    frozen: Option<Bytes>,
    has_ebml: bool,
    has_segment: bool,
}

impl Ingest {
    pub(crate) fn new(limits: IngestLimits) -> Self {
        let mut bounds = Limits::default();
        bounds.element = limits.fragment_bytes;
        let mut options = DemuxOptions::from(bounds);
        options.master = PROLOGUE;
        Ingest {
            demuxer: Demuxer::new(options),
            limits,
            rope: Rope::default(),
            stage: Stage::Prologue,
            prologue: Prologue::default(),
            scale: 1_000_000,
            tracks: Vec::new(),
            previous_timecode: None,
            given: 0,
            counts: Counts::default(),
            tags: UserTags::default(),
            queue: std::collections::VecDeque::new(),
        }
    }

    /// Adds the next bytes of the body.
    pub(crate) fn push(&mut self, piece: Bytes) {
        if self.stage != Stage::Failed {
            self.rope.push(piece.clone());
            self.demuxer.push(piece);
        }
    }

    /// The body has come to its end in order.
    pub(crate) fn finish(&mut self) {
        self.demuxer.finish();
    }

    /// The timecode of the fragment that is open.
    pub(crate) fn open_timecode(&self) -> Option<i64> {
        match self.stage {
            Stage::Open { timecode } => Some(timecode),
            _ => None,
        }
    }

    /// The next step; `None`: push more, or, after [`Self::finish`], all is told.
    pub(crate) fn next_step(&mut self) -> Option<Step> {
        loop {
            if let Some(step) = self.queue.pop_front() {
                return Some(step);
            }
            if self.stage == Stage::Failed {
                return None;
            }
            let result = match self.demuxer.next_event() {
                Ok(Some(event)) => self.event(event),
                Ok(None) if self.demuxer.is_done() => self.end(),
                Ok(None) => return self.bound().err().map(|error| self.fail(error)),
                Err(error) => Err(self.broken(&error)),
            };
            if let Err(error) = result {
                let failed = self.fail(error);
                self.queue.push_back(failed);
            }
        }
    }

    /// What an error of the container is to the producer: one element may say that it alone is larger than a fragment.
    fn broken(&self, error: &Error) -> AckError {
        match (&error.kind, self.stage) {
            (ErrorKind::Limit { limit, .. }, Stage::Open { .. }) if *limit == self.limits.fragment_bytes => {
                AckError::MAX_FRAGMENT_SIZE_REACHED
            }
            _ => AckError::INVALID_MKV_DATA,
        }
    }

    fn fail(&mut self, error: AckError) -> Step {
        let timecode = self.open_timecode();
        self.stage = Stage::Failed;
        self.rope = Rope::default();
        Step::Failed { error, timecode }
    }

    /// Whether what is held is no more than it may be.
    fn bound(&self) -> Result<(), AckError> {
        match self.stage {
            Stage::Open { .. } | Stage::Timestamp if self.given + self.rope.len() > self.limits.fragment_bytes => {
                Err(AckError::MAX_FRAGMENT_SIZE_REACHED)
            }
            Stage::Prologue | Stage::Between if self.rope.len() + self.prologue.repeated.len() as u64 > PROLOGUE => {
                Err(AckError::INVALID_MKV_DATA)
            }
            _ => Ok(()),
        }
    }

    fn event(&mut self, event: Event) -> Result<(), AckError> {
        match event {
            Event::EbmlHeader(_) => {
                if std::mem::replace(&mut self.prologue.has_ebml, true) {
                    return Err(AckError::INVALID_MKV_DATA);
                }
                self.prologue_bytes(true);
            }
            Event::SegmentStart { offset, .. } => {
                if !self.prologue.has_ebml || std::mem::replace(&mut self.prologue.has_segment, true) {
                    return Err(AckError::INVALID_MKV_DATA);
                }
                self.segment_header(offset);
            }
            Event::Info(info) if self.stage == Stage::Prologue => {
                self.scale = info.timestamp_scale.0.get();
                self.prologue_bytes(true);
            }
            Event::Tracks(tracks) => {
                if self.stage != Stage::Prologue || !self.tracks.is_empty() || tracks.entries.is_empty() {
                    return Err(AckError::INVALID_MKV_DATA);
                }
                self.check_tracks(&tracks.entries)?;
                self.tracks.clone_from(&tracks.entries);
                self.counts.set_tracks(&tracks.entries);
                self.prologue_bytes(true);
            }
            Event::Tags(tags) => self.tags(tags.end)?,
            Event::ClusterStart { offset, .. } => self.cluster(offset)?,
            Event::ClusterTimestamp(ticks) => {
                if self.stage == Stage::Timestamp {
                    self.start(ticks.0)?;
                }
                self.media()?;
            }
            Event::Block(block) => {
                self.block(&block)?;
                self.media()?;
            }
            Event::ClusterEnd { complete, .. } => {
                if !complete || self.stage == Stage::Timestamp {
                    return Err(AckError::INVALID_MKV_DATA);
                }
            }
            // A Segment of known size may end before the body does; what follows it is judged by itself.
            Event::SegmentEnd { .. } => {}
            Event::Skipped { reason: Some(error), .. } => return Err(self.broken(&error)),
            Event::Damage { .. } => return Err(AckError::INVALID_MKV_DATA),
            _ => match self.stage {
                Stage::Prologue => self.prologue_bytes(true),
                Stage::Timestamp => {}
                _ => self.media()?,
            },
        }
        self.bound()
    }

    /// Moves what has been read to the prologue.
    fn prologue_bytes(&mut self, repeated: bool) {
        let bytes = self.rope.take_whole(self.demuxer.position());
        self.prologue.first.extend_from_slice(&bytes);
        if repeated {
            self.prologue.repeated.extend_from_slice(&bytes);
        }
    }

    /// The Segment's header, of unknown size whatever the producer's says.
    fn segment_header(&mut self, offset: u64) {
        let before = self.rope.take_whole(offset);
        let header = self.rope.take_whole(self.demuxer.position());
        let header = open_segment(&header);
        for target in [&mut self.prologue.repeated, &mut self.prologue.first] {
            target.put_slice(&before);
            target.put_slice(&header);
        }
    }

    fn check_tracks(&self, tracks: &[TrackEntry]) -> Result<(), AckError> {
        if tracks.len() > self.limits.tracks {
            return Err(AckError::MORE_THAN_ALLOWED_TRACKS_FOUND);
        }
        let sound = tracks.iter().all(|track| {
            track.codec_id.len() <= TRACK_TEXT
                && track.name.as_ref().is_none_or(|name| name.len() <= TRACK_TEXT)
                && track.codec_private.as_ref().is_none_or(|private| private.len() <= CODEC_PRIVATE)
        });
        if sound { Ok(()) } else { Err(AckError::INVALID_MKV_DATA) }
    }

    fn tags(&mut self, end: u64) -> Result<(), AckError> {
        let raw = self.rope.take_whole(self.demuxer.position().max(end));
        let found = user_tags(&raw);
        let muxer = found.targeted && !self.tracks.is_empty();
        if !found.targeted {
            self.tags.add(found.tags);
        }
        if self.stage == Stage::Prologue {
            self.prologue.first.extend_from_slice(&raw);
            if muxer {
                self.prologue.repeated.extend_from_slice(&raw);
            }
            return Ok(());
        }
        self.give(vec![raw]);
        if found.ends_fragment && matches!(self.stage, Stage::Open { .. }) {
            self.end_fragment()?;
            self.stage = Stage::Between;
        }
        self.tags.check(self.limits.tags)
    }

    fn cluster(&mut self, offset: u64) -> Result<(), AckError> {
        if self.tracks.is_empty() {
            return Err(AckError::INVALID_MKV_DATA);
        }
        if self.stage == Stage::Prologue {
            let before = self.rope.take_whole(offset);
            self.prologue.first.extend_from_slice(&before);
            self.prologue.repeated.extend_from_slice(&before);
            self.tags.check(self.limits.tags)?;
        } else {
            let before = self.rope.take(offset);
            self.give(before);
            self.end_fragment()?;
        }
        self.stage = Stage::Timestamp;
        self.given = 0;
        Ok(())
    }

    fn start(&mut self, ticks: i64) -> Result<(), AckError> {
        let timecode = counts::millis(ticks, self.scale).ok_or(AckError::INVALID_MKV_DATA)?;
        if self.previous_timecode.is_some_and(|previous| timecode < previous) {
            self.stage = Stage::Open { timecode };
            return Err(AckError::FRAGMENT_TIMECODE_LESSER_THAN_PREVIOUS);
        }
        self.previous_timecode = Some(timecode);
        let head = match &self.prologue.frozen {
            Some(head) => head.clone(),
            None => {
                self.prologue.frozen = Some(self.prologue.repeated.clone().freeze());
                std::mem::take(&mut self.prologue.first).freeze()
            }
        };
        self.counts.start(ticks);
        self.stage = Stage::Open { timecode };
        self.queue.push_back(Step::Started(Start { timecode, head }));
        Ok(())
    }

    fn block(&mut self, block: &Block) -> Result<(), AckError> {
        if self.stage == Stage::Timestamp {
            return Err(AckError::INVALID_MKV_DATA); // a frame whose time nobody knows
        }
        if !self.tracks.iter().any(|track| track.number == block.track_number) {
            return Err(AckError::TRACK_NUMBER_MISMATCH);
        }
        let frames = block.frames.len() as u64;
        let span = self.counts.frame(block.track_number, block.timestamp.map(|time| time.0), frames);
        let span = counts::millis(span, self.scale).unwrap_or(i64::MAX);
        if span > self.limits.fragment_ms { Err(AckError::MAX_FRAGMENT_DURATION_REACHED) } else { Ok(()) }
    }

    /// Gives away what has been read of the open fragment.
    fn media(&mut self) -> Result<(), AckError> {
        let bytes = self.rope.take(self.demuxer.position());
        self.give(bytes);
        Ok(())
    }

    fn give(&mut self, bytes: Vec<Bytes>) {
        let len: usize = bytes.iter().map(Bytes::len).sum();
        self.given += len as u64;
        // Behind a fragment that its producer has ended nothing is open that bytes could belong to.
        if len > 0 && matches!(self.stage, Stage::Open { .. }) {
            self.queue.push_back(Step::Media(bytes));
        }
    }

    fn end_fragment(&mut self) -> Result<(), AckError> {
        let Stage::Open { timecode } = self.stage else { return Ok(()) };
        self.tags.check(self.limits.tags)?;
        let counted = self.counts.finish(self.scale)?;
        let tags = self.tags.take();
        self.queue.push_back(Step::Finished(Facts {
            timecode,
            duration_ms: counted.duration_ms,
            frames: counted.frames,
            tags,
        }));
        Ok(())
    }

    fn end(&mut self) -> Result<(), AckError> {
        let rest = self.rope.take(u64::MAX);
        self.give(rest);
        let result = match self.stage {
            Stage::Timestamp => Err(AckError::INVALID_MKV_DATA),
            // A body with no Cluster is none, but an empty one is no offence.
            Stage::Prologue if self.prologue.has_ebml => Err(AckError::INVALID_MKV_DATA),
            _ => self.end_fragment(),
        };
        if result.is_ok() {
            self.stage = Stage::Failed; // nothing can follow
        }
        result
    }
}

/// A Segment's header, of unknown size whatever it says; one of unknown size is kept as it is.
fn open_segment(header: &Bytes) -> Bytes {
    // The first byte of its size tells.
    let known = header.get(4..).is_some_and(|size| match size.first() {
        Some(first) => {
            let marker = 0x80u8.checked_shr(first.leading_zeros()).unwrap_or(0);
            *first != marker | marker.wrapping_sub(1) || size.iter().skip(1).any(|byte| *byte != 0xFF)
        }
        None => false,
    });
    match encode_header(ids::SEGMENT, ElementSize::Unknown, SizeWidth::Fixed(8)) {
        Ok(unknown) if known => Bytes::copy_from_slice(&unknown),
        _ => header.clone(),
    }
}
