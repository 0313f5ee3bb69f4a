//! Coding tree blocks in the order of tiles (H.265 §6.5.1).

use crate::h265::{Pps, Sps, TileSizes};

/// Where the coding tree blocks of a picture lie.
#[derive(Debug, Clone, Default)]
pub(super) struct Layout {
    /// What it was made for.
    of: Option<(u32, u32, [TileSizes; 2])>,
    across: u32,
    down: u32,
    /// From the order of tiles to that of lines, and back; empty where both are the same.
    to_lines: Vec<u32>,
    to_tiles: Vec<u32>,
    /// The tile of each block, in the order of lines.
    tiles: Vec<u16>,
}

impl Layout {
    /// Makes it that of a picture with these sets.
    pub(super) fn of(&mut self, sps: &Sps, pps: &Pps) {
        let blocks = |length: u32| length.div_ceil(1 << sps.ctb_log2);
        let (across, down) = (blocks(sps.width), blocks(sps.height));
        let of = Some((across, down, [pps.tile_columns.clone(), pps.tile_rows.clone()]));
        if self.of == of {
            return;
        }
        *self = Layout { of, across, down, ..Layout::default() };
        if !pps.tiles {
            return;
        }
        let (columns, rows) = (bounds(&pps.tile_columns, across), bounds(&pps.tile_rows, down));
        let total = (across * down) as usize;
        (self.to_tiles, self.tiles) = (vec![0; total], vec![0; total]);
        for (row, lines) in rows.windows(2).enumerate() {
            for (column, places) in columns.windows(2).enumerate() {
                let (&[top, bottom], &[left, right]) = (lines, places) else { continue };
                for address in (top..bottom).flat_map(|y| (left..right).map(move |x| y * across + x)) {
                    let place = self.to_lines.len() as u32;
                    self.to_lines.push(address);
                    if let (Some(slot), Some(tile)) =
                        (self.to_tiles.get_mut(address as usize), self.tiles.get_mut(address as usize))
                    {
                        (*slot, *tile) = (place, (row * (columns.len() - 1) + column) as u16);
                    }
                }
            }
        }
    }

    /// All blocks.
    pub(super) fn blocks(&self) -> u32 {
        self.across * self.down
    }

    /// Blocks in a line.
    pub(super) fn across(&self) -> u32 {
        self.across
    }

    /// The address of the block at a place in the order of tiles.
    pub(super) fn to_lines(&self, place: u32) -> Option<u32> {
        if self.to_lines.is_empty() {
            return (place < self.blocks()).then_some(place);
        }
        self.to_lines.get(place as usize).copied()
    }

    /// The place in the order of tiles of the block with an address.
    pub(super) fn to_tiles(&self, address: u32) -> Option<u32> {
        if self.to_tiles.is_empty() {
            return (address < self.blocks()).then_some(address);
        }
        self.to_tiles.get(address as usize).copied()
    }

    /// The tile of the block with an address.
    pub(super) fn tile(&self, address: u32) -> u16 {
        self.tiles.get(address as usize).copied().unwrap_or(0)
    }

    /// Whether the block is the first of a line of its tile.
    pub(super) fn begins_line(&self, address: u32) -> bool {
        address.is_multiple_of(self.across) || self.tile(address) != self.tile(address - 1)
    }
}

/// Where tiles begin, and the end of the last one (equations 6-3 and 6-4).
fn bounds(sizes: &TileSizes, total: u32) -> Vec<u32> {
    match sizes {
        TileSizes::Uniform(count) => (0..=*count).map(|place| place * total / count.max(&1)).collect(),
        TileSizes::Listed(sizes) => {
            let mut bounds = vec![0];
            for size in sizes {
                bounds.push(bounds.last().map_or(0, |last: &u32| last.saturating_add(*size).min(total)));
            }
            bounds.push(total);
            bounds
        }
    }
}
