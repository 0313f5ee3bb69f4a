//! The decode stage: groups go in, outcomes come out in the groups' order.
//!
//! With one thread a group is decoded where it is fed. With more, each worker takes the oldest group that nobody has
//! and decodes it while it is being fed; the outcomes wait for their turn. Bounds, in bytes:
//!
//! | what waits | bound | who stops |
//! |---|---|---|
//! | encoded frames of all groups | `encoded` | the feeder, that is, reading |
//! | outcomes of all groups but the oldest | `outcomes` | the workers of those groups |
//!
//! Reading is on a thread of its own then, two pieces ahead: the caller waits for a piece or an outcome, whichever
//! comes first, so that pictures of a live input come out while it is silent.
//!
//! The oldest group is never stopped: its worker may always put an outcome out, and it is fed when it starves, so
//! that all bounds together cannot come to a standstill.

use std::any::Any;
use std::collections::{BTreeMap, VecDeque};
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use bytes::Bytes;
use kineframe_source::{Pieces, SourceError};

use crate::session::{Outcome, Outlet, Session, Setup, Unit};
use crate::work::PictureWork;

/// Groups that may be open or undrained at once; of tiny groups (key frames alone) bytes are no bound.
const MAX_GROUPS: usize = 64;

/// Pieces that are read and not yet taken.
const MAX_ARRIVED: usize = 2;

/// Bounds of what waits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub encoded: usize,
    pub outcomes: usize,
}

/// What the caller is to do next.
pub(crate) enum Next<T> {
    /// Take this.
    Outcome(Outcome<T>),
    /// Feed more: frames, or the end.
    Feed,
    /// All is out.
    End,
}

pub(crate) enum Stage<W: PictureWork> {
    Inline(Inline<W>),
    Threads(Threads<W::Output>),
}

impl<W: PictureWork + 'static> Stage<W>
where
    W::Output: 'static,
{
    /// A stage of `threads` workers.
    pub(crate) fn new(
        threads: usize,
        bounds: Bounds,
        setup: Setup,
        mut make: impl FnMut() -> W + Send + 'static,
    ) -> Result<Self, std::io::Error> {
        let setup = Arc::new(setup);
        if threads <= 1 {
            let make = Box::new(move || Session::new(setup.clone(), make()));
            // A worker's closure needs no thread: sessions are made as tracks appear.
            return Ok(Self::Inline(Inline::new(make)));
        }
        let shared = Arc::new(Shared::new(bounds));
        let mut handles = Vec::new();
        for index in 0..threads {
            let (shared, session) = (shared.clone(), Session::new(setup.clone(), make()));
            let builder = std::thread::Builder::new().name(format!("kineframe-decode-{index}"));
            match builder.spawn(move || shared.work(session)) {
                Ok(handle) => handles.push(handle),
                // Fewer than asked for will do.
                Err(_) if !handles.is_empty() => break,
                Err(error) => return Err(error),
            }
        }
        Ok(Self::Threads(Threads { shared, handles, lanes: BTreeMap::new() }))
    }

    pub(crate) fn unit(&mut self, lane: u64, unit: Unit) {
        match self {
            Self::Inline(stage) => stage.unit(lane, unit),
            Self::Threads(stage) => stage.unit(lane, unit),
        }
    }

    pub(crate) fn group_end(&mut self, lane: u64) {
        match self {
            Self::Inline(stage) => stage.group_end(lane),
            Self::Threads(stage) => stage.group_end(lane),
        }
    }

    /// Begins to read, from where pieces are to be [taken](Self::piece).
    pub(crate) fn read(&mut self, pieces: Pieces) -> Result<(), std::io::Error> {
        match self {
            Self::Inline(stage) => stage.pieces = Some(pieces),
            Self::Threads(stage) => stage.read(pieces)?,
        }
        Ok(())
    }

    /// The next piece. One thread waits for it; with more, what has not arrived is to be waited for in
    /// [`next`](Self::next).
    pub(crate) fn piece(&mut self) -> Arrival {
        match self {
            Self::Inline(stage) => match stage.pieces.as_mut().and_then(Iterator::next) {
                Some(piece) => Arrival::Piece(piece),
                None => Arrival::End,
            },
            Self::Threads(stage) => stage.shared.piece(),
        }
    }

    /// No more is read.
    pub(crate) fn read_no_more(&mut self) {
        match self {
            Self::Inline(stage) => stage.pieces = None,
            Self::Threads(stage) => stage.shared.read_no_more(),
        }
    }

    /// What is to be done next; `fed_up` says that there is nothing more to feed, `hungry` that without a piece there
    /// is nothing to feed.
    pub(crate) fn next(&mut self, fed_up: bool, hungry: bool) -> Next<W::Output> {
        match self {
            Self::Inline(stage) => stage.next(fed_up),
            Self::Threads(stage) => stage.shared.next(fed_up, hungry),
        }
    }
}

/// What came of asking for a piece.
pub(crate) enum Arrival {
    Piece(Result<Bytes, SourceError>),
    End,
    /// It is being read.
    NotYet,
}

/// Decodes on the caller's thread.
pub(crate) struct Inline<W: PictureWork> {
    pieces: Option<Pieces>,
    make: Box<dyn FnMut() -> Session<W> + Send>,
    sessions: BTreeMap<u64, Session<W>>,
    /// Oldest first: the lane that feeds the group, as long as it does, and its outcomes.
    groups: VecDeque<(Option<u64>, Outcomes<W>)>,
}

type Outcomes<W> = VecDeque<Outcome<<W as PictureWork>::Output>>;

impl<T> Outlet<T> for VecDeque<Outcome<T>> {
    fn put(&mut self, outcome: Outcome<T>) -> ControlFlow<()> {
        self.push_back(outcome);
        ControlFlow::Continue(())
    }
}

impl<W: PictureWork> Inline<W> {
    fn new(make: Box<dyn FnMut() -> Session<W> + Send>) -> Self {
        Inline { pieces: None, make, sessions: BTreeMap::new(), groups: VecDeque::new() }
    }

    fn unit(&mut self, lane: u64, unit: Unit) {
        let session = self.sessions.entry(lane).or_insert_with(|| (self.make)());
        if !self.groups.iter().any(|(of, _)| *of == Some(lane)) {
            self.groups.push_back((Some(lane), VecDeque::new()));
        }
        if let Some((_, outcomes)) = self.groups.iter_mut().find(|(of, _)| *of == Some(lane)) {
            let _ = session.unit(unit, outcomes);
        }
    }

    fn group_end(&mut self, lane: u64) {
        let group = self.groups.iter_mut().find(|(of, _)| *of == Some(lane));
        if let (Some((of, outcomes)), Some(session)) = (group, self.sessions.get_mut(&lane)) {
            let _ = session.end(outcomes);
            *of = None;
        }
    }

    fn next(&mut self, fed_up: bool) -> Next<W::Output> {
        while let Some((open, outcomes)) = self.groups.front_mut() {
            if let Some(outcome) = outcomes.pop_front() {
                return Next::Outcome(outcome);
            }
            if open.is_some() {
                break;
            }
            self.groups.pop_front();
        }
        if fed_up && self.groups.is_empty() { Next::End } else { Next::Feed }
    }
}

/// Decodes on threads of its own. Dropping it ends them.
pub(crate) struct Threads<T> {
    shared: Arc<Shared<T>>,
    handles: Vec<JoinHandle<()>>,
    /// The open group of each lane, counted from the first group of all.
    lanes: BTreeMap<u64, u64>,
}

struct Shared<T> {
    bounds: Bounds,
    state: Mutex<State<T>>,
    /// Wakes workers: there is something to decode, or room for outcomes.
    work: Condvar,
    /// Wakes the caller: there is an outcome, a piece, or room for frames.
    caller: Condvar,
    /// Wakes the reader: there is room for a piece.
    reader: Condvar,
}

struct State<T> {
    /// Oldest first.
    groups: VecDeque<Group<T>>,
    /// Groups that have been before.
    gone: u64,
    encoded: usize,
    outcomes: usize,
    /// Pieces that were read and not yet taken; the end is one too.
    arrived: VecDeque<Option<Result<Bytes, SourceError>>>,
    /// Nothing more is to be read.
    read_all: bool,
    stop: bool,
    panic: Option<Box<dyn Any + Send>>,
}

struct Group<T> {
    inbox: VecDeque<Unit>,
    taken: bool,
    closed: bool,
    done: bool,
    /// With the bytes that each counts for.
    outbox: VecDeque<(usize, Outcome<T>)>,
}

impl<T: Send + 'static> Threads<T> {
    fn read(&mut self, pieces: Pieces) -> Result<(), std::io::Error> {
        let shared = self.shared.clone();
        std::thread::Builder::new().name("kineframe-read".into()).spawn(move || shared.read(pieces)).map(drop)
    }
}

impl<T> Threads<T> {
    fn unit(&mut self, lane: u64, unit: Unit) {
        let mut state = self.shared.lock();
        let number = *self.lanes.entry(lane).or_insert_with(|| {
            let (inbox, outbox) = (VecDeque::new(), VecDeque::new());
            state.groups.push_back(Group { inbox, taken: false, closed: false, done: false, outbox });
            state.gone + state.groups.len() as u64 - 1
        });
        state.encoded = state.encoded.saturating_add(unit.data.len());
        if let Some(group) = state.group(number) {
            group.inbox.push_back(unit);
        }
        drop(state);
        self.shared.work.notify_all();
    }

    fn group_end(&mut self, lane: u64) {
        let Some(number) = self.lanes.remove(&lane) else { return };
        if let Some(group) = self.shared.lock().group(number) {
            group.closed = true;
        }
        self.shared.work.notify_all();
    }
}

impl<T> Drop for Threads<T> {
    fn drop(&mut self) {
        self.shared.lock().stop = true;
        self.shared.work.notify_all();
        // The reader may be waiting for its source: it is not waited for, and ends at what it reads next.
        self.shared.reader.notify_all();
        for handle in self.handles.drain(..) {
            // A panic was kept in the state; here there is nobody left to tell.
            let _ = handle.join();
        }
    }
}

impl<T> State<T> {
    fn group(&mut self, number: u64) -> Option<&mut Group<T>> {
        let index = usize::try_from(number.checked_sub(self.gone)?).ok()?;
        self.groups.get_mut(index)
    }
}

impl<T> Shared<T> {
    fn new(bounds: Bounds) -> Self {
        let state = State {
            groups: VecDeque::new(),
            gone: 0,
            encoded: 0,
            outcomes: 0,
            arrived: VecDeque::new(),
            read_all: false,
            stop: false,
            panic: None,
        };
        let (work, caller, reader) = (Condvar::new(), Condvar::new(), Condvar::new());
        Shared { bounds, state: Mutex::new(state), work, caller, reader }
    }

    /// Nothing panics while it holds the lock, so that a poisoned one is as good.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The reader: piece after piece.
    fn read(&self, mut pieces: Pieces) {
        let read = catch_unwind(AssertUnwindSafe(|| {
            loop {
                let piece = pieces.next();
                let ended = piece.is_none();
                let mut state = self.lock();
                while state.arrived.len() >= MAX_ARRIVED && !state.read_all && !state.stop {
                    state = self.reader.wait(state).unwrap_or_else(PoisonError::into_inner);
                }
                if state.read_all || state.stop {
                    return;
                }
                state.arrived.push_back(piece);
                drop(state);
                self.caller.notify_one();
                if ended {
                    return;
                }
            }
        }));
        if let Err(payload) = read {
            self.panicked(payload);
        }
    }

    fn piece(&self) -> Arrival {
        let mut state = self.lock();
        if state.read_all {
            return Arrival::End;
        }
        let arrival = match state.arrived.pop_front() {
            Some(Some(piece)) => Arrival::Piece(piece),
            Some(None) => {
                state.read_all = true;
                Arrival::End
            }
            None => Arrival::NotYet,
        };
        drop(state);
        self.reader.notify_one();
        arrival
    }

    fn read_no_more(&self) {
        let mut state = self.lock();
        state.read_all = true;
        state.arrived.clear();
        drop(state);
        self.reader.notify_one();
    }

    fn panicked(&self, payload: Box<dyn Any + Send>) {
        let mut state = self.lock();
        state.panic.get_or_insert(payload);
        state.stop = true;
        drop(state);
        self.work.notify_all();
        self.caller.notify_all();
        self.reader.notify_all();
    }

    fn next(&self, fed_up: bool, hungry: bool) -> Next<T> {
        let mut state = self.lock();
        loop {
            if let Some(payload) = state.panic.take() {
                state.stop = true;
                drop(state);
                resume_unwind(payload);
            }
            let food = !hungry || state.read_all || !state.arrived.is_empty();
            let Some(oldest) = state.groups.front_mut() else {
                if fed_up {
                    return Next::End;
                }
                if food {
                    return Next::Feed;
                }
                state = self.caller.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            if let Some((weight, outcome)) = oldest.outbox.pop_front() {
                state.outcomes = state.outcomes.saturating_sub(weight);
                self.work.notify_all();
                return Next::Outcome(outcome);
            }
            if oldest.done {
                state.groups.pop_front();
                state.gone += 1;
                // Another group is the oldest now, and its worker need not wait any more.
                self.work.notify_all();
                continue;
            }
            let starving = !oldest.closed && oldest.inbox.is_empty();
            let room = state.encoded < self.bounds.encoded && state.groups.len() < MAX_GROUPS;
            if !fed_up && food && (room || starving) {
                return Next::Feed;
            }
            state = self.caller.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// A worker: group after group.
    fn work<W: PictureWork<Output = T>>(&self, mut session: Session<W>) {
        let worked = catch_unwind(AssertUnwindSafe(|| while self.one_group(&mut session).is_continue() {}));
        if let Err(payload) = worked {
            self.panicked(payload);
        }
    }

    fn one_group<W: PictureWork<Output = T>>(&self, session: &mut Session<W>) -> ControlFlow<()> {
        let mut state = self.lock();
        let number = loop {
            if state.stop {
                return ControlFlow::Break(());
            }
            if let Some(index) = state.groups.iter().position(|group| !group.taken) {
                if let Some(group) = state.groups.get_mut(index) {
                    group.taken = true;
                }
                break state.gone + index as u64;
            }
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
        };
        let mut slot = Slot { shared: self, number };
        loop {
            if state.stop {
                return ControlFlow::Break(());
            }
            let Some(group) = state.group(number) else { return ControlFlow::Break(()) };
            if let Some(unit) = group.inbox.pop_front() {
                let bytes = unit.data.len();
                drop(state);
                session.unit(unit, &mut slot)?;
                state = self.lock();
                // Counted until it is decoded: what a worker has in hand is memory too.
                state.encoded = state.encoded.saturating_sub(bytes);
                self.caller.notify_one();
            } else if group.closed {
                drop(state);
                session.end(&mut slot)?;
                if let Some(group) = self.lock().group(number) {
                    group.done = true;
                }
                self.caller.notify_one();
                return ControlFlow::Continue(());
            } else {
                self.caller.notify_one();
                state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }
}

/// Where a worker puts the outcomes of its group.
struct Slot<'a, T> {
    shared: &'a Shared<T>,
    number: u64,
}

impl<T> Outlet<T> for Slot<'_, T> {
    fn put(&mut self, outcome: Outcome<T>) -> ControlFlow<()> {
        let weight = outcome.weight();
        let mut state = self.shared.lock();
        while !state.stop && self.number != state.gone && state.outcomes > self.shared.bounds.outcomes {
            state = self.shared.work.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.stop {
            return ControlFlow::Break(());
        }
        state.outcomes = state.outcomes.saturating_add(weight);
        if let Some(group) = state.group(self.number) {
            group.outbox.push_back((weight, outcome));
        }
        drop(state);
        self.shared.caller.notify_one();
        ControlFlow::Continue(())
    }
}
