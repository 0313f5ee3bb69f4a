//! Which samples an intra prediction mode needs (H.264 §8.3.1.2, §8.3.2.2, §8.3.3, §8.3.4).

use super::state::{Near, Slice};
use crate::ErrorKind;

/// Samples on these sides are needed: left, above, and in the corner between them.
fn needs(near: [bool; 3], left: bool, above: bool, corner: bool) -> Result<(), ErrorKind> {
    let there = [left, above, corner];
    if near.iter().zip(there).all(|(need, there)| there || !need) { Ok(()) } else { Err(ErrorKind::Unavailable) }
}

/// A mode of a 4×4 or 8×8 block in this column and line of blocks; of `near` only what may be predicted from.
pub(super) fn check_intra_block(near: &Near<'_>, x: usize, y: usize, mode: u8) -> Result<(), ErrorKind> {
    let (left, above) = (x > 0 || near.left.is_some(), y > 0 || near.above.is_some());
    let corner = match (x > 0, y > 0) {
        (true, true) => true,
        (false, true) => left,
        (true, false) => above,
        (false, false) => near.above_left.is_some(),
    };
    // Vertical, horizontal, DC, diagonal down left, diagonal down right, vertical right, horizontal down, vertical
    // left, horizontal up. Samples above right are made up where they are missing.
    let sides = match mode {
        0 | 3 | 7 => [false, true, false],
        1 | 8 => [true, false, false],
        2 => [false; 3],
        _ => [true; 3],
    };
    needs(sides, left, above, corner)
}

fn check_plane(slice: &Slice, near: &Near<'_>, sides: [bool; 3]) -> Result<(), ErrorKind> {
    let [left, above, corner] = [near.left, near.above, near.above_left].map(|mb| slice.predicts_from(mb));
    needs(sides, left, above, corner)
}

/// A mode of a 16×16 luma block: vertical, horizontal, DC, plane.
pub(super) fn check_intra_16(slice: &Slice, near: &Near<'_>, mode: u8) -> Result<(), ErrorKind> {
    check_plane(slice, near, [[false, true, false], [true, false, false], [false; 3], [true; 3]][usize::from(mode % 4)])
}

/// A mode of chroma blocks: DC, horizontal, vertical, plane.
pub(super) fn check_chroma(slice: &Slice, near: &Near<'_>, mode: u8) -> Result<(), ErrorKind> {
    check_plane(slice, near, [[false; 3], [true, false, false], [false, true, false], [true; 3]][usize::from(mode % 4)])
}
