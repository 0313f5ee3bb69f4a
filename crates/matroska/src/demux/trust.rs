//! Whether what stands behind an odd element speaks for it.
//!
//! An unknown element is legal anywhere, and so is nearly every pair of random bytes as its header. So an element
//! that nothing speaks for (unknown, misplaced, damaged inside, a block of no known track) counts only where, after
//! it and any like it, something stands that is not there by chance: an element with a four-byte ID in its place, a
//! block of a known track, the end of the input or of a parent of known size. And in the bytes that were taken for
//! such elements, and for the few before them, no document may start: a damaged size swallows the header of the
//! next one, and the walk may be back in step behind it.

use kineframe_ebml::{ElementHeader, ElementSize, MAX_HEADER_LEN};

use super::Demuxer;
use super::block::is_group_child;
use super::walk::{EBML_HEADER, Place};
use crate::ids;

/// Most odd elements in a row that are looked behind; so many in order are no chance.
const HOPS: usize = 32;

impl Demuxer {
    /// Whether something sensible stands at `at`, after an odd element: a `plain` one if it is only one that can
    /// stand anywhere. `None`: more bytes are needed to say so.
    pub(super) fn trusted(&mut self, at: u64, plain: bool) -> Option<bool> {
        if at <= self.history.trusted {
            return Some(true);
        }
        let start = at;
        let (mut at, mut plain) = (at, plain);
        for _ in 0..HOPS {
            if self.parent_end() == Some(at) || self.segment.is_some_and(|level| level.end == Some(at)) {
                return self.trust(at, plain);
            }
            if at >= self.input.end() {
                return if self.finished { self.trust(at, plain) } else { self.look_ahead(at + 1) };
            }
            let header = match self.header_at(at) {
                Ok(Some(header)) => header,
                // The input is cut off here, which is no fault of what precedes.
                Ok(None) if self.finished => return self.trust(at, plain),
                Ok(None) => return self.look_ahead(self.input.end() + 1),
                Err(_) => return Some(false),
            };
            let place = Place::of(header.id);
            let strong = match place {
                Place::Ebml => header.size.known().is_some_and(|size| size <= EBML_HEADER),
                Place::Segment => true,
                Place::Cluster => self.fits(&header, true),
                Place::TopLevel => self.segment.is_some() && self.fits(&header, true),
                Place::InCluster if self.cluster.is_none() => false,
                Place::Deeper if self.is_swallowed(header.id) => false,
                Place::InCluster if header.id == ids::SIMPLE_BLOCK => {
                    if !self.fits(&header, false) {
                        return Some(false);
                    }
                    let end = header.data_offset() + MAX_HEADER_LEN as u64;
                    if self.input.end() < end.min(header.end_offset().unwrap_or(end)) && !self.finished {
                        return self.look_ahead(self.input.end() + 1);
                    }
                    if !self.plausible_block_at(&header) {
                        // One like the odd one: a stream of blocks whose track is not declared is one all the same.
                        let Some(end) = header.end_offset().filter(|end| end - start <= self.options.keep) else {
                            return Some(false);
                        };
                        plain = false;
                        at = end;
                        continue;
                    }
                    true
                }
                Place::InCluster if header.id == ids::BLOCK_GROUP => {
                    if !self.fits(&header, false) {
                        return Some(false);
                    }
                    match self.header_at(header.data_offset()) {
                        Ok(Some(child)) => is_group_child(child.id) || child.id.is_global(),
                        Ok(None) if self.finished => false,
                        Ok(None) => return self.look_ahead(self.input.end() + 1),
                        Err(_) => false,
                    }
                }
                Place::InCluster | Place::Global | Place::Deeper | Place::Unknown => {
                    let Some(end) = header.end_offset().filter(|_| self.fits(&header, false)) else {
                        return Some(false);
                    };
                    if end - start > self.options.keep {
                        // Too far to look; where a parent of known size holds it, that is enough.
                        return if self.parent_end().is_some() { self.trust(at, plain) } else { Some(false) };
                    }
                    plain &= !matches!(place, Place::Deeper | Place::Unknown);
                    at = end;
                    continue;
                }
            };
            return if strong { self.trust(at, plain) } else { Some(false) };
        }
        self.trust(at, plain)
    }

    fn trust(&mut self, at: u64, plain: bool) -> Option<bool> {
        if !plain && !self.nothing_swallowed(0, at)? {
            return Some(false);
        }
        self.history.trusted = at;
        Some(true)
    }

    fn look_ahead(&mut self, until: u64) -> Option<bool> {
        self.wait_for = until;
        None
    }

    /// Whether an element may be as large as its header says; `top_level` if it ends the open Cluster.
    fn fits(&self, header: &ElementHeader, top_level: bool) -> bool {
        let parent = match top_level {
            true => self.segment.and_then(|level| level.end),
            false => self.parent_end(),
        };
        let end = match header.size {
            ElementSize::Unknown => return header.id == ids::CLUSTER && self.segment.is_some(),
            ElementSize::Known(_) => header.end_offset(),
        };
        match (end, parent) {
            (Some(end), Some(parent)) => end <= parent,
            (Some(end), None) => header.id == ids::CLUSTER || end - header.offset <= self.limits.element,
            (None, _) => false,
        }
    }
}
