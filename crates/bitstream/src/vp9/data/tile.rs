//! A tile: its superblocks, and what they are divided into (§6.4).

use std::ops::Range;

use super::adapt::{Counts, count};
use super::block::{Block, Edge, Field, Place, SegmentMaps};
use super::boolean::Bool;
use super::probs::{Modes, Probs};
use super::tables::{KEY_PARTITIONS, PARTITION};
use crate::vp9::header::{Feature, Head, Rest};
use crate::{Error, ErrorKind};

/// What all blocks of a frame have in common.
#[derive(Debug)]
pub(super) struct Frame<'f> {
    pub(super) head: &'f Head,
    pub(super) rest: &'f Rest,
    pub(super) modes: Modes,
    pub(super) probs: &'f Probs,
    pub(super) features: [Feature; 8],
    /// `FrameIsIntra`.
    pub(super) intra: bool,
    /// In units of 8×8 samples.
    pub(super) rows: u32,
    pub(super) columns: u32,
    /// Bits of a sample.
    pub(super) depth: u8,
    /// `subsampling_x`, `subsampling_y`.
    pub(super) subsampling: (u8, u8),
    /// The size of this reference allows prediction.
    pub(super) usable: [bool; 3],
    /// `UsePrevFrameMvs`: the blocks of the frame before.
    pub(super) before: Option<&'f Field>,
}

impl Frame<'_> {
    /// `ref_frame_sign_bias` of a reference, 1 to 3.
    pub(super) fn bias(&self, reference: u8) -> bool {
        let index = usize::from(reference).wrapping_sub(1);
        self.head.sign_bias.get(index).copied().unwrap_or(false)
    }
}

/// What is changed while the tiles of a frame are read.
#[derive(Debug, Clone, Default)]
pub(super) struct Work {
    pub(super) counts: Counts,
    pub(super) field: Field,
    pub(super) segments: SegmentMaps,
    pub(super) above: Edge,
    pub(super) left: Edge,
    /// `TokenCache`: never read where it was not written for the same block.
    pub(super) tokens: Tokens,
}

/// As many as the largest transform has coefficients.
#[derive(Debug, Clone)]
pub(super) struct Tokens(pub(super) [u8; 1024]);

impl Default for Tokens {
    fn default() -> Self {
        Tokens([0; 1024])
    }
}

/// A tile while it is read.
#[derive(Debug)]
pub(super) struct Tile<'t> {
    pub(super) bits: Bool<'t>,
    pub(super) frame: &'t Frame<'t>,
    pub(super) work: &'t mut Work,
    /// `MiColStart`, `MiColEnd`.
    pub(super) columns: Range<u32>,
}

/// `get_tile_offset()`: the units of a tile.
pub(super) fn span(number: u32, units: u32, log2: u32) -> Range<u32> {
    let blocks = units.div_ceil(8);
    let offset = |number: u32| (((number * blocks) >> log2) << 3).min(units);
    offset(number)..offset(number + 1)
}

impl Tile<'_> {
    /// `decode_tile()` for these rows, and the end of its data.
    pub(super) fn read(mut self, rows: Range<u32>) -> Result<(), Error> {
        for row in rows.step_by(8) {
            self.work.left.reset(8);
            for column in self.columns.clone().step_by(8) {
                self.partition(row, column, 3)?;
            }
        }
        self.bits.exit()
    }

    /// `decode_partition()`, of a square of 8 << `level` samples.
    fn partition(&mut self, row: u32, column: u32, level: u8) -> Result<(), Error> {
        let frame = self.frame;
        if row >= frame.rows || column >= frame.columns {
            return Ok(());
        }
        let units = 1_u32 << level;
        let half = units / 2;
        let (has_rows, has_columns) = (row + half < frame.rows, column + half < frame.columns);
        let above = self.work.above.is_split(column, level);
        let left = self.work.left.is_split(row % 8, level);
        let context = 4 * usize::from(level) + 2 * usize::from(left) + usize::from(above);
        let table = if frame.intra { &KEY_PARTITIONS } else { &frame.probs.partition };
        let probs = table.get(context).unwrap_or(&[128; 3]);
        let kind = match (has_rows, has_columns) {
            (true, true) => self.bits.tree(&PARTITION, probs),
            (false, true) => 1 + 2 * u8::from(self.bits.read(probs[1])),
            (true, false) => 2 + u8::from(self.bits.read(probs[2])),
            (false, false) => 3,
        };
        count(self.work.counts.partition.get_mut(context), kind);
        let (horizontal, vertical, split) = (kind == 1, kind == 2, kind == 3);
        let width_log2 = level + 1 - u8::from(vertical || split);
        let height_log2 = level + 1 - u8::from(horizontal || split);
        let place = |row, column| Place { row, column, width_log2, height_log2 };
        if split && level > 0 {
            for (down, right) in [(0, 0), (0, half), (half, 0), (half, half)] {
                self.partition(row + down, column + right, level - 1)?;
            }
            return Ok(());
        }
        self.block(&place(row, column))?;
        if level > 0 && horizontal && has_rows {
            self.block(&place(row + half, column))?;
        }
        if level > 0 && vertical && has_columns {
            self.block(&place(row, column + half))?;
        }
        self.work.above.set_partition(column..column + units, width_log2);
        self.work.left.set_partition(row % 8..row % 8 + units, height_log2);
        Ok(())
    }

    /// `decode_block()`.
    fn block(&mut self, place: &Place) -> Result<(), Error> {
        let (row, column) = (place.row, place.column);
        let field = &self.work.field;
        let above = row.checked_sub(1).and_then(|row| field.at(row, column)).copied();
        let left = column.checked_sub(1).filter(|left| *left >= self.columns.start);
        let left = left.and_then(|left| field.at(row, left)).copied();
        let near = Near { above, left };
        let mut block = Block { filter: 3, mode_weight: 9, ..Block::default() };
        if self.frame.intra {
            self.intra_frame_mode_info(place, &near, &mut block);
        } else {
            self.inter_frame_mode_info(place, &near, &mut block)?;
        }
        if block.skip {
            self.no_residual(place);
        } else {
            let any = self.residual(place, &block);
            block.skip = block.is_inter() && !place.is_small() && !any;
        }
        self.work.field.put(place, block);
        // What was read behind the end is zeros: more of the same is of no use.
        if self.bits.overrun() { Err(self.bits.error("tile", ErrorKind::Truncated)) } else { Ok(()) }
    }
}

/// The blocks above and to the left of the one that is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Near {
    pub(super) above: Option<Block>,
    pub(super) left: Option<Block>,
}

impl Near {
    /// How many of them this holds of.
    pub(super) fn many(&self, holds: impl Fn(&Block) -> bool) -> usize {
        let one = |block: &Option<Block>| usize::from(block.as_ref().is_some_and(&holds));
        one(&self.above) + one(&self.left)
    }
}
