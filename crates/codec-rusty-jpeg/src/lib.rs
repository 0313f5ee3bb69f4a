//! Motion JPEG decoder back end over [rusty_jpeg](https://docs.rs/rusty_jpeg), in Rust, which gives planes as they are
//! coded.
//!
//! Baseline, extended and progressive images of 8 bits: grey, 4:2:0, 4:2:2, 4:4:4, and R'G'B' as planes of their own. The
//! Huffman tables that cameras leave out are put in. JPEG's inverse DCT is not normative, so that a sample may differ by
//! one from another decoder's; that is what `Exact` means here. 4:1:1, 4:4:0, CMYK, lossless and arithmetic coding are
//! refused.
//!
//! An image whose data ends early is filled up by the decoder, and marked damaged; so is a progressive one whose scans do
//! not build on each other.
//!
//! ```
//! use kineframe_codec::{Codec, CodecParameters, DecoderFactory, Support};
//!
//! let factory = kineframe_codec_rusty_jpeg::Factory;
//! assert_eq!(factory.name(), "rusty_jpeg");
//! let nothing_known = CodecParameters::new(Codec::MJPEG);
//! assert_eq!(factory.supports(&nothing_known), Support::No("no image has been seen".to_owned()));
//! ```

#[doc(hidden)]
pub mod fuzzing;
mod planes;

use bytes::Bytes;
use kineframe_bitstream::frames::backend::{Decoded, Driver, Engine, EngineError};
use kineframe_bitstream::mjpeg::{self, Header};
use kineframe_codec::{CodecParameters, DecodeError, DecodeOptions, DecoderFactory, Framing, Support, VideoDecoder};
use rusty_jpeg::decode::{Decoder, Error};

use planes::Planes;

/// The name of the back end.
pub const NAME: &str = "rusty_jpeg";

/// Opens decoders.
#[derive(Debug, Clone, Copy, Default)]
pub struct Factory;

impl DecoderFactory for Factory {
    fn name(&self) -> &str {
        NAME
    }

    fn description(&self) -> &str {
        "Motion JPEG: 8 bits, baseline and progressive, each sample within 1"
    }

    fn framing(&self) -> Framing {
        Framing::Either
    }

    fn supports(&self, params: &CodecParameters) -> Support {
        match mjpeg::check_planes(params) {
            Ok(_) => Support::Exact,
            Err(reason) => Support::No(reason),
        }
    }

    fn open(&self, params: &CodecParameters, options: &DecodeOptions) -> Result<Box<dyn VideoDecoder>, DecodeError> {
        Ok(Box::new(Driver::open(NAME, params, options, |_| Ok(Images))?))
    }
}

/// Every image stands alone: nothing is kept.
struct Images;

impl Engine for Images {
    fn packet(&mut self, packet: &Bytes, shown: &mut Vec<Decoded>) -> Result<(), EngineError> {
        let damaged = |error: &dyn std::fmt::Display| EngineError::Damaged(error.to_string());
        let header = Header::parse(packet).map_err(|error| damaged(&error))?;
        let held = header.planes().map_err(EngineError::Unsupported)?;
        let image = mjpeg::with_huffman_tables(packet, &header);
        let mut decoder = Decoder::new(&image[..]);
        // Threads are for whole pictures.
        decoder.set_single_threaded(true);
        let planes = decoder.decode_planar().map_err(|error| match error {
            Error::Unsupported(what) => EngineError::Unsupported(format!("{what:?}")),
            other => damaged(&other),
        })?;
        let decoded = Planes::of(planes, held, header.size)?;
        shown.push(Decoded { damaged: !mjpeg::is_whole(&image), ..decoded });
        Ok(())
    }
}
