//! Which pictures are built on references that are missing or damaged.
//!
//! Only macroblock data tells which references a picture uses. What is followed here is coarser and errs to the
//! safe side: from the first loss on, every picture that predicts from others counts as damaged, until nothing
//! before the loss can be referred to any more.
//!
//! - A loss is a reference picture that could not be decoded, a NAL unit that could not be read, and a gap in
//!   `frame_num` that the SPS does not allow, from which §7.4.3 has a decoder infer a loss.
//! - It ends at an IDR picture, or at a recovery point that an SEI message names (§D.2.8), once
//!   `recovery_frame_cnt` frames have passed. Pictures before the recovery point in output order stay damaged. One that
//!   is reached step by step counts where it promises exact pictures (`exact_match_flag`), and not only near ones.
//! - A stream that begins elsewhere than at an IDR picture begins with everything before it lost. An intra picture
//!   that the caller calls a random access point will do to begin with.
//!
//! One gap is no loss. A hardware encoder in the field numbers the first picture after each IDR picture 2 in place
//! of 1, in a stream that keeps one reference frame and takes output order from decoding order: nothing is missing
//! by time stamps, and the pictures are sound. A real loss of just that picture would look the same, which is why
//! the rule asks for all of these: one frame skipped, right after an IDR picture, one reference frame, picture order
//! count type 2.

use crate::h264::{OutputOrder, PocType, SliceHeader, Sps};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    /// References are missing, and no recovery point has come.
    #[default]
    Lost,
    /// After a recovery point that is complete when `frame_num` has gone up by `left` from `last`.
    Recovering { left: u32, last: u32 },
    /// Sound for pictures from here on in output order.
    SoundFrom(OutputOrder),
    /// Sound.
    Sound,
}

/// What is known of a picture besides its header.
#[derive(Debug, Clone, Copy)]
pub(super) struct Circumstances {
    /// Frames skipped by `frame_num`.
    pub gap: u32,
    /// The picture before it is an IDR picture.
    pub after_idr: bool,
    /// It repeats the reference picture before it.
    pub repeated: bool,
    /// A recovery point SEI message comes with it: complete after so many frames.
    pub recovery: Option<u32>,
    /// The caller says that decoding can start here.
    pub random_access: bool,
    /// No picture came before it.
    pub first: bool,
}

/// Follows losses from picture to picture.
#[derive(Debug, Clone, Default)]
pub(super) struct Losses {
    state: State,
}

impl Losses {
    /// References went missing.
    pub(super) fn lost(&mut self) {
        self.state = State::Lost;
    }

    /// Takes in the next picture in decoding order.
    pub(super) fn begin(&mut self, sps: &Sps, header: &SliceHeader, position: OutputOrder, known: Circumstances) {
        if header.is_idr() {
            self.state = State::Sound;
            return;
        }
        let numbered_on =
            known.gap == 1 && known.after_idr && sps.max_ref_frames <= 1 && sps.poc == PocType::DecodingOrder;
        if known.repeated || known.gap > 0 && !sps.gaps_in_frame_num_allowed && !numbered_on {
            self.lost();
        }
        let max = 1_u32 << sps.frame_num_bits.min(16);
        // Where a stream begins, an intra picture that the caller calls a random access point is one: there is
        // nothing better to go by. Later ones do not end a loss: what follows them may refer past them.
        let by_caller = (known.first && known.random_access && header.slice_type.is_intra()).then_some(0);
        if let (State::Lost, Some(count)) = (self.state, known.recovery.or(by_caller)) {
            self.state = State::Recovering { left: count, last: header.frame_num.into() };
        }
        match self.state {
            State::Recovering { left, last } => {
                // Steps are counted, since it may be nearly all numbers that there are; the one waited for may be skipped.
                let left = left.saturating_sub((u32::from(header.frame_num) + max - last) % max);
                let last = if header.drops_references { 0 } else { header.frame_num.into() };
                self.state = if left == 0 { State::SoundFrom(position) } else { State::Recovering { left, last } };
            }
            State::SoundFrom(from) if from.epoch != position.epoch => self.state = State::Sound,
            _ => {}
        }
    }

    /// Whether a slice of the picture at this place in output order may predict from what is missing.
    pub(super) fn damages(&self, header: &SliceHeader, position: OutputOrder) -> bool {
        let sound = match self.state {
            State::Sound => true,
            State::SoundFrom(from) => position >= from,
            State::Lost | State::Recovering { .. } => false,
        };
        !sound && !header.slice_type.is_intra()
    }
}
