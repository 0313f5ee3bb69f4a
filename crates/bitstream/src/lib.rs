//! Shapes of coded video: avcC, Annex B, parameter sets, random access points.
//!
//! Pure functions and small state machines on bytes, without a decoder and without a container: how NAL units
//! are told apart and converted ([`Framer`]), what the parameter sets say ([`h264::Sps`]), and which codec a
//! Matroska track holds ([`identify`]). Nothing here panics on any input, and nothing that the input says sizes
//! an allocation.

mod bits;
mod codec_id;
mod error;
mod escape;
mod framing;
pub mod h264;
mod length_prefix;
mod start_codes;

pub use bits::BitReader;
pub use codec_id::{Identified, identify};
pub use error::{Error, ErrorKind};
pub use escape::{escape, unescape};
pub use framing::{Converted, Framer, NalUnits, detect_framing, lengths_to_start_codes, start_codes_to_lengths};
pub use length_prefix::{FramingError, LengthPrefixedUnits};
pub use start_codes::{StartCodeUnits, begins_with_start_code};
