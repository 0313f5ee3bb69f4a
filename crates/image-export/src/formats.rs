//! The file formats that hold R'G'B' arrays.

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageEncoder};
use kineframe_codec::Size;
use ndarray::ArrayView3;
use ndarray_npy::WriteNpyExt;

use crate::{ExportError, ImageFormat};

/// Samples of a picture, row after row.
#[derive(Clone, Copy)]
pub(crate) enum Pixels<'a> {
    Gray8(&'a [u8]),
    Gray16(&'a [u16]),
    Rgb8(&'a [u8]),
    Rgb16(&'a [u16]),
}

pub(crate) fn png(pixels: Pixels<'_>, size: Size, out: &mut Vec<u8>) -> Result<(), ExportError> {
    let (bytes, color): (&[u8], _) = match pixels {
        Pixels::Gray8(samples) => (samples, ExtendedColorType::L8),
        Pixels::Gray16(samples) => (bytemuck::cast_slice(samples), ExtendedColorType::L16),
        Pixels::Rgb8(samples) => (samples, ExtendedColorType::Rgb8),
        Pixels::Rgb16(samples) => (bytemuck::cast_slice(samples), ExtendedColorType::Rgb16),
    };
    // `Fast` with adaptive filters is within a few percent of the default's size at a fraction of its time.
    PngEncoder::new_with_quality(out, CompressionType::Fast, FilterType::Adaptive)
        .write_image(bytes, size.width, size.height, color)
        .map_err(|error| ExportError::encoder(ImageFormat::Png, error))
}

pub(crate) fn webp(rgb: &[u8], size: Size, out: &mut Vec<u8>) -> Result<(), ExportError> {
    WebPEncoder::new_lossless(out)
        .write_image(rgb, size.width, size.height, ExtendedColorType::Rgb8)
        .map_err(|error| ExportError::encoder(ImageFormat::WebP, error))
}

/// H × W × 3 in C order.
pub(crate) fn npy(pixels: Pixels<'_>, size: Size, out: &mut Vec<u8>) -> Result<(), ExportError> {
    let shape = (size.height as usize, size.width as usize, 3);
    let failed = |error: &dyn std::fmt::Display| ExportError::encoder(ImageFormat::Npy, error);
    match pixels {
        Pixels::Rgb8(samples) => ArrayView3::from_shape(shape, samples)
            .map_err(|error| failed(&error))?
            .write_npy(out)
            .map_err(|error| failed(&error)),
        Pixels::Rgb16(samples) => ArrayView3::from_shape(shape, samples)
            .map_err(|error| failed(&error))?
            .write_npy(out)
            .map_err(|error| failed(&error)),
        Pixels::Gray8(_) | Pixels::Gray16(_) => Err(failed(&"an array without three channels")),
    }
}
