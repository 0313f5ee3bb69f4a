//! Fragments and frames of an input, one after the other.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use kineframe_fragment::{Damage, Event, FragmentHead, Frame, ServiceError, StartSelector};
use kineframe_mp4::{AnySplitter, MovieBox, find_movie};
use kineframe_source::{MediaSource, Pieces};

use crate::error::ConsumerError;
use crate::fragments::Fragment;

/// Longest fragment whose bytes are kept. The service takes 50 MB.
const MAX_FRAGMENT: usize = 256 << 20;

/// Longest description of an MP4 file that is read ahead: that of some hundred hours.
const MAX_MOVIE: u64 = 64 << 20;

/// The front door: fragments and frames of an input, in order, as an iterator that blocks.
///
/// ```
/// use kineframe_consumer::{Consumer, Item};
/// use kineframe_source::File;
///
/// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/captures/output_get_media.mkv");
/// let mut frames = 0;
/// for item in Consumer::open(&File::new(path)) {
///     match item? {
///         Item::Frame(frame) => frames += frame.data.len(),
///         Item::Fragment(fragment) => println!("{:?}: {} tags", fragment.number(), fragment.tags().len()),
///         _ => {}
///     }
/// }
/// assert_eq!(frames, 2_494_505);
/// # Ok::<(), kineframe_consumer::ConsumerError>(())
/// ```
///
/// A fragment is handed out at its closing tags, the last one of a body too, and not when the next one begins.
#[derive(Debug)]
pub struct Consumer {
    input: Input,
    splitter: AnySplitter,
    frames: Vec<Frame>,
    kept: Kept,
    keep_fragments: bool,
}

/// What a [`Consumer`] hands out.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Item {
    /// A fragment has begun: number, times, tracks.
    Started(Arc<FragmentHead>),
    /// A frame of the fragment that last started.
    Frame(Frame),
    /// The fragment is over. It holds its frames again, by handle.
    Fragment(Fragment),
    /// The service reported an error in band.
    ServiceError(ServiceError),
    /// Bytes were lost; reading goes on behind them.
    Damage(Damage),
}

enum Input {
    Open(Pieces),
    /// The error, where it was one, is handed out last.
    Ended(Option<ConsumerError>),
}

impl std::fmt::Debug for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Open(_) => f.write_str("Open"),
            Self::Ended(error) => f.debug_tuple("Ended").field(error).finish(),
        }
    }
}

impl Consumer {
    /// Begins to read an input from its beginning.
    pub fn open(source: &dyn MediaSource) -> Self {
        let mut consumer = Self::of_pieces(source.open_blocking(&StartSelector::Earliest));
        consumer.splitter = consumer.splitter.with_movie(movie_of(source));
        consumer
    }

    /// Begins to read pieces that come from elsewhere.
    pub fn of_pieces(pieces: Pieces) -> Self {
        Consumer {
            input: Input::Open(pieces),
            splitter: AnySplitter::new(kineframe_fragment::Options::default()),
            frames: Vec::new(),
            kept: Kept::default(),
            keep_fragments: true,
        }
    }

    /// Frames alone: [`Item::Fragment`]s then come without frames and bytes, and nothing of a fragment is kept.
    pub fn without_bytes(mut self) -> Self {
        self.keep_fragments = false;
        self
    }

    /// Whole fragments alone.
    pub fn fragments(self) -> impl Iterator<Item = Result<Fragment, ConsumerError>> {
        self.filter_map(|item| match item {
            Ok(Item::Fragment(fragment)) => Some(Ok(fragment)),
            Ok(_) => None,
            Err(error) => Some(Err(error)),
        })
    }

    fn item(&mut self, event: Event) -> Option<Item> {
        Some(match event {
            Event::Started(head) => {
                self.frames.clear();
                self.kept.forget_before(head.offset);
                Item::Started(head)
            }
            Event::Frame(frame) => {
                if self.keep_fragments {
                    self.frames.push(frame.clone());
                }
                Item::Frame(frame)
            }
            Event::Finished(tail) => {
                let end = tail.head.offset.saturating_add(tail.length);
                let parts = self.keep_fragments.then(|| self.kept.take(tail.head.offset, end)).flatten();
                Item::Fragment(Fragment { tail, frames: std::mem::take(&mut self.frames), parts })
            }
            Event::ServiceError(error) => Item::ServiceError(error),
            Event::Damage(damage) => Item::Damage(damage),
            _ => return None,
        })
    }
}

impl Iterator for Consumer {
    type Item = Result<Item, ConsumerError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.splitter.next_event() {
                Ok(Some(event)) => {
                    if let Some(item) = self.item(event) {
                        return Some(Ok(item));
                    }
                    continue;
                }
                Ok(None) => {}
                Err(error) => {
                    self.input = Input::Ended(None);
                    return Some(Err(ConsumerError::from(error)));
                }
            }
            let ended = match &mut self.input {
                Input::Ended(error) => return error.take().map(Err),
                Input::Open(pieces) => match pieces.next() {
                    Some(Ok(piece)) => {
                        if self.keep_fragments {
                            self.kept.push(piece.clone());
                        }
                        self.splitter.push(piece);
                        continue;
                    }
                    ended => ended.and_then(Result::err),
                },
            };
            self.splitter.finish();
            self.input = Input::Ended(ended.map(ConsumerError::from));
        }
    }
}

/// What describes an MP4 file, where that stands behind the media and the source can be read anywhere.
pub(crate) fn movie_of(source: &dyn MediaSource) -> Option<MovieBox> {
    // What cannot be read here is told by the pieces.
    find_movie(&mut *source.random_access()?, MAX_MOVIE).ok().flatten()
}

/// The pieces of the fragment being read.
#[derive(Debug, Default)]
struct Kept {
    pieces: VecDeque<Bytes>,
    /// Where the first of them stands in the input.
    start: u64,
    bytes: usize,
}

impl Kept {
    fn push(&mut self, piece: Bytes) {
        self.bytes += piece.len();
        self.pieces.push_back(piece);
        while self.bytes > MAX_FRAGMENT {
            self.drop_first();
        }
    }

    fn drop_first(&mut self) {
        if let Some(piece) = self.pieces.pop_front() {
            self.bytes -= piece.len();
            self.start = self.start.saturating_add(piece.len() as u64);
        }
    }

    fn forget_before(&mut self, offset: u64) {
        while self.pieces.front().is_some_and(|piece| self.start.saturating_add(piece.len() as u64) <= offset) {
            self.drop_first();
        }
    }

    /// The bytes from `from` to `to`; `None` where they are not there any more.
    fn take(&mut self, from: u64, to: u64) -> Option<Vec<Bytes>> {
        let (mut at, mut parts) = (self.start, Vec::new());
        if from < at {
            return None;
        }
        for piece in &self.pieces {
            let end = at.saturating_add(piece.len() as u64);
            let (first, last) = (from.clamp(at, end) - at, to.clamp(at, end) - at);
            if first < last {
                parts.push(piece.slice(usize::try_from(first).ok()?..usize::try_from(last).ok()?));
            }
            at = end;
        }
        self.forget_before(to);
        (at >= to).then_some(parts)
    }
}
