//! One session being read: opens reads, follows their fragments, hands out what is new.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use kineframe_fragment::{
    ContinuationToken, Event, FragmentHead, FragmentNumber, FragmentTail, ProducerTimestamp, ServerTimestamp,
    ServiceError,
};
use kineframe_source::{MediaSource, PieceStream, SourceError, StartSelector};

use super::options::{Integrity, SessionOptions, SlowReader, Until};
use super::prefix::Prefix;
use super::report::{GapReason, SessionGap, SessionNotice};
use super::thin::Thin;
use super::timer::{jitter, pause};
use super::watch::{Doubt, Step, Watch};
use super::window::Window;
use super::{MAX_NOTICES, Told};

/// Reads in a row that end at the same place inside a fragment, after which that is how it is stored.
const SAME_CUTS: u32 = 3;

/// Reads of one fragment that all come damaged, each otherwise, after which it goes out as it came.
const MOST_DOUBTS: usize = 8;

/// A distance between fragments that is told as a gap where the read could not go on by token. Durations are told by
/// frames, and may be a frame short.
const GAP: i128 = 1_000_000_000;

pub(super) struct SessionReader<S> {
    source: Arc<S>,
    original: StartSelector,
    options: SessionOptions,
    told: Arc<Mutex<Told>>,
    /// The read that is open.
    read: Option<Read>,
    out: VecDeque<Bytes>,
    last: Option<Last>,
    /// What was handed out of a fragment that is not whole yet.
    cut: Option<Prefix>,
    cut_server_time: Option<ServerTimestamp>,
    /// Nothing of the next read is new up to the last fragment.
    catching_up: bool,
    /// How the next read starts, where the token is not taken: each try is less exact than the one before.
    fallback: u32,
    /// The next read starts at the newest, since the reader was too slow.
    jump: bool,
    /// Something was read.
    ever: bool,
    failures: u32,
    failing_since: Option<Instant>,
    /// How far behind the last whole fragment a read ended without anything new, and how often in a row.
    same_cuts: (u64, u32),
    /// What was doubted of the next fragment: how far behind the one before it, and a digest of it.
    doubted: Vec<(u64, u64)>,
    thin: Thin,
    /// This source tells other tokens than the fragments' numbers, or none.
    tokens_differ: bool,
    over: bool,
}

/// The last whole fragment that was handed out.
struct Last {
    number: FragmentNumber,
    token: Option<ContinuationToken>,
    server: Option<ServerTimestamp>,
    end: Option<ProducerTimestamp>,
}

/// One read of the source.
struct Read {
    stream: PieceStream,
    watch: Watch,
    window: Window,
    mode: Mode,
    /// What the current document began with, until it is decided what becomes of it.
    head: Option<Arc<FragmentHead>>,
    /// Where the current document begins.
    document: u64,
    /// Where the last one that finished ended.
    boundary: u64,
    number: Option<FragmentNumber>,
    /// A frame that waits for the element behind it.
    held: Option<u64>,
    /// It brought something new.
    brought: bool,
    /// When it began, the session was to end with what there is.
    last: bool,
    ended: bool,
}

/// What becomes of the current document's bytes.
enum Mode {
    /// They go out.
    Forward,
    /// They went out already, as far as this.
    Skip(Prefix),
    /// They went out already, all of them.
    Drop,
}

impl<S: MediaSource> SessionReader<S> {
    pub(super) fn new(
        source: Arc<S>,
        original: StartSelector,
        options: SessionOptions,
        told: Arc<Mutex<Told>>,
    ) -> Self {
        SessionReader {
            thin: Thin::new(options.slow_reader),
            source,
            original,
            options,
            told,
            read: None,
            out: VecDeque::new(),
            last: None,
            cut: None,
            cut_server_time: None,
            catching_up: false,
            fallback: 0,
            jump: false,
            ever: false,
            failures: 0,
            failing_since: None,
            same_cuts: (0, 0),
            doubted: Vec::new(),
            tokens_differ: false,
            over: false,
        }
    }

    /// The next piece of the endless body.
    pub(super) async fn next(&mut self) -> Option<Result<Bytes, SourceError>> {
        loop {
            if let Some(piece) = self.out.pop_front() {
                self.tell(|told| told.report.bytes += piece.len() as u64);
                return Some(Ok(piece));
            }
            if self.over {
                return None;
            }
            let Some(read) = &mut self.read else {
                self.open();
                continue;
            };
            match read.watch.next() {
                Some(Step::Event(event)) => {
                    if let Some(refusal) = self.event(event) {
                        self.refused(refusal).await;
                    }
                    continue;
                }
                Some(Step::Doubt(doubt)) => {
                    self.damage(doubt);
                    continue;
                }
                None => {}
            }
            if read.ended {
                self.ended().await;
                continue;
            }
            match poll_fn(|context| read.stream.as_mut().poll_next(context)).await {
                Some(Ok(piece)) => {
                    read.window.push(piece.clone());
                    read.watch.push(piece);
                    self.ever = true;
                }
                Some(Err(error)) => {
                    if let Some(error) = self.broke(error).await {
                        return Some(Err(error));
                    }
                }
                None => {
                    read.watch.finish();
                    read.ended = true;
                }
            }
        }
    }

    fn open(&mut self) {
        let start = self.start();
        self.catching_up = self.last.is_some();
        let mut last = false;
        self.tell(|told| {
            told.report.reads += 1;
            last = told.finish;
        });
        self.read = Some(Read {
            stream: self.source.open(&start),
            watch: Watch::new(self.options.integrity, self.thin.is_on()),
            window: Window::default(),
            mode: Mode::Drop,
            head: None,
            document: 0,
            boundary: 0,
            number: None,
            held: None,
            brought: false,
            last,
            ended: false,
        });
    }

    /// Where the next read starts.
    fn start(&self) -> StartSelector {
        if self.jump {
            return StartSelector::Now;
        }
        let Some(last) = &self.last else {
            // A read from "now" that was cut inside its first fragment is to go on with that one.
            return match (&self.original, self.cut_server_time) {
                (StartSelector::Now, Some(time)) if self.fallback == 0 => StartSelector::ServerTimestamp(time),
                _ => self.original.clone(),
            };
        };
        match (self.fallback, &last.token, last.server) {
            (0, Some(token), _) => StartSelector::ContinuationToken(token.clone()),
            (0 | 1, _, _) => StartSelector::AfterFragment(last.number.clone()),
            (2, _, Some(time)) => StartSelector::ServerTimestamp(time),
            _ => StartSelector::Earliest,
        }
    }

    /// Follows one event; an error in band is given back.
    fn event(&mut self, event: Event) -> Option<ServiceError> {
        match event {
            // An error in band is a document of its own: what becomes of one is decided once it shows media or its end.
            Event::Started(head) => {
                if let Some(read) = &mut self.read {
                    (read.head, read.held) = (Some(head), None);
                }
            }
            Event::Frame(frame) => {
                self.started(frame.position);
                let end = frame.position.saturating_add(frame.stored_len);
                let now = match self.options.integrity {
                    Integrity::Lowest => Some(end),
                    Integrity::Checked => self.read.as_mut().and_then(|read| read.held.replace(end)),
                };
                if let Some(now) = now {
                    self.hand_out(now);
                }
            }
            Event::Finished(tail) if tail.error.is_none() && self.is_whole(&tail) => {
                self.started(tail.head.offset.saturating_add(tail.length));
                if self.doubts_end(&tail) {
                    return None;
                }
                self.finished(&tail);
            }
            Event::Amended(tail) => self.hand_out(tail.head.offset.saturating_add(tail.length)),
            Event::ServiceError(error) => return Some(error),
            // What reaches to the end of a read was cut there, and is no damage.
            Event::Damage(damage)
                if self.read.as_ref().is_some_and(|read| {
                    !read.ended || damage.offset.saturating_add(damage.length) < read.window.end()
                }) =>
            {
                let end = damage.offset.saturating_add(damage.length);
                self.damage(Doubt { offset: damage.offset, end });
            }
            _ => {}
        }
        None
    }

    /// Decides what becomes of the document that has begun and of which this much was read, where that is not decided.
    fn started(&mut self, end: u64) {
        let Some(head) = self.read.as_mut().and_then(|read| read.head.take()) else { return };
        // The service numbers every fragment. One without a number has lost it on the way.
        let numbered = self.last.is_some() || self.options.integrity == Integrity::Checked;
        if head.number.is_none() && numbered && self.damage(Doubt { offset: head.offset, end }) {
            return;
        }
        let repeated = match (&head.number, &self.last) {
            (Some(number), Some(last)) if self.catching_up => *number <= last.number,
            _ => false,
        };
        let cut_again = head.number.is_some() && self.cut.as_ref().is_some_and(|cut| cut.number == head.number);
        let mode = if repeated {
            Mode::Drop
        } else if cut_again {
            Mode::Skip(Prefix::of(head.number.clone()))
        } else {
            self.tell_gap(&head);
            self.cut = Some(Prefix::of(head.number.clone()));
            self.cut_server_time = head.server_timestamp;
            Mode::Forward
        };
        if !repeated {
            (self.catching_up, self.fallback, self.jump) = (false, 0, false);
        }
        if let Some(read) = &mut self.read {
            (read.document, read.number) = (head.offset, head.number.clone());
            read.mode = mode;
        }
    }

    /// Tells what lies between the last fragment and this one, where that may have been lost.
    fn tell_gap(&mut self, head: &FragmentHead) {
        let lost_part = self.cut.take().filter(|cut| cut.length > 0);
        let last = self.last.as_ref();
        let from = last.and_then(|last| last.end);
        let distance = from.zip(head.producer_timestamp).map(|(from, to)| to.0 - from.0);
        let jumped = self.jump && last.is_some();
        let unsure = self.fallback > 1 && last.is_some() && distance.is_none_or(|distance| distance > GAP);
        if lost_part.is_none() && !jumped && !unsure {
            return;
        }
        let gap = SessionGap {
            after: lost_part.and_then(|cut| cut.number).or_else(|| last.map(|last| last.number.clone())),
            before: head.number.clone(),
            from,
            to: head.producer_timestamp,
            reason: if jumped { GapReason::SlowReader } else { GapReason::Gone },
        };
        self.tell(|told| {
            told.report.gaps += 1;
            told.notice(SessionNotice::Gap(gap));
        });
    }

    /// Whether a fragment that finished is all that there is of it: the service closes each with a token, so that one
    /// without, at the end of a read, was cut.
    fn is_whole(&self, tail: &FragmentTail) -> bool {
        let ended = self.read.as_ref().is_some_and(|read| read.ended);
        !ended || (!tail.truncated && tail.continuation_token.is_some())
    }

    /// Whether a fragment that finished is read again: nothing that says so is wrong by itself, but the service sends
    /// no fragment without frames, none without an end, and as a token, as far as anybody has seen, the number.
    fn doubts_end(&mut self, tail: &FragmentTail) -> bool {
        let Some(read) = &self.read else { return true };
        if self.options.integrity == Integrity::Lowest || matches!(read.mode, Mode::Drop) {
            return false;
        }
        let end = tail.head.offset.saturating_add(tail.length);
        if (tail.frames == 0 || !tail.complete) && self.damage(Doubt { offset: end, end }) {
            return true;
        }
        let (number, token) = (tail.head.number.as_ref(), tail.continuation_token.as_ref());
        let differ = number.is_some_and(|number| token.is_none_or(|token| number.as_str() != token.as_str()));
        if !differ || self.tokens_differ {
            return false;
        }
        let again = self.damage(Doubt { offset: end, end });
        self.tokens_differ = !again;
        again
    }

    fn finished(&mut self, tail: &Arc<FragmentTail>) {
        let Some(read) = &mut self.read else { return };
        read.held = None;
        read.boundary = tail.head.offset.saturating_add(tail.length);
        let repeated = matches!(read.mode, Mode::Drop);
        self.hand_out(tail.head.offset.saturating_add(tail.length));
        // Nor is it finished where it turned out that it is to be read again.
        if repeated || self.read.is_none() {
            return;
        }
        (self.cut, self.cut_server_time) = (None, None);
        (self.failures, self.failing_since, self.same_cuts) = (0, None, (0, 0));
        self.doubted.clear();
        let Some(number) = tail.head.number.clone() else { return };
        let duration = i128::from(tail.duration.unwrap_or(0));
        let thinned = self.thin.fragment(&number, tail.millis_behind_now);
        let token = tail.continuation_token.clone();
        let resume = match &token {
            Some(token) => StartSelector::ContinuationToken(token.clone()),
            None => StartSelector::AfterFragment(number.clone()),
        };
        self.last = Some(Last {
            number,
            token,
            server: tail.head.server_timestamp,
            end: tail.head.producer_timestamp.map(|start| ProducerTimestamp(start.0.saturating_add(duration))),
        });
        self.tell(|told| {
            told.report.fragments += 1;
            told.resume = Some(resume);
            thinned.into_iter().for_each(|notice| told.notice(notice));
        });
        if let (SlowReader::Newest(most), Some(behind)) = (self.options.slow_reader, tail.millis_behind_now)
            && u128::try_from(behind).is_ok_and(|behind| behind > most.as_millis())
        {
            self.jump = true;
            self.read = None;
        }
    }

    /// The read's bytes up to `end` are what they seem.
    fn hand_out(&mut self, end: u64) {
        let Some(read) = &mut self.read else { return };
        let (out, cut, mode) = (&mut self.out, &mut self.cut, &mut read.mode);
        let (mut new, mut repeated, mut changed, mut left_out) = (false, 0u64, None, (0, 0));
        if let Mode::Skip(seen) = mode {
            let skip_to = read.document.saturating_add(cut.as_ref().map_or(0, |cut| cut.length));
            read.window.take_to(read.document, drop);
            read.window.take_to(end.min(skip_to), |piece| {
                repeated += piece.len() as u64;
                seen.extend(&piece);
            });
            if read.window.position() >= skip_to {
                let same = cut.as_ref().is_none_or(|cut| cut.is(seen));
                changed = (!same).then(|| seen.clone());
                *mode = Mode::Forward;
            }
        }
        if let Some(seen) = changed {
            let doubt = (0, seen.digest());
            self.tell(|told| {
                told.report.repeated_bytes += repeated;
                if let Some(number) = seen.number {
                    told.notice(SessionNotice::Changed(number));
                }
            });
            if !self.again(doubt) {
                self.hand_out(end);
            }
            return;
        }
        match mode {
            Mode::Skip(_) => {}
            Mode::Drop => read.window.take_to(end, |piece| repeated += piece.len() as u64),
            Mode::Forward => {
                let (mut at, behind) = (read.window.position(), self.thin.is_behind());
                let mut holes = read.watch.holes();
                read.window.take_to(end, |piece| {
                    new = true;
                    if let Some(cut) = cut {
                        cut.extend(&piece);
                    }
                    let length = piece.len() as u64;
                    match &mut holes {
                        Some(holes) if behind => {
                            let (frames, bytes) = holes.pass(at, piece, out);
                            left_out = (left_out.0 + frames, left_out.1 + bytes);
                        }
                        _ => out.push_back(piece),
                    }
                    at = at.saturating_add(length);
                });
            }
        }
        if new {
            read.brought = true;
            self.same_cuts = (0, 0);
        }
        if let Some(holes) = read.watch.holes() {
            holes.forget_before(read.window.position());
        }
        self.thin.count(left_out.0, left_out.1);
        if repeated > 0 || left_out.1 > 0 {
            self.tell(|told| {
                told.report.repeated_bytes += repeated;
                told.report.frames_left_out += left_out.0;
                told.report.bytes_left_out += left_out.1;
            });
        }
    }

    /// Bytes that are not media, or hardly: the fragment is read again. What is then the same is stored so, and goes
    /// out; then this is false.
    fn damage(&mut self, doubt: Doubt) -> bool {
        let Some(read) = &self.read else { return false };
        let number = read.number.clone();
        let place = (doubt.offset.saturating_sub(read.boundary), read.window.digest_to(doubt.end));
        let again = self.again(place);
        if again {
            self.tell(|told| told.notice(SessionNotice::Damaged(number)));
        }
        again
    }

    /// Reads again, unless the same was seen before.
    fn again(&mut self, doubt: (u64, u64)) -> bool {
        if self.doubted.len() >= MOST_DOUBTS || self.doubted.contains(&doubt) {
            return false;
        }
        self.doubted.push(doubt);
        self.read = None;
        true
    }

    /// A read ended as a read should.
    async fn ended(&mut self) {
        let Some(read) = self.read.take() else { return };
        let inside = !read.window.is_empty() || self.cut.as_ref().is_some_and(|cut| cut.length > 0);
        if read.brought {
            (self.failures, self.failing_since) = (0, None);
            return;
        }
        let place = read.window.end().saturating_sub(read.boundary);
        let (before, times) = self.same_cuts;
        let times = if place == before { times + 1 } else { 1 };
        self.same_cuts = (place, times);
        if inside && times <= SAME_CUTS {
            let time = jitter(self.bound(times));
            return pause(time).await;
        }
        self.tell(|told| {
            told.report.idle_ends += 1;
            if !matches!(told.notices.last(), Some(SessionNotice::Idle)) && told.notices.len() < MAX_NOTICES {
                told.notices.push(SessionNotice::Idle);
            }
        });
        self.over = read.last
            || match self.options.until {
                Until::Stopped => false,
                Until::Idle => true,
                Until::IdleAfter(time) => SystemTime::now() >= time,
            };
        if self.over {
            // What there is of a fragment that never ended goes out as it is.
            self.read = Some(read);
            self.started(0);
            self.hand_out(u64::MAX);
            self.read = None;
        } else {
            pause(self.options.idle_pause).await;
        }
    }

    /// A read failed; an error is for the reader, and the end.
    async fn broke(&mut self, error: SourceError) -> Option<SourceError> {
        self.read = None;
        self.failures = self.failures.saturating_add(1);
        let since = *self.failing_since.get_or_insert_with(Instant::now);
        self.tell(|told| told.report.failures += 1);
        if !self.ever || !error.is_retryable() || since.elapsed() > self.options.patience {
            self.over = true;
            return Some(error);
        }
        let time = jitter(self.bound(self.failures));
        self.tell(|told| told.notice(SessionNotice::Failed { error, pause: time }));
        pause(time).await;
        None
    }

    /// The service reported an error in band.
    async fn refused(&mut self, error: ServiceError) {
        let keys = error.id.is_some_and(|id| (4500..4600).contains(&id));
        let gone = error.id == Some(4000);
        let fresh = self.last.is_none() && self.cut.is_none();
        self.failures = self.failures.saturating_add(1);
        let since = *self.failing_since.get_or_insert_with(Instant::now);
        self.tell(|told| told.report.failures += 1);
        if gone && self.last.is_some() && self.fallback < 3 {
            self.fallback += 1;
        } else if keys || fresh && (gone || self.failures >= SAME_CUTS) || since.elapsed() > self.options.patience {
            // Its document goes out, so that the reader sees it where errors in band stand.
            if let Some(read) = &mut self.read {
                (read.mode, read.head) = (Mode::Forward, None);
            }
            self.cut = None;
            self.hand_out(u64::MAX);
            self.read = None;
            self.over = true;
            return;
        }
        self.read = None;
        let time = jitter(self.bound(self.failures));
        self.tell(|told| told.notice(SessionNotice::Refused { error, pause: time }));
        pause(time).await;
    }

    /// Upper bound of the pause after so many failures in a row.
    fn bound(&self, failures: u32) -> Duration {
        let doubled = self.options.backoff.saturating_mul(1 << failures.saturating_sub(1).min(20));
        doubled.min(self.options.longest_backoff)
    }

    fn tell(&self, tell: impl FnOnce(&mut Told)) {
        tell(&mut self.told.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
