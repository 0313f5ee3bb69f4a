//! Decoded pictures to JPEG, PNG, WebP, NPY and raw planes.

mod color;
mod error;
mod exporter;
mod formats;
mod geometry;
mod jfif;
mod jpeg;
mod options;
mod rgb;
mod scale;
mod siting;
mod view;

pub use error::ExportError;
pub use exporter::Exporter;
pub use jpeg::{BuiltinJpegEncoder, JpegEncoder, JpegPlane, JpegPlanes};
pub use options::{Depth, ExportOptions, Fit, ImageFormat, OptionError, Quality, Resize, SampleAspect, Upsampling};
