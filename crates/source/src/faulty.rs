//! A source that fails on purpose, the same way for the same seed.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use kineframe_fragment::StartSelector;

use crate::random::Random;
use crate::{MediaSource, PieceStream, Pieces, SourceError, SourceErrorKind};

/// Breaks another source on purpose. The same seed and faults break the same bytes, however the inner source cuts
/// them where the trigger is a byte offset.
#[derive(Debug, Clone)]
pub struct Faulty<S> {
    inner: S,
    faults: Vec<Fault>,
    seed: u64,
}

/// One fault: what, and when.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// What happens.
    pub kind: FaultKind,
    /// When.
    pub trigger: Trigger,
}

/// What a fault does.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum FaultKind {
    /// The read ends, as if that had been all.
    Cut,
    /// The read ends with an error of this text.
    Error(String),
    /// This many bytes, at most 1 MiB, are put in that are not the body's.
    Garbage(usize),
    /// This many bytes of the body are left out.
    Lose(u64),
    /// Nothing comes for this long.
    Stall(Duration),
}

/// When a fault happens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Trigger {
    /// Once, before the byte of the body at this offset.
    Bytes(u64),
    /// Before each piece, with this probability.
    Probability(f64),
}

impl<S> Faulty<S> {
    /// A source without faults; `seed` decides what garbage is and when a probability strikes.
    pub fn new(inner: S, seed: u64) -> Self {
        Faulty { inner, faults: Vec::new(), seed }
    }

    /// Adds a fault. Faults at the same place happen in the order in which they were added.
    pub fn with(mut self, kind: FaultKind, trigger: Trigger) -> Self {
        self.faults.push(Fault { kind, trigger });
        self
    }
}

impl<S: MediaSource> MediaSource for Faulty<S> {
    fn open(&self, start: &StartSelector) -> PieceStream {
        Box::pin(FaultyStream {
            inner: Some(self.inner.open(start)),
            breaker: Breaker::new(self.faults.clone(), self.seed),
            sleep: None,
        })
    }

    fn open_blocking(&self, start: &StartSelector) -> Pieces {
        let mut inner = Some(self.inner.open_blocking(start));
        let mut breaker = Breaker::new(self.faults.clone(), self.seed);
        Box::new(std::iter::from_fn(move || {
            loop {
                match breaker.next() {
                    Step::Piece(piece) => return Some(Ok(piece)),
                    Step::Stall(time) => std::thread::sleep(time),
                    Step::Stop(error) => {
                        inner = None;
                        return error.map(Err);
                    }
                    Step::More => match inner.as_mut()?.next()? {
                        Ok(piece) => breaker.push(piece),
                        Err(error) => return Some(Err(error)),
                    },
                }
            }
        }))
    }
}

struct FaultyStream {
    inner: Option<PieceStream>,
    breaker: Breaker,
    sleep: Option<Pin<Box<tokio::time::Sleep>>>,
}

impl Stream for FaultyStream {
    type Item = Result<Bytes, SourceError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(sleep) = self.sleep.as_mut() {
                std::task::ready!(sleep.as_mut().poll(context));
                self.sleep = None;
            }
            match self.breaker.next() {
                Step::Piece(piece) => return Poll::Ready(Some(Ok(piece))),
                Step::Stall(time) => self.sleep = Some(Box::pin(tokio::time::sleep(time))),
                Step::Stop(error) => {
                    self.inner = None;
                    return Poll::Ready(error.map(Err));
                }
                Step::More => {
                    let Some(inner) = self.inner.as_mut() else { return Poll::Ready(None) };
                    match std::task::ready!(inner.as_mut().poll_next(context)) {
                        Some(Ok(piece)) => self.breaker.push(piece),
                        other => return Poll::Ready(other),
                    }
                }
            }
        }
    }
}

enum Step {
    Piece(Bytes),
    Stall(Duration),
    Stop(Option<SourceError>),
    More,
}

/// Decides, piece by piece, what comes out.
struct Breaker {
    faults: Vec<Fault>,
    random: Random,
    /// What the inner source gave and is not yet handed out.
    rest: Bytes,
    /// The faults with a probability that are still to be asked about the piece at hand.
    asked: usize,
    /// Bytes of the body taken so far.
    offset: u64,
    /// Bytes of the body still to be left out.
    losing: u64,
    stopped: bool,
}

impl Breaker {
    fn new(faults: Vec<Fault>, seed: u64) -> Self {
        let random = Random::new(seed);
        let asked = faults.len();
        Breaker { faults, random, rest: Bytes::new(), asked, offset: 0, losing: 0, stopped: false }
    }

    fn push(&mut self, piece: Bytes) {
        self.rest = piece;
        self.asked = 0;
    }

    fn next(&mut self) -> Step {
        if self.stopped {
            return Step::Stop(None);
        }
        while let Some(fault) = self.faults.get(self.asked) {
            let struck = match fault.trigger {
                Trigger::Probability(probability) => self.random.chance(probability),
                Trigger::Bytes(_) => false,
            };
            let kind = fault.kind.clone();
            self.asked += 1;
            if struck && let Some(step) = self.strike(kind) {
                return step;
            }
        }
        if self.rest.is_empty() {
            return Step::More;
        }
        let due = |fault: &Fault| matches!(fault.trigger, Trigger::Bytes(at) if at <= self.offset);
        if let Some(index) = self.faults.iter().position(due) {
            let fault = self.faults.remove(index);
            // Removing shifts the faults that are still to be asked; those of this piece are all asked by now.
            self.asked = self.faults.len();
            return self.strike(fault.kind).unwrap_or_else(|| self.next());
        }
        let next = self.faults.iter().filter_map(|fault| match fault.trigger {
            Trigger::Bytes(at) => Some(at - self.offset),
            Trigger::Probability(_) => None,
        });
        let room = usize::try_from(next.min().unwrap_or(u64::MAX)).unwrap_or(usize::MAX);
        let mut piece = self.rest.split_to(room.min(self.rest.len()));
        self.offset = self.offset.saturating_add(piece.len() as u64);
        let lost = self.losing.min(piece.len() as u64);
        self.losing -= lost;
        let piece = piece.split_off(usize::try_from(lost).unwrap_or(piece.len()));
        if piece.is_empty() { self.next() } else { Step::Piece(piece) }
    }

    fn strike(&mut self, kind: FaultKind) -> Option<Step> {
        match kind {
            FaultKind::Cut => {
                self.stopped = true;
                Some(Step::Stop(None))
            }
            FaultKind::Error(message) => {
                self.stopped = true;
                let kind = SourceErrorKind::Injected(message);
                Some(Step::Stop(Some(SourceError { input: Arc::from("faulty source"), offset: self.offset, kind })))
            }
            FaultKind::Garbage(0) => None,
            FaultKind::Garbage(bytes) => {
                let garbage: Vec<u8> = (0..bytes.min(1 << 20)).map(|_| self.random.next().to_le_bytes()[0]).collect();
                Some(Step::Piece(garbage.into()))
            }
            FaultKind::Lose(bytes) => {
                self.losing = self.losing.saturating_add(bytes);
                None
            }
            FaultKind::Stall(time) => Some(Step::Stall(time)),
        }
    }
}
