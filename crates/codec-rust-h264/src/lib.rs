//! H.264 decoder back end over [rust_h264](https://docs.rs/rust_h264), a decoder in Rust that covers most of the
//! standard.
//!
//! Exact on 8- and 10-bit streams in 4:2:0, 4:2:2 and monochrome, frames, fields and macroblock pairs, from Baseline
//! to High 4:2:2, with any cropping; no 4:4:4, no lossless coding, no slice groups. After damage it goes on with
//! the next packet and conceals what is missing; such pictures are marked.
//!
//! ```
//! use kineframe_codec::{Codec, CodecParameters, DecoderFactory, Support};
//!
//! let factory = kineframe_codec_rust_h264::Factory;
//! assert_eq!(factory.name(), "rust_h264");
//! let nothing_known = CodecParameters::new(Codec::H264);
//! assert_eq!(factory.supports(&nothing_known), Support::No("no parameter sets are known".to_owned()));
//! ```

mod engine;
mod exact;
#[doc(hidden)]
pub mod fuzzing;
mod planes;

use kineframe_bitstream::h264::backend::{Driver, supports};
use kineframe_codec::{CodecParameters, DecodeError, DecodeOptions, DecoderFactory, Framing, Support, VideoDecoder};

use engine::RustEngine;

/// The name of the back end.
pub const NAME: &str = "rust_h264";

/// Opens decoders.
#[derive(Debug, Clone, Copy, Default)]
pub struct Factory;

impl DecoderFactory for Factory {
    fn name(&self) -> &str {
        NAME
    }

    fn description(&self) -> &str {
        "H.264: all but 4:4:4 and lossless; interlaced, 8 to 14 bits; the one that goes on after damage"
    }

    fn framing(&self) -> Framing {
        Framing::Either
    }

    fn supports(&self, params: &CodecParameters) -> Support {
        supports(params, exact::check_sps, exact::check_pps)
    }

    fn open(&self, params: &CodecParameters, options: &DecodeOptions) -> Result<Box<dyn VideoDecoder>, DecodeError> {
        Ok(Box::new(Driver::open(NAME, params, options, RustEngine::new)?))
    }
}
