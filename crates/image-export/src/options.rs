//! What a caller may ask for.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use kineframe_codec::{ColorRange, Limits, MatrixCoefficients, Size};

use crate::Rotation;

/// A file format for pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ImageFormat {
    /// Baseline JPEG in JFIF's colours, made from the planes: 4:2:0 stays 4:2:0, monochrome stays gray.
    #[default]
    Jpeg,
    /// PNG, 8 or 16 bits, R'G'B' or, for monochrome pictures, gray.
    Png,
    /// Lossless WebP, 8 bits R'G'B'.
    WebP,
    /// A NumPy array, H × W × 3 R'G'B', `uint8` or `uint16`.
    Npy,
    /// The decoder's planes, tightly packed, without conversion: planar, little endian where a sample has more
    /// than 8 bits, monochrome as one plane.
    Yuv,
}

impl ImageFormat {
    /// Every format, in the order of the command's help.
    pub const ALL: [ImageFormat; 5] = [Self::Jpeg, Self::Png, Self::WebP, Self::Npy, Self::Yuv];

    /// The name that `--format` takes.
    pub fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "jpeg",
            Self::Png => "png",
            Self::WebP => "webp",
            Self::Npy => "npy",
            Self::Yuv => "yuv",
        }
    }

    /// The extension of a file, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            other => other.name(),
        }
    }

    /// The format that a file's extension asks for, upper or lower case.
    pub fn from_extension(extension: &str) -> Option<Self> {
        let extension = extension.to_ascii_lowercase();
        Some(match extension.as_str() {
            "jpg" | "jpeg" | "jpe" => Self::Jpeg,
            "png" => Self::Png,
            "webp" => Self::WebP,
            "npy" => Self::Npy,
            "yuv" => Self::Yuv,
            _ => return None,
        })
    }

    /// The longest side that the format can state.
    pub(crate) fn longest_side(self) -> u32 {
        match self {
            // SOF0 holds 16 bits for each (ITU-T T.81 §B.2.2).
            Self::Jpeg => 65_535,
            // 14 bits for each, stored less one (WebP lossless bitstream §3.4).
            Self::WebP => 16_384,
            Self::Png | Self::Npy | Self::Yuv => i32::MAX as u32,
        }
    }
}

impl fmt::Display for ImageFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An option's text that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not {expected}")]
pub struct OptionError {
    /// The text as given.
    pub text: String,
    /// What it should have been.
    pub expected: &'static str,
}

impl OptionError {
    fn new(text: &str, expected: &'static str) -> Self {
        OptionError { text: text.to_owned(), expected }
    }
}

impl FromStr for ImageFormat {
    type Err = OptionError;

    fn from_str(text: &str) -> Result<Self, OptionError> {
        Self::ALL
            .into_iter()
            .find(|format| format.name() == text)
            .ok_or_else(|| OptionError::new(text, "one of jpeg, png, webp, npy, yuv"))
    }
}

/// Quality of JPEG, 1 (smallest file) to 100, on the scale of the Independent JPEG Group. Default 80.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quality(u8);

impl Quality {
    /// A quality of 1 to 100.
    pub fn new(value: u8) -> Option<Quality> {
        (1..=100).contains(&value).then_some(Quality(value))
    }

    /// The number.
    pub fn get(self) -> u8 {
        self.0
    }
}

impl Default for Quality {
    fn default() -> Self {
        Quality(80)
    }
}

impl FromStr for Quality {
    type Err = OptionError;

    fn from_str(text: &str) -> Result<Self, OptionError> {
        text.parse().ok().and_then(Quality::new).ok_or_else(|| OptionError::new(text, "a quality from 1 to 100"))
    }
}

/// The size asked for.
///
/// Reads `WxH`, `Wx` or `xH`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Resize {
    /// The picture's own size.
    #[default]
    Keep,
    /// This many columns; the lines follow from the aspect.
    Width(NonZeroU32),
    /// This many lines; the columns follow from the aspect.
    Height(NonZeroU32),
    /// A box; what becomes of the aspect is [`Fit`]'s matter.
    Both(NonZeroU32, NonZeroU32),
}

impl FromStr for Resize {
    type Err = OptionError;

    fn from_str(text: &str) -> Result<Self, OptionError> {
        let error = || OptionError::new(text, "a size as WxH, Wx or xH, each at least 1");
        let (width, height) = text.split_once('x').ok_or_else(error)?;
        let side = |text: &str| match text {
            "" => Ok(None),
            // `parse` would also take a sign.
            digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().map(Some).map_err(|_| error()),
            _ => Err(error()),
        };
        match (side(width)?, side(height)?) {
            (Some(width), Some(height)) => Ok(Resize::Both(width, height)),
            (Some(width), None) => Ok(Resize::Width(width)),
            (None, Some(height)) => Ok(Resize::Height(height)),
            (None, None) => Err(error()),
        }
    }
}

/// What becomes of the aspect when both sides of a size are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Fit {
    /// Exactly this size, the picture stretched, as the Kinesis Video service does.
    #[default]
    Stretch,
    /// The largest size within the box that keeps the aspect. No bars are added: the file is as small as its
    /// picture, so one side may be shorter than the box.
    Contain,
    /// Exactly this size, aspect kept, what hangs over cut off evenly on both sides.
    Cover,
}

impl FromStr for Fit {
    type Err = OptionError;

    fn from_str(text: &str) -> Result<Self, OptionError> {
        match text {
            "stretch" => Ok(Self::Stretch),
            "contain" => Ok(Self::Contain),
            "cover" => Ok(Self::Cover),
            _ => Err(OptionError::new(text, "one of stretch, contain, cover")),
        }
    }
}

/// Bits per R'G'B' sample of PNG and NPY. WebP and JPEG hold eight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Depth {
    /// 0 to 255.
    #[default]
    Eight,
    /// 0 to 65,535.
    Sixteen,
}

impl FromStr for Depth {
    type Err = OptionError;

    fn from_str(text: &str) -> Result<Self, OptionError> {
        match text {
            "8" => Ok(Self::Eight),
            "16" => Ok(Self::Sixteen),
            _ => Err(OptionError::new(text, "8 or 16")),
        }
    }
}

/// How chroma is brought to luma's resolution for R'G'B'.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Upsampling {
    /// Each chroma sample repeated over its luma samples.
    Nearest,
    /// Linear in both directions, with each chroma sample where the stream's siting puts it; at the border the
    /// outermost sample is repeated.
    #[default]
    Bilinear,
}

/// Width of a sample over its height.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SampleAspect {
    /// Width of a sample.
    pub width: NonZeroU32,
    /// Height of a sample.
    pub height: NonZeroU32,
}

impl SampleAspect {
    /// An aspect; `None` where one of the two is 0 (H.264 table E-1: unspecified).
    pub fn new(width: u32, height: u32) -> Option<Self> {
        Some(SampleAspect { width: NonZeroU32::new(width)?, height: NonZeroU32::new(height)? })
    }
}

/// How pictures are exported.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ExportOptions {
    /// The file format.
    pub format: ImageFormat,
    /// Quality of JPEG. The other formats are lossless (WebP too) and do not look at it.
    pub quality: Quality,
    /// The size asked for.
    pub resize: Resize,
    /// What becomes of the aspect when both sides are given.
    pub fit: Fit,
    /// The aspect of the stream's samples, used with `square_pixels`; `None` for square ones.
    pub sample_aspect: Option<SampleAspect>,
    /// Stretch the columns by the sample aspect, so that the pixels of the file are square.
    pub square_pixels: bool,
    /// How far the picture is turned; sizes are those of the turned one. Raw planes stay as they are.
    pub rotation: Rotation,
    /// Bits per sample of PNG and NPY.
    pub depth: Depth,
    /// How chroma becomes as fine as luma.
    pub upsampling: Upsampling,
    /// Overrides the stream's matrix.
    pub matrix: Option<MatrixCoefficients>,
    /// Overrides the stream's range.
    pub range: Option<ColorRange>,
    /// Bounds on the size of what comes in and of what goes out.
    pub limits: Limits,
}

impl ExportOptions {
    /// The default options for a format.
    pub fn new(format: ImageFormat) -> Self {
        ExportOptions { format, ..ExportOptions::default() }
    }

    /// The size of the file's picture for a picture of `source` visible samples.
    pub fn output_size(&self, source: Size) -> Size {
        let rotation = if self.format == ImageFormat::Yuv { Rotation::None } else { self.rotation };
        let Size { width, height } = source;
        let turned = if rotation.swaps_sides() { Size { width: height, height: width } } else { source };
        crate::geometry::Plan::new(self, turned, rotation).size
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(value: u32) -> NonZeroU32 {
        NonZeroU32::new(value).expect("a test's size is not 0")
    }

    #[test]
    fn sizes_read_as_the_command_takes_them() {
        assert_eq!("640x360".parse(), Ok(Resize::Both(side(640), side(360))));
        assert_eq!("160x".parse(), Ok(Resize::Width(side(160))));
        assert_eq!("x90".parse(), Ok(Resize::Height(side(90))));
        for bad in ["", "x", "640", "0x", "x0", "-1x5", "+1x5", "1x2x3", "99999999999x", "1 x2"] {
            assert!(bad.parse::<Resize>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn names_and_extensions_agree() {
        for format in ImageFormat::ALL {
            assert_eq!(format.name().parse(), Ok(format));
            assert_eq!(ImageFormat::from_extension(format.extension()), Some(format));
        }
        assert_eq!(ImageFormat::from_extension("JPEG"), Some(ImageFormat::Jpeg));
        assert_eq!(ImageFormat::from_extension("gif"), None);
    }

    #[test]
    fn quality_has_bounds() {
        assert_eq!("80".parse(), Ok(Quality::default()));
        assert!("0".parse::<Quality>().is_err());
        assert!("101".parse::<Quality>().is_err());
    }
}
