//! VP9 decoder back end over [rusty_vp9](https://docs.rs/rusty_vp9), in Rust.
//!
//! Exact on all profiles that the kit holds: 8, 10 and 12 bits, 4:2:0, 4:2:2, 4:4:4 and R'G'B', scaled references, tiles,
//! superframes, of which the last shown frame is the picture. 4:4:0 is refused: no picture of the contract has such
//! planes. After damage it goes on with the next packet; pictures on lost references are marked.
//!
//! The wrapped decoder reads zeros behind the end of a packet, goes on with flipped bits, and says nothing of either. So the
//! data of each packet is read by the rules of its syntax besides, as
//! [`check_slices`](DecodeOptions::check_slices) says, and the picture of one that breaks them is marked.
//!
//! ```
//! use kineframe_codec::{Codec, CodecParameters, DecoderFactory, Support};
//!
//! let factory = kineframe_codec_rusty_vp9::Factory;
//! assert_eq!(factory.name(), "rusty_vp9");
//! let nothing_known = CodecParameters::new(Codec::VP9);
//! let reason = "no key frame has told profile and depth".to_owned();
//! assert_eq!(factory.supports(&nothing_known), Support::No(reason));
//! ```

#[doc(hidden)]
pub mod fuzzing;

use std::sync::Arc;

use bytes::Bytes;
use kineframe_bitstream::frames::backend::{Decoded, Driver, Engine, EngineError};
use kineframe_bitstream::vp9;
use kineframe_codec::{
    BitDepth, ChromaSampling, CodecParameters, DecodeError, DecodeOptions, DecoderFactory, Framing, PictureBuffer,
    PixelFormat, Plane, Rect, Samples, Size, Support, VideoDecoder,
};
use rusty_vp9::{DecodedFrame, Error, Vp9Decoder};

/// The name of the back end.
pub const NAME: &str = "rusty_vp9";

/// Opens decoders.
#[derive(Debug, Clone, Copy, Default)]
pub struct Factory;

impl DecoderFactory for Factory {
    fn name(&self) -> &str {
        NAME
    }

    fn description(&self) -> &str {
        "VP9: all profiles but 4:4:0, 8 to 12 bits"
    }

    fn framing(&self) -> Framing {
        Framing::Either
    }

    fn supports(&self, params: &CodecParameters) -> Support {
        match vp9::check_exact(params) {
            Ok(_) => Support::Exact,
            Err(reason) => Support::No(reason),
        }
    }

    fn open(&self, params: &CodecParameters, options: &DecodeOptions) -> Result<Box<dyn VideoDecoder>, DecodeError> {
        Ok(Box::new(Driver::open(NAME, params, options, |_| Ok(Vp9(Vp9Decoder::new())))?))
    }
}

struct Vp9(Vp9Decoder);

fn failed(error: Error) -> EngineError {
    match error {
        Error::Unimplemented(what) => EngineError::Unsupported(what.to_owned()),
        Error::Unsupported(what) => EngineError::Unsupported(what),
        other => EngineError::Damaged(other.to_string()),
    }
}

/// Decodes a frame: what it shows, or the first error.
fn decode(decoder: &mut Vp9Decoder, frame: &[u8]) -> Result<Option<DecodedFrame>, Error> {
    decoder.push(frame, None)?;
    let mut outcome = Ok(None);
    // Every frame but a hidden one gives a picture or an error; `Again` says that none is left.
    loop {
        match decoder.next_frame() {
            Ok(picture) => outcome = outcome.map(|_| Some(picture)),
            Err(Error::Again | Error::Eof) => return outcome,
            Err(error) => outcome = outcome.and(Err(error)),
        }
    }
}

impl Engine for Vp9 {
    fn packet(&mut self, packet: &Bytes, shown: &mut Vec<Decoded>) -> Result<(), EngineError> {
        // An index may name frames that are not there: the wrapped decoder is given one frame at a time.
        let (mut last, mut outcome) = (None, Ok(()));
        for frame in vp9::superframe(packet) {
            match decode(&mut self.0, frame) {
                Ok(picture) => last = picture.or(last),
                Err(error) => outcome = outcome.and(Err(failed(error))),
            }
        }
        // Of several layers the last is the picture.
        if let (Some(picture), true) = (last, outcome.is_ok()) {
            shown.push(decoded(picture)?);
        }
        outcome
    }
}

fn decoded(frame: DecodedFrame) -> Result<Decoded, EngineError> {
    let chroma = match (frame.subsampling_x, frame.subsampling_y) {
        (1, 1) => ChromaSampling::Yuv420,
        (1, 0) => ChromaSampling::Yuv422,
        (0, 0) => ChromaSampling::Yuv444,
        _ => return Err(EngineError::Unsupported("4:4:0 chroma".to_owned())),
    };
    let depth = u8::try_from(frame.bit_depth).ok().and_then(BitDepth::new);
    let depth = depth.ok_or_else(|| EngineError::Damaged("a picture of no known depth".to_owned()))?;
    let size = Size { width: frame.width, height: frame.height };
    let strides = frame.strides.into_iter();
    let buffer: Arc<dyn PictureBuffer> = if depth == BitDepth::EIGHT {
        Arc::new(Planes8(frame.planes.into_iter().zip(strides).collect()))
    } else {
        // The wrapped decoder gives bytes, from which samples are made.
        let samples = |plane: Vec<u8>| plane.as_chunks().0.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
        let planes = frame.planes.into_iter().zip(strides);
        Arc::new(Planes16(planes.map(|(plane, stride)| (samples(plane), stride / 2)).collect()))
    };
    Ok(Decoded { visible: Rect::whole(size), format: PixelFormat { chroma, depth }, buffer, damaged: false })
}

/// Planes and their strides.
struct Planes8(Vec<(Vec<u8>, usize)>);

struct Planes16(Vec<(Vec<u16>, usize)>);

impl PictureBuffer for Planes8 {
    fn planes(&self) -> Vec<Plane<'_>> {
        self.0.iter().map(|(plane, stride)| Plane { samples: Samples::U8(plane), stride: *stride }).collect()
    }
}

impl PictureBuffer for Planes16 {
    fn planes(&self) -> Vec<Plane<'_>> {
        self.0.iter().map(|(plane, stride)| Plane { samples: Samples::U16(plane), stride: *stride }).collect()
    }
}
