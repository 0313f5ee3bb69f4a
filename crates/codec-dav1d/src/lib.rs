//! AV1 decoder back end over [dav1d](https://code.videolan.org/videolan/dav1d), VideoLAN's decoder in C and assembly, as
//! the system has it (1.0 or newer): the fastest there is.
//!
//! Exact on all of AV1 that the kit holds: 8, 10 and 12 bits, every chroma format, film grain, scaled references,
//! superresolution, temporal and spatial layers (of which the highest is shown). After damage it goes on with the next
//! packet; pictures on lost references are marked. Pictures are counted and shared without a copy.
//!
//! With [`check_slices`](DecodeOptions::check_slices) the library is asked to be strict: see [`Strict`]. 1.0.0 looks at
//! headers alone then, so that damage inside of a tile gives wrong pictures that nothing marks.
//!
//! dav1d is C: no guard of ours stops a fault inside of it. It is fuzzed all year round by its makers; who must be sure
//! decodes in a process of its own. Its functions have the names of rav1d's, so a program links one of the two.
//!
//! ```
//! use kineframe_codec::{Codec, CodecParameters, DecoderFactory, Support};
//!
//! let factory = kineframe_codec_dav1d::Factory;
//! assert_eq!(factory.name(), "dav1d");
//! let nothing_known = CodecParameters::new(Codec::AV1);
//! assert_eq!(factory.supports(&nothing_known), Support::No("no sequence header is known".to_owned()));
//! ```

#[doc(hidden)]
pub mod fuzzing;
mod library;

use bytes::Bytes;
use kineframe_bitstream::av1;
use kineframe_bitstream::frames::backend::{Decoded, Driver, Engine, EngineError};
use kineframe_bitstream::frames::strict::Strict;
use kineframe_codec::{CodecParameters, DecodeError, DecodeOptions, DecoderFactory, Framing, Support, VideoDecoder};

use library::Library;

/// The name of the back end.
pub const NAME: &str = "dav1d";

/// Opens decoders.
#[derive(Debug, Clone, Copy, Default)]
pub struct Factory;

impl DecoderFactory for Factory {
    fn name(&self) -> &str {
        NAME
    }

    fn description(&self) -> &str {
        "AV1: all profiles, 8 to 12 bits, film grain; fast"
    }

    fn framing(&self) -> Framing {
        Framing::Either
    }

    fn supports(&self, params: &CodecParameters) -> Support {
        match av1::check_exact(params) {
            Ok(()) => Support::Exact,
            Err(reason) => Support::No(reason),
        }
    }

    fn open(&self, params: &CodecParameters, options: &DecodeOptions) -> Result<Box<dyn VideoDecoder>, DecodeError> {
        Ok(Box::new(Driver::open(NAME, params, options, open)?))
    }
}

fn open(options: &DecodeOptions) -> Result<Strict<Library>, EngineError> {
    Strict::open(options, Library::open)
}

impl Engine for Library {
    fn parameter_set(&mut self, unit: &Bytes) -> Result<(), EngineError> {
        self.packet(unit, &mut Vec::new())
    }

    fn packet(&mut self, packet: &Bytes, shown: &mut Vec<Decoded>) -> Result<(), EngineError> {
        self.decode(packet, shown)
    }
}
