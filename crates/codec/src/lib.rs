//! The contract between a stream of encoded frames and a video decoder.
//!
//! A back end implements [`DecoderFactory`] and [`VideoDecoder`]; it depends on this crate and on the decoder
//! that it wraps, and on nothing else that it does not want. A caller holds a list of factories
//! ([`Decoders`]), asks each whether it is exact on the [`CodecParameters`] of a stream, opens the first that
//! is, pushes [`Packet`]s and is handed [`Picture`]s through a [`PictureSink`].
//!
//! Pictures are handed to a sink and not returned, because decoders differ in who owns a decoded picture: some
//! lend it until their next call, others give a counted handle. Lending is what all of them can do, and
//! [`Picture::share`] is there for those that can do more.

mod color;
mod decoder;
mod error;
mod guard;
mod limits;
mod list;
mod packet;
mod parameters;
mod picture;

pub use color::{ChromaSiting, ColorRange, ColorSpace, MatrixCoefficients};
pub use decoder::{DecodeOptions, DecoderFactory, Latency, PictureSink, Support, VideoDecoder};
pub use error::{DecodeError, DecodeErrorKind, Recovery};
pub use guard::{guard, guard_with_sink};
pub use limits::Limits;
pub use list::{Decoders, Refusal};
pub use packet::{Packet, PacketId};
pub use parameters::{Codec, CodecParameters, Framing, NalFraming};
pub use picture::{
    BitDepth, ChromaSampling, OwnedPicture, Picture, PictureBuffer, PixelFormat, Plane, Rect, Samples, SharedPicture,
    Size,
};
