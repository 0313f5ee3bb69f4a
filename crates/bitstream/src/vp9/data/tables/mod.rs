//! Numbers of the specification (§10).

mod coefs;
mod modes;
mod scans;

use super::probs::{Coefs, MvProbs, Probs};
pub(super) use modes::{KEY_PARTITIONS, KEY_UV_MODES};

/// A tree of binary decisions: each node says for 0 and for 1 which node follows, or, where it is not positive, the
/// value that was found, negated (§9.3.1).
pub(super) type Tree<const N: usize> = [[i8; 2]; N];

/// `intra_mode_tree`: DC, vertical, horizontal, 45°, 135°, 117°, 153°, 207°, 63°, true motion.
pub(super) const INTRA_MODE: Tree<9> =
    [[0, 1], [-9, 2], [-1, 3], [4, 6], [-2, 5], [-4, -5], [-3, 7], [-8, 8], [-6, -7]];
/// `partition_tree`: none, horizontal, vertical, split.
pub(super) const PARTITION: Tree<3> = [[0, 1], [-1, 2], [-2, -3]];
/// `inter_mode_tree`, in the order that they are counted in: nearest, near, zero, new.
pub(super) const INTER_MODE: Tree<3> = [[-2, 1], [0, 2], [-1, -3]];
/// `interp_filter_tree`.
pub(super) const FILTER: Tree<2> = [[0, 1], [-1, -2]];
/// `segment_tree`.
pub(super) const SEGMENT: Tree<7> = [[1, 2], [3, 4], [5, 6], [0, -1], [-2, -3], [-4, -5], [-6, -7]];
/// `mv_joint_tree`: none, column, row, both.
pub(super) const MV_JOINT: Tree<3> = [[0, 1], [-1, 2], [-2, -3]];
/// `mv_class_tree`.
pub(super) const MV_CLASS: Tree<10> =
    [[0, 1], [-1, 2], [3, 4], [-2, -3], [5, 6], [-4, -5], [-6, 7], [8, 9], [-7, -8], [-9, -10]];
/// `mv_fr_tree`.
pub(super) const MV_FRACTION: Tree<3> = [[0, 1], [-1, 2], [-2, -3]];

/// A place in the order of coefficients.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    /// Where it lies in the block, and the two places that tell what to expect of it (§9.3.4).
    pub(super) place: u16,
    pub(super) first: u16,
    pub(super) second: u16,
    /// The band of its number in the order.
    pub(super) band: u16,
}

/// Which neighbours tell what to expect.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lean {
    Both,
    Above,
    Left,
}

const fn steps<const N: usize>(order: &[u16; N], side: u16, lean: Lean) -> [Step; N] {
    let mut steps = [Step { place: 0, first: 0, second: 0, band: 0 }; N];
    let mut number = 0;
    while number < N {
        let place = order[number];
        let (row, column) = (place / side, place % side);
        let above = if row > 0 { place - side } else { 0 };
        let left = if column > 0 { place - 1 } else { 0 };
        let (first, second) = match (row > 0, column > 0, lean) {
            (true, true, Lean::Both) => (above, left),
            (true, true, Lean::Above) | (true, false, _) => (above, above),
            _ => (left, left),
        };
        let band = match number {
            0 => 0,
            1..=2 => 1,
            3..=5 => 2,
            6..=9 => 3,
            10..=12 => 4,
            // Blocks of 16 coefficients go on sooner.
            13..=20 if N > 16 => 4,
            _ => 5,
        };
        steps[number] = Step { place, first, second, band };
        number += 1;
    }
    steps
}

static DEFAULT_4: [Step; 16] = steps(&scans::DEFAULT_4, 4, Lean::Both);
static COL_4: [Step; 16] = steps(&scans::COL_4, 4, Lean::Above);
static ROW_4: [Step; 16] = steps(&scans::ROW_4, 4, Lean::Left);
static DEFAULT_8: [Step; 64] = steps(&scans::DEFAULT_8, 8, Lean::Both);
static COL_8: [Step; 64] = steps(&scans::COL_8, 8, Lean::Above);
static ROW_8: [Step; 64] = steps(&scans::ROW_8, 8, Lean::Left);
static DEFAULT_16: [Step; 256] = steps(&scans::DEFAULT_16, 16, Lean::Both);
static COL_16: [Step; 256] = steps(&scans::COL_16, 16, Lean::Above);
static ROW_16: [Step; 256] = steps(&scans::ROW_16, 16, Lean::Left);
static DEFAULT_32: [Step; 1024] = steps(&scans::DEFAULT_32, 32, Lean::Both);

/// The order of a block of this size, predicted in this mode where that has a say in it (§8.6.2, `get_scan`).
pub(super) fn scan(size: u8, mode: Option<u8>) -> &'static [Step] {
    // `mode2txfm_map`: vertical, 117° and 63° go by rows, horizontal, 153° and 207° by columns.
    match (size, mode) {
        (0, Some(1 | 5 | 8)) => &ROW_4,
        (0, Some(2 | 6 | 7)) => &COL_4,
        (0, _) => &DEFAULT_4,
        (1, Some(1 | 5 | 8)) => &ROW_8,
        (1, Some(2 | 6 | 7)) => &COL_8,
        (1, _) => &DEFAULT_8,
        (2, Some(1 | 5 | 8)) => &ROW_16,
        (2, Some(2 | 6 | 7)) => &COL_16,
        (2, _) => &DEFAULT_16,
        _ => &DEFAULT_32,
    }
}

/// `default_intra_mode_probs`, by the modes above and to the left.
pub(super) fn key_y_mode(above: u8, left: u8) -> &'static [u8; 9] {
    let start = 9 * (10 * usize::from(above) + usize::from(left));
    modes::KEY_Y_MODES.get(start..).and_then(<[u8]>::first_chunk).unwrap_or(&KEY_UV_MODES[0])
}

/// `pareto()` (§9.3.2): by the third probability of a coefficient, those of the eight nodes that follow.
static PARETO: [[u8; 8]; 256] = {
    let mut full = [[0; 8]; 256];
    let mut probability = 1;
    while probability < 256 {
        let (half, odd) = ((probability - 1) / 2, (probability - 1) % 2);
        let mut node = 0;
        while node < 8 {
            let low = coefs::PARETO[8 * half + node];
            full[probability][node] =
                if odd == 1 { ((low as u16 + coefs::PARETO[8 * half + 8 + node] as u16) / 2) as u8 } else { low };
            node += 1;
        }
        probability += 1;
    }
    full
};

/// What the tokens beyond two are read with, by the third probability.
pub(super) fn pareto(probability: u8) -> &'static [u8; 8] {
    &PARETO[usize::from(probability)]
}

/// `cat6_prob`, the ones of the deepest samples first (§9.3.2).
pub(super) const CATEGORY_6: [u8; 18] =
    [255, 255, 255, 255, 254, 254, 254, 252, 249, 243, 230, 196, 177, 153, 140, 133, 130, 129];

/// `default_coef_probs`.
fn coefs() -> Coefs {
    let mut coefs = Coefs::default();
    let mut numbers = coefs::COEFS.as_chunks::<3>().0.iter();
    for bands in coefs.iter_mut().flatten().flatten() {
        for (number, band) in bands.iter_mut().enumerate() {
            let contexts = if number == 0 { 3 } else { 6 };
            for (context, from) in band.iter_mut().take(contexts).zip(&mut numbers) {
                *context = *from;
            }
        }
    }
    coefs
}

impl Default for Probs {
    fn default() -> Self {
        let mv = |class, class0| MvProbs {
            sign: 128,
            class,
            class0: [class0],
            bits: [136, 140, 148, 160, 176, 192, 224, 234, 234, 240],
            class0_fraction: [[128, 128, 64], [96, 112, 64]],
            fraction: [64, 96, 64],
            class0_high: 160,
            high: 128,
        };
        Probs {
            tx_8: [[100], [66]],
            tx_16: [[20, 152], [15, 101]],
            tx_32: [[3, 136, 37], [5, 52, 13]],
            coefs: coefs(),
            skip: [192, 128, 64],
            inter_mode: modes::INTER_MODES,
            filter: [[235, 162], [36, 255], [34, 3], [149, 144]],
            is_inter: [9, 102, 187, 225],
            compound: [239, 183, 119, 96, 41],
            single_ref: [[33, 16], [77, 74], [142, 142], [172, 170], [238, 247]],
            compound_ref: [50, 126, 123, 221, 226],
            y_mode: modes::Y_MODES,
            uv_mode: modes::UV_MODES,
            partition: modes::PARTITIONS,
            mv_joint: [32, 64, 96],
            mv: [
                mv([224, 144, 192, 168, 192, 176, 192, 198, 198, 245], 216),
                mv([216, 128, 176, 160, 176, 176, 192, 198, 198, 208], 208),
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_names_each_place_once_and_after_its_neighbours() {
        for size in 0..4 {
            for mode in [None, Some(1), Some(2)] {
                let steps = scan(size, mode);
                let mut seen = vec![false; steps.len()];
                for (number, step) in steps.iter().enumerate() {
                    assert!(!seen[usize::from(step.place)]);
                    assert!(number == 0 || seen[usize::from(step.first)] && seen[usize::from(step.second)]);
                    seen[usize::from(step.place)] = true;
                }
                assert_eq!((steps.len(), steps.first().map(|step| step.place)), (16 << (2 * size), Some(0)));
            }
        }
    }

    #[test]
    fn no_probability_is_zero() {
        assert!(PARETO.iter().skip(1).flatten().all(|probability| *probability > 0));
        let coefs = coefs();
        for (number, band) in coefs.iter().flatten().flatten().flat_map(|bands| bands.iter().enumerate()) {
            let contexts = if number == 0 { 3 } else { 6 };
            assert!(band.iter().take(contexts).flatten().all(|probability| *probability > 0));
        }
        assert_eq!(coefs[0][0][0][0][0], [195, 29, 183]);
        assert_eq!(key_y_mode(9, 9).len(), 9);
    }
}
