//! What can go wrong between a picture and its file.

use kineframe_codec::MatrixCoefficients;

use crate::ImageFormat;

/// Why a picture was not exported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The picture contradicts itself: its planes do not hold what its size and format promise.
    #[error("the decoder's picture is inconsistent: {0}")]
    Picture(String),
    /// The size asked for, or the picture's own, is beyond what the options allow.
    #[error(
        "a picture of {width}×{height} is beyond the limit of {side} a side and {samples} in all; \
         ask for a smaller --size or raise the limits"
    )]
    Limit {
        /// Columns of the picture that was refused.
        width: u32,
        /// Its lines.
        height: u32,
        /// The longest side allowed.
        side: u32,
        /// The most luma samples allowed.
        samples: u64,
    },
    /// The file format cannot hold a picture of this size.
    #[error("{format} cannot hold a picture of {width}×{height} ({side} a side at most); ask for a smaller --size")]
    TooLargeForFormat {
        /// The format.
        format: ImageFormat,
        /// Columns of the picture that was refused.
        width: u32,
        /// Its lines.
        height: u32,
        /// The longest side that the format can state.
        side: u32,
    },
    /// The stream names a colour matrix that is not a plain 3×3 one of known coefficients.
    #[error("no conversion to R'G'B' for {0:?} (ITU-T H.273 table 4); name the matrix with --matrix to override it")]
    Matrix(MatrixCoefficients),
    /// The file format's encoder failed.
    #[error("the {format} encoder failed: {reason}")]
    Encoder {
        /// The format.
        format: ImageFormat,
        /// The encoder's words.
        reason: String,
    },
}

impl ExportError {
    pub(crate) fn encoder(format: ImageFormat, reason: impl ToString) -> Self {
        ExportError::Encoder { format, reason: reason.to_string() }
    }
}
