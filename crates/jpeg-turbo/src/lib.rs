//! libjpeg-turbo behind the JPEG trait of `kineframe-image-export`: the encoder of the full build.
//!
//! The C library is built from source and linked statically; that takes cmake, and nasm for its SIMD code on x86.
//! Its planes come in JFIF's colours already, so the files differ from the built-in encoder's only in how
//! coefficients are rounded.
//!
//! ```
//! use kineframe_image_export::{ExportOptions, Exporter};
//! use kineframe_jpeg_turbo::TurboJpegEncoder;
//!
//! let exporter = Exporter::with_jpeg_encoder(ExportOptions::default(), Box::new(TurboJpegEncoder::new()?));
//! # Ok::<(), kineframe_image_export::ExportError>(())
//! ```

use kineframe_codec::ChromaSampling;
use kineframe_image_export::{ExportError, ImageFormat, JpegEncoder, JpegPlane, JpegPlanes, Quality};
use turbojpeg::{Compressor, Image, PixelFormat, Subsamp, YuvPlanesImage};

/// One compressor of libjpeg-turbo with its buffers. Make one per thread and keep it.
#[derive(Debug)]
pub struct TurboJpegEncoder {
    compressor: Compressor,
    /// Luma with the extra column and line that libjpeg-turbo reads where a size is odd.
    padded: Vec<u8>,
    /// Room for the largest file that a picture can become.
    file: Vec<u8>,
}

impl TurboJpegEncoder {
    /// A compressor.
    ///
    /// # Errors
    /// The library's reason, where it cannot allocate its state.
    pub fn new() -> Result<Self, ExportError> {
        Ok(TurboJpegEncoder { compressor: Compressor::new().map_err(failed)?, padded: Vec::new(), file: Vec::new() })
    }
}

fn failed(error: turbojpeg::Error) -> ExportError {
    ExportError::Encoder { format: ImageFormat::Jpeg, reason: error.to_string() }
}

impl JpegEncoder for TurboJpegEncoder {
    fn name(&self) -> &str {
        "libjpeg-turbo"
    }

    fn encode(&mut self, planes: &JpegPlanes<'_>, quality: Quality, out: &mut Vec<u8>) -> Result<(), ExportError> {
        let subsamp = match planes.sampling() {
            ChromaSampling::Monochrome => Subsamp::Gray,
            ChromaSampling::Yuv420 => Subsamp::Sub2x2,
            ChromaSampling::Yuv422 => Subsamp::Sub2x1,
            ChromaSampling::Yuv444 => Subsamp::None,
        };
        let (width, height) = (planes.size().width as usize, planes.size().height as usize);
        // TurboJPEG's planes are whole numbers of sampling units: luma beside halved chroma is even.
        let (shift_x, shift_y) = planes.sampling().shifts().unwrap_or((0, 0));
        let full_width = width.next_multiple_of(1 << shift_x);
        let full_height = height.next_multiple_of(1 << shift_y);
        let luma = pad(planes.luma(), (width, height), (full_width, full_height), &mut self.padded);
        self.compressor.set_quality(i32::from(quality.get())).map_err(failed)?;
        // The worst case is larger than any file will be. It is kept apart from `out`, so that it is filled once
        // and not for each picture.
        let bound = turbojpeg::compressed_buf_len(width, height, subsamp).map_err(failed)?;
        if self.file.len() < bound {
            self.file.resize(bound, 0);
        }
        let length = match planes.chroma() {
            None => {
                // TurboJPEG has no planes without chroma: gray goes in as an image of one channel.
                self.compressor.set_subsamp(subsamp).map_err(failed)?;
                let image =
                    Image { pixels: luma.samples, width, pitch: luma.stride, height, format: PixelFormat::GRAY };
                self.compressor.compress_to_slice(image, &mut self.file)
            }
            Some([cb, cr]) => {
                let image = YuvPlanesImage {
                    y_plane: luma.samples,
                    u_plane: cb.samples,
                    v_plane: cr.samples,
                    width,
                    height,
                    y_stride: luma.stride,
                    u_stride: cb.stride,
                    v_stride: cr.stride,
                    subsamp,
                };
                self.compressor.compress_yuv_planes_to_slice(&image, &mut self.file)
            }
        }
        .map_err(failed)?;
        out.extend_from_slice(&self.file[..length]);
        Ok(())
    }
}

/// A plane that reaches to the full size: as it is where it does, else copied with its outermost samples repeated.
fn pad<'a>(
    plane: JpegPlane<'a>,
    (width, height): (usize, usize),
    (full_width, full_height): (usize, usize),
    buffer: &'a mut Vec<u8>,
) -> JpegPlane<'a> {
    if (width, height) == (full_width, full_height) {
        return plane;
    }
    buffer.clear();
    for y in 0..full_height {
        let line = plane.line(y.min(height - 1), width);
        buffer.extend_from_slice(line);
        buffer.extend(std::iter::repeat_n(line[width - 1], full_width - width));
    }
    JpegPlane { samples: buffer, stride: full_width }
}
