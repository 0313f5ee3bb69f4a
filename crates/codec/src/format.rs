//! Sizes and the shape of samples.

use std::fmt;

/// A size in samples of the luma plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Size {
    /// Columns.
    pub width: u32,
    /// Lines.
    pub height: u32,
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}×{}", self.width, self.height)
    }
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

impl Rect {
    /// All of a picture of this size.
    pub fn whole(size: Size) -> Rect {
        Rect { left: 0, top: 0, width: size.width, height: size.height }
    }

    /// The size of the part.
    pub fn size(self) -> Size {
        Size { width: self.width, height: self.height }
    }
}

impl ChromaSampling {
    /// Planes of a picture: one for monochrome, else three.
    pub fn planes(self) -> usize {
        match self {
            Self::Monochrome => 1,
            _ => 3,
        }
    }

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

impl<'a> Samples<'a> {
    /// How many samples there are.
    pub fn len(&self) -> usize {
        match self {
            Self::U8(samples) => samples.len(),
            Self::U16(samples) => samples.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The samples `start..end`; `None` where there are not so many.
    pub fn get(&self, start: usize, end: usize) -> Option<Samples<'a>> {
        Some(match self {
            Self::U8(samples) => Self::U8(samples.get(start..end)?),
            Self::U16(samples) => Self::U16(samples.get(start..end)?),
        })
    }

    /// Appends the samples as bytes, little endian where a sample has two.
    pub fn write_le(&self, out: &mut Vec<u8>) {
        match self {
            Self::U8(samples) => out.extend_from_slice(samples),
            Self::U16(samples) => out.extend(samples.iter().flat_map(|sample| sample.to_le_bytes())),
        }
    }
}

/// One plane: lines of `stride` samples, the last of which may be cut to the plane's width.
#[derive(Debug, Clone, Copy)]
pub struct Plane<'a> {
    /// The samples, from the first line's first column, hidden ones included.
    pub samples: Samples<'a>,
    /// Samples from one line to the next.
    pub stride: usize,
}
