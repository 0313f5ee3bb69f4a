//! Probabilities, and the compressed header that changes them (§6.3).

use super::boolean::Bool;
use crate::Error;
use crate::vp9::header::{FrameKind, Head, Rest};

/// By size of the transform, plane, reference, band and context.
pub(super) type Coefs = [[[[[[u8; 3]; 6]; 6]; 2]; 2]; 4];

/// What a frame is read with: all that is saved from one to others.
#[derive(Debug, Clone)]
pub(super) struct Probs {
    pub(super) tx_8: [[u8; 1]; 2],
    pub(super) tx_16: [[u8; 2]; 2],
    pub(super) tx_32: [[u8; 3]; 2],
    pub(super) coefs: Coefs,
    pub(super) skip: [u8; 3],
    pub(super) inter_mode: [[u8; 3]; 7],
    pub(super) filter: [[u8; 2]; 4],
    pub(super) is_inter: [u8; 4],
    /// `comp_mode_prob`.
    pub(super) compound: [u8; 5],
    pub(super) single_ref: [[u8; 2]; 5],
    pub(super) compound_ref: [u8; 5],
    pub(super) y_mode: [[u8; 9]; 4],
    pub(super) uv_mode: [[u8; 9]; 10],
    pub(super) partition: [[u8; 3]; 16],
    pub(super) mv_joint: [u8; 3],
    /// Rows, columns.
    pub(super) mv: [MvProbs; 2],
}

/// Of a component of motion vectors.
#[derive(Debug, Clone)]
pub(super) struct MvProbs {
    pub(super) sign: u8,
    pub(super) class: [u8; 10],
    pub(super) class0: [u8; 1],
    pub(super) bits: [u8; 10],
    pub(super) class0_fraction: [[u8; 3]; 2],
    pub(super) fraction: [u8; 3],
    pub(super) class0_high: u8,
    pub(super) high: u8,
}

/// `tx_mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TxMode {
    /// As large as blocks are, at most of this size: 0 for 4×4, 3 for 32×32.
    Largest(u8),
    /// Blocks say their own.
    Select,
}

/// `reference_mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReferenceMode {
    Single,
    Compound,
    Select,
}

/// What the compressed header says besides.
#[derive(Debug, Clone, Copy)]
pub(super) struct Modes {
    pub(super) tx: TxMode,
    pub(super) reference: ReferenceMode,
}

impl Probs {
    /// `compressed_header()`: changes them.
    pub(super) fn read(&mut self, bits: &mut Bool<'_>, head: &Head, rest: &Rest) -> Result<Modes, Error> {
        let tx = if rest.lossless { TxMode::Largest(0) } else { tx_mode(bits) };
        if tx == TxMode::Select {
            diffs(bits, self.tx_8.as_flattened_mut());
            diffs(bits, self.tx_16.as_flattened_mut());
            diffs(bits, self.tx_32.as_flattened_mut());
        }
        let largest = if let TxMode::Largest(size) = tx { size } else { 3 };
        for size in self.coefs.iter_mut().take(usize::from(largest) + 1) {
            if bits.literal(1) == 1 {
                for bands in size.iter_mut().flatten() {
                    for (number, band) in bands.iter_mut().enumerate() {
                        let contexts = if number == 0 { 3 } else { 6 };
                        band.iter_mut().take(contexts).for_each(|context| diffs(bits, context));
                    }
                }
            }
        }
        diffs(bits, &mut self.skip);
        let mut reference = ReferenceMode::Single;
        if head.kind == FrameKind::Inter {
            reference = self.inter(bits, head, rest);
        }
        bits.exit()?;
        Ok(Modes { tx, reference })
    }

    /// What only frames that predict from others have.
    fn inter(&mut self, bits: &mut Bool<'_>, head: &Head, rest: &Rest) -> ReferenceMode {
        diffs(bits, self.inter_mode.as_flattened_mut());
        if rest.switchable {
            diffs(bits, self.filter.as_flattened_mut());
        }
        diffs(bits, &mut self.is_inter);
        let [last, golden, alternate] = head.sign_bias;
        let mut reference = ReferenceMode::Single;
        if (golden != last || alternate != last) && bits.literal(1) == 1 {
            reference = if bits.literal(1) == 1 { ReferenceMode::Select } else { ReferenceMode::Compound };
        }
        if reference == ReferenceMode::Select {
            diffs(bits, &mut self.compound);
        }
        if reference != ReferenceMode::Compound {
            diffs(bits, self.single_ref.as_flattened_mut());
        }
        if reference != ReferenceMode::Single {
            diffs(bits, &mut self.compound_ref);
        }
        diffs(bits, self.y_mode.as_flattened_mut());
        diffs(bits, self.partition.as_flattened_mut());
        self.motion(bits, rest.high_precision);
        reference
    }

    /// `mv_probs()`.
    fn motion(&mut self, bits: &mut Bool<'_>, high_precision: bool) {
        replace(bits, &mut self.mv_joint);
        for mv in &mut self.mv {
            replace(bits, std::slice::from_mut(&mut mv.sign));
            replace(bits, &mut mv.class);
            replace(bits, &mut mv.class0);
            replace(bits, &mut mv.bits);
        }
        for mv in &mut self.mv {
            replace(bits, mv.class0_fraction.as_flattened_mut());
            replace(bits, &mut mv.fraction);
        }
        if high_precision {
            for mv in &mut self.mv {
                replace(bits, std::slice::from_mut(&mut mv.class0_high));
                replace(bits, std::slice::from_mut(&mut mv.high));
            }
        }
    }
}

fn tx_mode(bits: &mut Bool<'_>) -> TxMode {
    match bits.literal(2) {
        3 if bits.literal(1) == 1 => TxMode::Select,
        size => TxMode::Largest(size),
    }
}

/// `diff_update_prob()` (§6.3.4).
fn diffs(bits: &mut Bool<'_>, probabilities: &mut [u8]) {
    for probability in probabilities {
        if bits.read(252) {
            *probability = remapped(difference(bits), *probability);
        }
    }
}

/// `update_mv_prob()` (§6.3.17).
fn replace(bits: &mut Bool<'_>, probabilities: &mut [u8]) {
    for probability in probabilities {
        if bits.read(252) {
            *probability = bits.literal(7) << 1 | 1;
        }
    }
}

/// `decode_term_subexp()`: 0 to 254.
fn difference(bits: &mut Bool<'_>) -> u8 {
    if bits.literal(1) == 0 {
        return bits.literal(4);
    }
    if bits.literal(1) == 0 {
        return 16 + bits.literal(4);
    }
    if bits.literal(1) == 0 {
        return 32 + bits.literal(5);
    }
    match bits.literal(7) {
        low @ 0..65 => 64 + low,
        // At most 254 with the bit that follows.
        high => (high << 1) - 1 + bits.literal(1),
    }
}

/// `inv_remap_prob()` (§6.3.6).
fn remapped(difference: u8, probability: u8) -> u8 {
    // `inv_map_table` (§10.3): twenty coarse steps, then all others.
    let difference = i32::from(difference);
    let steps = match difference - 20 {
        coarse @ ..0 => 7 + 13 * (coarse + 20),
        fine => (fine + 1 + (fine + 6) / 12).min(253),
    };
    let recentred = |middle: i32| {
        if steps > 2 * middle {
            steps
        } else if steps % 2 == 1 {
            middle - (steps + 1) / 2
        } else {
            middle + steps / 2
        }
    };
    let middle = i32::from(probability) - 1;
    let value = if 2 * middle <= 255 { 1 + recentred(middle) } else { 255 - recentred(254 - middle) };
    value.clamp(1, 255) as u8 // It lies within.
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_leads_to_each_other_probability() {
        for probability in 1..=255 {
            let mut reached: Vec<u8> = (0..254).map(|difference| remapped(difference, probability)).collect();
            reached.sort_unstable();
            reached.dedup();
            assert_eq!(reached.len(), 254, "{probability}");
            assert!(!reached.contains(&probability) && !reached.contains(&0));
        }
    }
}
