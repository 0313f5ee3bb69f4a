//! Shapes of coded video: avcC, hvcC, Annex B, parameter sets, random access points; av1C and temporal units; headers
//! of VP8, VP9 and Motion JPEG.
//!
//! Pure functions and small state machines on bytes, without a decoder and without a container: how NAL units
//! are told apart and converted ([`Framer`]), what the parameter sets say ([`h264::Sps`],
//! [`h265::Sps`]), and which codec a
//! Matroska track holds ([`identify`]). Nothing here panics on any input, and nothing that the input says sizes
//! an allocation.
//!
//! Length-prefixed packets of a Matroska track, looked at and made ready for a decoder that wants start codes:
//!
//! ```
//! use bytes::Bytes;
//! use kineframe_bitstream::h264::{AvcConfig, RandomAccess, Stream};
//! use kineframe_bitstream::{Framer, identify};
//! use kineframe_codec::{Codec, Framing};
//!
//! # let sps = Bytes::from_static(&[0x67, 66, 0xc0, 10, 0xf8, 0x41, 0xa2]);
//! # let pps = Bytes::from_static(&[0x68, 0xce, 0x38, 0x80]);
//! # let codec_private = AvcConfig::new(vec![sps], vec![pps])?.to_bytes();
//! # let packet = Bytes::from(vec![0, 0, 0, 4, 0x65, 0x88, 0x84, 0x40]);
//! let track = identify("V_MPEG4/ISO/AVC", &codec_private).expect("a known codec");
//! assert_eq!(track.codec, Codec::H264);
//!
//! let mut stream = Stream::new(&track.private);
//! let unit = stream.packet(&packet);
//! assert_eq!(unit.random_access, RandomAccess::Idr);
//! assert!(unit.is_reference);
//! let params = stream.parameters(); // What a back end is asked with at a random access point.
//! assert_eq!(params.size.unwrap().width, 128);
//!
//! let mut framer = Framer::new(params.framing, Framing::StartCodes);
//! let ready = framer.convert(packet);
//! assert_eq!(&ready.data[..5], [0, 0, 0, 1, 0x65]);
//! assert_eq!(framer.copied(), 0); // The packet was ours alone.
//! # Ok::<(), kineframe_bitstream::Error>(())
//! ```

pub mod av1;
mod backend;
mod bits;
mod codec_id;
mod cut;
mod error;
mod escape;
pub mod frames;
mod framing;
#[doc(hidden)]
pub mod fuzzing;
pub mod h264;
pub mod h265;
mod length_prefix;
pub mod mjpeg;
mod order;
mod sets;
mod start_codes;
mod track;
mod usability;
pub mod vp8;
pub mod vp9;

pub use bits::BitReader;
pub use codec_id::{Identified, identify};
pub use error::{Error, ErrorKind};
pub use escape::{escape, unescape};
pub use framing::{Converted, Framer, NalUnits, detect_framing, lengths_to_start_codes, start_codes_to_lengths};
pub use length_prefix::{FramingError, LengthPrefixedUnits};
pub use start_codes::{StartCodeUnits, begins_with_start_code};
pub use track::{Sets, Track};
pub use usability::Usability;
