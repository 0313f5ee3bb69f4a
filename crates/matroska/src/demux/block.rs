//! SimpleBlock and BlockGroup (RFC 9559 §10), taken apart without copying.

use bytes::{Buf, Bytes};
use kineframe_ebml::{ElementHeader, ElementId, Error, ErrorKind, Limits, children};

use super::encoding::{self, Scope};
use super::lacing;
use crate::{
    Block, BlockFrame, BlockFrames, BlockOrigin, ContentEncoding, Lacing, MatroskaSchema, SegmentTicks, Tracks, ids,
};

/// What a block needs to know of its surroundings.
pub(super) struct Context<'a> {
    pub(super) cluster: Option<SegmentTicks>,
    pub(super) tracks: Option<&'a Tracks>,
    pub(super) limits: &'a Limits,
}

impl Context<'_> {
    /// The encodings of a track's frames; empty for nearly every track.
    fn encodings(&self, track_number: u64) -> &[ContentEncoding] {
        let Some(tracks) = self.tracks else { return &[] };
        match tracks.entries.iter().find(|entry| entry.number == track_number) {
            Some(entry) if encoding::covers(&entry.encodings, Scope::Frames) => &entry.encodings,
            _ => &[],
        }
    }
}

/// The header of a block (RFC 9559 §10.1): 4 to 11 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BlockHeader {
    pub(super) track_number: u64,
    pub(super) relative: i16,
    pub(super) flags: u8,
    /// Bytes of the header.
    pub(super) len: usize,
}

/// Flags of a SimpleBlock (RFC 9559 §10.2); a Block has the first and the last only as reserved bits (§10.1).
const FLAG_KEYFRAME: u8 = 0x80;
pub(super) const FLAGS_RESERVED: u8 = 0x70;
const FLAG_INVISIBLE: u8 = 0x08;
pub(super) const FLAGS_LACING: u8 = 0x06;
const FLAG_DISCARDABLE: u8 = 0x01;

impl BlockHeader {
    /// The SimpleBlock of this header, in a Cluster of this time, without lacing.
    #[inline]
    pub(super) fn block(self, offset: u64, cluster: Option<SegmentTicks>, frames: BlockFrames) -> Block {
        let timestamp = cluster.and_then(|cluster| cluster.0.checked_add(i64::from(self.relative)));
        Block {
            offset,
            origin: BlockOrigin::Simple,
            track_number: self.track_number,
            relative: self.relative,
            timestamp: timestamp.map(SegmentTicks),
            keyframe: self.flags & FLAG_KEYFRAME != 0,
            invisible: self.flags & FLAG_INVISIBLE != 0,
            discardable: self.flags & FLAG_DISCARDABLE != 0,
            lacing: Lacing::None,
            frames,
        }
    }
}

/// Reads a block's header; `None` where `data` is too short for it or the track number is no VINT.
#[inline]
pub(super) fn block_header(data: &[u8]) -> Option<BlockHeader> {
    let (track_number, len) = lacing::vint(data)?;
    let [high, low, flags] = *data.get(len..)?.first_chunk::<3>()?;
    Some(BlockHeader { track_number, relative: i16::from_be_bytes([high, low]), flags, len: len + 3 })
}

/// A SimpleBlock from its data.
///
/// # Errors
/// A header that is too short, lace sizes that do not fit.
pub(super) fn simple_block(header: &ElementHeader, data: Bytes, context: &Context<'_>) -> Result<Block, ErrorKind> {
    let mut block = block(header.data_offset(), data, context)?;
    block.offset = header.offset;
    Ok(block)
}

/// A BlockGroup from its data.
///
/// # Errors
/// Children that do not fit together, no Block among them, and what goes for a SimpleBlock.
pub(super) fn block_group(header: &ElementHeader, data: Bytes, context: &Context<'_>) -> Result<Block, Error> {
    let mut found = None;
    let (mut duration, mut references, mut discard_padding) = (None, Vec::new(), None);
    let mut referenced = false;
    for child in children(data, header.data_offset(), context.limits).within(header.id) {
        let child = child.map_err(|error| error.with_names(&MatroskaSchema))?;
        match child.id() {
            ids::BLOCK if found.is_none() => found = Some((child.header.data_offset(), child.data)),
            ids::BLOCK_DURATION => duration = child.unsigned().ok(),
            // One that cannot be read still says that this is no key frame.
            ids::REFERENCE_BLOCK => {
                referenced = true;
                references.extend(child.signed());
            }
            ids::DISCARD_PADDING => discard_padding = child.signed().ok(),
            _ => {}
        }
    }
    let at = |kind| Error::new(header.offset, kind);
    let (offset, data) = found.ok_or_else(|| at(ErrorKind::Missing("Block")))?;
    let mut block = block(offset, data, context).map_err(at)?;
    block.offset = header.offset;
    block.keyframe = !referenced;
    block.discardable = false;
    block.origin = BlockOrigin::Group { duration, references, discard_padding };
    Ok(block)
}

/// The data of a SimpleBlock or Block, which starts at `offset`.
fn block(offset: u64, mut data: Bytes, context: &Context<'_>) -> Result<Block, ErrorKind> {
    let header = block_header(&data).ok_or(ErrorKind::InvalidValue("a block without a whole header"))?;
    data.advance(header.len);
    let offset = offset.saturating_add(header.len as u64);
    let encodings = context.encodings(header.track_number);
    let mut budget = context.limits.element;
    let mut frame = |offset: u64, data: Bytes| {
        let stored_len = data.len() as u64;
        let data = match encodings {
            [] => Ok(data),
            encodings => encoding::undo(encodings, Scope::Frames, &data, offset, &mut budget),
        };
        BlockFrame { offset, stored_len, data }
    };
    let (lacing, frames) = match (header.flags & FLAGS_LACING) >> 1 {
        0 => (Lacing::None, frame(offset, data).into()),
        kind => {
            let lacing = match kind {
                1 => Lacing::Xiph,
                2 => Lacing::FixedSize,
                _ => Lacing::Ebml,
            };
            let ranges = lacing::frames(lacing, &data)?;
            let frames = ranges.into_iter().map(|range| frame(offset + range.start as u64, data.slice(range)));
            (lacing, frames.collect())
        }
    };
    Ok(Block { lacing, ..header.block(offset, context.cluster, frames) })
}

/// Whether `id` is an element that a BlockGroup may hold.
pub(super) fn is_group_child(id: ElementId) -> bool {
    crate::schema::element(id).is_some_and(|row| row.def.parent == Some(ids::BLOCK_GROUP))
}
