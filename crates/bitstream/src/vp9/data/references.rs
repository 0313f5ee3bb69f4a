//! Which frames a block is predicted from, and what the blocks around it say of that (§6.4.19, §9.3.1).

use super::adapt::count;
use super::block::Block;
use super::probs::ReferenceMode;
use super::tile::{Near, Tile};
use crate::vp9::header::Feature;

const LAST: u8 = 1;
const GOLDEN: u8 = 2;
const ALTERNATE: u8 = 3;

/// What the blocks around are, for contexts.
#[derive(Debug, Clone, Copy)]
enum Around {
    Both(Block, Block),
    One(Block),
    None,
}

fn around(near: &Near) -> Around {
    match (near.above, near.left) {
        (Some(above), Some(left)) => Around::Both(above, left),
        (Some(one), None) | (None, Some(one)) => Around::One(one),
        (None, None) => Around::None,
    }
}

/// Whether either reference of a block is this one.
fn has(block: &Block, reference: u8) -> bool {
    block.refs.contains(&reference)
}

impl Tile<'_> {
    /// `CompFixedRef` and `CompVarRef` (§7.4.9, `setup_compound_reference_mode`).
    fn compound_refs(&self) -> (u8, [u8; 2]) {
        let bias = |reference| self.frame.bias(reference);
        if bias(LAST) == bias(GOLDEN) {
            (ALTERNATE, [LAST, GOLDEN])
        } else if bias(LAST) == bias(ALTERNATE) {
            (GOLDEN, [LAST, ALTERNATE])
        } else {
            (LAST, [GOLDEN, ALTERNATE])
        }
    }

    /// `read_ref_frames()`.
    pub(super) fn ref_frames(&mut self, near: &Near, feature: Feature) -> [u8; 2] {
        if let Some(reference) = feature.reference {
            return [reference, 0];
        }
        let (probs, mode) = (self.frame.probs, self.frame.modes.reference);
        let (fixed, variable) = self.compound_refs();
        let compound = match mode {
            ReferenceMode::Single => false,
            ReferenceMode::Compound => true,
            ReferenceMode::Select => {
                let context = compound_context(near, fixed);
                let compound = self.bits.read(probs.compound.get(context).copied().unwrap_or(128));
                count(self.work.counts.compound.get_mut(context), compound);
                compound
            }
        };
        if compound {
            let bias = self.frame.bias(fixed);
            let context = compound_ref_context(near, fixed, variable, usize::from(!bias));
            let second = self.bits.read(probs.compound_ref.get(context).copied().unwrap_or(128));
            count(self.work.counts.compound_ref.get_mut(context), second);
            let other = if second { variable[1] } else { variable[0] };
            return if bias { [other, fixed] } else { [fixed, other] };
        }
        let mut single = |step: usize, context: usize| {
            let probability = probs.single_ref.get(context).and_then(|probs| probs.get(step));
            let bit = self.bits.read(probability.copied().unwrap_or(128));
            count(self.work.counts.single_ref.get_mut(context).and_then(|counts| counts.get_mut(step)), bit);
            bit
        };
        if !single(0, first_context(near)) {
            return [LAST, 0];
        }
        if single(1, second_context(near)) { [ALTERNATE, 0] } else { [GOLDEN, 0] }
    }
}

/// The context of `comp_mode`.
fn compound_context(near: &Near, fixed: u8) -> usize {
    let first_is = |block: &Block| block.refs[0] == fixed;
    match around(near) {
        Around::Both(above, left) => match (above.is_compound(), left.is_compound()) {
            (false, false) => usize::from(first_is(&above) != first_is(&left)),
            (false, true) => 2 + usize::from(first_is(&above) || !above.is_inter()),
            (true, false) => 2 + usize::from(first_is(&left) || !left.is_inter()),
            (true, true) => 4,
        },
        Around::One(one) if one.is_compound() => 3,
        Around::One(one) => usize::from(first_is(&one)),
        Around::None => 1,
    }
}

/// The context of `comp_ref`; `index` is where the reference that varies stands.
fn compound_ref_context(near: &Near, fixed: u8, [first, second]: [u8; 2], index: usize) -> usize {
    let varies =
        |block: &Block| if block.is_compound() { block.refs.get(index).copied().unwrap_or(0) } else { block.refs[0] };
    match around(near) {
        Around::None => 2,
        Around::One(one) if !one.is_inter() => 2,
        Around::One(one) => (3 + usize::from(one.is_compound())) * usize::from(varies(&one) != second),
        Around::Both(above, left) => match (above.is_inter(), left.is_inter()) {
            (false, false) => 2,
            (true, false) => 1 + 2 * usize::from(varies(&above) != second),
            (false, true) => 1 + 2 * usize::from(varies(&left) != second),
            (true, true) => {
                let (of_above, of_left) = (varies(&above), varies(&left));
                match (above.is_compound(), left.is_compound()) {
                    _ if of_above == of_left && of_above == second => 0,
                    (false, false) if [(fixed, first), (first, fixed)].contains(&(of_above, of_left)) => 4,
                    (false, false) => {
                        if of_above == of_left {
                            3
                        } else {
                            1
                        }
                    }
                    (true, true) => {
                        if of_above == of_left {
                            4
                        } else {
                            2
                        }
                    }
                    (above_compound, _) => {
                        let (compound, single) = if above_compound { (of_above, of_left) } else { (of_left, of_above) };
                        match (compound == second, single == second) {
                            (true, false) => 1,
                            (false, true) => 2,
                            _ => 4,
                        }
                    }
                }
            }
        },
    }
}

/// The context of `single_ref_p1`: whether it is the last frame.
fn first_context(near: &Near) -> usize {
    let one = |block: &Block| {
        if block.is_compound() { 1 + usize::from(has(block, LAST)) } else { 4 * usize::from(has(block, LAST)) }
    };
    match around(near) {
        Around::None => 2,
        Around::One(block) => {
            if block.is_inter() {
                one(&block)
            } else {
                2
            }
        }
        Around::Both(above, left) => match (above.is_inter(), left.is_inter()) {
            (false, false) => 2,
            (true, false) => one(&above),
            (false, true) => one(&left),
            (true, true) => match (above.is_compound(), left.is_compound()) {
                (false, false) => 2 * near.many(|block| has(block, LAST)),
                (true, true) => 1 + usize::from(near.many(|block| has(block, LAST)) > 0),
                (above_compound, _) => {
                    let (compound, single) = if above_compound { (above, left) } else { (left, above) };
                    3 * usize::from(has(&single, LAST)) + usize::from(has(&compound, LAST))
                }
            },
        },
    }
}

/// The context of `single_ref_p2`: whether it is the alternate frame or the golden one.
fn second_context(near: &Near) -> usize {
    let golden = |block: &Block| usize::from(has(block, GOLDEN));
    match around(near) {
        Around::None => 2,
        Around::One(block) => match (block.is_inter(), block.is_compound()) {
            (false, _) => 2,
            (true, true) => 3 * golden(&block),
            (true, false) if has(&block, LAST) => 2,
            (true, false) => 4 * golden(&block),
        },
        Around::Both(above, left) => {
            let one = |block: &Block| match block.is_compound() {
                true => 1 + 2 * golden(block),
                false if has(block, LAST) => 3,
                false => 4 * golden(block),
            };
            match (above.is_inter(), left.is_inter()) {
                (false, false) => 2,
                (true, false) => one(&above),
                (false, true) => one(&left),
                (true, true) => match (above.is_compound(), left.is_compound()) {
                    (true, true) => {
                        if above.refs == left.refs {
                            3 * golden(&above)
                        } else {
                            2
                        }
                    }
                    (false, false) => match (has(&above, LAST), has(&left, LAST)) {
                        (true, true) => 3,
                        (true, false) => 4 * golden(&left),
                        (false, true) => 4 * golden(&above),
                        (false, false) => 2 * (golden(&above) + golden(&left)),
                    },
                    (above_compound, _) => {
                        let (compound, single) = if above_compound { (above, left) } else { (left, above) };
                        match single.refs[0] {
                            GOLDEN => 3 + golden(&compound),
                            ALTERNATE => golden(&compound),
                            _ => 1 + 2 * golden(&compound),
                        }
                    }
                },
            }
        }
    }
}
