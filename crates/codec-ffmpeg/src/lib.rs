//! Decoder back end over [FFmpeg](https://ffmpeg.org/), as the system has it (5.0 or newer): H.264, H.265, AV1, VP8, VP9 and
//! Motion JPEG.
//!
//! Software decoders alone, in all shapes of samples that a [`PixelFormat`](kineframe_codec::PixelFormat) has and FFmpeg
//! knows; so it takes what no back end in Rust does: H.265 in 4:2:2 and monochrome, H.264 in 4:4:4. What it cannot do is
//! refused by name: slice groups, screen content coding. AV1 needs an FFmpeg with libdav1d or libaom. `bitstream` reads
//! each packet first: sizes are refused before FFmpeg sees them, pictures on lost references are marked. Pictures are
//! counted and shared without a copy; a packet is copied once, into memory with the padding that FFmpeg reads.
//!
//! FFmpeg is C: no guard of ours stops a fault inside of it. Who must be sure names the back ends in Rust, or decodes in a
//! process of its own. Its log is silenced for the decoders that are opened here, and for no others.
//!
//! ```
//! use kineframe_codec::{Codec, CodecParameters, DecoderFactory, Support};
//!
//! let factory = kineframe_codec_ffmpeg::Factory;
//! assert_eq!(factory.name(), "ffmpeg");
//! assert_eq!(factory.supports(&CodecParameters::new(Codec::VP8)), Support::Exact);
//! assert_ne!(factory.supports(&CodecParameters::new(Codec::H264)), Support::Exact);
//! ```

mod avc;
mod exact;
#[doc(hidden)]
pub mod fuzzing;
mod hevc;
mod library;
mod whole;

use std::ffi::CStr;

use kineframe_bitstream::frames::backend::{Driver, EngineError};
use kineframe_bitstream::{av1, h264, h265, mjpeg, vp9};
use kineframe_codec::{
    Codec, CodecParameters, DecodeError, DecodeErrorKind, DecodeOptions, DecoderFactory, Framing, Recovery, Support,
    VideoDecoder,
};

use avc::Avc;
use hevc::Hevc;
use whole::Whole;

/// The name of the back end.
pub const NAME: &str = "ffmpeg";

/// Opens decoders.
#[derive(Debug, Clone, Copy, Default)]
pub struct Factory;

/// FFmpeg's software decoder of a codec, or why there is none.
fn decoder_of(codec: Codec) -> Result<&'static CStr, String> {
    let names: &[&CStr] = match codec {
        Codec::H264 => &[c"h264"],
        Codec::H265 => &[c"hevc"],
        // Its own `av1` is for hardware alone.
        Codec::AV1 => &[c"libdav1d", c"libaom-av1"],
        Codec::VP8 => &[c"vp8"],
        Codec::VP9 => &[c"vp9"],
        Codec::MJPEG => &[c"mjpeg"],
        _ => return Err("decodes H.264, H.265, AV1, VP8, VP9 and Motion JPEG only".to_owned()),
    };
    let found = names.iter().find(|name| library::has(name)).copied();
    found.ok_or_else(|| format!("the system's FFmpeg was built without a software decoder for {codec}"))
}

impl DecoderFactory for Factory {
    fn name(&self) -> &str {
        NAME
    }

    fn description(&self) -> &str {
        "H.264, H.265, AV1, VP8, VP9, JPEG: by the system's FFmpeg"
    }

    fn framing(&self) -> Framing {
        Framing::Either
    }

    fn supports(&self, params: &CodecParameters) -> Support {
        if let Err(reason) = decoder_of(params.codec) {
            return Support::No(reason);
        }
        let checked = match params.codec {
            Codec::H264 => return h264::backend::supports(params, exact::h264_sps, |pps, _| exact::h264_pps(pps)),
            Codec::H265 => return h265::backend::supports(params, exact::h265_sps, |_, _| Ok(())),
            Codec::AV1 => av1::check_exact(params),
            Codec::VP9 => vp9::check_exact(params).map(drop),
            Codec::MJPEG => mjpeg::check_planes(params).map(drop),
            _ => Ok(()),
        };
        checked.map_or_else(Support::No, |()| Support::Exact)
    }

    fn open(&self, params: &CodecParameters, options: &DecodeOptions) -> Result<Box<dyn VideoDecoder>, DecodeError> {
        let name = decoder_of(params.codec)
            .map_err(|reason| DecodeError::new(NAME, DecodeErrorKind::Unsupported(reason), Recovery::Reopen))?;
        let frames: fn(&DecodeOptions) -> Result<Whole, EngineError> = match params.codec {
            Codec::AV1 => Whole::av1,
            Codec::VP8 => Whole::vp8,
            Codec::VP9 => Whole::vp9,
            Codec::MJPEG => Whole::mjpeg,
            Codec::H265 => {
                let make = Hevc::maker(params, options);
                return Ok(Box::new(h265::backend::Driver::open(NAME, params, options, make)?));
            }
            _ => return Ok(Box::new(Avc::open(name, params, options)?)),
        };
        Ok(Box::new(Driver::open(NAME, params, options, frames)?))
    }
}
