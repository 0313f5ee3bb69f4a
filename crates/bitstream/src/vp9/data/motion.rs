//! Motion vectors: where they are expected, and what is read (§6.4.18 to §6.4.21, §6.5).

use super::adapt::count;
use super::block::{Block, Field, Mv, Place};
use super::tables::{INTER_MODE, MV_CLASS, MV_FRACTION, MV_JOINT};
use super::tile::{Frame, Near, Tile};
use crate::vp9::header::Feature;
use crate::{Error, ErrorKind};

const NEAREST: u8 = 0;
const NEAR: u8 = 1;
const ZERO: u8 = 2;
const NEW: u8 = 3;

/// `mv_ref_blocks` (§10.3): rows and columns from the block, by the widths and heights of blocks.
type Around = [(i8, i8); 8];
const SMALL: Around = [(-1, 0), (0, -1), (-1, -1), (-2, 0), (0, -2), (-2, -1), (-1, -2), (-2, -2)];
const AROUND: [[Around; 5]; 5] = {
    let mut around = [[SMALL; 5]; 5];
    around[1][2] = [(0, -1), (-1, 0), (1, -1), (-1, -1), (0, -2), (-2, 0), (-2, -1), (-1, -2)];
    around[2][1] = [(-1, 0), (0, -1), (-1, 1), (-1, -1), (-2, 0), (0, -2), (-1, -2), (-2, -1)];
    around[2][2] = [(-1, 0), (0, -1), (-1, 1), (1, -1), (-1, -1), (-3, 0), (0, -3), (-3, -3)];
    around[2][3] = [(0, -1), (-1, 0), (2, -1), (-1, -1), (-1, 1), (0, -3), (-3, 0), (-3, -3)];
    around[3][2] = [(-1, 0), (0, -1), (-1, 2), (-1, -1), (1, -1), (-3, 0), (0, -3), (-3, -3)];
    around[3][3] = [(-1, 1), (1, -1), (-1, 2), (2, -1), (-1, -1), (-3, 0), (0, -3), (-3, -3)];
    around[3][4] = [(0, -1), (-1, 0), (4, -1), (-1, 2), (-1, -1), (0, -3), (-3, 0), (2, -1)];
    around[4][3] = [(-1, 0), (0, -1), (-1, 4), (2, -1), (-1, -1), (-3, 0), (0, -3), (-1, 2)];
    around[4][4] = [(-1, 3), (3, -1), (-1, 4), (4, -1), (-1, -1), (-1, 0), (0, -1), (-1, 6)];
    around
};

/// `RefListMv`: vectors to expect, none of them twice.
#[derive(Debug, Default)]
struct Candidates {
    mvs: [Mv; 2],
    found: usize,
    /// How many are needed.
    wanted: usize,
}

impl Candidates {
    /// Takes one, and tells whether there are enough.
    fn add(&mut self, mv: Mv) -> bool {
        if self.found == 0 {
            self.mvs[0] = mv;
            self.found = 1;
        } else if self.found == 1 && mv != self.mvs[0] {
            self.mvs[1] = mv;
            self.found = 2;
        }
        self.found >= self.wanted
    }

    /// `if_same_ref_frame_add_mv()`, of a part of a block.
    fn same(&mut self, block: &Block, reference: u8, part: usize) -> bool {
        let mvs = block.mvs.get(part).copied().unwrap_or_default();
        if block.refs[0] == reference { self.add(mvs[0]) } else { block.refs[1] == reference && self.add(mvs[1]) }
    }

    /// `if_diff_ref_frame_add_mv()`.
    fn other(&mut self, block: &Block, reference: u8, frame: &Frame<'_>) -> bool {
        let [first, second] = block.mvs[3];
        let turned = |mv: Mv, from| {
            if frame.bias(from) == frame.bias(reference) { mv } else { Mv { row: -mv.row, column: -mv.column } }
        };
        let [of_first, of_second] = block.refs;
        of_first > 0 && of_first != reference && self.add(turned(first, of_first))
            || of_second > 0 && of_second != reference && second != first && self.add(turned(second, of_second))
    }
}

impl Tile<'_> {
    /// `inter_block_mode_info()`.
    pub(super) fn inter_block_mode_info(
        &mut self,
        place: &Place,
        near: &Near,
        feature: Feature,
        block: &mut Block,
    ) -> Result<(), Error> {
        block.refs = self.ref_frames(near, feature);
        let references = 1 + usize::from(block.is_compound());
        for reference in block.refs.iter().take(references) {
            let usable = self.frame.usable.get(usize::from(*reference).wrapping_sub(1));
            if usable != Some(&true) {
                return Err(self.bits.error("ref_frame", ErrorKind::Unavailable));
            }
        }
        let context = self.mode_context(place);
        let mut mode = ZERO;
        if feature.skip {
            if place.is_small() {
                return Err(self.bits.error("seg_feature_active", ErrorKind::Kind));
            }
        } else if !place.is_small() {
            mode = self.inter_mode(context);
        }
        block.filter = self.filter(near);
        if place.is_small() {
            mode = self.small(place, context, references, block)?;
        } else {
            let mut mvs = [Mv::default(); 2];
            if mode != ZERO {
                for (mv, reference) in mvs.iter_mut().zip(block.refs).take(references) {
                    let [nearest, near] = self.candidates(place, reference, None, 1 + usize::from(mode == NEAR));
                    *mv = self.lowered(if mode == NEAR { near } else { nearest });
                    if mode == NEW {
                        *mv = self.new_mv(*mv)?;
                    }
                }
            }
            block.mvs = [mvs; 4];
        }
        block.mode_weight = match mode {
            ZERO => 3,
            NEW => 1,
            _ => 0,
        };
        Ok(())
    }

    /// The parts of a block below 8×8; the mode of the last one.
    fn small(&mut self, place: &Place, context: usize, references: usize, block: &mut Block) -> Result<u8, Error> {
        let (tall, wide) = (place.height_log2 > 0, place.width_log2 > 0);
        let mut best: Option<[Mv; 2]> = None;
        let mut mode = ZERO;
        for part in [0_usize, 1, 2, 3] {
            let (down, right) = (part >= 2, part % 2 == 1);
            let mvs = match (down && tall, right && wide) {
                (true, _) => block.mvs[part % 2],
                (false, true) => block.mvs[part & 2],
                (false, false) => {
                    mode = self.inter_mode(context);
                    let mut mvs = [Mv::default(); 2];
                    for (index, (mv, reference)) in mvs.iter_mut().zip(block.refs).take(references).enumerate() {
                        if mode == NEAREST || mode == NEAR {
                            *mv = self.of_part(place, part, (index, reference), block, mode == NEAR);
                        }
                    }
                    if mode == NEW {
                        let mut nearest = [Mv::default(); 2];
                        for (mv, reference) in nearest.iter_mut().zip(block.refs).take(references) {
                            if best.is_none() {
                                *mv = self.lowered(self.candidates(place, reference, None, 1)[0]);
                            }
                        }
                        let best = *best.get_or_insert(nearest);
                        for (mv, expected) in mvs.iter_mut().zip(best).take(references) {
                            *mv = self.new_mv(expected)?;
                        }
                    }
                    mvs
                }
            };
            if let Some(slot) = block.mvs.get_mut(part) {
                *slot = mvs;
            }
        }
        Ok(mode)
    }

    /// `append_sub8x8_mvs()`: the nearest vector of a part, or the near one.
    fn of_part(&self, place: &Place, part: usize, (index, reference): (usize, u8), block: &Block, near: bool) -> Mv {
        let own = |part: usize| block.mvs.get(part).and_then(|mvs| mvs.get(index)).copied().unwrap_or_default();
        if part == 0 {
            let [nearest, second] = self.candidates(place, reference, Some(0), 1 + usize::from(near));
            return if near { second } else { nearest };
        }
        // What lies beside the part, or above it, is nearest; what differs from that is near.
        let nearest = if part == 3 { own(2) } else { own(0) };
        if !near {
            return nearest;
        }
        let before: &[usize] = if part == 3 { &[1, 0] } else { &[] };
        if let Some(other) = before.iter().map(|part| own(*part)).find(|mv| *mv != nearest) {
            return other;
        }
        let list = self.candidates(place, reference, Some(part), 2);
        list.into_iter().find(|mv| *mv != nearest).unwrap_or_default()
    }

    fn inter_mode(&mut self, context: usize) -> u8 {
        let mode = self.bits.tree(&INTER_MODE, self.frame.probs.inter_mode.get(context).unwrap_or(&[128; 3]));
        count(self.work.counts.inter_mode.get_mut(context), mode);
        mode
    }

    fn around(place: &Place) -> &'static Around {
        let row = AROUND.get(usize::from(place.width_log2));
        row.and_then(|row| row.get(usize::from(place.height_log2))).unwrap_or(&SMALL)
    }

    /// The block at this offset, where it lies inside of the tile's columns (`is_inside`).
    fn beside(&self, place: &Place, (down, right): (i8, i8)) -> Option<&Block> {
        let row = place.row.checked_add_signed(down.into())?;
        let column = place.column.checked_add_signed(right.into())?;
        if !self.columns.contains(&column) {
            return None;
        }
        self.work.field.at(row, column)
    }

    /// `ModeContext`.
    fn mode_context(&self, place: &Place) -> usize {
        let two = Self::around(place).iter().take(2);
        let weight: u8 = two.filter_map(|offset| self.beside(place, *offset)).map(|block| block.mode_weight).sum();
        // `counter_to_context`.
        match weight {
            0 => 2,
            1 | 4 => 3,
            2 => 4,
            3 => 1,
            6 => 0,
            18 => 6,
            _ => 5,
        }
    }

    /// `find_mv_refs()`: what is expected first of a block or of its part, then second, of so many as are wanted.
    fn candidates(&self, place: &Place, reference: u8, part: Option<usize>, wanted: usize) -> [Mv; 2] {
        let mut list = Candidates { wanted, ..Candidates::default() };
        self.search(&mut list, place, reference, part);
        // `clamp_mv_ref()`: not further than 16 samples beyond the frame.
        let bound = |value: i16, at: u32, size: u32, end: u32| {
            let start = -64 * i64::from(at) - 128;
            let rest = 64 * (i64::from(end) - i64::from(size) - i64::from(at)) + 128;
            i16::try_from(i64::from(value).max(start).min(rest)).unwrap_or(value)
        };
        list.mvs.map(|mv| Mv {
            row: bound(mv.row, place.row, place.height(), self.frame.rows),
            column: bound(mv.column, place.column, place.width(), self.frame.columns),
        })
    }

    fn search(&self, list: &mut Candidates, place: &Place, reference: u8, part: Option<usize>) {
        let around = Self::around(place);
        for (number, offset) in around.iter().enumerate() {
            let Some(block) = self.beside(place, *offset) else { continue };
            // `idx_n_column_to_subblock`: the part that touches.
            let touching = match (part, offset.1 == 0) {
                _ if number >= 2 => 3,
                (Some(0), false) => 1,
                (Some(0), true) => 2,
                (Some(1), false) => 1,
                (Some(2), true) => 2,
                _ => 3,
            };
            if list.same(block, reference, touching) {
                return;
            }
        }
        let before = self.frame.before.and_then(|field: &Field| field.at(place.row, place.column));
        if before.is_some_and(|block| list.same(block, reference, 3)) {
            return;
        }
        for offset in around {
            let block = self.beside(place, *offset);
            if block.is_some_and(|block| list.other(block, reference, self.frame)) {
                return;
            }
        }
        if let Some(block) = before {
            list.other(block, reference, self.frame);
        }
    }

    /// Small vectors alone have eighths of a sample (`find_best_ref_mvs`).
    fn lowered(&self, mv: Mv) -> Mv {
        if self.has_eighths(mv) {
            return mv;
        }
        // The last bit goes towards 0.
        let even = |value: i16| value - value % 2;
        Mv { row: even(mv.row), column: even(mv.column) }
    }

    /// `usehp`.
    fn has_eighths(&self, mv: Mv) -> bool {
        self.frame.rest.high_precision && mv.row.unsigned_abs() < 64 && mv.column.unsigned_abs() < 64
    }

    /// `read_mv()`: the difference to what was expected.
    fn new_mv(&mut self, expected: Mv) -> Result<Mv, Error> {
        let eighths = self.has_eighths(expected);
        let joint = self.bits.tree(&MV_JOINT, &self.frame.probs.mv_joint);
        count(Some(&mut self.work.counts.mv_joint), joint);
        let row = if joint >= 2 { self.component(0, eighths) } else { 0 };
        let column = if joint % 2 == 1 { self.component(1, eighths) } else { 0 };
        let sum = |expected: i16, difference: i32| {
            // §6.4.20: a vector must lie within 2048 samples.
            let sum = i32::from(expected) + difference;
            i16::try_from(sum).ok().filter(|sum| sum.unsigned_abs() < 1 << 14).ok_or_else(|| {
                let range = ErrorKind::Range { value: sum.into(), min: 1 - (1 << 14), max: (1 << 14) - 1 };
                self.bits.error("mv", range)
            })
        };
        Ok(Mv { row: sum(expected.row, row)?, column: sum(expected.column, column)? })
    }

    /// `read_mv_component()`.
    fn component(&mut self, component: usize, eighths: bool) -> i32 {
        let (Some(probs), Some(counts)) = (self.frame.probs.mv.get(component), self.work.counts.mv.get_mut(component))
        else {
            return 0;
        };
        let bits = &mut self.bits;
        let negative = bits.read(probs.sign);
        count(Some(&mut counts.sign), negative);
        let class = bits.tree(&MV_CLASS, &probs.class);
        count(Some(&mut counts.class), class);
        let (whole, start, fractions, fraction_counts, high, high_counts);
        if class == 0 {
            let bit = bits.read(probs.class0[0]);
            count(Some(&mut counts.class0), bit);
            (whole, start) = (i32::from(bit), 0);
            fractions = &probs.class0_fraction[usize::from(bit)];
            fraction_counts = &mut counts.class0_fraction[usize::from(bit)];
            (high, high_counts) = (probs.class0_high, &mut counts.class0_high);
        } else {
            let mut sum = 0;
            for ((number, probability), counts) in (0..class).zip(&probs.bits).zip(&mut counts.bits) {
                let bit = bits.read(*probability);
                count(Some(counts), bit);
                sum |= i32::from(bit) << number;
            }
            (whole, start) = (sum, 2 << (class + 2));
            fractions = &probs.fraction;
            fraction_counts = &mut counts.fraction;
            (high, high_counts) = (probs.high, &mut counts.high);
        }
        let fraction = bits.tree(&MV_FRACTION, fractions);
        count(Some(fraction_counts), fraction);
        // Where it is not read it is 1, and counts all the same.
        let eighth = !eighths || bits.read(high);
        count(Some(high_counts), eighth);
        let size = start + (whole << 3 | i32::from(fraction) << 1 | i32::from(eighth)) + 1;
        if negative { -size } else { size }
    }
}
