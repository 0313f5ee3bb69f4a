//! AV1 decoder back end over [rav1d](https://github.com/memorysafety/rav1d), dav1d in Rust, as the crate `re_rav1d`
//! publishes it: no system library, and without its assembly no assembler.
//!
//! Exact on all of AV1 that the kit holds: 8, 10 and 12 bits, every chroma format, film grain, scaled references,
//! superresolution, temporal and spatial layers (of which the highest is shown). After damage it goes on with the next
//! packet; pictures on lost references are marked. So are those with damage inside of a tile, of which rav1d looks at the
//! end where [`check_slices`](DecodeOptions::check_slices) is on: see [`Strict`].
//!
//! rav1d has dav1d's C interface. A panic inside of it cannot leave that interface: it ends the process. None was seen
//! in fuzzing; who must be sure decodes in a process of its own. Its functions also have the names of dav1d's, so a
//! program links one of the two.
//!
//! ```
//! use kineframe_codec::{Codec, CodecParameters, DecoderFactory, Support};
//!
//! let factory = kineframe_codec_rav1d::Factory;
//! assert_eq!(factory.name(), "rav1d");
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

use library::{Failure, Library};

/// The name of the back end.
pub const NAME: &str = "rav1d";

/// Opens decoders.
#[derive(Debug, Clone, Copy, Default)]
pub struct Factory;

impl DecoderFactory for Factory {
    fn name(&self) -> &str {
        NAME
    }

    fn description(&self) -> &str {
        "AV1: all profiles, 8 to 12 bits, film grain"
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
    Strict::open(options, |options| Library::open(options).map_err(failed))
}

fn failed(failure: Failure) -> EngineError {
    match failure {
        Failure::Stream(what) => EngineError::Damaged(what),
        Failure::Memory => EngineError::Internal("no memory for a picture".to_owned()),
    }
}

impl Engine for Library {
    fn parameter_set(&mut self, unit: &Bytes) -> Result<(), EngineError> {
        self.packet(unit, &mut Vec::new())
    }

    fn packet(&mut self, packet: &Bytes, shown: &mut Vec<Decoded>) -> Result<(), EngineError> {
        self.decode(packet, shown).map_err(failed)
    }
}
