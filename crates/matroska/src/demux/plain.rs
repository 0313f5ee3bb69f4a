//! The short way for what nearly every element is: a SimpleBlock with one frame, inside one piece.
//!
//! It tells what [`Demuxer::walk`] would tell, and leaves everything else to that. Whether a block comes by this way or
//! by the other depends on how the input was cut, so the tests that cut it everywhere hold the two against each other.

use bytes::Bytes;
use kineframe_ebml::parse_header;

use super::block::{FLAGS_LACING, FLAGS_RESERVED, block_header};
use super::{Demuxer, Payload};
use crate::{BlockFrame, Event, ids};

/// The first byte of a SimpleBlock: its ID.
const SIMPLE_BLOCK: u8 = ids::SIMPLE_BLOCK.0 as u8;

impl Demuxer {
    /// The block at the place of reading, where it is there whole and nothing about it is in question.
    #[inline]
    pub(super) fn plain_block(&mut self) -> Option<Event> {
        let position = self.position;
        let level = self.cluster?;
        if self.skipping.is_some()
            || self.passing.is_some()
            || self.input.end() < self.wait_for
            || level.end.is_some_and(|end| position >= end)
        {
            return None;
        }
        let parent = level.end.or_else(|| self.segment.and_then(|level| level.end));
        let limit = self.limits.element;
        let (piece, within) = self.input.piece(position)?;
        if piece[within] != SIMPLE_BLOCK {
            return None;
        }
        let header = parse_header(&piece[within..], position, &self.limits).ok()??;
        let size = header.size.known().filter(|size| *size <= limit)?;
        let start = within + usize::from(header.header_len);
        let stop = start.checked_add(usize::try_from(size).ok()?)?;
        let data = piece.get(start..stop)?;
        let end = header.data_offset() + size; // both are bounded
        if parent.is_some_and(|parent| end > parent) {
            return None;
        }
        let block = block_header(data)?;
        if block.flags & (FLAGS_LACING | FLAGS_RESERVED) != 0 {
            return None;
        }
        if let Some(tracks) = &self.tracks {
            let entry = tracks.entries.iter().find(|entry| entry.number == block.track_number)?;
            if !entry.encodings.is_empty() {
                return None;
            }
        }
        let frame = start + block.len..stop;
        let frame = BlockFrame {
            offset: header.data_offset() + block.len as u64,
            stored_len: frame.len() as u64,
            data: Ok(match self.options.payload {
                Payload::Keep => piece.slice(frame),
                Payload::Skip => Bytes::new(),
            }),
        };
        self.accept(&header, end, false);
        Some(Event::Block(block.block(position, self.cluster_time, frame.into())))
    }
}
