//! Reference picture sets (H.265 §7.3.7, §8.3.2): which pictures a picture may refer to, and which are kept for later.

use crate::{BitReader, Error};

/// Most pictures in a set: the decoded picture buffer holds no more (§A.4.2).
const MOST: u32 = 16;

/// A short-term reference picture set: order counts relative to the picture's own, and whether the picture itself may
/// refer to them (else they are kept for later ones).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct ShortTermSet {
    /// Before the picture in output order, the nearest first (`DeltaPocS0`).
    pub before: Vec<(i32, bool)>,
    /// After it, the nearest first (`DeltaPocS1`).
    pub after: Vec<(i32, bool)>,
}

impl ShortTermSet {
    /// Reads `st_ref_pic_set( known.len() )`; `count` is `num_short_term_ref_pic_sets`: equal to `known.len()` in a
    /// slice header, above it in an SPS.
    pub(super) fn read(bits: &mut BitReader<'_>, known: &[ShortTermSet], count: usize) -> Result<Self, Error> {
        if !known.is_empty() && bits.flag("inter_ref_pic_set_prediction_flag")? {
            let back = if known.len() == count {
                bits.ue_max("delta_idx_minus1", known.len() as u32 - 1)? as usize + 1
            } else {
                1
            };
            let of = known.len().checked_sub(back).and_then(|index| known.get(index));
            return Self::predict(bits, of.unwrap_or(&ShortTermSet::default()));
        }
        let before = bits.ue_max("num_negative_pics", MOST)?;
        let after = bits.ue_max("num_positive_pics", MOST - before)?;
        let mut side = |count: u32, sign: i32| -> Result<Vec<(i32, bool)>, Error> {
            let mut entries = Vec::new();
            let mut delta = 0;
            for _ in 0..count {
                // 16 times 2^15 is the most.
                delta += bits.ue_max("delta_poc_minus1", 0x7fff)? as i32 + 1;
                entries.push((sign * delta, bits.flag("used_by_curr_pic_flag")?));
            }
            Ok(entries)
        };
        Ok(ShortTermSet { before: side(before, -1)?, after: side(after, 1)? })
    }

    /// The set that follows from another one (equations 7-61 and 7-62).
    fn predict(bits: &mut BitReader<'_>, of: &ShortTermSet) -> Result<Self, Error> {
        let negative = bits.flag("delta_rps_sign")?;
        let shift = bits.ue_max("abs_delta_rps_minus1", 0x7fff)? as i32 + 1;
        let shift = if negative { -shift } else { shift };
        // Flags stand in the order of the other set, and last for that set's own picture.
        let mut taken = Vec::new();
        for _ in 0..=of.before.len() + of.after.len() {
            let used = bits.flag("used_by_curr_pic_flag")?;
            taken.push((used, used || bits.flag("use_delta_flag")?));
        }
        let own = [(0, false)];
        let deltas = of.before.iter().chain(&of.after).chain(&own).map(|(delta, _)| delta + shift);
        let kept: Vec<(i32, bool)> =
            deltas.zip(taken).filter(|(_, (_, kept))| *kept).map(|(delta, (used, _))| (delta, used)).collect();
        // The order that the equations give is that of distance.
        let side = |sign: i32| {
            let mut side: Vec<(i32, bool)> = kept.iter().filter(|(delta, _)| delta * sign > 0).copied().collect();
            side.sort_by_key(|(delta, _)| delta.abs());
            side
        };
        let set = ShortTermSet { before: side(-1), after: side(1) };
        let total = (set.before.len() + set.after.len()) as i64;
        bits.within("NumDeltaPocs", total, 0, MOST.into())?;
        Ok(set)
    }

    /// All of it.
    pub fn entries(&self) -> impl Iterator<Item = (i32, bool)> + '_ {
        self.before.iter().chain(&self.after).copied()
    }
}

/// A long-term reference of a slice header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LongTermEntry {
    /// The low bits of its order count, and where `full` is there the whole of it.
    pub lsb: u32,
    /// How many times the low bits have wrapped between it and the picture (`DeltaPocMsbCycleLt`), where that is
    /// needed to tell it from others.
    pub msb_cycle: Option<u32>,
    /// The picture itself may refer to it.
    pub used: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bits, most significant first, from a string of 0 and 1 with blanks.
    fn bits(text: &str) -> Vec<u8> {
        let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b' ').map(|byte| byte - b'0').collect();
        digits.chunks(8).map(|byte| byte.iter().fold(0, |value, bit| value << 1 | bit) << (8 - byte.len())).collect()
    }

    #[test]
    fn a_set_is_read_and_another_follows_from_it() {
        // Two before (1 and 3 back, the second not used), one after (2 ahead).
        let data = bits("011 010 1 1 010 0 010 1 00000000");
        let first = ShortTermSet::read(&mut BitReader::plain("test", &data), &[], 2).unwrap();
        assert_eq!(first, ShortTermSet { before: vec![(-1, true), (-3, false)], after: vec![(2, true)] });
        // The next picture, one further on: everything moves back by one, the picture itself comes in, -3 goes out.
        let data = bits("1 1 1 1 00 1 1 00000000");
        let known = [first];
        let second = ShortTermSet::read(&mut BitReader::plain("test", &data), &known, 2).unwrap();
        assert_eq!(second, ShortTermSet { before: vec![(-1, true), (-2, true)], after: vec![(1, true)] });
    }

    #[test]
    fn a_set_of_more_pictures_than_any_buffer_holds_is_refused() {
        // 16 before and one after.
        let data = bits("000010001 010 1111");
        assert!(ShortTermSet::read(&mut BitReader::plain("test", &data), &[], 0).is_err());
    }
}
