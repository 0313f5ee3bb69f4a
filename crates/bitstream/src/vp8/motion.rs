//! Motion vectors, and what is known of one from those around it (RFC 6386 §16.3, §16.4, §17).

use super::bool_decoder::BoolDecoder;
use super::tables;

/// A motion vector, in quarters of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Vector {
    row: i32,
    column: i32,
}

impl Vector {
    const ZERO: Vector = Vector { row: 0, column: 0 };

    /// The row comes first. Neither is more than 1023 (§17.2).
    fn read(bits: &mut BoolDecoder<'_>, [row, column]: &[[u8; 19]; 2]) -> Self {
        Vector { row: component(bits, row), column: component(bits, column) }
    }

    /// Both are bounded: by the frame's size or by the length of a code.
    fn plus(self, other: Vector) -> Self {
        Vector { row: self.row + other.row, column: self.column + other.column }
    }

    fn turned(self, turn: bool) -> Self {
        if turn { Vector { row: -self.row, column: -self.column } } else { self }
    }
}

/// A component of a vector (§17.2): short ones by a tree, long ones by bits.
fn component(bits: &mut BoolDecoder<'_>, odds: &[u8; 19]) -> i32 {
    let [long, sign, s0, s1, s2, s3, s4, s5, s6, l0, l1, l2, l3, l4, l5, l6, l7, l8, l9] = *odds;
    let mut value = 0;
    if bits.read(long) {
        for (bit, odds) in [(0, l0), (1, l1), (2, l2), (9, l9), (8, l8), (7, l7), (6, l6), (5, l5), (4, l4)] {
            value |= i32::from(bits.read(odds)) << bit;
        }
        // Shorter than 8 it would not be long: where no higher bit is set this one is.
        if value < 16 || bits.read(l3) {
            value |= 8;
        }
    } else {
        let high = bits.read(s0);
        let middle = bits.read(if high { s4 } else { s1 });
        let low = bits.read(match (high, middle) {
            (false, false) => s2,
            (false, true) => s3,
            (true, false) => s5,
            (true, true) => s6,
        });
        value = i32::from(high) << 2 | i32::from(middle) << 1 | i32::from(low);
    }
    if value != 0 && bits.read(sign) { -value } else { value }
}

/// How far vectors may reach over the frame's edge, where they are taken from others (§5, §18.1).
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    rows: (i32, i32),
    columns: (i32, i32),
}

impl Bounds {
    /// Of the macroblock at this place of so many: its own size more than what lies between it and the edge. Numbers
    /// of macroblocks are at most 1024.
    pub(super) fn new(row: usize, rows: usize, column: usize, columns: usize) -> Self {
        let reach = |at: usize, all: usize| {
            let quarters = |macroblocks: usize| i32::try_from(64 * macroblocks).unwrap_or(i32::MAX);
            (-quarters(at + 1), quarters(all.saturating_sub(at)))
        };
        Bounds { rows: reach(row, rows), columns: reach(column, columns) }
    }

    fn clamp(&self, vector: Vector) -> Vector {
        let clamp = |value: i32, (least, most): (i32, i32)| value.max(least).min(most);
        Vector { row: clamp(vector.row, self.rows), column: clamp(vector.column, self.columns) }
    }
}

/// A macroblock, as the next ones see it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Motion {
    /// 0 for intra, else the slot: 1 the last frame, 2 golden, 3 altref.
    reference: u8,
    split: bool,
    vector: Vector,
    /// Those of its lowest row of blocks, or of its right column.
    edge: [Vector; 4],
}

/// What the first partition says of all motion in a frame.
#[derive(Debug, Clone, Copy)]
pub(super) struct Odds {
    /// `prob_last` and `prob_gf`.
    pub(super) references: [u8; 2],
    /// Slots whose vectors have the other sign, by their numbers.
    pub(super) sign_bias: [bool; 4],
    pub(super) vectors: [[u8; 19]; 2],
}

/// The macroblocks around one.
#[derive(Debug)]
pub(super) struct Around<'m> {
    pub(super) above: &'m mut Motion,
    pub(super) left: &'m mut Motion,
    pub(super) above_left: Motion,
}

impl Around<'_> {
    /// An intra macroblock.
    pub(super) fn intra(&mut self) {
        (*self.above, *self.left) = (Motion::default(), Motion::default());
    }

    /// Reads reference, mode and vectors of an inter macroblock; whether it is split.
    pub(super) fn inter(&mut self, bits: &mut BoolDecoder<'_>, odds: &Odds, bounds: &Bounds) -> bool {
        let [last, golden] = odds.references;
        let reference = if !bits.read(last) { 1 } else { 2 + u8::from(bits.read(golden)) };
        let near = self.near(reference, &odds.sign_bias);
        let chance = |place: usize| {
            let row = near.counts.get(place).and_then(|count| tables::INTER_MODES.get(usize::from(*count)));
            row.and_then(|row| row.get(place)).copied().unwrap_or(128)
        };
        let vector = if !bits.read(chance(0)) {
            Vector::ZERO
        } else if !bits.read(chance(1)) {
            bounds.clamp(near.nearest)
        } else if !bits.read(chance(2)) {
            bounds.clamp(near.near)
        } else if !bits.read(chance(3)) {
            bounds.clamp(near.best).plus(Vector::read(bits, &odds.vectors))
        } else {
            let vector = self.split(bits, &odds.vectors, bounds.clamp(near.best));
            for side in [&mut *self.above, &mut *self.left] {
                (side.reference, side.split, side.vector) = (reference, true, vector);
            }
            return true;
        };
        let motion = Motion { reference, split: false, vector, edge: [vector; 4] };
        (*self.above, *self.left) = (motion, motion);
        false
    }

    /// The vectors around, by how often they occur (§16.3).
    fn near(&self, reference: u8, sign_bias: &[bool; 4]) -> Near {
        let biased = |reference: u8| sign_bias.get(usize::from(reference)).copied().unwrap_or(false);
        // Zero, then others in the order in which they are found.
        let (mut found, mut counts, mut last) = ([Vector::ZERO; 4], [0_u8; 4], 0);
        for (motion, weight) in [(&*self.above, 2), (&*self.left, 2), (&self.above_left, 1)] {
            if motion.reference == 0 {
                continue;
            }
            let place = if motion.vector == Vector::ZERO {
                0
            } else {
                let vector = motion.vector.turned(biased(motion.reference) != biased(reference));
                if last == 0 || found[last & 3] != vector {
                    last += 1;
                    found[last & 3] = vector;
                }
                last
            };
            counts[place & 3] += weight;
        }
        let [zero, mut nearest, mut near, third] = counts;
        let [_, mut first, mut second, _] = found;
        // Three, of which the third is the first again.
        if third > 0 && found[3] == first {
            nearest += 1;
        }
        let split = |motion: &Motion, weight| if motion.split { weight } else { 0 };
        let splits = split(self.above, 2) + split(self.left, 2) + split(&self.above_left, 1);
        if near > nearest {
            std::mem::swap(&mut near, &mut nearest);
            std::mem::swap(&mut first, &mut second);
        }
        let best = if nearest >= zero { first } else { Vector::ZERO };
        Near { best, nearest: first, near: second, counts: [zero, nearest, near, splits] }
    }

    /// The vectors of a split macroblock, around `best` (§16.4). Gives that of its last block.
    fn split(&mut self, bits: &mut BoolDecoder<'_>, odds: &[[u8; 19]; 2], best: Vector) -> Vector {
        let [fine, quarters, halves] = tables::SPLIT;
        let [sixteen, four, upper, side] = &tables::PARTS;
        let parts = if !bits.read(fine) {
            sixteen
        } else if !bits.read(quarters) {
            four
        } else if bits.read(halves) {
            side
        } else {
            upper
        };
        let mut vectors = [Vector::ZERO; 16];
        let (mut known, mut vector) = (0, Vector::ZERO);
        for (row, left) in parts.iter().zip(&mut self.left.edge) {
            for (part, above) in row.iter().zip(&mut self.above.edge) {
                // A number in a table, less than 16.
                let slot = &mut vectors[usize::from(part & 15)];
                if *part == known {
                    known += 1;
                    *slot = block(bits, odds, *left, *above, best);
                }
                vector = *slot;
                (*left, *above) = (vector, vector);
            }
        }
        vector
    }
}

/// A block's own vector, or that of a block next to it.
fn block(bits: &mut BoolDecoder<'_>, odds: &[[u8; 19]; 2], left: Vector, above: Vector, best: Vector) -> Vector {
    let [as_left, as_above, zero] = match (left == above, left == Vector::ZERO, above == Vector::ZERO) {
        (true, true, _) => [208, 1, 1],
        (true, false, _) => [223, 1, 34],
        (false, _, true) => [179, 121, 1],
        (false, true, false) => [106, 145, 1],
        (false, false, false) => [147, 136, 18],
    };
    if !bits.read(as_left) {
        left
    } else if !bits.read(as_above) {
        above
    } else if !bits.read(zero) {
        Vector::ZERO
    } else {
        best.plus(Vector::read(bits, odds))
    }
}

/// What the macroblocks around one say of its motion.
struct Near {
    best: Vector,
    nearest: Vector,
    near: Vector,
    /// How often there is none, the nearest, the near one, and a split.
    counts: [u8; 4],
}
