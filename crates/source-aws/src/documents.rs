//! A list body taken apart into its documents, bytes and all.

use std::collections::VecDeque;

use bytes::Bytes;
use kineframe_fragment::{Event, FragmentNumber, Options, ServiceError, Splitter};

/// Most bytes of one document. The service takes 50 MB from a producer.
const LONGEST: u64 = 256 << 20;

/// One EBML Document of a list body.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) number: Option<FragmentNumber>,
    pub(crate) error: Option<ServiceError>,
    pub(crate) verdict: Verdict,
    pub(crate) pieces: Vec<Bytes>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// A fragment without damage.
    Whole,
    /// The service reports an error.
    Error,
    /// Something was lost on the way, or is lost in the archive.
    Damaged,
}

/// Takes pieces, gives documents.
#[derive(Debug)]
pub(crate) struct Documents {
    splitter: Splitter,
    window: VecDeque<Bytes>,
    /// Where the window begins in the body.
    start: u64,
    end: u64,
    damaged: bool,
    over: bool,
}

impl Default for Documents {
    fn default() -> Self {
        Documents {
            splitter: Splitter::new(Options::default()),
            window: VecDeque::new(),
            start: 0,
            end: 0,
            damaged: false,
            over: false,
        }
    }
}

impl Documents {
    pub(crate) fn push(&mut self, piece: Bytes) {
        self.end = self.end.saturating_add(piece.len() as u64);
        self.window.push_back(piece.clone());
        self.splitter.push(piece);
        while self.end - self.start > LONGEST && self.drop_first() {
            self.damaged = true;
        }
    }

    /// The body ended as a body should.
    pub(crate) fn finish(&mut self) {
        self.over = true;
        self.splitter.finish();
    }

    pub(crate) fn is_over(&self) -> bool {
        self.over
    }

    pub(crate) fn next(&mut self) -> Option<Document> {
        loop {
            // Not strict: it has no errors.
            match self.splitter.next_event().ok()?? {
                Event::Damage(_) => self.damaged = true,
                Event::Finished(tail) => {
                    let end = tail.head.offset.saturating_add(tail.length);
                    let damaged = std::mem::take(&mut self.damaged) || tail.truncated;
                    let pieces = self.take(tail.head.offset, end);
                    let verdict = match (&tail.error, damaged || pieces.is_none()) {
                        (Some(_), _) => Verdict::Error,
                        (None, true) => Verdict::Damaged,
                        (None, false) => Verdict::Whole,
                    };
                    let number = tail.head.number.clone();
                    let pieces = pieces.unwrap_or_default();
                    return Some(Document { number, error: tail.error.clone(), verdict, pieces });
                }
                _ => {}
            }
        }
    }

    fn drop_first(&mut self) -> bool {
        let Some(piece) = self.window.pop_front() else { return false };
        self.start = self.start.saturating_add(piece.len() as u64);
        true
    }

    /// The bytes from `from` to `to`, by handle; what comes before is let go.
    fn take(&mut self, from: u64, to: u64) -> Option<Vec<Bytes>> {
        let whole = self.start <= from && to <= self.end;
        let (mut at, mut pieces) = (self.start, Vec::new());
        for piece in &self.window {
            let end = at.saturating_add(piece.len() as u64);
            let (first, last) = (from.clamp(at, end) - at, to.clamp(at, end) - at);
            if first < last {
                pieces.push(piece.slice(usize::try_from(first).ok()?..usize::try_from(last).ok()?));
            }
            at = end;
        }
        while self.window.front().is_some_and(|piece| self.start.saturating_add(piece.len() as u64) <= to) {
            self.drop_first();
        }
        whole.then_some(pieces)
    }
}
