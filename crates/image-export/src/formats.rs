//! The file formats that hold R'G'B' arrays.

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageEncoder};
use kineframe_codec::{Samples, Size};

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

/// H × W × 3 in C order: NPY format 1.0, a header in text padded to 64 bytes, then the samples, little endian.
///
/// Written here, since the crates for it bring a parser of Python literals, which grows its stack in assembly.
pub(crate) fn npy(pixels: Pixels<'_>, size: Size, out: &mut Vec<u8>) -> Result<(), ExportError> {
    let (kind, samples) = match pixels {
        Pixels::Rgb8(samples) => ("|u1", Samples::U8(samples)),
        Pixels::Rgb16(samples) => ("<u2", Samples::U16(samples)),
        Pixels::Gray8(_) | Pixels::Gray16(_) => {
            return Err(ExportError::encoder(ImageFormat::Npy, "an array without three channels"));
        }
    };
    let (height, width) = (size.height, size.width);
    if samples.len() as u64 != u64::from(height) * u64::from(width) * 3 {
        return Err(ExportError::encoder(ImageFormat::Npy, "samples that do not fill the shape"));
    }
    let mut header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({height}, {width}, 3), }}");
    // Magic, version and length take ten bytes; a line feed ends the padding.
    let padded = (10 + header.len() + 1).next_multiple_of(64) - 10;
    header.extend(std::iter::repeat_n(' ', padded - 1 - header.len()));
    header.push('\n');
    // Two numbers of ten digits at most leave it far below what two bytes can tell.
    let len = u16::try_from(header.len()).map_err(|error| ExportError::encoder(ImageFormat::Npy, error))?;
    out.extend_from_slice(b"\x93NUMPY\x01\x00");
    out.extend_from_slice(&len.to_le_bytes());
    out.extend_from_slice(header.as_bytes());
    samples.write_le(out);
    Ok(())
}
