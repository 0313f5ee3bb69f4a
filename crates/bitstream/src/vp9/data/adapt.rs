//! What was read is counted, and the probabilities adapt to it (§8.4).

use super::probs::{MvProbs, Probs, TxMode};
use super::tables::{FILTER, INTER_MODE, INTRA_MODE, MV_CLASS, MV_FRACTION, MV_JOINT, PARTITION, Tree};

/// Of a coefficient's context: zeros, ones, larger ones, ends, and how often an end was possible.
pub(super) type CoefCounts = [[[u32; 5]; 6]; 6];

/// How often each value was read in a frame.
#[derive(Debug, Clone, Default)]
pub(super) struct Counts {
    pub(super) tx_8: [[u32; 2]; 2],
    pub(super) tx_16: [[u32; 3]; 2],
    pub(super) tx_32: [[u32; 4]; 2],
    /// By size of the transform, plane and reference.
    pub(super) coefs: [[[CoefCounts; 2]; 2]; 4],
    pub(super) skip: [[u32; 2]; 3],
    pub(super) inter_mode: [[u32; 4]; 7],
    pub(super) filter: [[u32; 3]; 4],
    pub(super) is_inter: [[u32; 2]; 4],
    pub(super) compound: [[u32; 2]; 5],
    pub(super) single_ref: [[[u32; 2]; 2]; 5],
    pub(super) compound_ref: [[u32; 2]; 5],
    pub(super) y_mode: [[u32; 10]; 4],
    pub(super) uv_mode: [[u32; 10]; 10],
    pub(super) partition: [[u32; 4]; 16],
    pub(super) mv_joint: [u32; 4],
    pub(super) mv: [MvCounts; 2],
}

/// Of a component of motion vectors.
#[derive(Debug, Clone, Default)]
pub(super) struct MvCounts {
    pub(super) sign: [u32; 2],
    pub(super) class: [u32; 11],
    pub(super) class0: [u32; 2],
    pub(super) bits: [[u32; 2]; 10],
    pub(super) class0_fraction: [[u32; 4]; 2],
    pub(super) fraction: [u32; 4],
    pub(super) class0_high: [u32; 2],
    pub(super) high: [u32; 2],
}

/// Counts a value, where there is a place for it.
pub(super) fn count<const N: usize>(counts: Option<&mut [u32; N]>, value: impl Into<usize>) {
    if let Some(count) = counts.and_then(|counts| counts.get_mut(value.into())) {
        *count += 1;
    }
}

/// `merge_prob()`.
fn merged(before: u8, [zeros, ones]: [u32; 2], enough: u32, most: u32) -> u8 {
    let (zeros, all) = (u64::from(zeros), u64::from(zeros) + u64::from(ones));
    let found = (zeros * 256 + all / 2).checked_div(all).map_or(128, |found| found.clamp(1, 255));
    let factor = u64::from(most) * all.min(enough.into()) / u64::from(enough);
    // A mean of two that fit.
    ((u64::from(before) * (256 - factor) + found * factor + 128) >> 8) as u8
}

/// `merge_prob()` for what is not a coefficient.
fn flag(to: &mut u8, before: u8, counts: [u32; 2]) {
    *to = merged(before, counts, 20, 128);
}

fn flags<const N: usize>(to: &mut [u8; N], before: &[u8; N], counts: &[[u32; 2]; N]) {
    for ((to, before), counts) in to.iter_mut().zip(before).zip(counts) {
        flag(to, *before, *counts);
    }
}

/// `merge_probs()`.
fn tree<const N: usize, const M: usize>(tree: &Tree<N>, to: &mut [u8; N], before: &[u8; N], counts: &[u32; M]) {
    for ((to, before), [zero, one]) in to.iter_mut().zip(before).zip(tree) {
        flag(to, *before, [under(tree, counts, *zero), under(tree, counts, *one)]);
    }
}

/// How many values were found under an entry of a tree.
fn under(tree: &[[i8; 2]], counts: &[u32], entry: i8) -> u32 {
    let at = usize::from(entry.unsigned_abs());
    if entry <= 0 {
        return counts.get(at).copied().unwrap_or(0);
    }
    tree.get(at).map_or(0, |[zero, one]| under(tree, counts, *zero) + under(tree, counts, *one))
}

fn trees<const N: usize, const M: usize, const K: usize>(
    kind: &Tree<N>,
    to: &mut [[u8; N]; K],
    before: &[[u8; N]; K],
    counts: &[[u32; M]; K],
) {
    for ((to, before), counts) in to.iter_mut().zip(before).zip(counts) {
        tree(kind, to, before, counts);
    }
}

impl Probs {
    /// `adapt_coef_probs()`: from those that were saved before the frame. `most` weighs what was found.
    pub(super) fn adapt_coefs(&mut self, before: &Probs, counts: &Counts, most: u32) {
        let to = self.coefs.iter_mut().flatten().flatten().flatten().flatten();
        let before = before.coefs.iter().flatten().flatten().flatten().flatten();
        let counts = counts.coefs.iter().flatten().flatten().flatten().flatten();
        for ((to, before), [zeros, ones, more, ends, possible]) in to.zip(before).zip(counts) {
            let branches = [[*ends, possible.saturating_sub(*ends)], [*zeros, ones + more], [*ones, *more]];
            for ((to, before), branch) in to.iter_mut().zip(before).zip(branches) {
                *to = merged(*before, branch, 24, most);
            }
        }
    }

    /// `adapt_noncoef_probs()`.
    pub(super) fn adapt_modes(&mut self, before: &Probs, counts: &Counts, tx: TxMode, switchable: bool, high: bool) {
        flags(&mut self.is_inter, &before.is_inter, &counts.is_inter);
        flags(&mut self.compound, &before.compound, &counts.compound);
        flags(&mut self.compound_ref, &before.compound_ref, &counts.compound_ref);
        for ((to, before), counts) in self.single_ref.iter_mut().zip(&before.single_ref).zip(&counts.single_ref) {
            flags(to, before, counts);
        }
        trees(&INTER_MODE, &mut self.inter_mode, &before.inter_mode, &counts.inter_mode);
        trees(&INTRA_MODE, &mut self.y_mode, &before.y_mode, &counts.y_mode);
        trees(&INTRA_MODE, &mut self.uv_mode, &before.uv_mode, &counts.uv_mode);
        trees(&PARTITION, &mut self.partition, &before.partition, &counts.partition);
        flags(&mut self.skip, &before.skip, &counts.skip);
        if switchable {
            trees(&FILTER, &mut self.filter, &before.filter, &counts.filter);
        }
        if tx == TxMode::Select {
            // A size is told by so many ones.
            trees(&[[0, -1]], &mut self.tx_8, &before.tx_8, &counts.tx_8);
            trees(&[[0, 1], [-1, -2]], &mut self.tx_16, &before.tx_16, &counts.tx_16);
            trees(&[[0, 1], [-1, 2], [-2, -3]], &mut self.tx_32, &before.tx_32, &counts.tx_32);
        }
        tree(&MV_JOINT, &mut self.mv_joint, &before.mv_joint, &counts.mv_joint);
        for ((to, before), counts) in self.mv.iter_mut().zip(&before.mv).zip(&counts.mv) {
            to.adapt(before, counts, high);
        }
    }
}

impl MvProbs {
    fn adapt(&mut self, before: &MvProbs, counts: &MvCounts, high: bool) {
        flag(&mut self.sign, before.sign, counts.sign);
        tree(&MV_CLASS, &mut self.class, &before.class, &counts.class);
        flags(&mut self.class0, &before.class0, &[counts.class0]);
        flags(&mut self.bits, &before.bits, &counts.bits);
        trees(&MV_FRACTION, &mut self.class0_fraction, &before.class0_fraction, &counts.class0_fraction);
        tree(&MV_FRACTION, &mut self.fraction, &before.fraction, &counts.fraction);
        if high {
            flag(&mut self.class0_high, before.class0_high, counts.class0_high);
            flag(&mut self.high, before.high, counts.high);
        }
    }
}
