//! VP8 decoder back end over [oxideav-vp8](https://docs.rs/oxideav-vp8), in Rust.
//!
//! Exact on all profiles, sizes, partitions, hidden frames and temporal layers that the kit holds. The wrapped decoder
//! forgets segments from frame to frame: a frame that goes on with the segments of an earlier one is refused when it comes,
//! so that another back end takes over. No encoder that was tried makes such frames, the standard has them. A frame that
//! swaps golden and altref frame is refused too, since sound decoders differ on it.
//!
//! A packet whose data end early is an error, and pictures on lost references are marked. Bits that are flipped inside of
//! a partition make other samples more often than an error, since VP8 has no checksum: unless
//! [`check_slices`](DecodeOptions::check_slices) is off, `bitstream` reads all symbols first and marks such a picture.
//!
//! ```
//! use kineframe_codec::{Codec, CodecParameters, DecoderFactory, Support};
//!
//! let factory = kineframe_codec_oxideav_vp8::Factory;
//! assert_eq!(factory.name(), "oxideav_vp8");
//! assert_eq!(factory.supports(&CodecParameters::new(Codec::VP8)), Support::Exact);
//! assert_ne!(factory.supports(&CodecParameters::new(Codec::VP9)), Support::Exact);
//! ```

#[doc(hidden)]
pub mod fuzzing;

use std::sync::Arc;

use bytes::Bytes;
use kineframe_bitstream::frames::backend::{Decoded, Driver, Engine, EngineError};
use kineframe_bitstream::vp8::Header;
use kineframe_codec::{
    BitDepth, ChromaSampling, Codec, CodecParameters, DecodeError, DecodeOptions, DecoderFactory, Framing,
    PictureBuffer, PixelFormat, Plane, Rect, Samples, Size, Support, VideoDecoder,
};
use oxideav_vp8::{DecodeError as Failure, Vp8DecodedFrame, Vp8DecoderState};

/// The name of the back end.
pub const NAME: &str = "oxideav_vp8";

/// Opens decoders.
#[derive(Debug, Clone, Copy, Default)]
pub struct Factory;

impl DecoderFactory for Factory {
    fn name(&self) -> &str {
        NAME
    }

    fn description(&self) -> &str {
        "VP8: all profiles; no segments kept from frame to frame"
    }

    fn framing(&self) -> Framing {
        Framing::Either
    }

    fn supports(&self, params: &CodecParameters) -> Support {
        if params.codec == Codec::VP8 { Support::Exact } else { Support::No("decodes VP8 only".to_owned()) }
    }

    fn open(&self, params: &CodecParameters, options: &DecodeOptions) -> Result<Box<dyn VideoDecoder>, DecodeError> {
        Ok(Box::new(Driver::open(NAME, params, options, |_| Ok(Vp8(Vp8DecoderState::new())))?))
    }
}

struct Vp8(Vp8DecoderState);

impl Engine for Vp8 {
    fn packet(&mut self, packet: &Bytes, shown: &mut Vec<Decoded>) -> Result<(), EngineError> {
        let header = Header::parse(packet).map_err(|error| EngineError::Damaged(error.to_string()))?;
        if header.keeps_segments {
            return Err(EngineError::Unsupported("segments of an earlier frame".to_owned()));
        }
        if header.swaps {
            return Err(EngineError::Unsupported("golden and altref frame swapped".to_owned()));
        }
        let picture = self.0.decode_frame(packet).map_err(|failure| match failure {
            // Said of an inter frame without a key frame before it: all that the decoder lacks is refused above.
            Failure::Unsupported(what) => EngineError::Damaged(what.to_owned()),
            other => EngineError::Damaged(other.to_string()),
        })?;
        if header.shown {
            shown.push(decoded(picture));
        }
        Ok(())
    }
}

fn decoded(frame: Vp8DecodedFrame) -> Decoded {
    let size = Size { width: frame.width, height: frame.height };
    let format = PixelFormat { chroma: ChromaSampling::Yuv420, depth: BitDepth::EIGHT };
    Decoded { visible: Rect::whole(size), format, buffer: Arc::new(Planes(frame)), damaged: false }
}

/// Planes, tightly packed.
struct Planes(Vp8DecodedFrame);

impl PictureBuffer for Planes {
    fn planes(&self) -> Vec<Plane<'_>> {
        let Vp8DecodedFrame { width, y, u, v, .. } = &self.0;
        let luma = *width as usize;
        let plane = |samples, stride| Plane { samples: Samples::U8(samples), stride };
        vec![plane(y, luma), plane(u, luma.div_ceil(2)), plane(v, luma.div_ceil(2))]
    }
}
