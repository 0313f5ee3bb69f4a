//! H.264 decoder back end over [rusty_h264](https://docs.rs/rusty_h264-decoder), a decoder in Rust.
//!
//! The fastest back end that needs nothing but Rust. Exact on 8-bit 4:2:0 streams of frames, from Baseline to High,
//! CAVLC and CABAC, with any cropping. [`Factory`] says no to everything else, and to the few things inside that
//! range of which its sources show that the wrapped decoder leaves them out: a quantiser offset of Cr of its own,
//! explicit weights of B pictures, picture order count type 1 together with B pictures. What only slice headers
//! tell (fields, macroblocks in arbitrary order, slices of one picture that differ in their references or their
//! deblocking, long-term references in B pictures or made by pictures of several slices) ends in [`Unsupported`](kineframe_codec::DecodeErrorKind), so
//! that another back end takes over, and never in a wrong picture.
//!
//! ```
//! use kineframe_codec::{Codec, CodecParameters, DecoderFactory, Support};
//!
//! let factory = kineframe_codec_rusty_h264::Factory;
//! assert_eq!(factory.name(), "rusty_h264");
//! let vp9 = CodecParameters::new(Codec::VP9);
//! assert_eq!(factory.supports(&vp9), Support::No("decodes H.264 only".to_owned()));
//! ```

mod engine;
mod exact;
#[doc(hidden)]
pub mod fuzzing;

use kineframe_bitstream::h264::backend::{Driver, supports};
use kineframe_codec::{CodecParameters, DecodeError, DecodeOptions, DecoderFactory, Framing, Support, VideoDecoder};

use engine::RustyEngine;

/// The name of the back end.
pub const NAME: &str = "rusty_h264";

/// Opens decoders.
#[derive(Debug, Clone, Copy, Default)]
pub struct Factory;

impl DecoderFactory for Factory {
    fn name(&self) -> &str {
        NAME
    }

    fn description(&self) -> &str {
        "H.264: 8 bits, 4:2:0, progressive, no slice groups; the fastest"
    }

    fn framing(&self) -> Framing {
        Framing::StartCodes
    }

    fn supports(&self, params: &CodecParameters) -> Support {
        supports(params, exact::check_sps, exact::check_pps)
    }

    fn open(&self, params: &CodecParameters, options: &DecodeOptions) -> Result<Box<dyn VideoDecoder>, DecodeError> {
        Ok(Box::new(Driver::open(NAME, params, options, RustyEngine::new)?))
    }
}
