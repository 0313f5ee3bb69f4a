//! The planes of a picture, as the wrapped decoder gives them away.

use kineframe_codec::{PictureBuffer, Plane, Samples};
use rust_h264::decoder::Frame;

/// Tightly packed, whole macroblocks.
pub(crate) enum Planes {
    /// Eight bits: moved, not copied.
    U8 { width: usize, planes: Vec<Vec<u8>> },
    /// More: the wrapped decoder gives bytes, from which samples are made.
    U16 { width: usize, planes: Vec<Vec<u16>> },
}

impl Planes {
    /// The planes of a frame; the chroma that it invents for a monochrome stream is left out.
    pub(crate) fn new(frame: Frame, monochrome: bool) -> Self {
        let width = frame.width as usize;
        let deep = frame.bit_depth > 8;
        let mut planes = vec![frame.y];
        if !monochrome {
            planes.extend([frame.u, frame.v]);
        }
        if !deep {
            return Planes::U8 { width, planes };
        }
        let samples = |plane: Vec<u8>| plane.as_chunks().0.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
        Planes::U16 { width, planes: planes.into_iter().map(samples).collect() }
    }
}

impl PictureBuffer for Planes {
    fn planes(&self) -> Vec<Plane<'_>> {
        // Chroma has half the columns in all formats that the wrapped decoder knows.
        let stride = |width: usize, index: usize| if index == 0 { width } else { width / 2 };
        match self {
            Planes::U8 { width, planes } => (0..)
                .zip(planes)
                .map(|(index, plane)| Plane { samples: Samples::U8(plane), stride: stride(*width, index) })
                .collect(),
            Planes::U16 { width, planes } => (0..)
                .zip(planes)
                .map(|(index, plane)| Plane { samples: Samples::U16(plane), stride: stride(*width, index) })
                .collect(),
        }
    }
}

/// Whether the frame has a macroblock that no slice filled.
///
/// The wrapped decoder begins with planes of zeros, keeps what it has when a slice breaks off, and does not tell.
/// Such a macroblock is zero in luma and chroma but for its edge, which deblocking may reach. No camera makes that:
/// it is a green darker than black.
pub(crate) fn has_hole(frame: &Frame) -> bool {
    let bytes = frame.bytes_per_sample();
    let (width, height) = (frame.width as usize, frame.height as usize);
    let chroma_lines = height * 8 / 16 * if frame.chroma_height() == frame.height { 2 } else { 1 };
    let zero = |plane: &[u8], stride: usize, x: usize, y: usize, columns: usize, lines: usize| {
        (y..y + lines).all(|line| {
            let start = (line * stride + x) * bytes;
            plane.get(start..start + columns * bytes).is_some_and(|row| row.iter().all(|byte| *byte == 0))
        })
    };
    let per_mb = chroma_lines / (height / 16).max(1);
    (0..height / 16).any(|row| {
        (0..width / 16).any(|column| {
            zero(&frame.y, width, column * 16 + 4, row * 16 + 4, 8, 8)
                && zero(&frame.u, width / 2, column * 8 + 2, row * per_mb + 2, 4, per_mb - 4)
                && zero(&frame.v, width / 2, column * 8 + 2, row * per_mb + 2, 4, per_mb - 4)
        })
    })
}
