//! The way back after damage.
//!
//! The search starts right behind the start of one of the elements accepted last, since a damaged size may have
//! swallowed a header, and looks for the four bytes of an ID at which to go on. Those occur in payloads too, so a
//! candidate must hold more than its ID:
//!
//! | candidate | also needed |
//! |---|---|
//! | EBML Header | a DocType `matroska` or `webm` in it, and a Segment right behind it |
//! | Segment | a Top-Level Element with an ID of four bytes right behind its header |
//! | Cluster, in the open Segment | a Timestamp before anything but Void, CRC-32, Position, PrevSize |
//! | Tags, in the open Segment | every element in it fits, and there is a tag |
//!
//! Blocks behind damage in the same Cluster are not looked for: an ID of one byte and a size stand anywhere. They count
//! as skipped up to the next candidate.
//!
//! Each byte is looked at once in a search. Bytes looked at again (a search that goes back, a candidate that is
//! read and turned down) come out of a budget in proportion to the input, so that the whole stays linear.

use kineframe_ebml::{ElementHeader, ElementId, ElementSize, Error, MAX_HEADER_LEN, children, parse_header};

use super::input::Input;
use super::walk::Place;
use super::{Demuxer, History, State, masters};
use crate::{Event, ids};

/// Largest EBML Header and Tags element that a search believes.
const EBML_CANDIDATE: u64 = 1 << 10;
const TAGS_CANDIDATE: u64 = 64 << 10;
/// Bytes looked at again: this many, and so many for each byte of the input.
const EXTRA: u64 = 16 << 20;
const EXTRA_RATIO: u64 = 4;
const CANDIDATES: [ElementId; 4] = [ids::EBML, ids::SEGMENT, ids::CLUSTER, ids::TAGS];
/// Elements whose data a search goes through again.
pub(super) const RECENT: usize = 4;

/// A walk over bytes that looks for the IDs of candidates.
#[derive(Debug)]
struct Search {
    /// The next byte to look at, and the four before it.
    next: u64,
    window: u32,
}

impl Search {
    /// The next of these IDs that starts before `until`. `None`: there is none in the bytes that are there.
    fn find(&mut self, input: &mut Input, until: u64, wanted: &[ElementId]) -> Option<(u64, ElementId)> {
        let last = until.saturating_add(3);
        loop {
            let piece = input.piece_at(self.next);
            let len = piece.len().min(usize::try_from(last.saturating_sub(self.next)).unwrap_or(usize::MAX));
            let piece = piece.get(..len).unwrap_or(piece);
            if piece.is_empty() {
                return None;
            }
            for (index, byte) in piece.iter().enumerate() {
                self.window = self.window << 8 | u32::from(*byte);
                // All of them begin with 0x1_, which few windows do.
                if self.window >> 28 == 1 && wanted.iter().any(|id| id.0 == self.window) {
                    self.next += index as u64 + 1;
                    return Some((self.next - 4, ElementId(self.window)));
                }
            }
            self.next += piece.len() as u64;
        }
    }
}

/// A search for a place to go on.
#[derive(Debug)]
pub(super) struct Scan {
    /// What was wrong.
    pub(super) error: Error,
    /// The element that could not be read.
    pub(super) failed_at: u64,
    /// Where the search began.
    from: u64,
    search: Search,
    /// A place where an ID stands, not judged yet for want of bytes.
    candidate: Option<(u64, ElementId)>,
    /// Where the elements accepted last started, oldest first.
    starts: Vec<u64>,
}

/// The place of an element in [`History::recent`].
#[inline]
fn ring(index: u64) -> usize {
    (index % RECENT as u64) as usize
}

impl History {
    /// An element was read whole, or the header of one that is open.
    #[inline]
    pub(super) fn accept(&mut self, offset: u64, anchor: bool) {
        if anchor {
            self.anchor = Some(offset);
            self.since = 0;
        } else {
            self.recent[ring(self.since)] = offset;
            self.since += 1;
        }
    }

    /// Where the elements after the anchor started, of which it is still known, oldest first.
    fn recent(&self) -> impl Iterator<Item = u64> {
        (self.since.saturating_sub(RECENT as u64)..self.since).map(|index| self.recent[ring(index)])
    }

    /// Where the element accepted last after the anchor started.
    pub(super) fn last(&self) -> Option<u64> {
        self.since.checked_sub(1).map(|index| self.recent[ring(index)])
    }

    /// Where a search would begin. Never at or before the last anchor, so that each search gets further.
    fn floor(&self) -> u64 {
        if self.since >= RECENT as u64 {
            self.recent[ring(self.since)] + 1
        } else {
            self.anchor.map_or(0, |anchor| anchor + 1)
        }
    }

    /// Whether `bytes` at `place` may be looked at again.
    fn spend(&mut self, bytes: u64, place: u64) -> bool {
        let spent = self.extra.saturating_add(bytes);
        let allowed = spent <= place.saturating_mul(EXTRA_RATIO).saturating_add(EXTRA);
        if allowed {
            self.extra = spent;
        }
        allowed
    }
}

impl Demuxer {
    /// The first byte that a search would need if reading broke off at `reach`.
    pub(super) fn search_from(&self, reach: u64) -> u64 {
        self.history.floor().max(reach.saturating_sub(self.options.keep))
    }

    /// A search for what comes after `error`.
    pub(super) fn plan_scan(&mut self, error: Error) -> Scan {
        let failed_at = self.position;
        let mut from = self.search_from(self.reach());
        if from < failed_at && !self.history.spend(failed_at - from, failed_at) {
            from = failed_at.max(self.history.anchor.map_or(0, |anchor| anchor + 1));
        }
        let mut starts: Vec<u64> = self.history.anchor.into_iter().collect();
        starts.extend(self.history.recent());
        Scan { error, failed_at, from, search: Search { next: from, window: 0 }, candidate: None, starts }
    }

    /// Searches on. `false`: more bytes are needed.
    pub(super) fn scan(&mut self) -> bool {
        let State::Scan(mut scan) = std::mem::replace(&mut self.state, State::Walk) else { return true };
        loop {
            if scan.candidate.is_none() {
                scan.candidate = scan.search.find(&mut self.input, u64::MAX, &CANDIDATES);
            }
            let Some((at, id)) = scan.candidate else {
                if self.finished {
                    let end = self.input.end();
                    self.resume(&scan, end);
                    return true;
                }
                self.input.release(scan.search.next.saturating_sub(3).max(scan.from));
                self.state = State::Scan(scan);
                return false;
            };
            match self.judge(at, id) {
                Some(true) => {
                    self.resume(&scan, at);
                    return true;
                }
                Some(false) => scan.candidate = None,
                None => {
                    self.input.release(at);
                    self.state = State::Scan(scan);
                    return false;
                }
            }
        }
    }

    /// Whether no document starts between `from` and `until` that what was read there has swallowed. `None`:
    /// more bytes are needed to say so.
    ///
    /// Asked only where something odd was read, and of the last block of a Cluster of unknown size. Each byte is looked
    /// at once.
    pub(super) fn nothing_swallowed(&mut self, from: u64, until: u64) -> Option<bool> {
        let from = from.max(self.search_from(self.reach())).max(self.history.searched);
        let mut search = Search { next: from, window: 0 };
        while let Some((at, id)) = search.find(&mut self.input, until, &[ids::EBML, ids::SEGMENT]) {
            match self.judge(at, id) {
                Some(true) => return Some(false),
                Some(false) => self.history.searched = at + 1,
                None => {
                    self.history.searched = at;
                    self.wait_for = self.input.end() + 1;
                    return None;
                }
            }
        }
        let seen = until.saturating_add(3);
        if self.input.end() < seen && !self.finished {
            // An ID that starts before `until` may reach beyond it.
            self.wait_for = seen;
            return None;
        }
        self.history.searched = until;
        Some(true)
    }

    /// Goes on at `at`, or with the end of the input.
    fn resume(&mut self, scan: &Scan, at: u64) {
        let lost = if at >= scan.failed_at {
            scan.failed_at
        } else {
            // The place lies inside an element that was believed: that one was none.
            scan.starts.iter().rev().copied().find(|start| *start < at).unwrap_or(at)
        };
        self.queue.push_back(Event::Damage { offset: lost, length: at - lost, error: scan.error.clone() });
        for level in [&mut self.segment, &mut self.cluster].into_iter().flatten() {
            level.broken.get_or_insert(lost);
        }
        self.position = at;
        self.skipping = None;
        self.passing = None;
        self.wait_for = 0;
        self.history.accept(at, true);
        self.history.trusted = 0;
        self.history.searched = at;
        self.state = State::Walk;
    }

    /// Whether reading can go on at `at`. `None`: more bytes are needed to say so.
    pub(super) fn judge(&mut self, at: u64, id: ElementId) -> Option<bool> {
        let header = match self.candidate_header(at) {
            Ok(header) => header,
            Err(answer) => return answer,
        };
        let inside = self.segment.is_some_and(|level| level.end.is_none_or(|end| at < end));
        match id {
            ids::EBML => self.judge_ebml(&header),
            ids::SEGMENT => match self.candidate_header(header.data_offset()) {
                Ok(child) => {
                    let top = matches!(Place::of(child.id), Place::TopLevel | Place::Cluster);
                    let fits = match (header.end_offset(), child.end_offset()) {
                        (Some(end), Some(child)) => child <= end,
                        _ => true,
                    };
                    Some(top && fits)
                }
                Err(answer) => answer,
            },
            ids::CLUSTER => {
                if inside {
                    self.judge_cluster(&header)
                } else {
                    Some(false)
                }
            }
            ids::TAGS => {
                if inside {
                    self.judge_tags(&header)
                } else {
                    Some(false)
                }
            }
            _ => Some(false),
        }
    }

    /// The header at `at`, or what its absence says of the candidate.
    fn candidate_header(&mut self, at: u64) -> Result<ElementHeader, Option<bool>> {
        let mut scratch = [0; MAX_HEADER_LEN];
        match parse_header(self.input.peek(at, &mut scratch), at, &self.options.limits) {
            Ok(Some(header)) => Ok(header),
            Ok(None) => Err(self.finished.then_some(false)),
            Err(_) => Err(Some(false)),
        }
    }

    fn judge_ebml(&mut self, header: &ElementHeader) -> Option<bool> {
        let size = header.size.known().filter(|size| *size <= EBML_CANDIDATE);
        let Some((size, end)) = size.zip(header.end_offset()) else { return Some(false) };
        if self.input.end() < end {
            return self.finished.then_some(false);
        }
        let segment = match self.candidate_header(end) {
            Ok(next) => next.id == ids::SEGMENT,
            Err(answer) => return answer,
        };
        if !segment || !self.history.spend(size, header.offset) {
            return Some(false);
        }
        let data = self.input.take(header.data_offset(), size as usize);
        let (ebml, problem) = masters::ebml_header(header, data, &self.options.limits);
        let structural = problem.is_some_and(|problem| problem.structural);
        Some(!structural && matches!(ebml.doc_type.as_str(), "matroska" | "webm"))
    }

    fn judge_cluster(&mut self, header: &ElementHeader) -> Option<bool> {
        let parent = self.segment.and_then(|level| level.end);
        if let (Some(end), Some(parent)) = (header.end_offset(), parent)
            && end > parent
        {
            return Some(false);
        }
        let mut at = header.data_offset();
        for _ in 0..4 {
            let child = match self.candidate_header(at) {
                Ok(child) => child,
                Err(answer) => return answer,
            };
            let ElementSize::Known(size) = child.size else { return Some(false) };
            match child.id {
                ids::TIMESTAMP => return Some((1..=8).contains(&size)),
                ids::POSITION | ids::PREV_SIZE if size <= 8 => {}
                ElementId::CRC32 if size == 4 => {}
                ElementId::VOID if size <= TAGS_CANDIDATE => {}
                _ => return Some(false),
            }
            at = child.data_offset() + size;
        }
        Some(false)
    }

    fn judge_tags(&mut self, header: &ElementHeader) -> Option<bool> {
        let parent = self.segment.and_then(|level| level.end);
        let size = header.size.known().filter(|size| *size <= TAGS_CANDIDATE);
        let Some((size, end)) = size.zip(header.end_offset()) else { return Some(false) };
        if parent.is_some_and(|parent| end > parent) {
            return Some(false);
        }
        if self.input.end() < end {
            return self.finished.then_some(false);
        }
        if !self.history.spend(size, header.offset) {
            return Some(false);
        }
        let data = self.input.take(header.data_offset(), size as usize);
        let only_tags = children(&data[..], header.data_offset(), &self.limits)
            .all(|child| child.is_ok_and(|child| child.id() == ids::TAG || child.id().is_global()));
        let (tags, problem) = masters::tags(header, data, &self.options.limits);
        Some(only_tags && problem.is_none() && !tags.tags.is_empty())
    }
}
