//! Codecs whose packets hold whole frames and need no reordering: AV1, VP8, VP9, Motion JPEG.
//!
//! [`CodedFrame`] is what a frame header tells without decoding, in the same words for all of them; [`FrameStream`]
//! follows a track; [`backend`] makes a back end out of a decoder.

pub mod backend;
mod stream;
pub mod strict;

use kineframe_codec::Size;

pub use stream::{FrameLook, FrameStream};

/// A frame inside of a packet, as its header describes it.
///
/// References are slots, at most eight: AV1 and VP9 name them, VP8 has three.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodedFrame {
    /// It is shown.
    pub shown: bool,
    /// Decoding can start here, and nothing that follows refers past it.
    pub clean: bool,
    /// Its size, or one that it does not exceed, where its header tells.
    pub size: Option<Size>,
    /// Slots that it may predict from, a bit each.
    pub uses: u8,
    /// Slots that it takes, a bit each.
    pub refreshes: u8,
    /// It may change something else that later frames build on: probabilities, motion vectors. Where it takes no slot
    /// and changes nothing, no other frame needs it.
    pub state: bool,
    /// It is no frame of its own: what this slot holds is shown.
    pub shows: Option<u8>,
}

impl CodedFrame {
    /// A shown frame of this size that refers to nothing and that nothing refers to.
    pub fn shown(size: Size) -> Self {
        CodedFrame { shown: true, clean: false, size: Some(size), uses: 0, refreshes: 0, state: false, shows: None }
    }
}

#[cfg(test)]
mod tests;
