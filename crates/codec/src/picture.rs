//! What comes out of a decoder.

use std::fmt;
use std::sync::Arc;

use crate::{ColorSpace, PacketId};

/// A size in samples of the luma plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Size {
    /// Columns.
    pub width: u32,
    /// Lines.
    pub height: u32,
}

/// The part of the planes that is to be shown, in luma samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rect {
    /// First column shown. May be odd, also where chroma is subsampled.
    pub left: u32,
    /// First line shown.
    pub top: u32,
    /// Columns shown.
    pub width: u32,
    /// Lines shown.
    pub height: u32,
}

/// How many chroma samples there are for the luma samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChromaSampling {
    /// No chroma planes.
    Monochrome,
    /// Half the columns, half the lines.
    Yuv420,
    /// Half the columns.
    Yuv422,
    /// As many as luma.
    Yuv444,
}

impl ChromaSampling {
    /// Shifts that turn luma columns and lines into chroma ones (rounding up); `None` without chroma.
    pub fn shifts(self) -> Option<(u32, u32)> {
        match self {
            Self::Monochrome => None,
            Self::Yuv420 => Some((1, 1)),
            Self::Yuv422 => Some((1, 0)),
            Self::Yuv444 => Some((0, 0)),
        }
    }
}

/// Bits that a sample holds, 8 to 16. Samples of more than 8 bits are `u16` in the low bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BitDepth(u8);

impl BitDepth {
    /// Eight bits.
    pub const EIGHT: BitDepth = BitDepth(8);

    /// A depth of 8 to 16 bits.
    pub fn new(bits: u8) -> Option<BitDepth> {
        (8..=16).contains(&bits).then_some(BitDepth(bits))
    }

    /// The number of bits.
    pub fn bits(self) -> u8 {
        self.0
    }
}

/// The shape of a picture's samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PixelFormat {
    /// Planes and their sizes.
    pub chroma: ChromaSampling,
    /// Bits of each sample.
    pub depth: BitDepth,
}

/// Samples of a plane: `U8` exactly where the depth is eight bits.
#[derive(Debug, Clone, Copy)]
pub enum Samples<'a> {
    /// Eight bits.
    U8(&'a [u8]),
    /// Nine to sixteen bits.
    U16(&'a [u16]),
}

/// One plane: lines of `stride` samples, the last of which may be cut to the plane's width.
#[derive(Debug, Clone, Copy)]
pub struct Plane<'a> {
    /// The samples, from the first line's first column, hidden ones included.
    pub samples: Samples<'a>,
    /// Samples from one line to the next.
    pub stride: usize,
}

/// A decoded picture, lent by the decoder for the length of a [`PictureSink`](crate::PictureSink) call.
#[derive(Clone, Copy)]
pub struct Picture<'a> {
    /// The packet that it came from.
    pub id: PacketId,
    /// What is to be shown of the planes.
    pub visible: Rect,
    /// The shape of the samples.
    pub format: PixelFormat,
    /// What the samples mean, as the stream says.
    pub color: ColorSpace,
    /// Built on missing or damaged references, or concealed: not what the encoder made.
    pub damaged: bool,
    /// One plane for monochrome, else three: Y, Cb, Cr.
    pub planes: &'a [Plane<'a>],
    /// How to get a counted handle, where the back end owns its pictures.
    pub shared: Option<&'a Arc<dyn PictureBuffer>>,
}

impl Picture<'_> {
    /// A counted handle at no copy where the back end owns its pictures; `None` where it only lends them.
    pub fn share(&self) -> Option<SharedPicture> {
        let buffer = self.shared?.clone();
        Some(SharedPicture {
            id: self.id,
            visible: self.visible,
            format: self.format,
            color: self.color,
            damaged: self.damaged,
            buffer,
        })
    }
}

impl fmt::Debug for Picture<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Picture")
            .field("id", &self.id)
            .field("visible", &self.visible)
            .field("format", &self.format)
            .field("color", &self.color)
            .field("damaged", &self.damaged)
            .finish_non_exhaustive()
    }
}

/// The planes of a picture that a back end can share.
pub trait PictureBuffer: Send + Sync {
    /// The planes: one for monochrome, else three.
    fn planes(&self) -> Vec<Plane<'_>>;
}

/// A picture that may be kept and sent to another thread.
#[derive(Clone)]
pub struct SharedPicture {
    id: PacketId,
    visible: Rect,
    format: PixelFormat,
    color: ColorSpace,
    damaged: bool,
    buffer: Arc<dyn PictureBuffer>,
}

impl SharedPicture {
    /// Lends the picture.
    pub fn with<R>(&self, f: impl FnOnce(Picture<'_>) -> R) -> R {
        let planes = self.buffer.planes();
        f(Picture {
            id: self.id,
            visible: self.visible,
            format: self.format,
            color: self.color,
            damaged: self.damaged,
            planes: &planes,
            shared: Some(&self.buffer),
        })
    }
}

impl fmt::Debug for SharedPicture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedPicture").field("id", &self.id).field("visible", &self.visible).finish_non_exhaustive()
    }
}

/// A copy of a picture's visible part, tightly packed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnedPicture {
    /// The packet that it came from.
    pub id: PacketId,
    /// Its size: all of it is visible.
    pub size: Size,
    /// The shape of the samples.
    pub format: PixelFormat,
    /// What the samples mean.
    pub color: ColorSpace,
    /// See [`Picture::damaged`].
    pub damaged: bool,
    /// The planes one after the other, tightly packed; little endian where a sample has two bytes.
    pub bytes: Vec<u8>,
}
