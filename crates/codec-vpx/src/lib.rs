//! VP8 and VP9 decoder back end over [libvpx](https://chromium.googlesource.com/webm/libvpx), as the system has it.
//!
//! Exact on all of VP8, and on VP9 of all profiles but 4:4:0, of which no picture of the contract has the planes. After
//! damage it goes on with the next packet; pictures on lost references, and those that libvpx itself calls corrupted, are
//! marked. So is VP8 whose data do not end where their symbols do, unless
//! [`check_slices`](DecodeOptions::check_slices) is off.
//!
//! libvpx is C: no guard of ours stops a fault inside of it. Who must be sure names the back ends in Rust, or decodes in a
//! process of its own.
//!
//! ```
//! use kineframe_codec::{Codec, CodecParameters, DecoderFactory, Support};
//!
//! let factory = kineframe_codec_vpx::Factory;
//! assert_eq!(factory.name(), "vpx");
//! assert_eq!(factory.supports(&CodecParameters::new(Codec::VP8)), Support::Exact);
//! assert_ne!(factory.supports(&CodecParameters::new(Codec::VP9)), Support::Exact);
//! ```

#[doc(hidden)]
pub mod fuzzing;
mod library;

use bytes::Bytes;
use kineframe_bitstream::frames::backend::{Decoded, Driver, Engine, EngineError};
use kineframe_bitstream::vp9;
use kineframe_codec::{
    Codec, CodecParameters, DecodeError, DecodeOptions, DecoderFactory, Framing, Support, VideoDecoder,
};

use library::Library;

/// The name of the back end.
pub const NAME: &str = "vpx";

/// Opens decoders.
#[derive(Debug, Clone, Copy, Default)]
pub struct Factory;

impl DecoderFactory for Factory {
    fn name(&self) -> &str {
        NAME
    }

    fn description(&self) -> &str {
        "VP8; VP9: all profiles but 4:4:0, 8 to 12 bits; fast"
    }

    fn framing(&self) -> Framing {
        Framing::Either
    }

    fn supports(&self, params: &CodecParameters) -> Support {
        match params.codec {
            Codec::VP8 => Support::Exact,
            Codec::VP9 => match vp9::check_exact(params) {
                Ok(_) => Support::Exact,
                Err(reason) => Support::No(reason),
            },
            _ => Support::No("decodes VP8 and VP9 only".to_owned()),
        }
    }

    fn open(&self, params: &CodecParameters, options: &DecodeOptions) -> Result<Box<dyn VideoDecoder>, DecodeError> {
        let open = if params.codec == Codec::VP8 { Vp::vp8 } else { Vp::vp9 };
        Ok(Box::new(Driver::open(NAME, params, options, open)?))
    }
}

struct Vp(Library);

impl Vp {
    fn vp8(options: &DecodeOptions) -> Result<Self, EngineError> {
        Library::vp8(options.threads).map(Vp)
    }

    fn vp9(options: &DecodeOptions) -> Result<Self, EngineError> {
        Library::vp9(options.threads).map(Vp)
    }
}

impl Engine for Vp {
    fn packet(&mut self, packet: &Bytes, shown: &mut Vec<Decoded>) -> Result<(), EngineError> {
        if let Some(picture) = self.0.packet(packet)? {
            shown.push(picture);
        }
        Ok(())
    }
}
