//! Syntax elements in CABAC (H.264 §9.3.2, §9.3.3.1).

use super::super::SliceType;
use super::cabac::{Arithmetic, Run};
use super::cabac_tables::{LAST_8X8, SIGNIFICANT_8X8};
use super::macroblock::{Block, Entropy};
use super::state::{Kind, Mb, Near, Slice, place};
use super::types::{MbType, Quarter};
use crate::{Error, ErrorKind};

/// Reads macroblocks of a slice.
pub(super) struct Cabac<'a> {
    bins: Arithmetic<'a>,
    /// The macroblock before this one has an `mb_qp_delta` that is not 0.
    qp_changed: bool,
}

impl<'a> Cabac<'a> {
    pub(super) fn new(bins: Arithmetic<'a>) -> Self {
        Cabac { bins, qp_changed: false }
    }

    pub(super) fn position(&self) -> u64 {
        self.bins.position()
    }

    /// `mb_skip_flag`.
    pub(super) fn skips(&mut self, slice: &Slice, near: &Near<'_>) -> bool {
        let base = if slice.kind == SliceType::B { 24 } else { 11 };
        let skips = self.bins.bin(base + near.count(1, |mb| mb.kind != Kind::Skipped));
        if skips {
            self.qp_changed = false;
        }
        skips
    }

    /// `end_of_slice_flag`.
    pub(super) fn ends(&mut self) -> bool {
        self.bins.terminate()
    }

    /// The type of an intra macroblock: its first bin from this context, the others from there on.
    fn intra_type(&mut self, first: usize, next: [usize; 5]) -> u32 {
        if !self.bins.bin(first) {
            return 0;
        }
        if self.bins.terminate() {
            return 25;
        }
        let mut code = 1 + 12 * u32::from(self.bins.bin(next[0]));
        if self.bins.bin(next[1]) {
            code += 4 + 4 * u32::from(self.bins.bin(next[2]));
        }
        code += 2 * u32::from(self.bins.bin(next[3]));
        code + u32::from(self.bins.bin(next[4]))
    }

    fn p_type(&mut self) -> u32 {
        if self.bins.bin(14) {
            return 5 + self.intra_type(17, [18, 19, 19, 20, 20]);
        }
        if self.bins.bin(15) { if self.bins.bin(17) { 1 } else { 2 } } else { 3 * u32::from(self.bins.bin(16)) }
    }

    fn b_type(&mut self, near: &Near<'_>) -> u32 {
        let direct = |mb: &Mb| !matches!(mb.kind, Kind::Skipped | Kind::Direct);
        if !self.bins.bin(27 + near.count(1, direct)) {
            return 0;
        }
        if !self.bins.bin(30) {
            return 1 + u32::from(self.bins.bin(32));
        }
        let mut code = u32::from(self.bins.bin(31));
        for _ in 0..3 {
            code = code << 1 | u32::from(self.bins.bin(32));
        }
        match code {
            0..8 => code + 3,
            13 => 23 + self.intra_type(32, [33, 34, 34, 35, 35]),
            14 => 11,
            15 => 22,
            _ => (code << 1 | u32::from(self.bins.bin(32))) - 4,
        }
    }

    fn b_quarter(&mut self) -> u32 {
        if !self.bins.bin(36) {
            return 0;
        }
        if !self.bins.bin(37) {
            return 1 + u32::from(self.bins.bin(39));
        }
        let mut code = 3;
        if self.bins.bin(38) {
            if self.bins.bin(39) {
                return 11 + u32::from(self.bins.bin(39));
            }
            code = 7;
        }
        code += 2 * u32::from(self.bins.bin(39));
        code + u32::from(self.bins.bin(39))
    }

    /// A component of `mvd`, with what its neighbours have in sum.
    fn mvd_component(&mut self, base: usize, sum: u32) -> Result<u8, Error> {
        let first = match sum {
            0..3 => 0,
            3..=32 => 1,
            _ => 2,
        };
        if !self.bins.bin(base + first) {
            return Ok(0);
        }
        let mut value = 1_u32;
        while value < 9 && self.bins.bin(base + 2 + (value as usize).min(4)) {
            value += 1;
        }
        if value == 9 {
            let suffix = self.bins.run(|bins| suffix(bins, 3, 15));
            value += suffix.ok_or_else(|| self.error("mvd", ErrorKind::Golomb))?;
        }
        self.bins.bypass();
        Ok(value.min(255) as u8)
    }

    /// Significance map and levels of a block with coefficients.
    fn coefficients(&mut self, slice: &Slice, category: usize, most: usize) -> Result<(), Error> {
        const SIGNIFICANT: [[usize; 6]; 2] = [[105, 120, 134, 149, 152, 402], [277, 292, 306, 321, 324, 436]];
        const LAST: [[usize; 6]; 2] = [[166, 181, 195, 210, 213, 417], [338, 353, 367, 382, 385, 451]];
        const LEVEL: [usize; 6] = [227, 237, 247, 257, 266, 426];
        let field = usize::from(slice.field);
        let (significant, last, level) = (SIGNIFICANT[field][category], LAST[field][category], LEVEL[category]);
        let larger_most = 4 - usize::from(category == 3);
        let level_max = slice.level_max;
        // Nearly all bins of a slice are read here.
        let read = self.bins.run(|bins| {
            let count = match category {
                3 => map(bins, most, |index| {
                    // NumC8x8 is 1 with 4 blocks, 2 with 8.
                    let place = (index >> (most / 8)).min(2);
                    (significant + place, last + place)
                }),
                5 => map(bins, most, |index| {
                    let (one, other) = (SIGNIFICANT_8X8[field][index % 63], LAST_8X8[index % 63]);
                    (significant + usize::from(one), last + usize::from(other))
                }),
                _ => map(bins, most, |index| (significant + index, last + index)),
            };
            let (mut ones, mut larger) = (0_usize, 0_usize);
            for _ in 0..count {
                let first = if larger > 0 { 0 } else { (1 + ones).min(4) };
                if !bins.bin(level + first) {
                    ones += 1;
                } else {
                    let next = level + 5 + larger.min(larger_most);
                    let mut value = 2_u32;
                    while value < 15 && bins.bin(next) {
                        value += 1;
                    }
                    if value == 15 {
                        value += suffix(bins, 0, 20).ok_or(None)?;
                    }
                    if value > level_max {
                        return Err(Some(value));
                    }
                    larger += 1;
                }
                bins.bypass();
            }
            Ok(())
        });
        let field = "coeff_abs_level_minus1";
        match read {
            Ok(()) => Ok(()),
            Err(None) => Err(self.error(field, ErrorKind::Golomb)),
            Err(Some(value)) => self.within(field, value.into(), 1, level_max.into()),
        }
    }
}

/// A significance map of `most` places, whose contexts `at` tells: how many coefficients there are.
#[inline(always)]
fn map(bins: &mut Run<'_>, most: usize, at: impl Fn(usize) -> (usize, usize)) -> u32 {
    let mut count = 0;
    for index in 0..most.saturating_sub(1) {
        let (significant, last) = at(index);
        if bins.bin(significant) {
            count += 1;
            if bins.bin(last) {
                return count;
            }
        }
    }
    // None of them was the last: the last place has one.
    count + 1
}

/// The suffix of an Exp-Golomb code of order `k` in bypass bins (§9.3.2.3); `None` with more than so many ones in front.
#[inline(always)]
fn suffix(bins: &mut Run<'_>, mut k: u32, most: u32) -> Option<u32> {
    let mut value = 0_u32;
    let mut ones = 0;
    while bins.bypass() {
        value += 1 << k;
        k += 1;
        ones += 1;
        if ones > most {
            return None;
        }
    }
    for bit in (0..k).rev() {
        value += u32::from(bins.bypass()) << bit;
    }
    Some(value)
}

impl Entropy for Cabac<'_> {
    const WHOLE_8X8: bool = true;

    fn error(&self, field: &'static str, kind: ErrorKind) -> Error {
        Error { unit: "slice data", field, bit: self.position(), kind }
    }

    fn mb_type(&mut self, slice: &Slice, near: &Near<'_>) -> Result<MbType, Error> {
        let kind = match slice.kind {
            SliceType::P | SliceType::Sp => MbType::p(self.p_type()),
            SliceType::B => MbType::b(self.b_type(near)),
            SliceType::I | SliceType::Si => {
                let first = 3 + near.count(1, |mb| mb.kind != Kind::Intra);
                MbType::intra(self.intra_type(first, [6, 7, 8, 9, 10]))
            }
        };
        kind.ok_or_else(|| self.error("mb_type", ErrorKind::Kind))
    }

    fn quarter(&mut self, slice: &Slice) -> Result<Quarter, Error> {
        let quarter = if slice.kind == SliceType::B {
            Quarter::b(self.b_quarter())
        } else if self.bins.bin(21) {
            Quarter::p(0)
        } else if !self.bins.bin(22) {
            Quarter::p(1)
        } else {
            Quarter::p(if self.bins.bin(23) { 2 } else { 3 })
        };
        quarter.ok_or_else(|| self.error("sub_mb_type", ErrorKind::Kind))
    }

    fn transform_8x8(&mut self, near: &Near<'_>) -> Result<bool, Error> {
        Ok(self.bins.bin(399 + near.count(1, |mb| mb.transform_8x8)))
    }

    fn intra_mode(&mut self) -> Result<Option<u8>, Error> {
        if self.bins.bin(68) {
            return Ok(None);
        }
        Ok(Some((0..3).fold(0, |mode, bit| mode | u8::from(self.bins.bin(69)) << bit)))
    }

    fn chroma_mode(&mut self, near: &Near<'_>) -> Result<u8, Error> {
        if !self.bins.bin(64 + near.count(1, |mb| mb.chroma_mode > 0)) {
            return Ok(0);
        }
        if !self.bins.bin(67) {
            return Ok(1);
        }
        Ok(2 + u8::from(self.bins.bin(67)))
    }

    fn ref_idx(&mut self, near: &Near<'_>, mb: &Mb, list: usize, quarter: usize, active: u8) -> Result<u32, Error> {
        let (column, line) = (quarter % 2, quarter / 2);
        let later = |mb: &Mb, quarter: usize| mb.later_reference[list][quarter % 4];
        let left = if column > 0 { later(mb, quarter - 1) } else { near.left.is_some_and(|mb| later(mb, quarter + 1)) };
        let above = if line > 0 { later(mb, quarter - 2) } else { near.above.is_some_and(|mb| later(mb, quarter + 2)) };
        let mut context = 54 + usize::from(left) + 2 * usize::from(above);
        let mut index = 0;
        while self.bins.bin(context) {
            index += 1;
            if index >= u32::from(active) {
                break;
            }
            context = if index == 1 { 58 } else { 59 };
        }
        Ok(index)
    }

    fn mvd(&mut self, near: &Near<'_>, mb: &Mb, list: usize, x: usize, y: usize) -> Result<[u8; 2], Error> {
        let of = |place: Option<(&Mb, usize)>| place.map_or([0; 2], |(mb, index)| mb.mvd[list][index % 16]);
        let (left, above) = (of(near.left_of(mb, x, y)), of(near.above_of(mb, x, y)));
        let across = self.mvd_component(40, u32::from(left[0]) + u32::from(above[0]))?;
        let down = self.mvd_component(47, u32::from(left[1]) + u32::from(above[1]))?;
        Ok([across, down])
    }

    fn coded_block_pattern(&mut self, slice: &Slice, near: &Near<'_>, _: bool) -> Result<u8, Error> {
        // A bit of 0 beside or above makes it 1: a skipped macroblock's bits are.
        let empty = |mb: Option<&Mb>, quarter: usize| mb.is_some_and(|mb| mb.cbp >> quarter & 1 == 0);
        let mut cbp = 0_u8;
        for quarter in 0..4_usize {
            let own = |other: usize| cbp >> other & 1 == 0;
            let left = if quarter & 1 == 1 { own(quarter - 1) } else { empty(near.left, quarter + 1) };
            let above = if quarter > 1 { own(quarter - 2) } else { empty(near.above, quarter + 2) };
            cbp |= u8::from(self.bins.bin(73 + usize::from(left) + 2 * usize::from(above))) << quarter;
        }
        if slice.chroma_blocks > 0 && self.bins.bin(77 + near.count(2, |mb| mb.cbp_chroma() > 0)) {
            cbp |= if self.bins.bin(81 + near.count(2, |mb| mb.cbp_chroma() > 1)) { 2 << 4 } else { 1 << 4 };
        }
        Ok(cbp)
    }

    fn qp_delta(&mut self) -> Result<i32, Error> {
        let mut code = 0;
        let mut context = 60 + usize::from(self.qp_changed);
        while self.bins.bin(context) {
            code += 1;
            if code > 255 {
                return Err(self.error("mb_qp_delta", ErrorKind::Golomb));
            }
            context = if code == 1 { 62 } else { 63 };
        }
        self.qp_changed = code > 0;
        Ok(if code % 2 == 1 { (code + 1) / 2 } else { -(code / 2) })
    }

    fn no_qp_delta(&mut self) {
        self.qp_changed = false;
    }

    fn pcm(&mut self, bits: u64) -> Result<(), Error> {
        let end = self.position().div_ceil(8).checked_mul(8).and_then(|start| start.checked_add(bits));
        let end = end.and_then(|end| usize::try_from(end / 8).ok()).filter(|end| *end <= self.bins.data().len());
        let end = end.ok_or_else(|| self.error("pcm_sample", ErrorKind::Truncated))?;
        self.bins.restart(end);
        Ok(())
    }

    fn residual(&mut self, slice: &Slice, near: &Near<'_>, mb: &Mb, block: Block) -> Result<u8, Error> {
        // What a block outside of the slice counts as.
        let outside = mb.kind.is_intra();
        let dc = |bit: u8| {
            let has = |near: Option<&Mb>| near.map_or(outside, |mb| mb.dc >> bit & 1 == 1);
            usize::from(has(near.left)) + 2 * usize::from(has(near.above))
        };
        let luma = |block: usize| {
            let (x, y) = place(block);
            let has = |place: Option<(&Mb, usize)>| place.map_or(outside, |(mb, index)| mb.luma[index % 16] > 0);
            usize::from(has(near.left_of(mb, x, y))) + 2 * usize::from(has(near.above_of(mb, x, y)))
        };
        let chroma = |plane: usize, block: usize| {
            let has = |mb: &Mb, block: usize| mb.chroma[plane][block % 8] > 0;
            let left =
                if block & 1 == 1 { has(mb, block - 1) } else { near.left.map_or(outside, |mb| has(mb, block + 1)) };
            let above = if block > 1 {
                has(mb, block - 2)
            } else {
                near.above.map_or(outside, |mb| has(mb, slice.chroma_blocks.saturating_sub(2) + block))
            };
            usize::from(left) + 2 * usize::from(above)
        };
        let (category, context, most) = match block {
            Block::LumaDc => (0, 85 + dc(0), 16),
            Block::LumaAc(block) => (1, 89 + luma(block), 15),
            Block::Luma(block) => (2, 93 + luma(block), 16),
            Block::ChromaDc(plane) => (3, 97 + dc(plane as u8 + 1), slice.chroma_blocks),
            Block::ChromaAc(plane, block) => (4, 101 + chroma(plane, block), 15),
            Block::Luma8(_) => {
                self.coefficients(slice, 5, 64)?;
                return Ok(1);
            }
        };
        if !self.bins.bin(context) {
            return Ok(0);
        }
        self.coefficients(slice, category, most)?;
        Ok(1)
    }
}
