//! Transform coefficients (H.265 §7.3.8.11, §9.3.4.2.4 to §9.3.4.2.7, §9.3.3.11).

use kineframe_codec::ChromaSampling;

use super::tables::*;
use super::unit::Unit;
use super::{Fault, Outcome, Reader};

/// A block of coefficients.
#[derive(Debug, Clone, Copy)]
struct Block {
    log2: u32,
    luma: bool,
    scan: usize,
    /// Its transform is left out.
    flat: bool,
    /// The contexts for blocks without a transform are used.
    single: bool,
    /// Signs may be hidden.
    hides: bool,
}

impl Reader<'_> {
    pub(super) fn residual(&mut self, unit: &Unit, log2: u32, plane: usize, mode: u8) -> Outcome<()> {
        let (sps, pps) = (self.sps, self.pps);
        let luma = plane == 0;
        let extension = sps.range_extension.unwrap_or_default();
        let chroma = usize::from(!luma);
        let skip = pps.transform_skip
            && !self.bypass
            && log2 <= u32::from(pps.max_transform_skip_log2)
            && self.cabac.bin(TRANSFORM_SKIP + chroma);
        let flat = skip || self.bypass;
        let mut explicit = false;
        if !unit.intra && extension.explicit_rdpcm && flat {
            explicit = self.cabac.bin(RDPCM + chroma);
            if explicit {
                self.cabac.bin(RDPCM_DIR + chroma);
            }
        }
        let by_mode = unit.intra && (log2 == 2 || log2 == 3 && (luma || sps.chroma == ChromaSampling::Yuv444));
        let scan = match mode {
            6..=14 if by_mode => 2,
            22..=30 if by_mode => 1,
            _ => 0,
        };
        let implicit = unit.intra && extension.implicit_rdpcm && flat && matches!(mode, 10 | 26);
        let hides = pps.sign_hiding && !(self.bypass || implicit || explicit);
        let single = extension.transform_skip_context && flat;
        let block = Block { log2, luma, scan, flat, single, hides };
        let last = self.last(&block);
        self.coefficients(&block, last)
    }

    /// Column and line of the last coefficient.
    fn last(&mut self, block: &Block) -> (u8, u8) {
        let log2 = block.log2;
        let (offset, shift) =
            if block.luma { (3 * (log2 - 2) + ((log2 - 1) >> 2), (log2 + 1) >> 2) } else { (15, log2 - 2) };
        let mut prefix = |base: usize| {
            let mut prefix = 0;
            while prefix < 2 * log2 - 1 && self.cabac.bin(base + (offset + (prefix >> shift)) as usize) {
                prefix += 1;
            }
            prefix
        };
        let (x, y) = (prefix(LAST_X), prefix(LAST_Y));
        let mut place = |prefix: u32| {
            if prefix < 4 {
                return prefix as u8;
            }
            let count = (prefix >> 1) - 1;
            let suffix = (0..count).fold(0, |bits, _| bits << 1 | u32::from(self.cabac.bypass()));
            // At most 31: seven bits hold it.
            ((1 << count) * (2 + (prefix & 1)) + suffix) as u8
        };
        let (x, y) = (place(x), place(y));
        if block.scan == 2 { (y, x) } else { (x, y) }
    }

    fn coefficients(&mut self, block: &Block, (last_x, last_y): (u8, u8)) -> Outcome<()> {
        let side = 1_u8 << (block.log2 - 2);
        let scan = &SCAN_4X4[block.scan];
        let place_of = |scan: &[(u8, u8); 16], at| scan.iter().position(|place| *place == at).unwrap_or(0);
        let last_place = place_of(scan, (last_x & 3, last_y & 3));
        let last_block =
            (0..side * side).find(|place| sub_block(block.scan, side, *place) == (last_x >> 2, last_y >> 2));
        let last_block = last_block.unwrap_or(0);
        // A bit for each sub-block of a line that has coefficients.
        let mut coded = [0_u16; 9];
        let mut greater1 = 1;
        for index in (0..=last_block).rev() {
            let (x, y) = sub_block(block.scan, side, index);
            let (column, line) = (usize::from(x), usize::from(y));
            let right = coded[line] >> (column + 1) & 1 == 1;
            let below = coded[line + 1] >> column & 1 == 1;
            let mut inferred = false;
            let mut present = true;
            if index < last_block && index > 0 {
                let context = usize::from(right || below) + if block.luma { 0 } else { 2 };
                present = self.cabac.bin(CODED_SUB_BLOCK + context);
                inferred = present;
            }
            if !present {
                continue;
            }
            coded[line] |= 1 << column;
            let is_last = index == last_block;
            let around = usize::from(right) | usize::from(below) << 1;
            let significant = self.significant(block, (x, y), around, inferred, is_last.then_some(last_place));
            if significant != 0 {
                let reset = is_last || greater1 != 0;
                let mut set = if index == 0 || !block.luma { 0 } else { 2 };
                set += usize::from(!reset);
                greater1 = self.levels(block, significant, set)?;
            }
        }
        Ok(())
    }

    /// The places of a sub-block that have a coefficient, as bits.
    fn significant(
        &mut self,
        block: &Block,
        (x, y): (u8, u8),
        around: usize,
        inferred: bool,
        last: Option<usize>,
    ) -> u16 {
        let mut found = last.map_or(0, |place| 1 << place);
        let base = SIGNIFICANT + if block.luma { 0 } else { 27 };
        let further = match (block.luma, block.log2) {
            (true, 3) => usize::from((x, y) != (0, 0)) * 3 + if block.scan == 0 { 9 } else { 15 },
            (true, _) => usize::from((x, y) != (0, 0)) * 3 + 21,
            (false, 3) => 9,
            (false, _) => 12,
        };
        let scan = &SCAN_4X4[block.scan];
        let single = if block.luma { SIGNIFICANT + 42 } else { SIGNIFICANT + 43 };
        for place in (0..last.unwrap_or(16)).rev() {
            if place == 0 && inferred && found == 0 {
                return 1;
            }
            let (column, line) = scan[place];
            let context = if block.single {
                single
            } else if block.log2 == 2 {
                base + usize::from(SIGNIFICANT_4X4[usize::from(line * 4 + column)])
            } else if (x, y, place) == (0, 0, 0) {
                base
            } else {
                let near = match around {
                    0 => [2, 1, 1, 0, 0, 0, 0][usize::from(column + line)],
                    1 => [2, 1, 0, 0][usize::from(line)],
                    2 => [2, 1, 0, 0][usize::from(column)],
                    _ => 2,
                };
                base + near + further
            };
            found |= u16::from(self.cabac.bin(context)) << place;
        }
        found
    }

    /// The levels of a sub-block. What `greater1Ctx` is at its end.
    fn levels(&mut self, block: &Block, significant: u16, set: usize) -> Outcome<u32> {
        let chroma = usize::from(!block.luma);
        let places = || (0..16).rev().filter(|place| significant >> place & 1 == 1);
        let mut context = 1;
        // Places above 1, and the first of them.
        let (mut above1, mut first_above) = (0_u16, None);
        for place in places().take(8) {
            let flag = self.cabac.bin(GREATER1 + 16 * chroma + 4 * set + context.min(3) as usize);
            if flag {
                above1 |= 1 << place;
                first_above = first_above.or(Some(place));
                context = 0;
            } else if context > 0 {
                context += 1;
            }
        }
        let above2 = first_above.is_some() && self.cabac.bin(GREATER2 + 4 * chroma + set);
        let (highest, lowest) = (15 - significant.leading_zeros(), significant.trailing_zeros());
        let hidden = block.hides && highest - lowest > 3;
        self.skip(significant.count_ones() - u32::from(hidden));
        let adapts = self.sps.range_extension.is_some_and(|extension| extension.persistent_rice_adaptation);
        let kind = (if block.luma { 2 } else { 0 }) + usize::from(block.flat);
        let mut rice = if adapts { u32::from(self.statistics[kind] / 4) } else { 0 };
        let mut first = true;
        for (count, place) in places().enumerate() {
            let is_above1 = above1 >> place & 1 == 1;
            let base = 1 + u32::from(is_above1) + u32::from(above2 && first_above == Some(place));
            let most = match count {
                0..8 if first_above == Some(place) => 3,
                // Once one is above 1, others say so too.
                0..8 => 2,
                _ => 1,
            };
            if base != most {
                continue;
            }
            let rest = self.remaining(rice)?;
            let level = base + rest;
            if level > 1 << 15 {
                return Err(Fault("coeff_abs_level_remaining"));
            }
            if level > 3 << rice {
                rice = if adapts { rice + 1 } else { (rice + 1).min(4) };
            }
            if adapts && first {
                let statistic = &mut self.statistics[kind];
                let half = u32::from(*statistic / 4);
                if rest >= 3 << half {
                    *statistic += 1;
                } else if 2 * rest < 1 << half && *statistic > 0 {
                    *statistic -= 1;
                }
            }
            first = false;
        }
        Ok(context)
    }

    fn remaining(&mut self, rice: u32) -> Outcome<u32> {
        let mut prefix = 0;
        while self.cabac.bypass() {
            prefix += 1;
            // No level of 16 bits needs more.
            if prefix > 20 {
                return Err(Fault("coeff_abs_level_remaining"));
            }
        }
        let count = if prefix < 4 { rice } else { prefix - 3 + rice };
        if count > 24 {
            return Err(Fault("coeff_abs_level_remaining"));
        }
        let high = if prefix < 4 { prefix } else { (1 << (prefix - 3)) + 2 };
        Ok((high << rice) + (0..count).fold(0, |bits, _| bits << 1 | u32::from(self.cabac.bypass())))
    }
}
