//! The push demuxer: bytes in, [`Event`]s out, no I/O.
//!
//! `input` holds the pieces, `walk` is the state machine over element headers, `trust` asks whether what follows an
//! odd element makes sense, `scan` finds the way back after damage, and `masters`, `tracks`, `block`, `lacing` and
//! `encoding` read what was gathered.

mod block;
pub(crate) mod encoding;
mod input;
mod lacing;
mod masters;
mod plain;
mod scan;
mod skim;
mod tracks;
mod trust;
mod walk;

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use kineframe_ebml::{ElementHeader, ElementId, Error, ErrorKind, Limits, Path, PathPart};

use crate::{Event, MatroskaSchema, SegmentTicks, Tracks, ids};
use input::Input;
use scan::Scan;
use skim::Passing;

/// What happens after damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Recover {
    /// [`Demuxer::next_event`] returns the error, once, and refuses to go on until [`Demuxer::resync`].
    #[default]
    Stop,
    /// The demuxer finds its way back by itself and tells an [`Event::Damage`].
    Resync,
}

/// What is done with the payload of blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Payload {
    /// Frames are told with their bytes.
    #[default]
    Keep,
    /// Frames are told with their place and stored length, and their bytes are let go of as they come: for who only
    /// counts. [`BlockFrame::data`](crate::BlockFrame::data) is empty then, but for frames that have to be looked into:
    /// laced ones, and those of tracks with zlib. All else is told as ever. A BlockGroup is still held until it is
    /// whole.
    Skip,
}

/// How a [`Demuxer`] behaves. Made by [`Default`], then changed field by field.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DemuxOptions {
    /// Bounds on what is read. [`Limits::element`] bounds a block, and the bytes that undoing the content encodings
    /// of one block may make.
    pub limits: Limits,
    /// What happens after damage. Default: stop.
    pub recover: Recover,
    /// What is done with the payload of blocks. Default: kept.
    pub payload: Payload,
    /// Most bytes of an Info, Tracks or Tags element. Default 16 MiB.
    pub master: u64,
    /// Most bytes behind the place of reading that are kept to go back to after damage, beside an element that is
    /// being gathered. Default 16 MiB.
    pub keep: u64,
}

impl Default for DemuxOptions {
    fn default() -> Self {
        DemuxOptions {
            limits: Limits::default(),
            recover: Recover::Stop,
            payload: Payload::Keep,
            master: 16 << 20,
            keep: 16 << 20,
        }
    }
}

impl DemuxOptions {
    /// The same options with another [`Recover`].
    #[must_use]
    pub fn recover(mut self, recover: Recover) -> Self {
        self.recover = recover;
        self
    }

    /// The same options with another [`Payload`].
    #[must_use]
    pub fn payload(mut self, payload: Payload) -> Self {
        self.payload = payload;
        self
    }
}

impl From<Limits> for DemuxOptions {
    fn from(limits: Limits) -> Self {
        DemuxOptions { limits, ..DemuxOptions::default() }
    }
}

/// Takes a Matroska stream apart as its bytes come in: an EBML Stream (RFC 8794 §9), one EBML Document after the
/// other, Segments and Clusters of known or unknown size.
///
/// The events are a function of the bytes alone: however the input is cut into pieces, the same come out in the
/// same order. Each is told as soon as the bytes that it needs are there; a block does not wait for what follows it.
///
/// ```
/// use bytes::Bytes;
/// use kineframe_matroska::{Demuxer, DemuxOptions, Event};
///
/// # let file: Vec<u8> = include_bytes!("../../../../testdata/fixtures/multi-cluster.mkv").to_vec();
/// let mut demuxer = Demuxer::new(DemuxOptions::default());
/// let mut frames = 0;
/// for piece in file.chunks(100) {
///     demuxer.push(Bytes::copy_from_slice(piece));
///     while let Some(event) = demuxer.next_event()? {
///         if let Event::Block(block) = event {
///             frames += block.frames.len();
///         }
///     }
/// }
/// demuxer.finish();
/// while let Some(event) = demuxer.next_event()? {
///     println!("{event:?}");
/// }
/// assert_eq!(frames, 4);
/// # Ok::<(), kineframe_matroska::Error>(())
/// ```
///
/// # Copies
/// A block that lies inside one piece is a handle on that piece. One that lies across pieces is gathered once, into
/// a buffer of exactly its size that nothing else owns (so that `Bytes::try_into_mut` works on an unlaced frame).
/// [`Demuxer::copied_bytes`] counts.
///
/// # Memory
/// The element that is being gathered (up to [`Limits::element`]) as pieces and once more as it becomes whole, and
/// [`DemuxOptions::keep`] bytes behind the place of reading. Nothing is reserved by what a header claims.
#[derive(Debug)]
pub struct Demuxer {
    options: DemuxOptions,
    /// The limits of the current document: those of the options, narrowed by its EBML Header.
    limits: Limits,
    input: Input,
    /// Where the next element header is expected.
    position: u64,
    /// Nothing can be done before this many bytes have come.
    wait_for: u64,
    skipping: Option<Skipping>,
    passing: Option<Passing>,
    finished: bool,
    segment: Option<Level>,
    cluster: Option<Level>,
    cluster_time: Option<SegmentTicks>,
    tracks: Option<Arc<Tracks>>,
    /// The last Tracks element with nothing wrong in it, and the limits by which it was read: every document of a body
    /// repeats it.
    known_tracks: Option<(Arc<Tracks>, Limits)>,
    queue: VecDeque<Event>,
    state: State,
    history: History,
    misuse: Option<&'static str>,
}

#[derive(Debug)]
enum State {
    /// Element after element.
    Walk,
    /// An error was returned; [`Demuxer::resync`] is awaited.
    Failed(Box<Scan>),
    /// Looking for a place to go on.
    Scan(Box<Scan>),
    /// The input has ended and all is told.
    Done,
}

/// An open Segment or Cluster.
#[derive(Debug, Clone, Copy)]
struct Level {
    header: ElementHeader,
    /// Where its data ends, where the size is known.
    end: Option<u64>,
    /// Where reading broke off inside it.
    broken: Option<u64>,
}

/// An element that is being passed over, of which the beginning may be gone already.
#[derive(Debug)]
struct Skipping {
    header: ElementHeader,
    end: u64,
    reason: Option<Error>,
    odd: bool,
}

/// Elements accepted of late: how far back a search for a lost header must go.
#[derive(Debug, Default)]
struct History {
    /// Where the last of those started that a search must not find again.
    anchor: Option<u64>,
    /// How many were accepted after it, and where the last of those started: element `n` at `n % RECENT`.
    since: u64,
    recent: [u64; scan::RECENT],
    /// Elements that start before this place are known to be followed by something sensible.
    trusted: u64,
    /// No document starts before this place that what was read has swallowed.
    searched: u64,
    /// Bytes that were read again, or read ahead, on account of damage.
    extra: u64,
}

impl Demuxer {
    /// A demuxer at the start of a stream. Takes [`DemuxOptions`] or just [`Limits`].
    pub fn new(options: impl Into<DemuxOptions>) -> Self {
        let options = options.into();
        Demuxer {
            limits: options.limits,
            options,
            input: Input::default(),
            position: 0,
            wait_for: 0,
            skipping: None,
            passing: None,
            finished: false,
            segment: None,
            cluster: None,
            cluster_time: None,
            tracks: None,
            known_tracks: None,
            queue: VecDeque::new(),
            state: State::Walk,
            history: History::default(),
            misuse: None,
        }
    }

    /// Adds the next bytes of the stream. Take the events out with [`Self::next_event`] before the next piece, or
    /// the pieces pile up.
    pub fn push(&mut self, piece: Bytes) {
        if self.finished {
            self.misuse = Some("bytes were pushed after finish()");
            return;
        }
        self.input.push(piece);
    }

    /// Says that no more bytes come. The events that are still owed, ends above all, follow.
    pub fn finish(&mut self) {
        self.finished = true;
    }

    /// The next event. `Ok(None)` means: push more, or, after [`Self::finish`], that all has been told.
    ///
    /// # Errors
    /// With [`Recover::Stop`]: damage, at its byte, with the elements around it. After that, `Misuse` until
    /// [`Self::resync`]. An input that ends inside an element is damage of kind
    /// [`Truncated`](ErrorKind::Truncated).
    pub fn next_event(&mut self) -> Result<Option<Event>, Error> {
        if let Some(what) = self.misuse.take() {
            return Err(Error::new(self.input.end(), ErrorKind::Misuse(what)));
        }
        loop {
            if let Some(event) = self.queue.pop_front() {
                return Ok(Some(event));
            }
            if let State::Walk = self.state
                && let Some(block) = self.plain_block()
            {
                return Ok(Some(block));
            }
            match &self.state {
                State::Walk => match self.walk() {
                    Ok(Step::Event(event)) => return Ok(Some(event)),
                    Ok(Step::Again) => {}
                    Ok(Step::More) => return Ok(None),
                    Err(error) => {
                        let scan = Box::new(self.plan_scan(error));
                        if self.options.recover == Recover::Stop {
                            let error = scan.error.clone();
                            self.state = State::Failed(scan);
                            return Err(error);
                        }
                        self.state = State::Scan(scan);
                    }
                },
                State::Scan(_) => {
                    if !self.scan() {
                        return Ok(None);
                    }
                }
                State::Failed(scan) => {
                    let what = "the demuxer stopped at damage; resync() goes on after it";
                    return Err(Error::new(scan.failed_at, ErrorKind::Misuse(what)));
                }
                State::Done => return Ok(None),
            }
        }
    }

    /// After an error: goes on at the next place that makes sense. The bytes from the element accepted last on are
    /// searched again, since it may be its size that is damaged: for an EBML Header with a DocType of Matroska
    /// that a Segment follows, a Segment with a Top-Level Element, and in the open Segment for a Cluster with a
    /// Timestamp or a whole Tags element. What was lost is told as [`Event::Damage`]. Without an error: nothing.
    pub fn resync(&mut self) {
        self.state = match std::mem::replace(&mut self.state, State::Walk) {
            State::Failed(scan) => State::Scan(scan),
            other => other,
        };
    }

    /// Where reading stands: all before it has been told.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Bytes pushed so far.
    pub fn pushed_bytes(&self) -> u64 {
        self.input.end()
    }

    /// Bytes that were copied because an element lay across pieces; content encodings not counted.
    pub fn copied_bytes(&self) -> u64 {
        self.input.copied()
    }

    /// Bytes of the input that are held at this moment, but for the rest of the oldest piece.
    pub fn held_bytes(&self) -> u64 {
        self.input.end() - self.input.base()
    }

    /// The finish has been called and every event has been taken.
    pub fn is_done(&self) -> bool {
        matches!(self.state, State::Done) && self.queue.is_empty()
    }

    /// An error at `offset` in the elements that are open, and in `id`.
    fn error(&self, offset: u64, kind: ErrorKind, id: Option<ElementId>) -> Error {
        let open = [self.segment.map(|_| ids::SEGMENT), self.cluster.map(|_| ids::CLUSTER), id];
        let path = Path(open.into_iter().flatten().map(PathPart::Id).collect());
        Error::new(offset, kind).with_path(path).with_names(&MatroskaSchema)
    }
}

/// What a step of the walk came to.
enum Step {
    /// An event, or several with the first ones in the queue.
    Event(Event),
    /// Go on; the queue may hold something.
    Again,
    /// More bytes are needed, or all is told.
    More,
}
