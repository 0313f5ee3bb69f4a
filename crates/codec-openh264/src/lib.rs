//! H.264 decoder back end over Cisco's [OpenH264](https://www.openh264.org), built from its C++ sources.
//!
//! Exact on Baseline streams of frames, where it also takes what the Rust back ends leave out. With B pictures it is
//! not, and does not say so: its direct mode differs from the standard's by a little. [`Factory`] says no there; who
//! names this back end all the same gets pictures in which everything that B pictures had a part in is marked
//! `damaged`. Interlaced streams, more than 8 bits, 4:2:2 and 4:4:4 end in an error. It does not conceal: after
//! damage it goes on at the next IDR picture.
//!
//! Pictures lie in the decoder's own memory and are lent, not shared.
//!
//! ```
//! use kineframe_codec::{Codec, CodecParameters, DecoderFactory, Framing};
//!
//! let factory = kineframe_codec_openh264::Factory;
//! assert_eq!(factory.name(), "openh264");
//! assert_eq!(factory.framing(), Framing::StartCodes);
//! ```
//!
//! Cisco pays the patent pool for the binaries that it distributes, and for those only: this crate builds the
//! sources.

mod decoder;
mod exact;
#[doc(hidden)]
pub mod fuzzing;
mod library;

use kineframe_bitstream::h264::backend::supports;
use kineframe_codec::{CodecParameters, DecodeError, DecodeOptions, DecoderFactory, Framing, Support, VideoDecoder};

use decoder::OpenH264Decoder;

/// The name of the back end.
pub const NAME: &str = "openh264";

/// Opens decoders.
#[derive(Debug, Clone, Copy, Default)]
pub struct Factory;

impl DecoderFactory for Factory {
    fn name(&self) -> &str {
        NAME
    }

    fn description(&self) -> &str {
        "H.264: Baseline; more where it is named, without a promise"
    }

    fn framing(&self) -> Framing {
        Framing::StartCodes
    }

    fn supports(&self, params: &CodecParameters) -> Support {
        supports(params, exact::exact_sps, exact::exact_pps)
    }

    fn open(&self, params: &CodecParameters, options: &DecodeOptions) -> Result<Box<dyn VideoDecoder>, DecodeError> {
        Ok(Box::new(OpenH264Decoder::open(params, options)?))
    }
}
