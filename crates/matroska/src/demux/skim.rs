//! Blocks of which the payload is not wanted ([`Payload::Skip`]): they are told like others, with frames that are empty.
//!
//! Of a SimpleBlock only the header is looked at; its payload is let go of as it comes. A BlockGroup is held until it is
//! whole, since what stands behind its Block counts too, and is not gathered. A lace tells its sizes in the payload, so
//! laced blocks are gathered like any other; they are short. So are frames of a track with zlib: whether they are whole
//! streams shows only when they are undone.

use bytes::Bytes;
use kineframe_ebml::{ElementHeader, ElementSize, Error, ErrorKind, MAX_HEADER_LEN, parse_header, value};

use super::block::{BlockHeader, FLAGS_LACING, block_header};
use super::encoding::{self, Scope};
use super::{Demuxer, Payload, Step};
use crate::{Block, BlockFrame, BlockOrigin, Event, ids};

/// Longest header of a block (RFC 9559 §10.1): a track number of eight bytes, and three.
const BLOCK_HEADER: u64 = 11;

/// A block that is being passed over.
#[derive(Debug, Clone, Copy)]
pub(super) enum Passing {
    /// A SimpleBlock of which the beginning may be gone already.
    Simple(ElementHeader, BlockHeader),
    /// A BlockGroup, which is held.
    Group(ElementHeader),
}

impl Passing {
    /// Where the element ends.
    pub(super) fn end(&self) -> u64 {
        let (Passing::Simple(header, _) | Passing::Group(header)) = self;
        header.end_offset().unwrap_or(u64::MAX)
    }
}

impl Demuxer {
    /// The block of this header without its payload. `None`: it is to be gathered all the same.
    pub(super) fn skim(&mut self, header: &ElementHeader) -> Result<Option<Step>, Error> {
        if self.options.payload == Payload::Keep {
            return Ok(None);
        }
        let Some(size) = header.size.known().filter(|size| *size <= self.limits.element) else { return Ok(None) };
        let end = header.data_offset() + size; // both are bounded
        if header.id == ids::BLOCK_GROUP {
            self.passing = Some(Passing::Group(*header));
            return self.skim_group(header, end);
        }
        let needed = end.min(header.data_offset() + MAX_HEADER_LEN as u64);
        if self.input.end() < needed && !self.finished {
            return Ok(Some(self.more(needed)));
        }
        if !self.plausible_block_at(header) {
            return Ok(None);
        }
        match self.block_header_at(header.data_offset(), size) {
            Some(block) if self.can_skip(&block) => {
                self.passing = Some(Passing::Simple(*header, block));
                self.pass(*header, block).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Goes on with a SimpleBlock that is being passed over.
    pub(super) fn pass(&mut self, header: ElementHeader, block: BlockHeader) -> Result<Step, Error> {
        if !self.arrived(&header, "bytes of a block", self.limits.element)? {
            return Ok(Step::More);
        }
        let end = header.end_offset().unwrap_or(u64::MAX);
        let told = self.told(header.offset, BlockOrigin::Simple, block, header.data_offset(), end);
        self.accept(&header, end, false);
        Ok(Step::Event(Event::Block(told)))
    }

    /// A BlockGroup, once it is whole: what [`block_group`](super::block::block_group) tells of gathered data.
    fn skim_group(&mut self, header: &ElementHeader, end: u64) -> Result<Option<Step>, Error> {
        if !self.arrived(header, "bytes of a block", self.limits.element)? {
            return Ok(Some(Step::More));
        }
        let mut found = None;
        let (mut duration, mut references, mut discard_padding) = (None, Vec::new(), None);
        let mut referenced = false;
        let mut at = header.data_offset();
        let mut left = self.limits.elements;
        while at < end {
            let Some(child) = self.child_at(at, end).filter(|_| left > 0) else { return Ok(None) };
            left -= 1;
            let (start, size) = (child.data_offset(), child.size.known().unwrap_or(0));
            at = start + size; // at most `end`
            let mut short =
                || if size <= 8 { self.input.take(start, size as usize) } else { Bytes::from_static(&[0; 9]) };
            match child.id {
                ids::BLOCK if found.is_none() => match self.block_header_at(start, size) {
                    Some(block) if self.can_skip(&block) => found = Some((block, start, at)),
                    _ => return Ok(None),
                },
                ids::BLOCK_DURATION => duration = value::unsigned(&short()).ok(),
                ids::REFERENCE_BLOCK => {
                    referenced = true;
                    references.extend(value::signed(&short()));
                }
                ids::DISCARD_PADDING => discard_padding = value::signed(&short()).ok(),
                _ => {}
            }
        }
        let Some((block, start, stop)) = found else { return Ok(None) };
        let origin = BlockOrigin::Group { duration, references, discard_padding };
        let mut told = self.told(header.offset, origin, block, start, stop);
        (told.keyframe, told.discardable) = (!referenced, false);
        self.accept(header, end, false);
        Ok(Some(Step::Event(Event::Block(told))))
    }

    /// The child at `at` of a parent that ends at `end` and is there whole; `None` where anything is wrong with it.
    fn child_at(&mut self, at: u64, end: u64) -> Option<ElementHeader> {
        let mut scratch = [0; MAX_HEADER_LEN];
        let bytes = self.input.peek(at, &mut scratch);
        let room = usize::try_from(end - at).unwrap_or(usize::MAX);
        let header = parse_header(&bytes[..bytes.len().min(room)], at, &self.limits).ok()??;
        let fits = matches!(header.size, ElementSize::Known(size) if size <= end.saturating_sub(header.data_offset()));
        fits.then_some(header)
    }

    /// The header of the block whose data of `size` bytes starts at `at`.
    fn block_header_at(&mut self, at: u64, size: u64) -> Option<BlockHeader> {
        let mut scratch = [0; MAX_HEADER_LEN];
        let bytes = self.input.peek(at, &mut scratch);
        let within = size.min(BLOCK_HEADER) as usize;
        block_header(bytes.get(..within).unwrap_or(bytes))
    }

    /// Whether nothing that is told of a block hangs on its payload.
    fn can_skip(&self, block: &BlockHeader) -> bool {
        let entries = self.tracks.as_deref().map_or(&[][..], |tracks| &tracks.entries);
        let entry = entries.iter().find(|entry| entry.number == block.track_number);
        block.flags & FLAGS_LACING == 0
            && entry.is_none_or(|entry| !encoding::inflates(&entry.encodings, Scope::Frames))
    }

    /// A block of one frame, whose data lies from `start` to `end`.
    fn told(&self, offset: u64, origin: BlockOrigin, header: BlockHeader, start: u64, end: u64) -> Block {
        let frame = start + header.len as u64;
        let tracks = self.tracks.as_deref().map_or(&[][..], |tracks| &tracks.entries);
        let entry = tracks.iter().find(|entry| entry.number == header.track_number);
        let refused = entry.and_then(|entry| encoding::refused(&entry.encodings, Scope::Frames));
        let data = refused.map_or(Ok(Bytes::new()), |what| Err(Error::new(frame, ErrorKind::Unsupported(what))));
        let frame = BlockFrame { offset: frame, stored_len: end.saturating_sub(frame), data };
        Block { origin, ..header.block(offset, self.cluster_time, frame.into()) }
    }
}
