//! The trait that a JPEG encoder implements, and the built-in implementation in Rust.

use kineframe_codec::{ChromaSampling, Size};
use rusty_jpeg::encode::{Encoder, ImageBuffer, JpegColorType, SamplingFactor};

use crate::{ExportError, ImageFormat, Quality};

/// One plane of eight bits.
#[derive(Debug, Clone, Copy)]
pub struct JpegPlane<'a> {
    /// From the first line's first sample to the last line's last one; more may follow.
    pub samples: &'a [u8],
    /// Samples from one line to the next.
    pub stride: usize,
}

impl<'a> JpegPlane<'a> {
    fn holds(&self, width: usize, height: usize) -> bool {
        let needed = self.stride.checked_mul(height - 1).and_then(|lines| lines.checked_add(width));
        self.stride >= width && needed.is_some_and(|needed| needed <= self.samples.len())
    }

    /// The first `width` samples of line `y`; the line must lie in the plane.
    ///
    /// # Panics
    /// Where it does not.
    pub fn line(&self, y: usize, width: usize) -> &'a [u8] {
        &self.samples[y * self.stride..][..width]
    }
}

/// Planes in JFIF's colours: full range, BT.601, chroma in the middle of its luma samples. They go into the file
/// as they are.
///
/// 4:2:0 and 4:2:2 have `width.div_ceil(2)` chroma columns, 4:2:0 `height.div_ceil(2)` chroma lines.
#[derive(Debug, Clone, Copy)]
pub struct JpegPlanes<'a> {
    pub(crate) size: Size,
    pub(crate) sampling: ChromaSampling,
    pub(crate) luma: JpegPlane<'a>,
    pub(crate) chroma: Option<[JpegPlane<'a>; 2]>,
}

impl<'a> JpegPlanes<'a> {
    /// Planes of a size from 1×1 to 65,535×65,535. `chroma` is `None` exactly for monochrome.
    ///
    /// `None` where a plane is too short, where its lines overlap, or where the size cannot be a JPEG's.
    pub fn new(
        size: Size,
        sampling: ChromaSampling,
        luma: JpegPlane<'a>,
        chroma: Option<[JpegPlane<'a>; 2]>,
    ) -> Option<Self> {
        let sides = 1..=ImageFormat::Jpeg.longest_side();
        if !sides.contains(&size.width) || !sides.contains(&size.height) {
            return None;
        }
        let planes = JpegPlanes { size, sampling, luma, chroma };
        let (width, height) = planes.chroma_size();
        let sound = luma.holds(size.width as usize, size.height as usize)
            && match &chroma {
                Some(chroma) => {
                    sampling != ChromaSampling::Monochrome && chroma.iter().all(|plane| plane.holds(width, height))
                }
                None => sampling == ChromaSampling::Monochrome,
            };
        sound.then_some(planes)
    }

    /// Columns and lines of luma.
    pub fn size(&self) -> Size {
        self.size
    }

    /// How coarse chroma is.
    pub fn sampling(&self) -> ChromaSampling {
        self.sampling
    }

    /// Y.
    pub fn luma(&self) -> JpegPlane<'a> {
        self.luma
    }

    /// Cb and Cr; `None` for monochrome.
    pub fn chroma(&self) -> Option<[JpegPlane<'a>; 2]> {
        self.chroma
    }

    /// Columns and lines of each chroma plane; (0, 0) for monochrome.
    pub fn chroma_size(&self) -> (usize, usize) {
        match self.sampling.shifts() {
            Some((x, y)) => {
                ((self.size.width as usize + (1 << x) - 1) >> x, (self.size.height as usize + (1 << y) - 1) >> y)
            }
            None => (0, 0),
        }
    }
}

/// Turns planes into a baseline JPEG file.
///
/// # For implementations
/// - The planes are in JFIF's colours: no conversion is to be done, and the file keeps their chroma sampling.
/// - `out` comes empty and holds the whole file on success; what it holds after an error does not matter.
/// - Keep the compressor and its buffers from call to call. Sizes and sampling may change between calls.
pub trait JpegEncoder: Send {
    /// The name of the wrapped encoder, lower case.
    fn name(&self) -> &str;

    /// Encodes one picture.
    ///
    /// # Errors
    /// The wrapped encoder's reason.
    fn encode(&mut self, planes: &JpegPlanes<'_>, quality: Quality, out: &mut Vec<u8>) -> Result<(), ExportError>;
}

/// The encoder of the crate `rusty_jpeg`: Rust, with AVX2 where the processor has it.
#[derive(Debug, Default)]
pub struct BuiltinJpegEncoder {
    _private: (),
}

impl BuiltinJpegEncoder {
    /// An encoder.
    pub fn new() -> Self {
        BuiltinJpegEncoder::default()
    }
}

impl JpegEncoder for BuiltinJpegEncoder {
    fn name(&self) -> &str {
        "rusty_jpeg"
    }

    fn encode(&mut self, planes: &JpegPlanes<'_>, quality: Quality, out: &mut Vec<u8>) -> Result<(), ExportError> {
        let mut encoder = Encoder::new(out, quality.get());
        encoder.set_sampling_factor(match planes.sampling {
            ChromaSampling::Yuv420 => SamplingFactor::F_2_2,
            ChromaSampling::Yuv422 => SamplingFactor::F_2_1,
            ChromaSampling::Yuv444 | ChromaSampling::Monochrome => SamplingFactor::F_1_1,
        });
        encoder.encode_image(Lines(*planes)).map_err(|error| ExportError::encoder(ImageFormat::Jpeg, error))
    }
}

/// Hands lines to `rusty_jpeg`, which wants chroma as wide and high as luma and then takes the mean of each group:
/// of equal samples, so that the planes come through as they are.
struct Lines<'a>(JpegPlanes<'a>);

impl ImageBuffer for Lines<'_> {
    fn get_jpeg_color_type(&self) -> JpegColorType {
        if self.0.chroma.is_some() { JpegColorType::Ycbcr } else { JpegColorType::Luma }
    }

    fn width(&self) -> u16 {
        self.0.size.width as u16
    }

    fn height(&self) -> u16 {
        self.0.size.height as u16
    }

    fn fill_buffers(&self, y: u16, [luma, cb, cr, _]: &mut [Vec<u8>; 4]) {
        let planes = &self.0;
        let width = planes.size.width as usize;
        luma.extend_from_slice(planes.luma.line(usize::from(y), width));
        let Some(chroma) = &planes.chroma else { return };
        let (chroma_width, _) = planes.chroma_size();
        let (shift_x, shift_y) = planes.sampling.shifts().unwrap_or((0, 0));
        for (plane, out) in chroma.iter().zip([cb, cr]) {
            let line = plane.line(usize::from(y) >> shift_y, chroma_width);
            if shift_x == 0 {
                out.extend_from_slice(line);
                continue;
            }
            let start = out.len();
            // An odd line's last sample stands for a pair of which one column is there.
            out.resize(start + width, line[chroma_width - 1]);
            for (pair, &sample) in out[start..].chunks_exact_mut(2).zip(line) {
                pair[0] = sample;
                pair[1] = sample;
            }
        }
    }
}
