//! From the pieces of an input to the fragments that are sent: Matroska, MP4 and byte streams, told apart by content.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use kineframe::fragment::{Dialect, Event, FragmentHead, FragmentTail, Frame, Options, Splitter};
use kineframe::matroska::{TrackType, Tracks};
use kineframe::mp4::{AnySplitter, MovieBox, is_mp4};

use super::cut::{Cutter, Timed};
use super::producer::{self, Outgoing, Sample};
use super::raw::{self, Raw, Told};
use crate::outcome::Failure;

/// From here on, a file's time in milliseconds is taken for one since the Unix epoch: 2001-09-09.
const EPOCH_LIKE_MS: i64 = 1_000_000_000_000;

/// What fragments last that the input does not make: as long as most cameras have them.
const DURATION: Duration = Duration::from_secs(2);

/// Takes an input in pieces, gives fragments.
pub struct Feed {
    /// What fragments are to last, where that was said.
    duration: Option<Duration>,
    /// What describes an MP4 file whose description stands behind the media.
    movie: Option<MovieBox>,
    memory: Option<u64>,
    /// Pieces of too few bytes to tell what it is.
    first: Vec<Bytes>,
    reader: Option<Reader>,
    finished: bool,
}

enum Reader {
    /// Matroska, not yet known whether a document or a Cluster is a fragment.
    Undecided(Box<First>),
    /// Matroska whose Clusters stay.
    Kept(Box<Splitter>, Option<Outgoing>),
    /// Fragments of our own making.
    Cut(Box<AnySplitter>, Cutter, Option<Base>),
    Raw(Box<Raw>, Cutter),
}

/// Where the times of a document's frames are counted from, in nanoseconds.
struct Base(i64);

impl Feed {
    /// Fragments as the producer made them where the input has any, unless they are to have a `duration`.
    pub fn new(duration: Option<Duration>, movie: Option<MovieBox>, memory: Option<u64>) -> Self {
        Feed { duration, movie, memory, first: Vec::new(), reader: None, finished: false }
    }

    /// Takes the next piece; `None` for the end.
    ///
    /// # Errors
    /// A byte stream that is none.
    pub fn push(&mut self, piece: Option<Bytes>) -> Result<(), Failure> {
        self.finished |= piece.is_none();
        match &mut self.reader {
            None => {
                self.first.extend(piece);
                let first: Vec<u8> = self.first.iter().flatten().take(8).copied().collect();
                if first.len() < 8 && !self.finished {
                    return Ok(());
                }
                self.reader = Some(self.told_by(&first));
                for piece in std::mem::take(&mut self.first) {
                    self.push_on(Some(piece))?;
                }
                if self.finished { self.push_on(None) } else { Ok(()) }
            }
            Some(_) => self.push_on(piece),
        }
    }

    fn told_by(&mut self, first: &[u8]) -> Reader {
        let duration = self.duration.unwrap_or(DURATION).as_nanos();
        let cutter = || Cutter::new(i64::try_from(duration).unwrap_or(i64::MAX));
        if !is_mp4(first) && raw::is_raw(first) {
            Reader::Raw(Box::default(), cutter())
        } else if is_mp4(first) {
            let mut splitter = AnySplitter::new(Options::default()).with_movie(self.movie.take());
            if let Some(memory) = self.memory {
                splitter = splitter.with_memory(memory);
            }
            Reader::Cut(Box::new(splitter), cutter(), None)
        } else if self.duration.is_some() {
            Reader::Cut(Box::new(AnySplitter::new(Options::default())), cutter(), None)
        } else {
            Reader::Undecided(Box::default())
        }
    }

    fn push_on(&mut self, piece: Option<Bytes>) -> Result<(), Failure> {
        match (&mut self.reader, piece) {
            (Some(Reader::Undecided(first)), piece) => {
                if let Some(splitter) = first.look(piece) {
                    self.reader = Some(Reader::Kept(Box::new(splitter), None));
                }
            }
            (Some(Reader::Kept(splitter, _)), Some(piece)) => splitter.push(piece),
            (Some(Reader::Kept(splitter, _)), None) => splitter.finish(),
            (Some(Reader::Cut(splitter, ..)), Some(piece)) => splitter.push(piece),
            (Some(Reader::Cut(splitter, ..)), None) => splitter.finish(),
            (Some(Reader::Raw(raw, _)), Some(piece)) => raw.push(&piece)?,
            (Some(Reader::Raw(raw, _)), None) => raw.finish()?,
            (None, _) => {}
        }
        Ok(())
    }

    /// The next fragment with frames; `None` where more is needed, or all was given.
    ///
    /// # Errors
    /// MP4 of which too much would have to be held.
    pub fn next(&mut self) -> Result<Option<Outgoing>, Failure> {
        match &mut self.reader {
            None | Some(Reader::Undecided(_)) => Ok(None),
            Some(Reader::Kept(splitter, open)) => kept(splitter, open),
            Some(Reader::Cut(splitter, cutter, base)) => {
                loop {
                    if let Some(fragment) = cutter.pop() {
                        return Ok(Some(fragment));
                    }
                    let event = splitter.next_event().map_err(|error| Failure::Work(error.to_string()))?;
                    let Some(event) = event else { break };
                    cut(event, cutter, base);
                }
                if self.finished {
                    cutter.finish();
                }
                Ok(cutter.pop())
            }
            Some(Reader::Raw(raw, cutter)) => {
                while let Some(told) = raw.pop() {
                    match told {
                        Told::Tracks(tracks) => cutter.begin(&tracks, false),
                        Told::Frame(frame) => cutter.frame(frame),
                    }
                }
                if self.finished {
                    cutter.finish();
                }
                Ok(cutter.pop())
            }
        }
    }
}

/// The next fragment of Matroska whose Clusters stay.
fn kept(splitter: &mut Splitter, open: &mut Option<Outgoing>) -> Result<Option<Outgoing>, Failure> {
    while let Some(event) = splitter.next_event().map_err(|error| Failure::Work(error.to_string()))? {
        match (event, &mut *open) {
            (Event::Started(head), _) => *open = outgoing(&head),
            (Event::Frame(frame), Some(open)) => open.frames.push(Sample::of(&frame, offset_ms(&frame))),
            (Event::Tag(tag), Some(open)) if !producer::is_of_the_service(&tag.name) => open.tags.push(tag),
            (Event::Finished(tail), _) => {
                if let Some(mut fragment) = open.take().filter(|open| !open.frames.is_empty()) {
                    fragment.duration_ms = duration_ms(&tail);
                    return Ok(Some(fragment));
                }
            }
            _ => {}
        }
    }
    Ok(None)
}

/// Takes an event of an input whose fragments are made here.
fn cut(event: Event, cutter: &mut Cutter, base: &mut Option<Base>) {
    match event {
        Event::Started(head) => {
            *base = head.tracks.as_ref().map(|tracks| {
                let cluster = head.first_cluster.unwrap_or_default().to_nanos(head.timestamp_scale);
                let told = head.producer_timestamp.map(|time| time.0);
                let nanos = told.filter(|nanos| nanos / 1_000_000 >= i128::from(EPOCH_LIKE_MS)).unwrap_or(cluster);
                let wall = nanos / 1_000_000 >= i128::from(EPOCH_LIKE_MS);
                cutter.begin(&media(tracks), wall);
                Base(i64::try_from(nanos).unwrap_or(0))
            });
        }
        Event::Frame(frame) => {
            let Some(Base(base)) = base else { return };
            let is_media = |kind| matches!(kind, TrackType::VIDEO | TrackType::AUDIO);
            let entry = frame
                .fragment
                .tracks
                .as_ref()
                .and_then(|tracks| tracks.entries.iter().find(|entry| entry.number == frame.track_number));
            if entry.is_some_and(|entry| is_media(entry.track_type)) {
                cutter.frame(Timed {
                    track: frame.track_number,
                    time: base.saturating_add(frame.offset.unwrap_or(0)),
                    duration: frame.duration,
                    keyframe: frame.keyframe,
                    data: frame.data,
                    position: frame.position,
                });
            }
        }
        Event::Tag(tag) if !producer::is_of_the_service(&tag.name) => cutter.tag(tag),
        _ => {}
    }
}

/// The tracks of pictures and sound: time codes and subtitles of an MP4 file are nothing that the service takes.
fn media(tracks: &Arc<Tracks>) -> Arc<Tracks> {
    let is_media = |kind| matches!(kind, TrackType::VIDEO | TrackType::AUDIO);
    if tracks.entries.iter().all(|entry| is_media(entry.track_type)) {
        return tracks.clone();
    }
    let mut kept = tracks.as_ref().clone();
    kept.entries.retain(|entry| is_media(entry.track_type));
    Arc::new(kept)
}

/// Milliseconds from the Cluster's Timestamp, rounded down.
fn offset_ms(frame: &Frame) -> i64 {
    frame.offset.unwrap_or(0).div_euclid(1_000_000)
}

fn duration_ms(tail: &FragmentTail) -> i64 {
    i64::try_from(tail.duration.unwrap_or(0) / 1_000_000).unwrap_or(i64::MAX)
}

fn outgoing(head: &FragmentHead) -> Option<Outgoing> {
    let cluster = head.first_cluster?;
    let cluster_ms = i64::try_from(cluster.to_nanos(head.timestamp_scale) / 1_000_000).ok()?;
    let told = head.producer_timestamp.and_then(|time| time.as_millis()).filter(|&time| time >= EPOCH_LIKE_MS);
    let time_ms = told.unwrap_or(cluster_ms);
    Some(Outgoing {
        tracks: head.tracks.clone()?,
        time_ms,
        wall: time_ms >= EPOCH_LIKE_MS,
        frames: Vec::new(),
        tags: Vec::new(),
        duration_ms: 0,
    })
}

/// The beginning of a Matroska file, read until it shows how its fragments are told apart: a stored body of the service
/// has a document for each, any other file a Cluster.
struct First {
    pieces: Vec<Bytes>,
    splitter: Splitter,
}

impl Default for First {
    fn default() -> Self {
        First { pieces: Vec::new(), splitter: Splitter::new(Options::default()) }
    }
}

impl First {
    /// A splitter that has had all pieces, once its dialect is known.
    fn look(&mut self, piece: Option<Bytes>) -> Option<Splitter> {
        let ended = piece.is_none();
        match &piece {
            Some(piece) => self.splitter.push(piece.clone()),
            None => self.splitter.finish(),
        }
        self.pieces.extend(piece);
        let mut told = ended.then_some(false);
        while let Ok(Some(event)) = self.splitter.next_event() {
            if let Event::Started(head) = event {
                told = Some(head.number.is_some());
                break;
            }
        }
        let of_the_service = told?;
        let mut options = Options::default();
        options.dialect = if of_the_service { Dialect::Body } else { Dialect::PutMedia };
        let mut splitter = Splitter::new(options);
        self.pieces.drain(..).for_each(|piece| splitter.push(piece));
        if ended {
            splitter.finish();
        }
        Some(splitter)
    }
}
