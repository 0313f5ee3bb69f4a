//! Choice of frames before decoding: what is wanted, and what a wanted picture needs.
//!
//! Frames of one group of pictures (from one clean random access point to the next) are held in stored order until
//! it is certain what becomes of each:
//!
//! | frame | decoded |
//! |---|---|
//! | wanted | yes |
//! | not wanted, no other frame refers to it | no |
//! | not wanted, a reference, a wanted frame of its group is stored behind it | yes, not shown |
//! | not wanted, a reference, none is | no |
//!
//! A group also begins at a clean random access point within a sequence where no wanted frame refers past it: see `entry`.
//!
//! "A reference" is what the bitstream says of itself (`nal_ref_idc`); which references a slice really uses is not
//! looked at. What is held is bounded in bytes: beyond the bound the oldest references are decoded though it is not
//! known yet whether a wanted picture needs them.

mod entry;
mod order;
mod select;
pub(crate) mod timeline;

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use kineframe_bitstream::h264::OutputOrder;

use crate::info::PictureInfo;
use crate::selection::{Range, Selection};
pub(crate) use entry::Tie;
use entry::{Entries, Open};
use order::Order;
use select::{Decision, Selector};
use timeline::Times;

/// What is known of an encoded frame without decoding it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Coded {
    /// It makes a picture that can be shown.
    pub picture: bool,
    /// Another frame may refer to it.
    pub reference: bool,
    /// It is the second field of the frame before it, and shares its fate.
    pub second_field: bool,
    /// Its place in presentation.
    pub order: OutputOrder,
    /// How many frames may be stored before one and presented after it.
    pub depth: usize,
    /// What it is to the random access point before it.
    pub tie: Tie,
}

/// What becomes of a frame.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fate<P> {
    Decode {
        payload: P,
        wanted: bool,
    },
    Drop,
    /// What comes next is of the next group.
    GroupEnd,
}

/// Chooses among the frames of one track. `P` is what it holds of a frame on its way to the decoder.
///
/// A group that has ended stays while the selection is undecided on one of its frames (the last one before a wanted
/// time is known by the one after it), and the next group waits behind it.
#[derive(Debug)]
pub(crate) struct Chooser<P> {
    selector: Selector,
    order: Order,
    held: VecDeque<Held<P>>,
    /// Frames at the front of `held` that are decided on, and of these the ones that were looked at for dropping.
    decided: usize,
    swept: usize,
    /// Frames in `held` that are wanted.
    wanted: BTreeSet<u64>,
    held_bytes: usize,
    bound: usize,
    next_id: u64,
    /// The last frame that went to the decoder.
    decoded: Option<u64>,
    /// The first frame of each group behind the one at the front.
    groups: VecDeque<u64>,
    entries: Entries,
    /// At the last clean random access point a group begins: what refers past it is needed by nobody.
    entered: bool,
    /// Kept to be used again.
    certain: Vec<u64>,
    decisions: Vec<Decision>,
}

#[derive(Debug)]
struct Held<P> {
    id: u64,
    payload: P,
    bytes: usize,
    reference: bool,
    second_field: bool,
    /// What the selector is yet to be told.
    about: Option<(Arc<PictureInfo>, Times)>,
    wanted: Option<bool>,
}

impl<P> Chooser<P> {
    /// Holds at most about `bound` bytes.
    pub(crate) fn new(selection: &Selection, range: Range, bound: usize) -> Self {
        Chooser {
            selector: Selector::new(selection, range),
            order: Order::default(),
            held: VecDeque::new(),
            decided: 0,
            swept: 0,
            wanted: BTreeSet::new(),
            held_bytes: 0,
            bound,
            next_id: 0,
            decoded: None,
            groups: VecDeque::new(),
            entries: Entries::default(),
            entered: false,
            certain: Vec::new(),
            decisions: Vec::new(),
        }
    }

    /// Nothing that follows is wanted.
    pub(crate) fn is_done(&self) -> bool {
        self.selector.is_done()
    }

    /// The next frame in stored order, of `bytes` bytes. `limit` counts down what may still be wanted, over all
    /// tracks.
    pub(crate) fn push(
        &mut self,
        coded: Coded,
        about: (Arc<PictureInfo>, Times),
        (payload, bytes): (P, usize),
        limit: &mut Option<u64>,
        out: &mut Vec<Fate<P>>,
    ) {
        let id = self.next_id;
        self.next_id += 1;
        self.held_bytes += bytes;
        let wanted = if coded.picture { None } else { Some(false) };
        let Coded { second_field, tie, .. } = coded;
        if tie == Tie::Entry {
            self.enter(id);
        } else {
            self.entries.follow(id, tie);
        }
        let reference = coded.reference && !(self.entered && tie == Tie::Past);
        self.held.push_back(Held { id, payload, bytes, reference, second_field, about: Some(about), wanted });
        if coded.picture {
            if self.selector.is_immediate() {
                self.certain.push(id);
            } else {
                self.order.push(coded.order, id, coded.depth, &mut self.certain);
            }
            self.ask();
        }
        self.apply(limit);
        self.release(out);
    }

    /// A clean random access point within a sequence.
    fn enter(&mut self, id: u64) {
        self.entered = false;
        if self.selector.keyframes_only() {
            // No leading picture is wanted.
            self.entries.close();
            self.groups.push_back(id);
            self.entered = true;
        } else if !(self.selector.is_immediate() && self.held.is_empty()) {
            // Where nothing is held back nothing is to be gained, and the point need not wait.
            self.entries.enter(id);
        } else {
            self.entries.close();
        }
    }

    /// A random access point that begins a sequence follows: nothing from there on is presented before what is held, or needs it.
    pub(crate) fn boundary(&mut self, limit: &mut Option<u64>, out: &mut Vec<Fate<P>>) {
        self.order.flush(&mut self.certain);
        self.entries.close();
        self.entered = false;
        self.ask();
        self.apply(limit);
        self.groups.push_back(self.next_id);
        self.release(out);
    }

    /// The track is over.
    pub(crate) fn finish(&mut self, limit: &mut Option<u64>, out: &mut Vec<Fate<P>>) {
        self.order.flush(&mut self.certain);
        self.entries.close();
        self.ask();
        self.selector.finish(&mut self.decisions);
        self.apply(limit);
        self.groups.push_back(self.next_id);
        self.release(out);
    }

    /// Tells the selector of the frames that are next in presentation order.
    fn ask(&mut self) {
        for id in self.certain.drain(..) {
            let Ok(index) = self.held.binary_search_by_key(&id, |held| held.id) else { continue };
            if let Some((info, times)) = self.held.get_mut(index).and_then(|held| held.about.take()) {
                self.selector.push(id, &info, times, &mut self.decisions);
            }
        }
    }

    fn apply(&mut self, limit: &mut Option<u64>) {
        for (id, wanted) in self.decisions.drain(..) {
            let Ok(index) = self.held.binary_search_by_key(&id, |held| held.id) else { continue };
            let Some(held) = self.held.get_mut(index) else { continue };
            let wanted = wanted && limit.is_none_or(|left| left > 0);
            if wanted {
                self.wanted.insert(id);
                if let Some(left) = limit {
                    *left -= 1;
                }
            }
            held.wanted = Some(wanted);
        }
        while self.held.get(self.decided).is_some_and(|held| held.wanted.is_some()) {
            self.decided += 1;
        }
    }

    /// Decides on clean random access points whose leading pictures are decided on.
    fn settle_entries(&mut self) {
        let mut at = 0;
        while let Some(open) = self.entries.open.get(at) {
            let gone = self.held.front().is_none_or(|held| held.id > open.id);
            // One that is not held any more was dropped.
            let wishes = |id: &u64| {
                let index = self.held.binary_search_by_key(id, |held| held.id).ok()?;
                Some(self.held.get(index)?.wanted)
            };
            let none = gone || open.past.iter().filter_map(wishes).any(|wanted| wanted == Some(true));
            let certain = open.is_complete() && open.past.iter().filter_map(wishes).all(|wanted| wanted.is_some());
            if !none && !certain {
                at += 1;
                continue;
            }
            match self.entries.open.remove(at) {
                Some(open) if !none => self.begin_group(&open, at),
                _ => {}
            }
        }
    }

    /// A group begins at a clean random access point: what refers past it is needed by nobody.
    fn begin_group(&mut self, open: &Open, place: usize) {
        self.entered |= place == self.entries.open.len();
        for id in &open.past {
            let Ok(index) = self.held.binary_search_by_key(id, |held| held.id) else { continue };
            if let Some(held) = self.held.get_mut(index) {
                held.reference = false;
                self.swept = self.swept.min(index);
            }
        }
        let at = self.groups.partition_point(|first| *first < open.id);
        self.groups.insert(at, open.id);
    }

    /// Lets go of what is decided on for good, group by group.
    fn release(&mut self, out: &mut Vec<Fate<P>>) {
        self.settle_entries();
        loop {
            // Where the group at the front ends, as far as it has ended.
            let end = self.groups.front().copied();
            let of_front = |held: &Held<P>| end.is_none_or(|end| held.id < end);
            // What lies before a point that is not decided on may yet prove unneeded by what lies behind.
            let limit = [end, self.entries.open.front().map(|open| open.id)].into_iter().flatten().min();
            // Up to the last wanted frame everything has its place; nothing passes one that is undecided.
            let last = self.wanted.range(..limit.unwrap_or(u64::MAX)).next_back().copied();
            let due = |held: &Held<P>, decoded: Option<u64>| {
                let follows = held.second_field && decoded.is_some_and(|first| first + 1 == held.id);
                follows || last.is_some_and(|last| held.id <= last)
            };
            while self.decided > 0 && self.held.front().is_some_and(|held| due(held, self.decoded)) {
                self.let_go(out);
            }
            self.sweep(out);
            if end.is_none() {
                break;
            }
            let open = self.held.iter().skip(self.decided).any(of_front);
            if open {
                break;
            }
            // No frame of the group is wanted any more: what is left of it is not needed.
            while self.held.front().is_some_and(of_front) {
                self.drop_front(out);
            }
            self.groups.pop_front();
            out.push(Fate::GroupEnd);
        }
        // The bound: references at the front are decoded before it is known that they are needed.
        while self.held_bytes > self.bound && self.decided > 0 {
            self.let_go(out);
        }
    }

    /// Drops, among what is newly decided on, the frames that nothing can need.
    fn sweep(&mut self, out: &mut Vec<Fate<P>>) {
        while self.swept < self.decided {
            let useless = |held: &Held<P>| held.wanted == Some(false) && !held.reference;
            if !self.held.get(self.swept).is_some_and(useless) {
                self.swept += 1;
            } else if let Some(held) = self.held.remove(self.swept) {
                self.held_bytes -= held.bytes;
                self.decided -= 1;
                out.push(Fate::Drop);
            }
        }
    }

    /// The frame at the front goes where it belongs.
    fn let_go(&mut self, out: &mut Vec<Fate<P>>) {
        let Some(front) = self.held.front() else { return };
        let follows = front.second_field && self.decoded.is_some_and(|first| first + 1 == front.id);
        if !(front.wanted == Some(true) || front.reference || follows) {
            return self.drop_front(out);
        }
        let Some(held) = self.pop_front() else { return };
        self.decoded = Some(held.id);
        out.push(Fate::Decode { payload: held.payload, wanted: held.wanted == Some(true) });
    }

    fn drop_front(&mut self, out: &mut Vec<Fate<P>>) {
        if self.pop_front().is_some() {
            out.push(Fate::Drop);
        }
    }

    fn pop_front(&mut self) -> Option<Held<P>> {
        let held = self.held.pop_front()?;
        self.held_bytes -= held.bytes;
        self.decided = self.decided.saturating_sub(1);
        self.swept = self.swept.saturating_sub(1);
        self.wanted.remove(&held.id);
        Some(held)
    }
}

#[cfg(test)]
mod tests;
