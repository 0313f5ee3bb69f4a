//! The planes of an image, as the wrapped decoder gives them away.

use std::sync::Arc;

use kineframe_bitstream::frames::backend::{Decoded, EngineError};
use kineframe_bitstream::mjpeg;
use kineframe_codec::{BitDepth, ChromaSampling, PictureBuffer, PixelFormat, Plane, Rect, Samples, Size};
use rusty_jpeg::decode::PlanarImage;

/// Planes with their strides, in the order Y, Cb, Cr or G, B, R.
pub(crate) struct Planes(Vec<(Vec<u8>, usize)>);

impl Planes {
    /// Takes the planes over, and says of which format they are.
    pub(crate) fn of(image: PlanarImage, held: mjpeg::Planes, size: Size) -> Result<Decoded, EngineError> {
        let mut planes: Vec<_> = image.components.into_iter().map(|part| (part.data, part.stride)).collect();
        let chroma = match held {
            mjpeg::Planes::Luma(chroma) => chroma,
            mjpeg::Planes::Rgb => {
                // The identity matrix has green first, then blue, then red (H.273 §8.3).
                planes.rotate_left(1);
                ChromaSampling::Yuv444
            }
        };
        if planes.len() != chroma.planes()
            || (u32::from(image.width), u32::from(image.height)) != (size.width, size.height)
        {
            return Err(EngineError::Damaged("an image of another shape than its header says".to_owned()));
        }
        let format = PixelFormat { chroma, depth: BitDepth::EIGHT };
        let buffer = Arc::new(Planes(planes));
        Ok(Decoded { visible: Rect::whole(size), format, buffer, damaged: false })
    }
}

impl PictureBuffer for Planes {
    fn planes(&self) -> Vec<Plane<'_>> {
        self.0.iter().map(|(samples, stride)| Plane { samples: Samples::U8(samples), stride: *stride }).collect()
    }
}
