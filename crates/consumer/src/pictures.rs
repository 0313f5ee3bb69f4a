//! Pictures of an input, in order: the whole way from pieces to what was made of each picture.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::time::Instant;

use kineframe_codec::{DecodeOptions, Decoders};
use kineframe_fragment::StartSelector;
use kineframe_mp4::{AnySplitter, MovieBox};
use kineframe_source::{MediaSource, Pieces};

use crate::consumer::movie_of;
use crate::error::ConsumerError;
use crate::feed::{Fed, Feeder, Wish};
use crate::info::PictureItem;
use crate::selection::{Clock, Damaged, Range, Selection, TrackChoice};
use crate::session::{Outcome, Setup};
use crate::stage::{Arrival, Bounds, Next, Stage};
use crate::summary::{Notice, Summary};
use crate::work::PictureWork;

/// Notices that wait to be taken; later ones are left out, and only counted in the [`Summary`].
const MAX_NOTICES: usize = 4096;

/// What is read, chosen and decoded, and how.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// Where the read begins. Default: at the beginning.
    pub start: StartSelector,
    /// Which tracks.
    pub track: TrackChoice,
    /// Which pictures.
    pub selection: Selection,
    /// Between which times.
    pub range: Range,
    /// The clock of wall times in `selection` and `range`.
    pub clock: Clock,
    /// The back ends, in order of preference.
    pub decoders: Decoders,
    /// What decoders may do at most. Their own threads are best left at one: groups run in parallel.
    pub decode: DecodeOptions,
    /// Threads that decode. One decodes on the thread that takes the pictures, and starts none; more come with one
    /// that reads. Default: as many as the machine has cores.
    pub threads: NonZeroUsize,
    /// What becomes of pictures that are built on missing or damaged references.
    pub damaged: Damaged,
    /// Stop with an error at the first damage, instead of reading on behind it.
    pub strict: bool,
    /// Bytes that may wait inside, all in all; decoders' own memory is not in it. Default 128 MiB. An eighth each is
    /// for encoded frames on their way to the workers, for frames of one track that are not decided on yet, and for
    /// the frames that each worker keeps for a replay; a quarter is for finished outputs that wait for their turn.
    pub memory: usize,
    /// What describes an MP4 input whose media comes first, read beforehand. [`Pictures::open`] finds it by itself where
    /// the source can be read anywhere; else such an input is held within `memory` until the description comes.
    pub movie: Option<MovieBox>,
}

impl Options {
    /// Every picture of the first video track, by these back ends.
    pub fn new(decoders: Decoders) -> Self {
        Options {
            start: StartSelector::Earliest,
            track: TrackChoice::default(),
            selection: Selection::default(),
            range: Range::default(),
            clock: Clock::default(),
            decoders,
            decode: DecodeOptions::default(),
            threads: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            damaged: Damaged::default(),
            strict: false,
            memory: 128 << 20,
            movie: None,
        }
    }
}

/// The pictures of an input, one after the other: an iterator that blocks.
///
/// Pictures come in presentation order, group of pictures by group of pictures; the order, and what is made of each,
/// do not depend on the number of threads. An error is the last item; what was read before it has come out by then.
///
/// ```no_run
/// use kineframe_consumer::{Options, PictureInfo, Pictures, Selection};
/// use kineframe_codec::Picture;
/// use kineframe_source::File;
///
/// # let decoders = kineframe_codec::Decoders::default();
/// let mut options = Options::new(decoders);
/// options.selection = Selection::keyframes();
/// let columns = || |_: &PictureInfo, picture: Picture<'_>| picture.visible.width;
/// for item in Pictures::open(&File::new("body.mkv"), options, columns)? {
///     let item = item?;
///     println!("{}: {} columns", item.index, item.output);
/// }
/// # Ok::<(), kineframe_consumer::ConsumerError>(())
/// ```
pub struct Pictures<W: PictureWork> {
    splitter: AnySplitter,
    feeder: Feeder,
    stage: Stage<W>,
    fed: Vec<Fed>,
    fed_up: bool,
    /// What was read is used up.
    hungry: bool,
    /// All of the input was read.
    read: bool,
    strict: bool,
    error: Option<ConsumerError>,
    summary: Summary,
    notices: VecDeque<Notice>,
    began: Instant,
    over: bool,
}

impl<W> Pictures<W>
where
    W: PictureWork + 'static,
    W::Output: 'static,
{
    /// Begins to read `source`. `make` is called once for each worker (for each track, where there is one thread):
    /// what it returns takes that worker's pictures.
    ///
    /// # Errors
    /// No thread could be started. What is wrong with the source comes as the first item.
    pub fn open(
        source: &dyn MediaSource,
        options: Options,
        make: impl FnMut() -> W + Send + 'static,
    ) -> Result<Self, ConsumerError> {
        let movie = options.movie.clone().or_else(|| movie_of(source));
        Self::of_pieces(source.open_blocking(&options.start), Options { movie, ..options }, make)
    }

    /// As [`open`](Self::open), of pieces that come from elsewhere.
    ///
    /// # Errors
    /// As for `open`.
    pub fn of_pieces(
        pieces: Pieces,
        options: Options,
        make: impl FnMut() -> W + Send + 'static,
    ) -> Result<Self, ConsumerError> {
        let eighth = options.memory / 8;
        let setup = Setup {
            decoders: options.decoders,
            decode: options.decode,
            damaged: options.damaged,
            replay_bytes: eighth,
        };
        let bounds = Bounds { encoded: eighth, outcomes: options.memory / 4 };
        let no_thread = |error: std::io::Error| ConsumerError::Thread(error.to_string());
        let mut stage = Stage::new(options.threads.get(), bounds, setup, make).map_err(no_thread)?;
        stage.read(pieces).map_err(no_thread)?;
        let mut splitting = kineframe_fragment::Options::default();
        splitting.strict = options.strict;
        Ok(Pictures {
            splitter: AnySplitter::new(splitting).with_memory(options.memory as u64).with_movie(options.movie),
            feeder: Feeder::new(Wish {
                track: options.track,
                selection: options.selection,
                range: options.range,
                clock: options.clock,
                hold: eighth,
            }),
            stage,
            fed: Vec::new(),
            fed_up: false,
            hungry: false,
            read: false,
            strict: options.strict,
            error: None,
            summary: Summary::default(),
            notices: VecDeque::new(),
            began: Instant::now(),
            over: false,
        })
    }

    /// What was done so far; after the last item, all in all.
    pub fn summary(&self) -> Summary {
        let rewritten = self.summary.bytes_copied;
        Summary {
            bytes_copied: rewritten.saturating_add(self.splitter.bytes_copied()),
            wall: self.began.elapsed(),
            ..self.summary.clone()
        }
    }

    /// Bytes of the input that were read so far: for a progress bar, at no cost.
    pub fn bytes_read(&self) -> u64 {
        self.summary.bytes_read
    }

    /// What happened since this was last called. To be called after each item, and after the last.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        self.notices.drain(..).collect()
    }

    /// Reads as much as makes something to decode, as has arrived, or ends the input.
    fn feed(&mut self) {
        self.hungry = false;
        while !self.fed_up && self.fed.is_empty() {
            if self.feeder.is_done() {
                self.end();
                break;
            }
            match self.splitter.next_event() {
                Ok(Some(event)) => self.feeder.event(event, &mut self.summary, &mut self.fed),
                Ok(None) if self.read => self.end(),
                Ok(None) => match self.stage.piece() {
                    Arrival::Piece(Ok(piece)) => {
                        self.summary.bytes_read = self.summary.bytes_read.saturating_add(piece.len() as u64);
                        self.splitter.push(piece);
                    }
                    Arrival::NotYet => {
                        self.hungry = true;
                        break;
                    }
                    Arrival::Piece(Err(error)) => self.last_piece(Some(error.into())),
                    Arrival::End => self.last_piece(None),
                },
                Err(error) => {
                    self.error = Some(error.into());
                    self.end();
                }
            }
        }
        let mut fed = std::mem::take(&mut self.fed);
        for fed in fed.drain(..) {
            match fed {
                Fed::Unit { lane, unit } => self.stage.unit(lane, unit),
                Fed::GroupEnd { lane } => self.stage.group_end(lane),
                Fed::Notice(notice) => self.notice(notice),
            }
        }
        self.fed = fed;
    }

    /// All pieces were read.
    fn last_piece(&mut self, error: Option<ConsumerError>) {
        self.error = error;
        self.read = true;
        self.stage.read_no_more();
        self.splitter.finish();
    }

    /// No more is read.
    fn end(&mut self) {
        self.stage.read_no_more();
        self.fed_up = true;
        self.feeder.finish(&mut self.summary, &mut self.fed);
    }

    fn notice(&mut self, notice: Notice) {
        let damage = matches!(notice, Notice::Damage(_) | Notice::Truncated(_) | Notice::Lost { .. });
        if self.strict && damage && self.error.is_none() {
            self.error = Some(ConsumerError::Strict(Box::new(notice)));
            return;
        }
        if self.notices.len() < MAX_NOTICES {
            self.notices.push_back(notice);
        }
    }

    fn take(&mut self, outcome: Outcome<W::Output>) -> Option<PictureItem<W::Output>> {
        match outcome {
            Outcome::Picture { info, size, damaged, decoder, output, .. } => {
                let index = self.summary.pictures;
                self.summary.pictures += 1;
                return Some(PictureItem { index, info, size, damaged, decoder, output });
            }
            Outcome::Notice(notice) => self.notice(notice),
            Outcome::Dropped(reason, frames) => self.summary.dropped(reason, frames),
            Outcome::Decoded => self.summary.frames_decoded += 1,
            Outcome::Copied(bytes) => self.summary.bytes_copied = self.summary.bytes_copied.saturating_add(bytes),
        }
        None
    }
}

impl<W> Iterator for Pictures<W>
where
    W: PictureWork + 'static,
    W::Output: 'static,
{
    type Item = Result<PictureItem<W::Output>, ConsumerError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.over {
            if matches!(self.error, Some(ConsumerError::Strict(_))) {
                // What is still on its way is behind the damage.
                self.over = true;
                break;
            }
            match self.stage.next(self.fed_up, self.hungry) {
                Next::Outcome(outcome) => {
                    if let Some(item) = self.take(outcome) {
                        return Some(Ok(item));
                    }
                }
                Next::Feed => self.feed(),
                Next::End => self.over = true,
            }
        }
        self.error.take().map(Err)
    }
}
