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
//!
//! A whole session, with the back end that [`fake`] has for tests:
//!
//! ```
//! use std::ops::ControlFlow;
//! use std::sync::Arc;
//!
//! use kineframe_codec::fake::FakeFactory;
//! use kineframe_codec::{Codec, CodecParameters, DecodeOptions, Decoders, Packet, PacketId, Picture};
//!
//! let decoders = Decoders(vec![Arc::new(FakeFactory::new("fake"))]);
//! let params = CodecParameters::new(Codec::H264);
//! let factory = decoders.choose(&params).expect("the fake takes everything");
//! let mut decoder = factory.open(&params, &DecodeOptions::default())?;
//!
//! let mut shown = Vec::new();
//! let mut sink = |picture: Picture<'_>| {
//!     shown.push((picture.id, picture.visible.width));
//!     ControlFlow::Continue(())
//! };
//! for id in 0..3 {
//!     let packet =
//!         Packet { id: PacketId(id), data: vec![id as u8].into(), random_access: id == 0, wanted: true };
//!     decoder.decode(packet, &mut sink)?;
//! }
//! decoder.flush(&mut sink)?;
//! assert_eq!(shown, [(PacketId(0), 16), (PacketId(1), 16), (PacketId(2), 16)]);
//! # Ok::<(), kineframe_codec::DecodeError>(())
//! ```

mod color;
mod decoder;
mod error;
pub mod fake;
mod format;
mod guard;
mod limits;
mod list;
mod owned;
mod packet;
mod parameters;
mod picture;
mod plane;

pub use color::{ChromaSiting, ColorRange, ColorSpace, MatrixCoefficients};
pub use decoder::{DecodeOptions, DecoderFactory, Latency, PictureSink, Support, VideoDecoder};
pub use error::{DecodeError, DecodeErrorKind, Recovery};
pub use format::{BitDepth, ChromaSampling, PixelFormat, Plane, Rect, Samples, Size};
pub use guard::{guard, guard_with_sink};
pub use limits::Limits;
pub use list::{Decoders, Refusal};
pub use owned::OwnedPicture;
pub use packet::{Packet, PacketId};
pub use parameters::{Codec, CodecParameters, Framing, NalFraming};
pub use picture::{Picture, PictureBuffer, SharedPicture};
pub use plane::{PictureError, PlaneView};
