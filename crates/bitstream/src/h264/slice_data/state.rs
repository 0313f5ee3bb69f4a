//! What parsing a macroblock needs to know of those before it.

use super::super::SliceType;

/// What kind of macroblock it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Kind {
    #[default]
    Skipped,
    Direct,
    Inter,
    /// 4×4 or 8×8 blocks.
    Intra,
    Intra16,
    Pcm,
}

impl Kind {
    pub(super) fn is_intra(self) -> bool {
        matches!(self, Self::Intra | Self::Intra16 | Self::Pcm)
    }
}

/// A macroblock that was parsed. Blocks stand in raster order.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Mb {
    /// Its slice, counted over all pictures; 0 where there was none.
    pub slice: u64,
    pub kind: Kind,
    pub transform_8x8: bool,
    /// `CodedBlockPatternLuma` in the low four bits, `CodedBlockPatternChroma` above.
    pub cbp: u8,
    pub chroma_mode: u8,
    /// Whether there are DC coefficients: of a 16×16 luma block, of Cb, of Cr, from the lowest bit on.
    pub dc: u8,
    /// Modes of intra blocks of 4×4; 2 in other macroblocks.
    pub modes: [u8; 16],
    /// Coefficients of luma blocks; of CABAC blocks only whether there are any.
    pub luma: [u8; 16],
    /// The same of Cb and Cr, in two columns.
    pub chroma: [[u8; 8]; 2],
    /// Whether `ref_idx` of each list is above 0, for each quarter.
    pub later_reference: [[bool; 4]; 2],
    /// Absolute `mvd` of each list, 255 at most.
    pub mvd: [[[u8; 2]; 16]; 2],
}

impl Mb {
    pub(super) fn new(slice: u64, kind: Kind) -> Mb {
        Mb { slice, kind, modes: [2; 16], ..Mb::default() }
    }

    pub(super) fn cbp_luma(&self) -> u8 {
        self.cbp & 15
    }

    pub(super) fn cbp_chroma(&self) -> u8 {
        self.cbp >> 4
    }
}

/// The macroblocks around the one being parsed, as far as they are in its slice.
#[derive(Debug, Clone, Copy)]
pub(super) struct Near<'m> {
    pub left: Option<&'m Mb>,
    pub above: Option<&'m Mb>,
    pub above_left: Option<&'m Mb>,
}

impl<'m> Near<'m> {
    /// The 4×4 block left of the one in this column and line, in its macroblock, and its index there.
    pub(super) fn left_of<'a>(&self, own: &'a Mb, x: usize, y: usize) -> Option<(&'a Mb, usize)>
    where
        'm: 'a,
    {
        if x > 0 { Some((own, y * 4 + x - 1)) } else { self.left.map(|mb| (mb, y * 4 + 3)) }
    }

    /// The 4×4 block above the one in this column and line.
    pub(super) fn above_of<'a>(&self, own: &'a Mb, x: usize, y: usize) -> Option<(&'a Mb, usize)>
    where
        'm: 'a,
    {
        if y > 0 { Some((own, y * 4 + x - 4)) } else { self.above.map(|mb| (mb, 12 + x)) }
    }

    /// Both for something that a whole macroblock has, 1 for the left and `above` for the upper one.
    pub(super) fn count(&self, above: usize, has: impl Fn(&Mb) -> bool) -> usize {
        usize::from(self.left.is_some_and(&has)) + above * usize::from(self.above.is_some_and(&has))
    }
}

/// What is the same for all macroblocks of a slice.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slice {
    pub kind: SliceType,
    pub field: bool,
    /// Entries of each reference list.
    pub active: [u8; 2],
    /// 4×4 blocks of each chroma plane in a macroblock: 0, 4 or 8.
    pub chroma_blocks: usize,
    pub transform_8x8: bool,
    pub direct_8x8_inference: bool,
    pub constrained_intra: bool,
    /// `mb_qp_delta` is from −`qp_delta_max` − 1 on at most this.
    pub qp_delta_max: i32,
    /// Absolute values of coefficients go up to this.
    pub level_max: u32,
    /// Bits of the samples of an I_PCM macroblock.
    pub pcm_bits: u64,
}

impl Slice {
    /// Whether a neighbour's samples may be predicted from (§8.3.1.2).
    pub(super) fn predicts_from(&self, mb: Option<&Mb>) -> bool {
        mb.is_some_and(|mb| mb.kind.is_intra() || !self.constrained_intra)
    }
}

/// Column and line of a 4×4 luma block (§6.4.3).
pub(super) fn place(block: usize) -> (usize, usize) {
    ((block & 1) + (block >> 2 & 1) * 2, (block >> 1 & 1) + (block >> 3 & 1) * 2)
}
