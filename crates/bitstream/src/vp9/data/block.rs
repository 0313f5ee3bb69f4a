//! What is kept of blocks while a frame is read, and of a frame for the next one.

use std::ops::Range;

/// A motion vector, in eighths of a sample; both parts are less than 2¹⁴ from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Mv {
    pub(super) row: i16,
    pub(super) column: i16,
}

/// Where a block lies, in units of 8×8 samples, and its size.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) row: u32,
    pub(super) column: u32,
    /// The sides in units of 4 samples, as powers of two: 0 to 4.
    pub(super) width_log2: u8,
    pub(super) height_log2: u8,
}

impl Place {
    /// In units of 8 samples, at least one.
    pub(super) fn width(&self) -> u32 {
        (1 << self.width_log2 >> 1_u32).max(1)
    }

    pub(super) fn height(&self) -> u32 {
        (1 << self.height_log2 >> 1_u32).max(1)
    }

    /// The block has parts that are predicted on their own.
    pub(super) fn is_small(&self) -> bool {
        self.width_log2.min(self.height_log2) == 0
    }

    /// The largest transform, 0 for 4×4 to 3 for 32×32; also the group that modes are read by.
    pub(super) fn largest_tx(&self) -> u8 {
        self.width_log2.min(self.height_log2).min(3)
    }
}

/// What others need to know of a block.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Block {
    /// There are no coefficients.
    pub(super) skip: bool,
    /// Size of the transform of luma.
    pub(super) tx: u8,
    /// `ref_frame`: 0 where there is none.
    pub(super) refs: [u8; 2],
    /// `interp_filter`, 3 where there is none.
    pub(super) filter: u8,
    /// `seg_id_predicted`.
    pub(super) segment_predicted: bool,
    /// What the mode tells those around it of theirs (`mode_2_counter`).
    pub(super) mode_weight: u8,
    /// Intra modes of its four parts; those of DC where it is predicted from other frames.
    pub(super) modes: [u8; 4],
    /// Motion vectors of its four parts, for each reference.
    pub(super) mvs: [[Mv; 2]; 4],
}

impl Block {
    pub(super) fn is_inter(&self) -> bool {
        self.refs[0] > 0
    }

    pub(super) fn is_compound(&self) -> bool {
        self.refs[1] > 0
    }
}

/// The blocks of a frame. Keeps its memory.
#[derive(Debug, Clone, Default)]
pub(super) struct Field {
    blocks: Vec<Block>,
    /// For each 8×8 samples, the number of its block.
    numbers: Vec<u32>,
    rows: u32,
    columns: u32,
}

impl Field {
    /// An empty one for a frame of so many units; the size has been bounded.
    pub(super) fn begin(&mut self, rows: u32, columns: u32) {
        (self.rows, self.columns) = (rows, columns);
        self.blocks.clear();
        self.numbers.clear();
        self.numbers.resize(rows as usize * columns as usize, u32::MAX);
    }

    /// The block at a place, where there is one by now.
    pub(super) fn at(&self, row: u32, column: u32) -> Option<&Block> {
        if column >= self.columns {
            return None;
        }
        let number = self.numbers.get(row as usize * self.columns as usize + column as usize)?;
        self.blocks.get(*number as usize)
    }

    /// Puts a block where it lies in the frame.
    pub(super) fn put(&mut self, place: &Place, block: Block) {
        let number = u32::try_from(self.blocks.len()).unwrap_or(u32::MAX);
        self.blocks.push(block);
        for cells in cells(&mut self.numbers, place, self.rows, self.columns) {
            cells.fill(number);
        }
    }
}

/// The part of a map of the frame that a block covers, row by row.
fn cells<'m, T>(map: &'m mut [T], place: &Place, rows: u32, columns: u32) -> impl Iterator<Item = &'m mut [T]> {
    let (start, end) = (place.column, (place.column + place.width()).min(columns));
    let width = (columns as usize).max(1);
    let height = place.height().min(rows.saturating_sub(place.row)) as usize;
    map.chunks_mut(width)
        .skip(place.row as usize)
        .take(height)
        .filter_map(move |row| row.get_mut(start as usize..end as usize))
}

/// `SegmentIds` of this frame and of the one before that had any.
#[derive(Debug, Clone, Default)]
pub(super) struct SegmentMaps {
    now: Vec<u8>,
    before: Vec<u8>,
    rows: u32,
    columns: u32,
}

impl SegmentMaps {
    /// Everything is in segment 0.
    pub(super) fn reset(&mut self, rows: u32, columns: u32) {
        (self.rows, self.columns) = (rows, columns);
        for map in [&mut self.now, &mut self.before] {
            map.clear();
            map.resize(rows as usize * columns as usize, 0);
        }
    }

    /// The frame is read: its map is the one before.
    pub(super) fn advance(&mut self) {
        std::mem::swap(&mut self.now, &mut self.before);
    }

    /// `get_segment_id()`: the least of those before.
    pub(super) fn predicted(&mut self, place: &Place) -> u8 {
        let rows = cells(&mut self.before, place, self.rows, self.columns);
        rows.flat_map(|row| row.iter().copied()).min().unwrap_or(0)
    }

    pub(super) fn set(&mut self, place: &Place, id: u8) {
        for row in cells(&mut self.now, place, self.rows, self.columns) {
            row.fill(id);
        }
    }

    /// The block stays in the segments that it was in.
    pub(super) fn keep(&mut self, place: &Place) {
        let before = cells(&mut self.before, place, self.rows, self.columns);
        for (now, before) in cells(&mut self.now, place, self.rows, self.columns).zip(before) {
            now.copy_from_slice(before);
        }
    }
}

/// What lies above the blocks of a row of tiles, or to the left of those of a superblock.
#[derive(Debug, Clone, Default)]
pub(super) struct Edge {
    /// `NonzeroContext`, for each 4 samples of each plane.
    pub(super) nonzero: [Vec<bool>; 3],
    /// `PartitionContext`, for each 8 samples: a bit for each size that is larger than the block there.
    partition: Vec<u8>,
}

impl Edge {
    /// Nothing, along so many units of 8 samples.
    pub(super) fn reset(&mut self, units: u32) {
        // A superblock may go beyond the frame.
        let units = units.next_multiple_of(8) as usize;
        for plane in &mut self.nonzero {
            plane.clear();
            plane.resize(2 * units, false);
        }
        self.partition.clear();
        self.partition.resize(units, 0);
    }

    /// Whether the block there is smaller than 8 << `level`.
    pub(super) fn is_split(&self, at: u32, level: u8) -> bool {
        self.partition.get(at as usize).is_some_and(|sizes| sizes >> level & 1 == 1)
    }

    /// The units there are covered by blocks of this side.
    pub(super) fn set_partition(&mut self, at: Range<u32>, side_log2: u8) {
        if let Some(units) = self.partition.get_mut(at.start as usize..at.end as usize) {
            units.fill(0xf << side_log2 & 0xf);
        }
    }
}
