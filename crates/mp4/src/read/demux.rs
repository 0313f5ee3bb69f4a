//! The push demuxer: bytes in, fragment events out.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use kineframe_ebml::ErrorKind;
use kineframe_fragment::{Event, Options, Payload};

use super::assembly::Assembly;
use super::boxes::{Header, LONGEST, Parsed, Problems, error, header};
use super::moof::{self, Extent};
use super::movie::Movie;
use super::plain::Samples;
use super::window::Window;
use super::{MovieBox, ReadError};

/// Takes MP4 in pieces of any size and tells its frames as fragment events.
///
/// Frames come in the order in which they lie in the file, those of each track in decoding order; a frame within one
/// piece shares its memory. Where the movie box stands behind the media, media is held until it has come, or the movie
/// box is given beforehand ([`find_movie`](crate::find_movie)).
#[derive(Debug)]
pub(crate) struct Demuxer {
    options: Options,
    /// Most bytes that are held to wait for the movie box, or for frames that come before in decoding order.
    memory: u64,
    window: Window,
    /// Where the next box is expected.
    position: u64,
    state: State,
    finished: bool,
    /// Where the file begins that is being read: several may stand end to end.
    start: u64,
    /// Media that came before its movie box stands here.
    held_from: Option<u64>,
    open: Option<OpenMovie>,
    assembly: Assembly,
    /// Frames that wait for others before them, by track and sample.
    waiting: BTreeMap<(usize, u32), (Extent, Bytes)>,
    waiting_bytes: u64,
    given: Option<MovieBox>,
    /// Samples that movie fragments have told of.
    announced: u64,
    /// Bytes of frames that were told.
    told: u64,
    /// Where the farthest of them ends.
    reach: u64,
    /// What is wrong with a box that reaches to the end of the input; told there, where its length is known.
    endless: Option<kineframe_ebml::Error>,
    failed: Option<ReadError>,
}

#[derive(Debug)]
struct OpenMovie {
    movie: Movie,
    samples: Samples,
    fragments: VecDeque<Extent>,
    /// Decoding time and number of samples by track, for fragments.
    clocks: Vec<(u64, u32)>,
    /// The sample that is due, by track whose samples are out of order.
    due: Vec<u32>,
    /// That samples are missing at the end was told.
    told_missing: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Header,
    Gather(Header),
    /// Passing over a box, and taking the samples in it.
    Skip(Header),
    /// Looking for a box after damage; what was passed begins here.
    Scan {
        from: u64,
    },
    Done,
}

enum Step {
    Again,
    More,
}

/// Bytes of the shortest header.
const SHORTEST: u64 = 8;
/// Most bytes of a movie fragment's box.
const FRAGMENT: u64 = 8 << 20;
/// Most samples that may be announced and not yet there.
const PENDING: usize = 1 << 20;

impl Demuxer {
    pub fn new(options: Options, memory: u64) -> Self {
        Demuxer {
            options,
            memory,
            window: Window::default(),
            position: 0,
            state: State::Header,
            finished: false,
            start: 0,
            held_from: None,
            open: None,
            assembly: Assembly::default(),
            waiting: BTreeMap::new(),
            waiting_bytes: 0,
            given: None,
            announced: 0,
            told: 0,
            reach: 0,
            endless: None,
            failed: None,
        }
    }

    /// The movie box of the file at the beginning of the input.
    pub fn give(&mut self, movie: MovieBox) {
        self.given = Some(movie);
    }

    pub fn push(&mut self, piece: Bytes) {
        if !self.finished {
            self.window.push(piece);
        }
    }

    pub fn finish(&mut self) {
        self.finished = true;
    }

    pub fn bytes_pushed(&self) -> u64 {
        self.window.end()
    }

    pub fn bytes_copied(&self) -> u64 {
        self.window.copied()
    }

    pub fn next_event(&mut self) -> Result<Option<Event>, ReadError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        loop {
            match self.assembly.pop() {
                Some(Event::Damage(damage)) if self.options.strict => {
                    let error = kineframe_fragment::Error::new(damage.fragment, None, damage.error);
                    return Err(self.failed.insert(ReadError::Damaged(error)).clone());
                }
                Some(event) => return Ok(Some(event)),
                None => {}
            }
            let step = match self.state {
                State::Header => self.header(),
                State::Gather(header) if self.is_out_of_bounds(&header) => Step::More,
                State::Gather(header) => self.gather(header),
                State::Skip(header) => self.skip(header),
                State::Scan { from } => self.scan(from),
                State::Done => Step::More,
            };
            if self.holds_too_much(&step) || self.waiting_bytes > self.memory {
                let offset = self.held_from.unwrap_or(self.position);
                let error = ReadError::Memory { offset, limit: self.memory };
                return Err(self.failed.insert(error).clone());
            }
            if matches!(step, Step::More) && self.assembly.is_empty() {
                return Ok(None);
            }
        }
    }

    /// The last byte up to which media may be held, where it is, and more has come.
    fn passed_bound(&self) -> Option<u64> {
        let bound = self.held_from?.saturating_add(self.memory);
        Some(bound).filter(|bound| self.window.end() > *bound)
    }

    /// Whether media would have to be held beyond the bound: more has come, and the movie box has not been reached. What
    /// stands behind the bound is not looked at, even if it is there, so that the same is told however the input was cut.
    fn holds_too_much(&self, step: &Step) -> bool {
        // What was looked at to get here.
        let looked = match self.state {
            State::Gather(header) | State::Skip(header) => header.offset.saturating_add(header.len),
            State::Header | State::Scan { .. } | State::Done => self.position.saturating_add(SHORTEST),
        };
        self.passed_bound().is_some_and(|bound| looked > bound || matches!(step, Step::More))
    }

    /// Whether a box is waited for that ends behind the bound; one that is too long is passed over instead.
    fn is_out_of_bounds(&self, header: &Header) -> bool {
        let ends_past = |bound| header.end.is_none_or(|end| end > bound && end - header.offset <= self.memory);
        self.passed_bound().is_some_and(ends_past)
    }

    /// Reads a header.
    fn header(&mut self) -> Step {
        if let Some(MovieBox { offset, body, header }) = self.given.take() {
            let body_offset = offset.saturating_add(header);
            self.start_movie(Movie::read(offset, body, body_offset));
        }
        let there = self.window.end().saturating_sub(self.position);
        if there == 0 {
            return if self.finished { self.end() } else { Step::More };
        }
        let (bytes, len) = self.window.peek::<LONGEST>(self.position);
        let header = match header(bytes.get(..len).unwrap_or_default(), self.position) {
            Parsed::Header(header) if is_kind(&header.kind) => header,
            Parsed::Cut if !self.finished => return Step::More,
            Parsed::Cut => {
                let problem = error(self.position, &[], ErrorKind::Truncated);
                self.assembly.damage(self.position, there, problem, true);
                self.position = self.window.end();
                return Step::Again;
            }
            _ => {
                self.state = State::Scan { from: self.position };
                return Step::Again;
            }
        };
        self.state = State::Skip(header);
        match &header.kind {
            b"ftyp" => {
                // A new file, unless it only repeats the beginning of a fragmented one.
                let before = header.offset > self.start;
                if before && self.open.as_ref().is_some_and(|open| !open.movie.fragmented) {
                    self.close_movie(header.offset);
                }
                if self.open.is_none() && self.held_from.is_none() {
                    self.start = header.offset;
                }
            }
            b"moov" if self.open.as_ref().is_none_or(|open| open.movie.offset != header.offset) => {
                self.state = State::Gather(header);
            }
            b"moof" if self.open.is_some() => self.state = State::Gather(header),
            b"moof" => {
                self.pass(header, ErrorKind::Missing("moov"));
            }
            b"mdat" if self.open.is_none() => {
                self.held_from.get_or_insert(header.offset);
            }
            _ => {}
        }
        Step::Again
    }

    /// Passes over a box, and tells why.
    fn pass(&mut self, header: Header, kind: ErrorKind) {
        let problem = error(header.offset, &[header.kind], kind);
        match header.end {
            Some(end) => self.assembly.damage(header.offset, end.saturating_sub(header.offset), problem, true),
            None => self.endless = Some(problem),
        }
        self.state = State::Skip(header);
    }

    /// Waits for a box that is needed whole.
    fn gather(&mut self, header: Header) -> Step {
        let is_movie = &header.kind == b"moov";
        let limit = if is_movie { self.memory } else { FRAGMENT };
        if header.end.unwrap_or(self.window.end()).saturating_sub(header.offset) > limit {
            let what = if is_movie { "bytes of the movie box" } else { "bytes of a movie fragment's box" };
            self.pass(header, ErrorKind::Limit { what, limit });
            return Step::Again;
        }
        let end = match header.end {
            Some(end) => end,
            None if self.finished => self.window.end(),
            None => return self.more(header.offset),
        };
        if self.window.end() < end {
            if !self.finished {
                return self.more(header.offset);
            }
            let problem = error(header.offset, &[header.kind], ErrorKind::Truncated);
            let there = self.window.end() - header.offset;
            self.assembly.damage(header.offset, there, problem, true);
            self.position = self.window.end();
            self.state = State::Header;
            return Step::Again;
        }
        let body_offset = header.offset.saturating_add(header.len);
        // Within the limit, so it fits.
        let len = usize::try_from(end.saturating_sub(body_offset)).unwrap_or(0);
        let body = self.window.take(body_offset, len).unwrap_or_default();
        self.position = end;
        self.state = State::Header;
        if is_movie {
            self.movie_box(header, body, body_offset);
        } else if let Some(open) = &mut self.open {
            let mut problems = Problems::default();
            // Each sample has a byte or more: what is announced cannot run far ahead of the box that announces it.
            let room = PENDING.saturating_sub(open.fragments.len());
            let ahead = end.saturating_add(PENDING as u64).saturating_sub(self.announced);
            let room = room.min(usize::try_from(ahead).unwrap_or(usize::MAX));
            let runs = (&open.movie, room);
            let found = moof::read(runs, header.offset, &body, body_offset, &mut open.clocks, &mut problems);
            self.announced = self.announced.saturating_add(found.len() as u64);
            open.fragments.extend(found);
            for problem in problems.into_inner() {
                self.assembly.damage(problem.offset, 0, problem, true);
            }
        }
        self.release();
        Step::Again
    }

    fn movie_box(&mut self, header: Header, body: Bytes, body_offset: u64) {
        if let Some(open) = &self.open {
            // Each segment of a stream may come with the movie box again.
            if open.movie.fragmented && open.movie.raw == body {
                return;
            }
            self.close_movie(header.offset);
            self.start = header.offset;
        }
        let movie = Movie::read(header.offset, body, body_offset);
        self.start_movie(movie);
        if let Some(from) = self.held_from.take() {
            // Back to the media, which was held.
            self.position = from;
        }
    }

    fn start_movie(&mut self, mut movie: Movie) {
        self.assembly.open(&movie, self.start);
        for problem in std::mem::take(&mut movie.problems).into_inner() {
            self.assembly.damage(problem.offset, 0, problem, true);
        }
        let clocks = vec![(0, 0); movie.tracks.len()];
        let due = vec![0; movie.tracks.len()];
        let samples = Samples::new(&movie, self.start);
        let fragments = VecDeque::new();
        self.open = Some(OpenMovie { movie, samples, fragments, clocks, due, told_missing: false });
    }

    fn close_movie(&mut self, end: u64) {
        while let Some(extent) = self.peek() {
            self.missing(&extent, end);
        }
        if let Some(open) = self.open.take() {
            for (extent, data) in std::mem::take(&mut self.waiting).into_values() {
                self.assembly.frame(&open.movie, &extent, data);
            }
        }
        self.waiting_bytes = 0;
        self.assembly.close(end);
    }

    /// The next sample.
    fn peek(&mut self) -> Option<Extent> {
        let open = self.open.as_mut()?;
        open.samples.peek(&open.movie).or_else(|| open.fragments.front().copied())
    }

    fn advance(&mut self, extent: &Extent) {
        if let Some(open) = &mut self.open {
            match open.samples.is_open() {
                true => open.samples.advance(extent.len),
                false => drop(open.fragments.pop_front()),
            }
        }
    }

    /// Passes over a box, and takes the samples in it.
    fn skip(&mut self, header: Header) -> Step {
        if let Some(extent) = self.peek()
            && header.end.is_none_or(|end| extent.offset < end || (extent.len == 0 && extent.offset == end))
        {
            return self.sample(&extent);
        }
        let there = self.window.end();
        match header.end {
            Some(end) if there >= end => self.position = end,
            // What is missing was told with the samples in it; a box without samples is no loss.
            _ if self.finished => {
                if let Some(problem) = self.endless.take() {
                    self.assembly.damage(header.offset, there.saturating_sub(header.offset), problem, true);
                } else if header.end.is_some() && self.open.is_some() && self.assembly.current().is_some() {
                    let problem = error(header.offset, &[header.kind], ErrorKind::Truncated);
                    self.tell_missing(there, 0, problem);
                }
                self.position = there;
            }
            _ => return self.more(there),
        }
        self.state = State::Header;
        self.release();
        Step::Again
    }

    fn sample(&mut self, extent: &Extent) -> Step {
        let end = extent.offset.saturating_add(extent.len.into());
        let limit = self.options.limits.element;
        let lost = if extent.offset < self.window.base() {
            Some(ErrorKind::InvalidValue("a sample that stands before the box that tells of it, or among others"))
        } else if u64::from(extent.len) > limit {
            Some(ErrorKind::Limit { what: "bytes of a frame", limit })
        } else if self.told.saturating_add(extent.len.into())
            > self.reach.max(end).saturating_mul(4).saturating_add(limit)
        {
            // Samples may share their bytes; nothing real does so for long.
            Some(ErrorKind::Limit { what: "bytes of frames that share their place", limit: self.told })
        } else {
            None
        };
        if let Some(kind) = lost {
            let problem = error(extent.offset, &[*b"mdat"], kind);
            self.assembly.damage(extent.offset, extent.len.into(), problem, true);
            // The rest of the chunk is no better.
            match &mut self.open {
                Some(open) if open.samples.is_open() && u64::from(extent.len) <= limit => open.samples.skip_chunk(),
                _ => self.advance(extent),
            }
            return Step::Again;
        }
        self.let_go(extent.offset, extent.offset);
        if self.window.end() < end {
            if !self.finished {
                return Step::More;
            }
            self.missing(extent, self.window.end());
            return Step::Again;
        }
        let len = usize::try_from(extent.len).unwrap_or(usize::MAX);
        let Some(data) = self.window.take(extent.offset, len) else {
            self.missing(extent, self.window.end());
            return Step::Again;
        };
        self.advance(extent);
        self.told = self.told.saturating_add(extent.len.into());
        self.reach = self.reach.max(end);
        let keep = self.options.payload != Payload::Skip;
        self.take(*extent, if keep { data } else { Bytes::new() });
        self.release();
        Step::Again
    }

    fn take(&mut self, extent: Extent, data: Bytes) {
        let Some(open) = &mut self.open else { return };
        let track = extent.track;
        if open.fragments.is_empty() && open.samples.is_out_of_order(track) {
            self.waiting_bytes = self.waiting_bytes.saturating_add(data.len() as u64);
            self.waiting.insert((track, extent.sample), (extent, data));
            let Some(due) = open.due.get_mut(track) else { return };
            while let Some((extent, data)) = self.waiting.remove(&(track, *due)) {
                self.waiting_bytes = self.waiting_bytes.saturating_sub(data.len() as u64);
                self.assembly.frame(&open.movie, &extent, data);
                *due = due.saturating_add(1);
            }
        } else {
            self.assembly.frame(&open.movie, &extent, data);
        }
    }

    /// A sample that the input, which ends at `end`, does not have whole.
    fn missing(&mut self, extent: &Extent, end: u64) {
        let problem = error(extent.offset, &[*b"mdat"], ErrorKind::Truncated);
        self.tell_missing(extent.offset, end.saturating_sub(extent.offset), problem);
        let Some(open) = &mut self.open else { return };
        // Behind the end of the input there is no use in looking at each sample of a chunk.
        if open.samples.is_open() && extent.offset >= end {
            open.samples.skip_chunk();
        } else {
            self.advance(extent);
        }
    }

    fn tell_missing(&mut self, offset: u64, length: u64, problem: kineframe_ebml::Error) {
        if let Some(open) = &mut self.open
            && !std::mem::replace(&mut open.told_missing, true)
        {
            self.assembly.damage(offset, length, problem, true);
        }
    }

    /// After damage: goes on at the next header of a box that can begin something.
    fn scan(&mut self, from: u64) -> Step {
        let end = self.window.end();
        loop {
            let there = end.saturating_sub(self.position);
            if there < 8 && !self.finished {
                return self.more(self.position);
            }
            let found = there >= 8 && {
                let (bytes, _) = self.window.peek::<8>(self.position);
                let known = bytes
                    .get(4..)
                    .is_some_and(|kind| matches!(kind, b"ftyp" | b"styp" | b"moov" | b"moof" | b"sidx" | b"mdat"));
                known && matches!(header(&bytes, self.position), Parsed::Header(Header { end: Some(_), .. }))
            };
            if found || there < 8 {
                if there < 8 {
                    self.position = end;
                }
                let problem = error(from, &[], ErrorKind::InvalidValue("no box where one is expected"));
                self.assembly.damage(from, self.position - from, problem, true);
                self.state = State::Header;
                self.release();
                return Step::Again;
            }
            self.position += 1;
        }
    }

    fn end(&mut self) -> Step {
        let end = self.window.end();
        if let Some(from) = self.held_from.take() {
            let problem = error(from, &[*b"mdat"], ErrorKind::Missing("moov"));
            self.assembly.damage(from, end.saturating_sub(from), problem, true);
        }
        self.close_movie(end);
        self.state = State::Done;
        Step::More
    }

    /// Lets go of what is not needed before `low`, and waits.
    fn more(&mut self, low: u64) -> Step {
        let sample = self.peek().map_or(u64::MAX, |extent| extent.offset);
        self.let_go(low, sample);
        Step::More
    }

    fn release(&mut self) {
        let sample = self.peek().map_or(u64::MAX, |extent| extent.offset);
        let low = match self.state {
            State::Skip(header) => sample.min(header.end.unwrap_or(u64::MAX)),
            _ => self.position,
        };
        self.let_go(low, sample);
    }

    /// Lets go of what is not needed before `low` by the boxes, nor before the next `sample`: by places that the input
    /// tells, never by how much of it has come.
    fn let_go(&mut self, low: u64, sample: u64) {
        if self.held_from.is_none() {
            let chunk = self.open.as_ref().and_then(|open| open.samples.next_chunk()).unwrap_or(u64::MAX);
            // Chunks that lie among each other, or outside of any box, keep no more than the bound.
            let floor = low.saturating_sub(self.memory);
            self.window.release(low.min(sample).min(chunk).max(floor));
        }
    }
}

/// Whether a box may be called so: printable characters, as all are.
fn is_kind(kind: &[u8; 4]) -> bool {
    kind.iter().all(|byte| matches!(byte, b' '..=b'~' | 0xa9))
}
