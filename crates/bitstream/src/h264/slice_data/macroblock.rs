//! The macroblock layer (H.264 §7.3.5), the same for both ways of entropy coding.

use super::intra::{check_chroma, check_intra_16, check_intra_block};
use super::state::{Kind, Mb, Near, Slice, place};
use super::types::{MbType, Quarter, Shape};
use crate::{Error, ErrorKind};

/// A residual block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Block {
    /// The DC coefficients of a 16×16 luma block.
    LumaDc,
    /// A luma block by its number in coding order, without its DC coefficient or with it.
    LumaAc(usize),
    Luma(usize),
    /// A quarter's luma block of 8×8, in CABAC.
    Luma8(usize),
    /// The DC coefficients of a chroma plane.
    ChromaDc(usize),
    /// A block of a chroma plane, without its DC coefficient.
    ChromaAc(usize, usize),
}

/// Reads syntax elements, CAVLC or CABAC. What is out of range ends in an error.
pub(super) trait Entropy {
    fn mb_type(&mut self, slice: &Slice, near: &Near<'_>) -> Result<MbType, Error>;
    fn quarter(&mut self, slice: &Slice) -> Result<Quarter, Error>;
    fn transform_8x8(&mut self, near: &Near<'_>) -> Result<bool, Error>;
    /// `rem_intra4x4_pred_mode`, or `None` where the mode is the predicted one.
    fn intra_mode(&mut self) -> Result<Option<u8>, Error>;
    fn chroma_mode(&mut self, near: &Near<'_>) -> Result<u8, Error>;
    /// `ref_idx` of the partition that begins with this quarter, in a list with more than one entry.
    fn ref_idx(&mut self, near: &Near<'_>, mb: &Mb, list: usize, quarter: usize, active: u8) -> Result<u32, Error>;
    /// Both components of `mvd` at this 4×4 block, absolute, 255 at most.
    fn mvd(&mut self, near: &Near<'_>, mb: &Mb, list: usize, x: usize, y: usize) -> Result<[u8; 2], Error>;
    fn coded_block_pattern(&mut self, slice: &Slice, near: &Near<'_>, intra: bool) -> Result<u8, Error>;
    fn qp_delta(&mut self) -> Result<i32, Error>;
    /// The macroblock has no `mb_qp_delta`.
    fn no_qp_delta(&mut self);
    /// Steps over samples, aligned to a byte.
    fn pcm(&mut self, bits: u64) -> Result<(), Error>;
    /// How many coefficients a block has, or whether it has any.
    fn residual(&mut self, slice: &Slice, near: &Near<'_>, mb: &Mb, block: Block) -> Result<u8, Error>;
    /// Whether luma blocks of 8×8 are written as one block.
    const WHOLE_8X8: bool;
    fn error(&self, field: &'static str, kind: ErrorKind) -> Error;

    fn within(&self, field: &'static str, value: i64, min: i64, max: i64) -> Result<(), Error> {
        if (min..=max).contains(&value) { Ok(()) } else { Err(self.error(field, ErrorKind::Range { value, min, max })) }
    }
}

/// Parses a macroblock that is not skipped.
pub(super) fn macroblock<E: Entropy>(bits: &mut E, slice: &Slice, near: &Near<'_>, number: u64) -> Result<Mb, Error> {
    let kind = bits.mb_type(slice, near)?;
    let mut mb = Mb::new(
        number,
        match kind {
            MbType::Intra => Kind::Intra,
            MbType::Intra16 { .. } => Kind::Intra16,
            MbType::Pcm => Kind::Pcm,
            MbType::Direct => Kind::Direct,
            MbType::Parts(..) | MbType::Quarters | MbType::QuartersOfFirst => Kind::Inter,
        },
    );
    if kind == MbType::Pcm {
        bits.pcm(slice.pcm_bits)?;
        bits.no_qp_delta();
        (mb.cbp, mb.dc, mb.luma, mb.chroma) = (0x2f, 7, [16; 16], [[16; 8]; 2]);
        return Ok(mb);
    }
    // Whether nothing forbids a transform of 8×8.
    let mut large = true;
    match kind {
        MbType::Intra => {
            mb.transform_8x8 = slice.transform_8x8 && bits.transform_8x8(near)?;
            intra_modes(bits, slice, near, &mut mb)?;
        }
        MbType::Intra16 { mode, .. } => {
            check_intra_16(slice, near, mode).map_err(|kind| bits.error("mb_type", kind))?
        }
        MbType::Parts(shape, lists) => parts(bits, slice, near, &mut mb, shape, lists)?,
        MbType::Quarters => large = quarters(bits, slice, near, &mut mb)?,
        MbType::QuartersOfFirst => {
            let slice = Slice { active: [1; 2], ..*slice };
            large = quarters(bits, &slice, near, &mut mb)?;
        }
        MbType::Direct => large = slice.direct_8x8_inference,
        MbType::Pcm => {}
    }
    if kind.is_intra() && slice.chroma_blocks > 0 {
        mb.chroma_mode = bits.chroma_mode(near)?;
        check_chroma(slice, near, mb.chroma_mode).map_err(|kind| bits.error("intra_chroma_pred_mode", kind))?;
    }
    mb.cbp = match kind {
        MbType::Intra16 { luma, chroma, .. } => (if luma { 15 } else { 0 }) | chroma << 4,
        _ => bits.coded_block_pattern(slice, near, kind.is_intra())?,
    };
    if mb.cbp_chroma() > 0 && slice.chroma_blocks == 0 {
        // Monochrome: only the type of an intra 16×16 macroblock could say so.
        return Err(bits.error("mb_type", ErrorKind::Kind));
    }
    if !kind.is_intra() && mb.cbp_luma() > 0 && slice.transform_8x8 && large {
        mb.transform_8x8 = bits.transform_8x8(near)?;
    }
    if mb.cbp == 0 && mb.kind != Kind::Intra16 {
        bits.no_qp_delta();
        return Ok(mb);
    }
    let delta = bits.qp_delta()?;
    bits.within("mb_qp_delta", delta.into(), (-slice.qp_delta_max - 1).into(), slice.qp_delta_max.into())?;
    residual(bits, slice, near, &mut mb)?;
    Ok(mb)
}

/// The modes of 4×4 or 8×8 blocks, each predicted from its neighbours (§8.3.1.1, §8.3.2.1).
fn intra_modes<E: Entropy>(bits: &mut E, slice: &Slice, near: &Near<'_>, mb: &mut Mb) -> Result<(), Error> {
    let known = Near {
        left: near.left.filter(|_| slice.predicts_from(near.left)),
        above: near.above.filter(|_| slice.predicts_from(near.above)),
        above_left: near.above_left.filter(|_| slice.predicts_from(near.above_left)),
    };
    let size = if mb.transform_8x8 { 2 } else { 1 };
    for block in (0..16).step_by(size * size) {
        let (x, y) = place(block);
        let mode = |place: Option<(&Mb, usize)>| place.and_then(|(mb, index)| mb.modes.get(index).copied());
        let neighbours = mode(known.left_of(mb, x, y)).zip(mode(known.above_of(mb, x, y)));
        let predicted = neighbours.map_or(2, |(left, above)| left.min(above));
        let mode = match bits.intra_mode()? {
            None => predicted,
            Some(other) => other + u8::from(other >= predicted),
        };
        check_intra_block(&known, x, y, mode).map_err(|kind| bits.error("intra_pred_mode", kind))?;
        fill(&mut mb.modes, x, y, size, size, mode);
    }
    Ok(())
}

fn fill<T: Copy>(blocks: &mut [T; 16], x: usize, y: usize, width: usize, height: usize, value: T) {
    for line in blocks.chunks_exact_mut(4).skip(y).take(height) {
        line.iter_mut().skip(x).take(width).for_each(|block| *block = value);
    }
}

/// `ref_idx` in a list, checked against its length; whether it is above 0.
fn reference<E: Entropy>(
    bits: &mut E,
    slice: &Slice,
    near: &Near<'_>,
    mb: &Mb,
    list: usize,
    quarter: usize,
) -> Result<bool, Error> {
    let active = slice.active.get(list).copied().unwrap_or(0);
    if active <= 1 {
        return Ok(false);
    }
    let index = bits.ref_idx(near, mb, list, quarter, active)?;
    bits.within("ref_idx", index.into(), 0, i64::from(active) - 1)?;
    Ok(index > 0)
}

/// `mb_pred()` of a macroblock in one or two partitions.
fn parts<E: Entropy>(
    bits: &mut E,
    slice: &Slice,
    near: &Near<'_>,
    mb: &mut Mb,
    shape: Shape,
    lists: [u8; 2],
) -> Result<(), Error> {
    let (quarters, blocks): (&[&[usize]], &[[usize; 4]]) = match shape {
        Shape::Rows => (&[&[0, 1], &[2, 3]], &[[0, 0, 4, 2], [0, 2, 4, 2]]),
        Shape::Columns => (&[&[0, 2], &[1, 3]], &[[0, 0, 2, 4], [2, 0, 2, 4]]),
        Shape::Whole | Shape::Quarters => (&[&[0, 1, 2, 3]], &[[0, 0, 4, 4]]),
    };
    for list in 0..2 {
        for (quarters, lists) in quarters.iter().zip(lists) {
            if lists >> list & 1 == 1 {
                let later = reference(bits, slice, near, mb, list, quarters[0])?;
                quarters.iter().for_each(|&quarter| mb.later_reference[list][quarter] = later);
            }
        }
    }
    for list in 0..2 {
        for (&[x, y, width, height], lists) in blocks.iter().zip(lists) {
            if lists >> list & 1 == 1 {
                let mvd = bits.mvd(near, mb, list, x, y)?;
                fill(&mut mb.mvd[list], x, y, width, height, mvd);
            }
        }
    }
    Ok(())
}

/// `sub_mb_pred()`. Gives whether the parts allow a transform of 8×8.
fn quarters<E: Entropy>(bits: &mut E, slice: &Slice, near: &Near<'_>, mb: &mut Mb) -> Result<bool, Error> {
    let mut types = [Quarter { shape: Shape::Whole, lists: 0 }; 4];
    let mut large = true;
    for quarter in &mut types {
        *quarter = bits.quarter(slice)?;
        large &= if quarter.is_direct() { slice.direct_8x8_inference } else { quarter.shape == Shape::Whole };
    }
    for list in 0..2 {
        for (index, quarter) in types.iter().enumerate() {
            if quarter.lists >> list & 1 == 1 {
                mb.later_reference[list][index] = reference(bits, slice, near, mb, list, index)?;
            }
        }
    }
    for list in 0..2 {
        for (index, quarter) in types.iter().enumerate() {
            if quarter.lists >> list & 1 == 0 {
                continue;
            }
            let blocks: &[[usize; 4]] = match quarter.shape {
                Shape::Whole => &[[0, 0, 2, 2]],
                Shape::Rows => &[[0, 0, 2, 1], [0, 1, 2, 1]],
                Shape::Columns => &[[0, 0, 1, 2], [1, 0, 1, 2]],
                Shape::Quarters => &[[0, 0, 1, 1], [1, 0, 1, 1], [0, 1, 1, 1], [1, 1, 1, 1]],
            };
            let (left, top) = (index % 2 * 2, index / 2 * 2);
            for &[x, y, width, height] in blocks {
                let mvd = bits.mvd(near, mb, list, left + x, top + y)?;
                fill(&mut mb.mvd[list], left + x, top + y, width, height, mvd);
            }
        }
    }
    Ok(large)
}

/// `residual()` in 4:2:0, 4:2:2 and monochrome.
fn residual<E: Entropy>(bits: &mut E, slice: &Slice, near: &Near<'_>, mb: &mut Mb) -> Result<(), Error> {
    let whole = mb.kind == Kind::Intra16;
    if whole {
        mb.dc |= u8::from(bits.residual(slice, near, mb, Block::LumaDc)? > 0);
    }
    let coded = mb.cbp_luma();
    for quarter in (0..4).filter(|quarter| coded >> quarter & 1 == 1) {
        if mb.transform_8x8 && E::WHOLE_8X8 {
            bits.residual(slice, near, mb, Block::Luma8(quarter))?;
            // Without a flag of its own such a block counts as coded.
            fill(&mut mb.luma, quarter % 2 * 2, quarter / 2 * 2, 2, 2, 1);
            continue;
        }
        for block in quarter * 4..quarter * 4 + 4 {
            let coefficients =
                bits.residual(slice, near, mb, if whole { Block::LumaAc(block) } else { Block::Luma(block) })?;
            let (x, y) = place(block);
            mb.luma[y * 4 + x] = coefficients;
        }
    }
    if mb.cbp_chroma() > 0 {
        for plane in 0..2 {
            mb.dc |= u8::from(bits.residual(slice, near, mb, Block::ChromaDc(plane))? > 0) << (plane + 1);
        }
    }
    if mb.cbp_chroma() > 1 {
        for plane in 0..2 {
            for block in 0..slice.chroma_blocks {
                mb.chroma[plane][block] = bits.residual(slice, near, mb, Block::ChromaAc(plane, block))?;
            }
        }
    }
    Ok(())
}
