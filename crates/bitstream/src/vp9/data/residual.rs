//! Coefficients (§6.4.22 to §6.4.25).

use super::adapt::CoefCounts;
use super::block::{Block, Place};
use super::boolean::Bool;
use super::tables::{CATEGORY_6, Step, pareto, scan};
use super::tile::{Tile, Tokens};

/// A plane's part of a block, in units of 4 samples.
#[derive(Debug, Clone, Copy)]
struct Part {
    /// Where it begins, in the frame and in the superblock.
    column: usize,
    row: usize,
    width: usize,
    height: usize,
}

impl Tile<'_> {
    fn part(&self, plane: usize, place: &Place) -> Part {
        let (x, y) = if plane == 0 { (0, 0) } else { self.frame.subsampling };
        Part {
            column: (2 * place.column as usize) >> x,
            row: (2 * (place.row % 8) as usize) >> y,
            width: (2 * place.width() as usize) >> x,
            height: (2 * place.height() as usize) >> y,
        }
    }

    /// The block has no coefficients.
    pub(super) fn no_residual(&mut self, place: &Place) {
        for plane in 0..3 {
            let part = self.part(plane, place);
            let edges = [(&mut self.work.above, part.column, part.width), (&mut self.work.left, part.row, part.height)];
            for (edge, start, length) in edges {
                let units = edge.nonzero.get_mut(plane).and_then(|plane| plane.get_mut(start..start + length));
                units.into_iter().for_each(|units| units.fill(false));
            }
        }
    }

    /// `residual()`: whether there are any coefficients.
    pub(super) fn residual(&mut self, place: &Place, block: &Block) -> bool {
        let mut any = false;
        for plane in 0..3 {
            let part = self.part(plane, place);
            let mut tx = block.tx;
            let (mut x, mut y) = (0, 0);
            if plane > 0 {
                (x, y) = self.frame.subsampling;
                // `get_uv_tx_size()`.
                let side = (place.width_log2.max(1) - x).min(place.height_log2.max(1) - y).min(3);
                tx = if place.is_small() { 0 } else { tx.min(side) };
            }
            // What lies beyond the frame is not coded.
            let width = part.width.min((2 * (self.frame.columns - place.column) as usize) >> x);
            let height = part.height.min((2 * (self.frame.rows - place.row) as usize) >> y);
            let step = 1 << tx;
            for down in (0..height).step_by(step) {
                for right in (0..width).step_by(step) {
                    let index = down % 2 * 2 + right % 2;
                    let hybrid = plane == 0 && tx < 3 && !block.is_inter() && !self.frame.rest.lossless;
                    let mode = if hybrid { block.modes.get(index).copied() } else { None };
                    let inside = (width - right, height - down);
                    any |= self.transform(plane, tx, mode, (part.column + right, part.row + down), inside, block);
                }
            }
        }
        any
    }

    /// `tokens()` of a transform: whether it has any coefficients. `inside` is how much of it lies in the frame.
    fn transform(
        &mut self,
        plane: usize,
        tx: u8,
        mode: Option<u8>,
        (column, row): (usize, usize),
        inside: (usize, usize),
        block: &Block,
    ) -> bool {
        let (size, chroma, inter) = (usize::from(tx), usize::from(plane > 0), usize::from(block.is_inter()));
        let work = &mut *self.work;
        let side = 1 << size;
        let above = work.above.nonzero.get_mut(plane).and_then(|plane| plane.get_mut(column..column + side));
        let left = work.left.nonzero.get_mut(plane).and_then(|plane| plane.get_mut(row..row + side));
        let (Some(above), Some(left)) = (above, left) else { return false };
        let probs = self.frame.probs.coefs.get(size).and_then(|size| size.get(chroma)?.get(inter));
        let counts = work.counts.coefs.get_mut(size).and_then(|size| size.get_mut(chroma)?.get_mut(inter));
        let (Some(probs), Some(counts)) = (probs, counts) else { return false };
        let context = usize::from(above.contains(&true)) + usize::from(left.contains(&true));
        let depth = self.frame.depth;
        let any;
        (self.bits, any) = tokens(self.bits, probs, counts, scan(tx, mode), context, &mut work.tokens, depth);
        for (edge, inside) in [(above, inside.0), (left, inside.1)] {
            edge.fill(false);
            edge.iter_mut().take(inside).for_each(|unit| *unit = any);
        }
        any
    }
}

/// Reads the tokens of a transform in this order: whether there are any. The decoder goes in and comes out by value, so
/// that it stays in registers.
#[inline(never)]
fn tokens<'a>(
    mut bits: Bool<'a>,
    probs: &[[[u8; 3]; 6]; 6],
    counts: &mut CoefCounts,
    order: &[Step],
    first_context: usize,
    Tokens(tokens): &mut Tokens,
    depth: u8,
) -> (Bool<'a>, bool) {
    let (mut context, mut after_zero) = (first_context, false);
    for (number, step) in order.iter().enumerate() {
        if number > 0 {
            let near = |place: u16| tokens.get(usize::from(place)).map_or(0, |token| usize::from(*token));
            context = (1 + near(step.first) + near(step.second)) >> 1;
        }
        let band = usize::from(step.band);
        let counts = counts.get_mut(band).and_then(|band| band.get_mut(context));
        let probs = probs.get(band).and_then(|band| band.get(context));
        let (Some([zeros, ones, more, ends, possible]), Some([no_end, not_zero, not_one])) = (counts, probs) else {
            break;
        };
        if !after_zero {
            *possible += 1;
            if !bits.read(*no_end) {
                *ends += 1;
                return (bits, number > 0);
            }
        }
        after_zero = !bits.read(*not_zero);
        let class = if after_zero {
            *zeros += 1;
            0
        } else if bits.read(*not_one) {
            *more += 1;
            large(&mut bits, pareto(*not_one), depth)
        } else {
            *ones += 1;
            1
        };
        if let Some(token) = tokens.get_mut(usize::from(step.place)) {
            *token = class;
        }
        if !after_zero {
            bits.read(128);
        }
    }
    (bits, true)
}

/// A token beyond one, and the bits that come with it; its class (`energy_class`).
#[inline(always)]
fn large(bits: &mut Bool<'_>, probs: &[u8; 8], depth: u8) -> u8 {
    let [high, not_two, four, categories, second, upper, fourth, sixth] = *probs;
    if !bits.read(high) {
        if !bits.read(not_two) {
            return 2;
        }
        bits.read(four);
        return 3;
    }
    let (extra, class): (&[u8], u8) = if !bits.read(categories) {
        (if bits.read(second) { &[165, 145] } else { &[159] }, 4)
    } else if !bits.read(upper) {
        (if bits.read(fourth) { &[176, 155, 140, 135] } else { &[173, 148, 140] }, 5)
    } else if bits.read(sixth) {
        let start = usize::from(12_u8.saturating_sub(depth));
        (CATEGORY_6.get(start..).unwrap_or(&CATEGORY_6), 5)
    } else {
        (&[180, 157, 141, 134, 130], 5)
    };
    for probability in extra {
        bits.read(*probability);
    }
    class
}
