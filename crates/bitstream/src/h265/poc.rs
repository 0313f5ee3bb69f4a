//! Picture order count, and where a coded video sequence begins (H.265 §8.1.3, §8.3.1).

use super::{OutputOrder, SliceHeader, Sps};

/// What the stream's order makes of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PicturePlace {
    /// Its place in output order: the epoch counts coded video sequences.
    pub order: OutputOrder,
    /// It is a random access point that begins a coded video sequence (`NoRaslOutputFlag`): nothing after it refers past
    /// it, since the leading pictures that do are not decoded.
    pub begins_sequence: bool,
    /// It is a leading picture that refers past a random access point at which decoding began: it can be neither
    /// decoded nor shown, and nothing that is shown refers to it.
    pub skipped: bool,
}

/// Computes the place of pictures that come in decoding order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PictureOrder {
    epoch: u64,
    /// The count of the last picture that later ones are built on (`prevTid0Pic`).
    previous: i64,
    /// Pictures have come, and no end of sequence after them.
    within: bool,
    /// The last random access point began a sequence.
    skips: bool,
}

impl PictureOrder {
    /// An end of sequence NAL unit has come, or decoding begins anew: a clean random access that follows begins a coded
    /// video sequence.
    pub fn end_of_sequence(&mut self) {
        self.within = false;
    }

    /// The place of the next picture, by the header of its first slice.
    pub fn next(&mut self, sps: &Sps, slice: &SliceHeader) -> PicturePlace {
        let kind = slice.nal.kind;
        let begins_sequence = kind.is_irap() && (kind.is_idr() || kind.is_bla() || !self.within);
        if kind.is_irap() {
            self.skips = begins_sequence;
        }
        let skipped = kind.is_rasl() && self.skips;
        let lsb = i64::from(slice.poc_lsb);
        let max = 1_i64 << sps.poc_lsb_bits.min(16);
        let msb = if begins_sequence {
            self.epoch += 1;
            0
        } else {
            let before = self.previous.rem_euclid(max);
            let msb = self.previous - before;
            match lsb - before {
                less if less <= -max / 2 => msb + max,
                more if more > max / 2 => msb - max,
                _ => msb,
            }
        };
        self.within = true;
        let count = msb + lsb;
        if slice.counts_for_order() {
            self.previous = count;
        }
        PicturePlace { order: OutputOrder { epoch: self.epoch, count }, begins_sequence, skipped }
    }
}
