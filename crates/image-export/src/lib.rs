//! Decoded pictures to JPEG, PNG, WebP, NPY and raw planes.
//!
//! An [`Exporter`] takes the pictures that a decoder lends (the contract is the crate `kineframe-codec`) and gives
//! the bytes of files. What the stream says of its colours is honoured to the letter of ITU-T H.273: matrix,
//! range, depth from 8 to 16 bits, the place of chroma samples, a crop at any column and line. Transfer functions
//! and primaries are not converted.
//!
//! - R'G'B' (PNG, WebP, NPY, [`Exporter::rgb8`]) equals the formula in double precision, rounded once.
//! - JPEG is made from the planes, with no R'G'B' image in between, by any [`JpegEncoder`].
//! - Turning and scaling are done on the planes, before anything is converted.
//! - [`Names`] and [`AtomicFile`] give files names that stay in their folder, and let them appear whole or not at
//!   all.
//!
//! It does no I/O but in [`AtomicFile`] and what is built on it, and knows no runtime.
//!
//! ```
//! use kineframe_codec::{BitDepth, ChromaSampling, PacketId, Picture, PixelFormat, Plane, Rect, Samples};
//! use kineframe_image_export::{ExportOptions, Exporter, ImageFormat};
//!
//! // A gray ramp of 64×32 samples, as a decoder would lend it.
//! let luma: Vec<u8> = (0..64 * 32).map(|index| 16 + (index % 64) as u8 * 3).collect();
//! let chroma = vec![128; 32 * 16];
//! let planes = [(&luma, 64), (&chroma, 32), (&chroma, 32)]
//!     .map(|(samples, stride)| Plane { samples: Samples::U8(samples), stride });
//! let visible = Rect { left: 0, top: 0, width: 64, height: 32 };
//! let format = PixelFormat { chroma: ChromaSampling::Yuv420, depth: BitDepth::EIGHT };
//! let picture = Picture::new(PacketId(0), visible, format, &planes)?;
//!
//! let mut options = ExportOptions::new(ImageFormat::Png);
//! options.resize = "32x".parse()?;
//! let mut exporter = Exporter::new(options);
//! let mut file = Vec::new();
//! let size = exporter.encode(&picture, &mut file)?;
//! assert_eq!((size.width, size.height), (32, 16));
//! assert!(file.starts_with(b"\x89PNG"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod color;
mod error;
mod exporter;
mod file;
mod formats;
#[doc(hidden)]
pub mod fuzzing;
mod geometry;
mod jfif;
mod jpeg;
mod name;
mod options;
mod rgb;
mod scale;
mod siting;
mod turn;
mod view;

pub use error::ExportError;
pub use exporter::Exporter;
pub use file::{AtomicFile, Existing, FileError, PictureFolder, write_file};
pub use jpeg::{BuiltinJpegEncoder, JpegEncoder, JpegPlane, JpegPlanes};
pub use name::{NameFields, NameTemplate, Names, TemplateError};
pub use options::{Depth, ExportOptions, Fit, ImageFormat, OptionError, Quality, Resize, SampleAspect, Upsampling};
pub use turn::Rotation;
