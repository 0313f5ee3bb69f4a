//! Coding units, prediction units and transform trees (H.265 §7.3.8.5 to §7.3.8.10, §7.3.8.12, §7.3.8.14).

use kineframe_codec::ChromaSampling;

use super::tables::*;
use super::{Fault, Outcome, Reader};
use crate::h265::SliceType;

/// A coding unit, as far as its transform tree asks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unit {
    pub(super) address: u32,
    pub(super) intra: bool,
    /// Four intra blocks.
    pub(super) quarters: bool,
    /// Cut for prediction, in any way.
    cut: bool,
    /// `MaxTrafoDepth`.
    depth: u8,
    /// Luma and chroma prediction mode of each quarter, and whether the chroma mode is derived.
    modes: [(u8, u8, bool); 4],
    at: (u32, u32),
    log2: u32,
}

/// A node of a transform tree: coded blocks of chroma at it or, for the smallest, above it.
#[derive(Debug, Clone, Copy)]
struct Node {
    at: (u32, u32),
    log2: u32,
    depth: u8,
    index: u8,
    chroma: [bool; 2],
}

impl Reader<'_> {
    pub(super) fn coding_unit(&mut self, address: u32, at: (u32, u32), log2: u32, depth: u8) -> Outcome<()> {
        let (x, y) = at;
        let side = 1 << log2;
        let inter_slice = self.tail.slice_type != SliceType::I;
        self.bypass = self.pps.lossless && self.cabac.bin(TRANSQUANT_BYPASS);
        let mut skipped = false;
        if inter_slice {
            let of = |at: Option<(u32, u32)>| at.is_some_and(|(x, y)| self.maps.unit(x, y).1);
            let left = of(self.is_there(address, x.checked_sub(1), Some(y)));
            let above = of(self.is_there(address, Some(x), y.checked_sub(1)));
            skipped = self.cabac.bin(SKIP + usize::from(left) + usize::from(above));
        }
        self.maps.set_unit(at, side, depth, skipped);
        if skipped {
            self.maps.set_mode(at, side, 1);
            self.merge_index();
            return Ok(());
        }
        let intra = !inter_slice || self.cabac.bin(PRED_MODE);
        let smallest = log2 == u32::from(self.sps.min_cb_log2);
        let mut unit = Unit {
            address,
            intra,
            quarters: false,
            cut: false,
            depth: self.sps.transform_depth_inter,
            modes: [(1, 1, false); 4],
            at,
            log2,
        };
        let mut merged_whole = false;
        if intra {
            unit.quarters = smallest && !self.cabac.bin(PART_MODE);
            if unit.quarters && log2 <= u32::from(self.sps.min_tb_log2) {
                return Err(Fault("part_mode"));
            }
            unit.cut = unit.quarters;
            unit.depth = self.sps.transform_depth_intra + u8::from(unit.quarters);
            self.intra_modes(&mut unit);
        } else {
            self.maps.set_mode(at, side, 1);
            let parts = self.parts(log2, smallest);
            unit.cut = parts.len() > 1;
            for (width, height) in parts {
                let merged = self.prediction_unit(width, height, depth);
                merged_whole = merged && !unit.cut;
            }
        }
        if !intra && !merged_whole && !self.cabac.bin(ROOT_CBF) {
            return Ok(());
        }
        self.transform_tree(&unit, Node { at, log2, depth: 0, index: 0, chroma: [true; 2] })
    }

    /// `part_mode` of an inter coding unit: width and height of each part.
    fn parts(&mut self, log2: u32, smallest: bool) -> Vec<(u32, u32)> {
        let side = 1_u32 << log2;
        let (half, quarter) = (side / 2, side / 4);
        if self.cabac.bin(PART_MODE) {
            return vec![(side, side)];
        }
        let rows = self.cabac.bin(PART_MODE + 1);
        if smallest {
            if !rows && log2 > 3 && !self.cabac.bin(PART_MODE + 2) {
                return vec![(half, half); 4];
            }
        } else if self.sps.asymmetric_partitions && !self.cabac.bin(PART_MODE + 3) {
            let far = self.cabac.bypass();
            let (one, other) = if far { (side - quarter, quarter) } else { (quarter, side - quarter) };
            return if rows { vec![(side, one), (side, other)] } else { vec![(one, side), (other, side)] };
        }
        if rows { vec![(side, half); 2] } else { vec![(half, side); 2] }
    }

    /// Reads the modes of intra blocks and derives them (§8.4.2, §8.4.3).
    fn intra_modes(&mut self, unit: &mut Unit) {
        let count = if unit.quarters { 4 } else { 1 };
        let side = (1 << unit.log2) >> u32::from(unit.quarters);
        let mut listed = [false; 4];
        listed.iter_mut().take(count).for_each(|flag| *flag = self.cabac.bin(PREV_INTRA));
        for (index, listed) in (0_u32..).zip(listed).take(count) {
            let at = (unit.at.0 + side * (index % 2), unit.at.1 + side * (index / 2));
            let candidates = self.candidates(unit.address, at);
            let mode = if listed {
                let place = if !self.cabac.bypass() { 0 } else { 1 + usize::from(self.cabac.bypass()) };
                candidates[place]
            } else {
                let mut mode = (0..5).fold(0_u8, |mode, _| mode << 1 | u8::from(self.cabac.bypass()));
                let mut sorted = candidates;
                sorted.sort_unstable();
                for candidate in sorted {
                    mode += u8::from(mode >= candidate);
                }
                mode
            };
            self.maps.set_mode(at, side, mode);
            if let Some(slot) = unit.modes.get_mut(index as usize) {
                slot.0 = mode;
            }
        }
        if !unit.quarters {
            unit.modes = [unit.modes[0]; 4];
        }
        let chroma = match self.sps.chroma {
            ChromaSampling::Monochrome => 0,
            ChromaSampling::Yuv444 => count,
            _ => 1,
        };
        for index in 0..chroma {
            let derived = !self.cabac.bin(CHROMA_MODE);
            let code =
                if derived { 0 } else { usize::from(self.cabac.bypass()) * 2 + usize::from(self.cabac.bypass()) };
            let luma = unit.modes[index].0;
            let mode = match [0, 26, 10, 1][code] {
                _ if derived => luma,
                mode if mode == luma => 34,
                mode => mode,
            };
            (unit.modes[index].1, unit.modes[index].2) = (mode, derived);
        }
        if chroma == 1 {
            let (_, mode, derived) = unit.modes[0];
            unit.modes.iter_mut().for_each(|slot| (slot.1, slot.2) = (mode, derived));
        }
    }

    /// `candModeList`.
    fn candidates(&self, address: u32, (x, y): (u32, u32)) -> [u8; 3] {
        let mode = |at: Option<(u32, u32)>| at.map_or(1, |(x, y)| self.maps.mode(x, y));
        let left = mode(self.is_there(address, x.checked_sub(1), Some(y)));
        // Nothing above the coding tree block is remembered.
        let first_line = y.is_multiple_of(1 << self.sps.ctb_log2);
        let above = if first_line { 1 } else { mode(self.is_there(address, Some(x), y.checked_sub(1))) };
        if left != above {
            let third = [0, 1, 26].into_iter().find(|mode| *mode != left && *mode != above).unwrap_or(26);
            return [left, above, third];
        }
        if left < 2 { [0, 1, 26] } else { [left, 2 + (left + 29) % 32, 2 + (left - 2 + 1) % 32] }
    }

    fn merge_index(&mut self) {
        let most = self.tail.merge_candidates - 1;
        if most == 0 || !self.cabac.bin(MERGE_INDEX) {
            return;
        }
        let mut index = 1;
        while index < most && self.cabac.bypass() {
            index += 1;
        }
    }

    /// Whether it is merged.
    fn prediction_unit(&mut self, width: u32, height: u32, depth: u8) -> bool {
        if self.cabac.bin(MERGE_FLAG) {
            self.merge_index();
            return true;
        }
        let mut lists = [true, false];
        if self.tail.slice_type == SliceType::B {
            if width + height != 12 && self.cabac.bin(INTER_PRED + usize::from(depth.min(3))) {
                lists = [true, true];
            } else if self.cabac.bin(INTER_PRED + 4) {
                lists = [false, true];
            }
        }
        let both = lists == [true, true];
        for (list, used) in lists.into_iter().enumerate() {
            if !used {
                continue;
            }
            self.reference_index(self.tail.active[list]);
            if !(list == 1 && both && self.tail.mvd_l1_zero) {
                self.motion_difference();
            }
            self.cabac.bin(MVP_FLAG);
        }
        false
    }

    fn reference_index(&mut self, active: u32) {
        let mut index = 0;
        while index + 1 < active {
            let more = if index < 2 { self.cabac.bin(REF_INDEX + index as usize) } else { self.cabac.bypass() };
            if !more {
                break;
            }
            index += 1;
        }
    }

    fn motion_difference(&mut self) {
        let nonzero = [self.cabac.bin(MVD_GREATER0), self.cabac.bin(MVD_GREATER0)];
        let large = nonzero.map(|nonzero| nonzero && self.cabac.bin(MVD_GREATER1));
        for (nonzero, large) in nonzero.into_iter().zip(large) {
            if large {
                // Exp-Golomb of first order; no difference needs more than 16 bits.
                let mut order = 1;
                while order < 17 && self.cabac.bypass() {
                    order += 1;
                }
                self.skip(order);
            }
            if nonzero {
                self.cabac.bypass();
            }
        }
    }

    fn transform_tree(&mut self, unit: &Unit, node: Node) -> Outcome<()> {
        let sps = self.sps;
        let Node { at: (x, y), log2, depth, .. } = node;
        let (least, most) = (u32::from(sps.min_tb_log2), u32::from(sps.max_tb_log2));
        let cut_intra = unit.quarters && depth == 0;
        let split = if log2 <= most && log2 > least && depth < unit.depth && !cut_intra {
            self.cabac.bin(SPLIT_TRANSFORM + 5 - log2.min(5) as usize)
        } else {
            let cut_inter = sps.transform_depth_inter == 0 && !unit.intra && unit.cut && depth == 0;
            log2 > most || cut_intra || cut_inter
        };
        let mut chroma = node.chroma;
        let full = sps.chroma == ChromaSampling::Yuv444;
        if sps.chroma == ChromaSampling::Monochrome {
            chroma = [false; 2];
        } else if log2 > 2 || full {
            // What is not coded above is not coded here.
            chroma = chroma.map(|above| above && self.cabac.bin(CBF_CHROMA + usize::from(depth.min(4))));
        }
        if split {
            if log2 <= 2 {
                return Err(Fault("split_transform_flag"));
            }
            let half = (1 << log2) / 2;
            for (index, at) in (0..).zip([(x, y), (x + half, y), (x, y + half), (x + half, y + half)]) {
                self.transform_tree(unit, Node { at, log2: log2 - 1, depth: depth + 1, index, chroma })?;
            }
            return Ok(());
        }
        let any = chroma[0] || chroma[1];
        let luma = !(unit.intra || depth != 0 || any) || self.cabac.bin(CBF_LUMA + usize::from(depth == 0));
        if luma || any { self.transform_unit(unit, Node { chroma, ..node }, luma) } else { Ok(()) }
    }

    fn transform_unit(&mut self, unit: &Unit, node: Node, luma: bool) -> Outcome<()> {
        let any = node.chroma[0] || node.chroma[1];
        if self.pps.qp_delta_depth.is_some() && !self.qp_delta_coded {
            self.qp_delta()?;
        }
        if self.tail.chroma_offsets && any && !self.bypass && !self.chroma_offset_coded {
            let length = self.pps.chroma_offset_list.map_or(1, |(_, length)| length);
            if self.cabac.bin(CHROMA_OFFSET_FLAG) {
                let mut index = 0;
                while index + 1 < length && self.cabac.bin(CHROMA_OFFSET_INDEX) {
                    index += 1;
                }
            }
            self.chroma_offset_coded = true;
        }
        // Which quarter of the coding unit it lies in.
        let half = (1 << unit.log2) / 2;
        let quarter = usize::from(node.at.0 >= unit.at.0 + half) + 2 * usize::from(node.at.1 >= unit.at.1 + half);
        let (luma_mode, chroma_mode, derived) = unit.modes[quarter];
        if luma {
            self.residual(unit, node.log2, 0, luma_mode)?;
        }
        let full = self.sps.chroma == ChromaSampling::Yuv444;
        if node.log2 > 2 || full {
            let log2 = if full { node.log2 } else { node.log2 - 1 };
            let predicted = self.pps.cross_component && luma && full && (!unit.intra || derived);
            for (plane, coded) in [(1, node.chroma[0]), (2, node.chroma[1])] {
                if predicted {
                    self.cross_component(plane - 1);
                }
                if coded {
                    self.residual(unit, log2, plane, chroma_mode)?;
                }
            }
        } else if node.index == 3 {
            // The chroma of four 4×4 blocks, with the mode of the first.
            for (plane, coded) in [(1, node.chroma[0]), (2, node.chroma[1])] {
                if coded {
                    self.residual(unit, 2, plane, unit.modes[0].1)?;
                }
            }
        }
        Ok(())
    }

    fn qp_delta(&mut self) -> Outcome<()> {
        let mut value = 0_i32;
        while value < 5 && self.cabac.bin(QP_DELTA + usize::from(value > 0)) {
            value += 1;
        }
        if value == 5 {
            // Exp-Golomb of order 0.
            let mut order = 0;
            while self.cabac.bypass() {
                order += 1;
                if order > 7 {
                    return Err(Fault("cu_qp_delta_abs"));
                }
            }
            value += (1 << order) - 1 + (0..order).fold(0, |bits, _| bits << 1 | i32::from(self.cabac.bypass()));
        }
        let negative = value > 0 && self.cabac.bypass();
        let offset = 3 * (i32::from(self.sps.bit_depth_luma) - 8);
        if value > if negative { 26 + offset } else { 25 + offset } {
            return Err(Fault("cu_qp_delta_abs"));
        }
        self.qp_delta_coded = true;
        Ok(())
    }

    fn cross_component(&mut self, plane: usize) {
        let mut scale = 0;
        while scale < 4 && self.cabac.bin(RES_SCALE + 4 * plane + scale) {
            scale += 1;
        }
        if scale > 0 {
            self.cabac.bin(RES_SCALE_SIGN + plane);
        }
    }
}
