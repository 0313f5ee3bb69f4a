//! The muxer: frames in, the bytes of one Matroska file or stream out, no I/O.

mod cluster;
mod head;
mod index;

use bytes::{BufMut, Bytes, BytesMut};
use kineframe_ebml::{ElementSize, Error, ErrorKind, SizeWidth, Writer, encode_header};

use crate::{SegmentTicks, SimpleTag, TimestampScale, TrackEntry, TrackType, ids};
use cluster::Cluster;
use index::Index;

/// What the muxer's output goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sink {
    /// Bytes can be replaced afterwards, as in a file: known sizes, a SeekHead, Cues and a Duration.
    #[default]
    Seekable,
    /// Bytes go out once, as on a socket: a Segment of unknown size, Clusters of known size, no Cues.
    Stream,
}

/// What a [`Muxer`] writes around the frames. Made by [`Default`], then changed field by field.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct MuxOptions {
    /// Where the bytes go.
    pub sink: Sink,
    /// `matroska` or `webm`.
    pub doc_type: String,
    /// Nanoseconds in a tick of all timestamps that are written.
    pub timestamp_scale: TimestampScale,
    /// `WritingApp`: the program on whose behalf this is written.
    pub writing_app: String,
    /// `Title`.
    pub title: Option<String>,
    /// `DateUTC`: nanoseconds since 2001-01-01T00:00:00 UTC.
    pub date_utc: Option<i64>,
    /// `SegmentUUID`.
    pub segment_uuid: Option<[u8; 16]>,
    /// Duration in ticks for a [`Sink::Stream`], where the caller knows it before. A [`Sink::Seekable`] gets the real
    /// one at the end.
    pub duration: Option<f64>,
    /// The frames that are written have their ContentEncodings undone (as [`Block`](crate::Block) holds them), so
    /// the tracks are written without. Default true.
    pub decoded: bool,
    /// A Cluster is ended before it holds more bytes of frames. Default 5 MiB.
    pub cluster_bytes: u64,
    /// A Cluster is ended before it spans more nanoseconds. Default 5 s; the 16 bits of a block's time bound it too.
    pub cluster_nanos: u64,
}

impl Default for MuxOptions {
    fn default() -> Self {
        MuxOptions {
            sink: Sink::Seekable,
            doc_type: "matroska".into(),
            timestamp_scale: TimestampScale::default(),
            writing_app: concat!("kineframe ", env!("CARGO_PKG_VERSION")).into(),
            title: None,
            date_utc: None,
            segment_uuid: None,
            duration: None,
            decoded: true,
            cluster_bytes: 5 << 20,
            cluster_nanos: 5_000_000_000,
        }
    }
}

/// A frame to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct MuxFrame {
    /// Its track: the number of one of the entries that the muxer was made with.
    pub track_number: u64,
    /// When it is shown, in ticks of [`MuxOptions::timestamp_scale`]; not negative.
    pub timestamp: SegmentTicks,
    /// How long, in ticks, where that is not what the track's DefaultDuration says. Makes a BlockGroup of it.
    pub duration: Option<u64>,
    /// Decoding can start here.
    pub keyframe: bool,
    /// It is decoded but not shown.
    pub invisible: bool,
    /// No other frame needs it.
    pub discardable: bool,
    /// The encoded frame. The handle is passed on; nothing is copied.
    pub data: Bytes,
}

impl MuxFrame {
    /// A frame with no more than it must have.
    pub fn new(track_number: u64, timestamp: SegmentTicks, keyframe: bool, data: Bytes) -> Self {
        MuxFrame { track_number, timestamp, duration: None, keyframe, invisible: false, discardable: false, data }
    }
}

/// Bytes that replace as many that were written before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patch {
    /// Where, in bytes from the start of the output.
    pub offset: u64,
    /// With what.
    pub bytes: Bytes,
}

/// The end of the output.
#[derive(Debug, Clone, PartialEq)]
pub struct Finished {
    /// The last chunks.
    pub chunks: Vec<Bytes>,
    /// What is then to be replaced; empty for a [`Sink::Stream`].
    pub patches: Vec<Patch>,
    /// Bytes of the output in all.
    pub length: u64,
    /// From the first frame's start to the last one's end in ticks; `None` without a frame.
    pub duration: Option<u64>,
}

/// Writes one Matroska file: EBML Header, Segment, Info, Tracks, Tags, Clusters, Cues.
///
/// It does no I/O: the bytes are taken out as chunks, small ones for structure, and for each frame the caller's own
/// handle, so that no payload is copied. Frames go in in decoding order; a Cluster comes out when it is full.
///
/// ```
/// use bytes::Bytes;
/// use kineframe_matroska::{MuxFrame, MuxOptions, Muxer, SegmentTicks, TrackEntry, TrackType};
///
/// let mut options = MuxOptions::default();
/// options.title = Some("two frames".into());
/// let mut muxer = Muxer::new(options, &[TrackEntry::new(1, TrackType::VIDEO, "V_MJPEG")])?;
/// muxer.frame(MuxFrame::new(1, SegmentTicks(0), true, Bytes::from_static(b"\xFF\xD8 one")))?;
/// muxer.frame(MuxFrame::new(1, SegmentTicks(40), true, Bytes::from_static(b"\xFF\xD8 two")))?;
///
/// let mut file = muxer.take_chunks().concat();
/// let end = muxer.finish()?;
/// file.extend(end.chunks.concat());
/// for patch in end.patches {
///     file[patch.offset as usize..][..patch.bytes.len()].copy_from_slice(&patch.bytes);
/// }
/// assert_eq!(file.len() as u64, end.length);
/// assert_eq!(end.duration, Some(80));
/// # Ok::<(), kineframe_matroska::Error>(())
/// ```
#[derive(Debug)]
pub struct Muxer {
    options: MuxOptions,
    tracks: Vec<TrackState>,
    /// The track whose key frames are put into the Cues: the first of video, else the first.
    cue_track: u64,
    cluster: Cluster,
    cluster_span: i64,
    chunks: Vec<Bytes>,
    /// Bytes that have gone into `chunks`, ever.
    position: u64,
    index: Index,
    first: Option<i64>,
}

/// What is remembered of a track.
#[derive(Debug)]
struct TrackState {
    number: u64,
    /// DefaultDuration in ticks.
    default_duration: Option<u64>,
    /// The two latest times of its frames. What lies between is how long the last frame is taken to last, where
    /// nothing says so.
    last: Option<i64>,
    last_but_one: Option<i64>,
    /// The end of the frame that ends last, of those whose duration is told.
    end: i64,
    /// The frame written last.
    previous: Option<i64>,
}

impl TrackState {
    /// When its last frame ends.
    fn ends(&self) -> i64 {
        match (self.last, self.last_but_one) {
            (Some(last), Some(before)) if self.end == last => last.saturating_add(last - before),
            _ => self.end,
        }
    }
}

impl Muxer {
    /// A muxer for these tracks. The head of the file, up to Tracks, is in the first chunks.
    ///
    /// Of each entry [`TrackEntry::raw`] is written again where there is one, so that elements which this crate
    /// does not know stay; else its fields.
    ///
    /// # Errors
    /// `Misuse`: no track, a track number of 0 or twice. `Unsupported`: frames that are to be written decoded, on
    /// a track whose CodecPrivate has an encoding that is not undone here.
    pub fn new(options: MuxOptions, tracks: &[TrackEntry]) -> Result<Self, Error> {
        let misuse = |what| Err(Error::new(0, ErrorKind::Misuse(what)));
        if tracks.is_empty() {
            return misuse("a file needs a track");
        }
        for (index, entry) in tracks.iter().enumerate() {
            if entry.number == 0 || tracks.iter().take(index).any(|other| other.number == entry.number) {
                return misuse("track numbers are not 0 and not equal");
            }
        }
        let scale = options.timestamp_scale.0.get();
        let cue_track = tracks.iter().find(|entry| entry.track_type == TrackType::VIDEO).unwrap_or(&tracks[0]).number;
        let state = |entry: &TrackEntry| TrackState {
            number: entry.number,
            default_duration: entry.default_duration.map(|nanos| (nanos.get() + scale / 2) / scale),
            last: None,
            last_but_one: None,
            end: 0,
            previous: None,
        };
        let mut muxer = Muxer {
            tracks: tracks.iter().map(state).collect(),
            cue_track,
            cluster: Cluster::default(),
            // A block's time is 16 bits, signed; half of that is used.
            cluster_span: i64::try_from(options.cluster_nanos / scale)
                .unwrap_or(i64::MAX)
                .clamp(1, i64::from(i16::MAX)),
            chunks: Vec::new(),
            position: 0,
            index: Index::default(),
            first: None,
            options,
        };
        muxer.write_head(tracks)?;
        Ok(muxer)
    }

    fn write_head(&mut self, tracks: &[TrackEntry]) -> Result<(), Error> {
        let mut out = BytesMut::new();
        head::ebml_header(&mut out, &self.options.doc_type)?;
        self.index.segment_header = out.len() as u64;
        let header = encode_header(ids::SEGMENT, ElementSize::Unknown, SizeWidth::Fixed(8));
        out.put_slice(&header.map_err(|kind| Error::new(0, kind))?);
        self.index.segment_data = out.len() as u64;
        let seekable = self.options.sink == Sink::Seekable;
        if seekable {
            Writer::new(&mut out).void(index::SEEK_HEAD_ROOM)?;
        }
        self.index.add(ids::INFO, out.len() as u64);
        self.index.duration = head::info(&mut out, &self.options)?;
        self.index.add(ids::TRACKS, out.len() as u64);
        head::tracks(&mut out, tracks, self.options.decoded)?;
        self.emit(out.freeze());
        Ok(())
    }

    /// Writes a Tags element: one Tag for the whole Segment with these SimpleTags. Before the first frame it stands
    /// before the first Cluster; after, it ends the Cluster and stands behind it. Nothing for no tags.
    ///
    /// # Errors
    /// Text that holds a NUL.
    pub fn tags(&mut self, tags: &[SimpleTag]) -> Result<(), Error> {
        if tags.is_empty() {
            return Ok(());
        }
        self.end_cluster()?;
        self.index.add(ids::TAGS, self.position);
        let mut out = BytesMut::new();
        head::tags(&mut out, tags)?;
        self.emit(out.freeze());
        Ok(())
    }

    /// Writes a frame. Frames come in decoding order, those of several tracks interleaved.
    ///
    /// # Errors
    /// `Misuse`: a track that the muxer was not made with, a negative timestamp.
    pub fn frame(&mut self, frame: MuxFrame) -> Result<(), Error> {
        let position = self.position;
        let misuse = |what| Err(Error::new(position, ErrorKind::Misuse(what)));
        let time = frame.timestamp.0;
        if time < 0 {
            return misuse("a frame before time 0: a Cluster's Timestamp is unsigned");
        }
        let Some(track) = self.tracks.iter().position(|track| track.number == frame.track_number) else {
            return misuse("a frame of a track that the muxer was not made with");
        };
        let cue = frame.keyframe && frame.track_number == self.cue_track;
        if !self.cluster.has_room_for(&frame, cue, self.cluster_span, self.options.cluster_bytes) {
            self.end_cluster()?;
        }
        let track = &mut self.tracks[track];
        let previous = track.previous.replace(time);
        if track.last.is_none_or(|last| time > last) {
            track.last_but_one = track.last.replace(time);
        } else if track.last != Some(time) {
            track.last_but_one = track.last_but_one.max(Some(time));
        }
        let lasts = frame.duration.or(track.default_duration).unwrap_or(0);
        track.end = track.end.max(time.saturating_add_unsigned(lasts));
        self.first = Some(self.first.map_or(time, |first| first.min(time)));
        self.cluster.add(frame, cue, previous);
        Ok(())
    }

    /// The chunks that are ready, in order; each is taken once.
    pub fn take_chunks(&mut self) -> Vec<Bytes> {
        std::mem::take(&mut self.chunks)
    }

    /// Bytes of frames that wait for their Cluster to be full.
    pub fn pending_bytes(&self) -> u64 {
        self.cluster.bytes()
    }

    /// Ends the file.
    ///
    /// # Errors
    /// A Segment beyond 2^56 − 2 bytes.
    pub fn finish(mut self) -> Result<Finished, Error> {
        self.end_cluster()?;
        let end = self.tracks.iter().map(TrackState::ends).max().unwrap_or(0);
        let duration = self.first.map(|first| end.saturating_sub(first).unsigned_abs());
        let mut patches = Vec::new();
        if self.options.sink == Sink::Seekable {
            let at = self.position;
            let mut out = BytesMut::new();
            if self.index.cues(&mut out, self.cue_track)? {
                self.index.add(ids::CUES, at);
                self.emit(out.freeze());
            }
            patches = self.index.patches(self.position, duration)?;
        }
        Ok(Finished { chunks: self.chunks, patches, length: self.position, duration })
    }

    fn end_cluster(&mut self) -> Result<(), Error> {
        let at = self.position;
        let cluster = std::mem::take(&mut self.cluster);
        let (chunks, cues) = cluster.encode(at)?;
        for (time, relative) in cues {
            self.index.cue(time, at, relative);
        }
        for chunk in chunks {
            self.emit(chunk);
        }
        Ok(())
    }

    fn emit(&mut self, chunk: Bytes) {
        if !chunk.is_empty() {
            self.position += chunk.len() as u64;
            self.chunks.push(chunk);
        }
    }
}
