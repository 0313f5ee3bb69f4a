//! Clean random access in the middle of a sequence (H.265 §3, clean random access picture), as a place where a group may
//! begin.
//!
//! What is stored behind such a point needs nothing before it but the leading pictures that are called so (RASL), which
//! are stored right behind it and shown before it. Where none of those is wanted the point is as good as one that begins
//! a sequence: the decoder starts anew at it, and what lies between the last wanted picture and it is not decoded. Where
//! one is wanted the point is none.
//!
//! Recovery points of H.264 are not taken for such points: the reference lists of what follows are made of all pictures
//! that are held, those before the point included, so that entries shift where these are missing. In H.265 each picture
//! names its references.

use std::collections::VecDeque;

/// What a frame is to the last random access point that is stored before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tie {
    /// It is one itself, in the middle of a sequence.
    Entry,
    /// It may refer past the point, and nothing that does not may refer to it.
    Past,
    /// It is shown before the point and needs nothing before that, or nobody knows.
    Beside,
    /// It is shown after the point.
    Behind,
}

/// Frames behind a point after which no leading picture of it comes any more: the first may be the second field of the
/// point itself (§7.4.2.4.5).
const BEHIND: u8 = 2;

/// Leading pictures that are waited for; there are fewer than a decoder reorders.
const MAX_PAST: usize = 64;

/// A point on which nothing is decided yet.
#[derive(Debug)]
pub(crate) struct Open {
    /// The frame.
    pub id: u64,
    /// Those that refer past it, as far as they have come.
    pub past: Vec<u64>,
    behind: u8,
}

impl Open {
    /// All that may refer past it has come.
    pub(crate) fn is_complete(&self) -> bool {
        self.behind >= BEHIND
    }
}

/// The points on which nothing is decided yet, in stored order.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    pub open: VecDeque<Open>,
}

impl Entries {
    /// A point has come.
    pub(crate) fn enter(&mut self, id: u64) {
        self.close();
        self.open.push_back(Open { id, past: Vec::new(), behind: 0 });
    }

    /// A frame has come that is no point.
    pub(crate) fn follow(&mut self, id: u64, tie: Tie) {
        let Some(last) = self.open.back_mut() else { return };
        match tie {
            Tie::Past if last.past.len() < MAX_PAST => last.past.push(id),
            Tie::Past => {
                self.open.pop_back();
            }
            Tie::Behind => last.behind = last.behind.saturating_add(1),
            Tie::Entry | Tie::Beside => {}
        }
    }

    /// What comes next belongs to another point.
    pub(crate) fn close(&mut self) {
        if let Some(last) = self.open.back_mut() {
            last.behind = BEHIND;
        }
    }
}
