//! The header of each macroblock (RFC 6386 §19.3): segment, skipping, modes of prediction.

use super::bool_decoder::BoolDecoder;
use super::motion::{Around, Bounds, Odds};
use super::tables;

/// A macroblock, as its coefficients are read.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Macroblock {
    /// It has none.
    pub(super) skipped: bool,
    /// It has a block of the DCs of its luma blocks.
    pub(super) has_y2: bool,
}

/// What the frame header says of all macroblocks.
#[derive(Debug)]
pub(super) struct Frame {
    /// Odds of the tree of segments, where each macroblock tells its own.
    pub(super) segments: Option<[u8; 3]>,
    /// `prob_skip_false`, where they tell whether they are skipped.
    pub(super) skip: Option<u8>,
    /// Nothing for a key frame.
    pub(super) inter: Option<Inter>,
}

/// What only inter frames say.
#[derive(Debug)]
pub(super) struct Inter {
    /// `prob_intra`.
    pub(super) intra: u8,
    /// Odds of luma and chroma modes.
    pub(super) luma: [u8; 4],
    pub(super) chroma: [u8; 3],
    pub(super) motion: Odds,
}

impl Frame {
    /// `segment_id` and `mb_skip_coeff`: whether it is skipped.
    pub(super) fn skipped(&self, bits: &mut BoolDecoder<'_>) -> bool {
        if let Some([half, lower, upper]) = self.segments {
            // Which one matters to samples alone.
            let odds = if bits.read(half) { upper } else { lower };
            bits.read(odds);
        }
        self.skip.is_some_and(|odds| bits.read(odds))
    }
}

/// Modes of blocks in a key frame, as the next macroblocks see them: of a lowest row, or of a right column.
pub(super) type BlockModes = [u8; 4];

/// Modes of blocks (§11.2) that the modes of whole macroblocks stand for as well.
const DC: u8 = 0;
const TRUE_MOTION: u8 = 1;
const VERTICAL: u8 = 2;
const HORIZONTAL: u8 = 3;

/// Modes of a macroblock in a key frame (§11.2); whether it has a block of DCs.
pub(super) fn key(bits: &mut BoolDecoder<'_>, above: &mut BlockModes, left: &mut BlockModes) -> bool {
    let [whole, pair, vertical, motion] = tables::KEY_LUMA;
    let has_y2 = bits.read(whole);
    if has_y2 {
        let mode = match bits.read(pair) {
            false if bits.read(vertical) => VERTICAL,
            false => DC,
            true if bits.read(motion) => TRUE_MOTION,
            true => HORIZONTAL,
        };
        (*above, *left) = ([mode; 4], [mode; 4]);
    } else {
        for left in left {
            for above in &mut *above {
                let odds = tables::KEY_BLOCK_MODES.get(usize::from(*above)).and_then(|row| row.get(usize::from(*left)));
                let mode = block(bits, odds.unwrap_or(&tables::BLOCK_MODES));
                (*above, *left) = (mode, mode);
            }
        }
    }
    chroma(bits, &tables::KEY_CHROMA);
    has_y2
}

impl Inter {
    /// Reference, modes and vectors of a macroblock in another frame (§16); whether it has a block of DCs.
    pub(super) fn macroblock(&self, bits: &mut BoolDecoder<'_>, mut around: Around<'_>, bounds: &Bounds) -> bool {
        if bits.read(self.intra) {
            return !around.inter(bits, &self.motion, bounds);
        }
        around.intra();
        let [dc, pair, vertical, motion] = self.luma;
        let mut has_y2 = true;
        if bits.read(dc) {
            if !bits.read(pair) {
                bits.read(vertical);
            } else if bits.read(motion) {
                has_y2 = false;
                for _ in 0..16 {
                    block(bits, &tables::BLOCK_MODES);
                }
            }
        }
        chroma(bits, &self.chroma);
        has_y2
    }
}

fn chroma(bits: &mut BoolDecoder<'_>, [dc, vertical, horizontal]: &[u8; 3]) {
    if bits.read(*dc) && bits.read(*vertical) {
        bits.read(*horizontal);
    }
}

/// The mode of a block (§11.2).
fn block(bits: &mut BoolDecoder<'_>, odds: &[u8; 9]) -> u8 {
    if !bits.read(odds[0]) {
        DC
    } else if !bits.read(odds[1]) {
        TRUE_MOTION
    } else if !bits.read(odds[2]) {
        VERTICAL
    } else if !bits.read(odds[3]) {
        if !bits.read(odds[4]) { HORIZONTAL } else { 5 + u8::from(bits.read(odds[5])) }
    } else if !bits.read(odds[6]) {
        4
    } else if !bits.read(odds[7]) {
        7
    } else {
        8 + u8::from(bits.read(odds[8]))
    }
}
