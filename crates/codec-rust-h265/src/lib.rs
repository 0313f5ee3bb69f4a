//! H.265 decoder back end over [rust_h265](https://docs.rs/rust_h265), a decoder in Rust.
//!
//! Exact on the Main, Main 10 and Main Still Picture profiles and on format range extensions in 4:2:0 and 4:4:4, with 8
//! to 12 bits a sample and any conformance window, whatever the order of pictures and the kind of random access. No
//! 4:2:2, no monochrome, no screen content coding; streams of these are refused by name. After damage it goes on with
//! the next picture and conceals what is missing, mostly without a word: `bitstream` reads slice data ahead of it, so that
//! such pictures are marked.
//!
//! ```
//! use kineframe_codec::{Codec, CodecParameters, DecoderFactory, Support};
//!
//! let factory = kineframe_codec_rust_h265::Factory;
//! assert_eq!(factory.name(), "rust_h265");
//! let nothing_known = CodecParameters::new(Codec::H265);
//! assert_eq!(factory.supports(&nothing_known), Support::No("no parameter sets are known".to_owned()));
//! ```

mod engine;
mod exact;
#[doc(hidden)]
pub mod fuzzing;

use kineframe_bitstream::h265::backend::{Driver, supports};
use kineframe_codec::{CodecParameters, DecodeError, DecodeOptions, DecoderFactory, Framing, Support, VideoDecoder};

use engine::RustEngine;

/// The name of the back end.
pub const NAME: &str = "rust_h265";

/// Opens decoders.
#[derive(Debug, Clone, Copy, Default)]
pub struct Factory;

impl DecoderFactory for Factory {
    fn name(&self) -> &str {
        NAME
    }

    fn description(&self) -> &str {
        "H.265, 8 to 12 bits, 4:2:0 and 4:4:4"
    }

    fn framing(&self) -> Framing {
        Framing::Either
    }

    fn supports(&self, params: &CodecParameters) -> Support {
        supports(params, exact::check_sps, |_, _| Ok(()))
    }

    fn open(&self, params: &CodecParameters, options: &DecodeOptions) -> Result<Box<dyn VideoDecoder>, DecodeError> {
        Ok(Box::new(Driver::open(NAME, params, options, RustEngine::new)?))
    }
}
