//! Coding tree units and how they are cut (H.265 §7.3.8.1 to §7.3.8.4).

use super::tables::{SAO_MERGE, SAO_TYPE, SPLIT_CU};
use super::{Fault, Outcome, Reader, Saved, begin};
use kineframe_codec::ChromaSampling;

impl Reader<'_> {
    /// Reads the coding tree units from this place in the order of tiles on. The place after the last one.
    pub(super) fn segment(&mut self, first: u32, resumed: Option<Box<Saved>>) -> Outcome<u32> {
        let mut place = first;
        let mut resumed = resumed;
        loop {
            let address = self.layout.to_lines(place).ok_or(Fault("end_of_slice_segment_flag"))?;
            self.start(address, place == first, resumed.take());
            if let Some(slice) = self.maps.slices.get_mut(address as usize) {
                *slice = self.slice_address;
            }
            self.tree_unit(address)?;
            let across = self.layout.across();
            let (x, tile) = (address % across, self.layout.tile(address));
            // After the second block of a line of its tile.
            let second = x > 0 && !self.layout.begins_line(address) && self.layout.begins_line(address - 1);
            if self.pps.wavefronts && second {
                self.maps.row = Some(Box::new((*self.cabac.contexts(), self.statistics)));
            }
            let ends = self.cabac.terminate();
            place += 1;
            if ends {
                return Ok(place);
            }
            let next = self.layout.to_lines(place).ok_or(Fault("end_of_slice_segment_flag"))?;
            let other_tile = self.pps.tiles && self.layout.tile(next) != tile;
            if other_tile || self.pps.wavefronts && self.layout.begins_line(next) {
                if !self.cabac.terminate() {
                    return Err(Fault("end_of_subset_one_bit"));
                }
                self.cabac.restart(self.cabac.position().div_ceil(8) as usize);
            }
        }
    }

    /// Which contexts a coding tree unit begins with (§9.3.1).
    fn start(&mut self, address: u32, first: bool, resumed: Option<Box<Saved>>) {
        let layout = self.layout;
        let place = layout.to_tiles(address).unwrap_or(0);
        let before = place.checked_sub(1).and_then(|place| layout.to_lines(place));
        let first_of_tile = before.is_none_or(|before| layout.tile(before) != layout.tile(address));
        if first_of_tile {
            self.load(None);
        } else if self.pps.wavefronts && layout.begins_line(address) {
            // The block above and to the right.
            let above = address.checked_sub(layout.across()).map(|above| above + 1);
            let there = above.filter(|above| {
                above % layout.across() != 0
                    && layout.tile(*above) == layout.tile(address)
                    && self.maps.slices.get(*above as usize) == Some(&self.slice_address)
            });
            let row = if there.is_some() { self.maps.row.clone() } else { None };
            self.load(row);
        } else if first {
            self.load(resumed);
        }
    }

    fn load(&mut self, saved: Option<Box<Saved>>) {
        let (contexts, statistics) = saved.map_or_else(|| (begin(&self.tail), [0; 4]), |saved| *saved);
        *self.cabac.contexts() = contexts;
        self.statistics = statistics;
    }

    /// Whether a block before the current one may be looked at (§6.4.1).
    pub(super) fn is_there(&self, address: u32, x: Option<u32>, y: Option<u32>) -> Option<(u32, u32)> {
        let (x, y) = (x?, y?);
        let log2 = self.sps.ctb_log2;
        let other = (y >> log2) * self.layout.across() + (x >> log2);
        let same = other == address
            || self.maps.slices.get(other as usize) == Some(&self.slice_address)
                && self.layout.tile(other) == self.layout.tile(address);
        same.then_some((x, y))
    }

    /// Reads bypass bins of which none decides what comes next.
    pub(super) fn skip(&mut self, count: u32) {
        for _ in 0..count {
            self.cabac.bypass();
        }
    }

    fn tree_unit(&mut self, address: u32) -> Outcome<()> {
        if self.tail.sao_luma || self.tail.sao_chroma {
            self.sao(address);
        }
        let (x, y) = (address % self.layout.across(), address / self.layout.across());
        let log2 = u32::from(self.sps.ctb_log2);
        self.coding_quadtree(address, (x << log2, y << log2), log2, 0)
    }

    fn sao(&mut self, address: u32) {
        let across = self.layout.across();
        let merges = |other: u32| {
            self.maps.slices.get(other as usize) == Some(&self.slice_address)
                && self.layout.tile(other) == self.layout.tile(address)
        };
        let left = !address.is_multiple_of(across) && merges(address - 1);
        let above = address >= across && merges(address - across);
        if left && self.cabac.bin(SAO_MERGE) || above && self.cabac.bin(SAO_MERGE) {
            return;
        }
        let planes = if self.sps.chroma == ChromaSampling::Monochrome { 1 } else { 3 };
        let mut kind = 0;
        for plane in 0..planes {
            if !(if plane == 0 { self.tail.sao_luma } else { self.tail.sao_chroma }) {
                continue;
            }
            if plane < 2 {
                kind = if !self.cabac.bin(SAO_TYPE) { 0 } else { 1 + u8::from(self.cabac.bypass()) };
            }
            if kind == 0 {
                continue;
            }
            let depth = if plane == 0 { self.sps.bit_depth_luma } else { self.sps.bit_depth_chroma };
            let most = (1 << (depth.min(10) - 5)) - 1;
            let mut offsets = 0;
            for _ in 0..4 {
                let mut offset = 0;
                while offset < most && self.cabac.bypass() {
                    offset += 1;
                }
                offsets += u32::from(offset > 0);
            }
            if kind == 1 {
                // Signs and the position of the band.
                self.skip(offsets + 5);
            } else if plane < 2 {
                self.skip(2);
            }
        }
    }

    fn coding_quadtree(&mut self, address: u32, (x, y): (u32, u32), log2: u32, depth: u8) -> Outcome<()> {
        let (sps, pps) = (self.sps, self.pps);
        let (side, least) = (1 << log2, u32::from(sps.min_cb_log2));
        let split = if x + side <= sps.width && y + side <= sps.height && log2 > least {
            let deeper = |at: Option<(u32, u32)>| at.is_some_and(|(x, y)| self.maps.unit(x, y).0 > depth);
            let left = deeper(self.is_there(address, x.checked_sub(1), Some(y)));
            let above = deeper(self.is_there(address, Some(x), y.checked_sub(1)));
            self.cabac.bin(SPLIT_CU + usize::from(left) + usize::from(above))
        } else {
            log2 > least
        };
        let groups = |depth: u8| u32::from(sps.ctb_log2.saturating_sub(depth));
        if pps.qp_delta_depth.is_some_and(|depth| log2 >= groups(depth)) {
            self.qp_delta_coded = false;
        }
        if self.tail.chroma_offsets && pps.chroma_offset_list.is_some_and(|(depth, _)| log2 >= groups(depth)) {
            self.chroma_offset_coded = false;
        }
        if !split {
            return self.coding_unit(address, (x, y), log2, depth);
        }
        let half = side / 2;
        for (x, y) in [(x, y), (x + half, y), (x, y + half), (x + half, y + half)] {
            if x < sps.width && y < sps.height {
                self.coding_quadtree(address, (x, y), log2 - 1, depth + 1)?;
            }
        }
        Ok(())
    }
}
