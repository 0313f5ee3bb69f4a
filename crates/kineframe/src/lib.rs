//! From a Kinesis Video stream to exact pictures.
//!
//! Give it the bytes of a GetMedia or GetMediaForFragmentList call, or any Matroska file, and take fragments, frames
//! or pictures. Pictures are those that the encoder made, bit for bit, or they are marked.
//!
//! Key frames of a stored capture as JPEG, in ten lines:
//!
//! ```
//! # #[cfg(all(feature = "consumer", feature = "decoders", feature = "image-export"))] {
//! use kineframe::codec::Picture;
//! use kineframe::consumer::{Options, PictureInfo, Pictures, Selection};
//! use kineframe::image_export::{ExportOptions, Exporter, ImageFormat};
//!
//! # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/generated/h264-high-bframes-aac.mkv");
//! let mut options = Options::new(kineframe::decoders::default_list());
//! options.selection = Selection::keyframes();
//! let to_jpeg = || {
//!     let mut exporter = Exporter::new(ExportOptions::new(ImageFormat::Jpeg));
//!     move |_: &PictureInfo, picture: Picture<'_>| {
//!         let mut jpeg = Vec::new();
//!         exporter.encode(&picture, &mut jpeg).map(|_size| jpeg)
//!     }
//! };
//! for picture in Pictures::open(&kineframe::source::File::new(path), options, to_jpeg)? {
//!     let picture = picture?;
//!     let jpeg = picture.output?;
//!     println!("{:?} at {:?}: {} bytes", picture.info.fragment.number, picture.info.producer_time, jpeg.len());
//! #   assert_eq!(jpeg[..2], [0xff, 0xd8]);
//! }
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | module | feature | for |
//! |---|---|---|
//! | [`ebml`], [`matroska`] | always | the container: elements, blocks, push demuxer, muxer |
//! | [`fragment`] | always | fragments: numbers, times, tags, errors in band, split and merge |
//! | [`codec`] | always | the contract that a decoder keeps |
//! | `audio` | `audio` | audio tracks to WAV and ADTS |
//! | `bitstream` | `bitstream` | parameter sets, random access points, framing |
//! | `mp4` | `mp4` | MP4, plain and fragmented, in and out |
//! | `source` | `source` | files, standard input, memory as pieces; wrappers for tests |
//! | `decoders` | `decoders` | the default list of back ends |
//! | `image_export` | `image-export` | pictures to JPEG, PNG, WebP, NPY, planes |
//! | `jpeg_turbo` | `jpeg-turbo` | the fast JPEG encoder, for `image_export`; needs cmake and nasm to build |
//! | `source_aws` | `aws` | the service: live and archived media, PutMedia; links the AWS SDK |
//! | `consumer` | `consumer` | fragments, frames and pictures of a source |
//!
//! Each module is a crate of its own, `kineframe-…`, and can be used alone.

#[cfg(feature = "audio")]
pub use kineframe_audio as audio;
#[cfg(feature = "bitstream")]
pub use kineframe_bitstream as bitstream;
pub use kineframe_codec as codec;
#[cfg(feature = "consumer")]
pub use kineframe_consumer as consumer;
#[cfg(feature = "decoders")]
pub use kineframe_decoders as decoders;
pub use kineframe_ebml as ebml;
pub use kineframe_fragment as fragment;
#[cfg(feature = "image-export")]
pub use kineframe_image_export as image_export;
#[cfg(feature = "jpeg-turbo")]
pub use kineframe_jpeg_turbo as jpeg_turbo;
pub use kineframe_matroska as matroska;
#[cfg(feature = "mp4")]
pub use kineframe_mp4 as mp4;
#[cfg(feature = "source")]
pub use kineframe_source as source;
#[cfg(feature = "aws")]
pub use kineframe_source_aws as source_aws;

/// The Rust in the README compiles.
#[cfg(all(doctest, feature = "consumer"))]
#[doc = include_str!("../../../README.md")]
pub struct Readme;

/// The Rust in the guides compiles.
#[cfg(all(doctest, feature = "aws", feature = "consumer"))]
#[doc = include_str!("../../../docs/guides/every-n-seconds.md")]
#[doc = include_str!("../../../docs/guides/fragment-number.md")]
#[doc = include_str!("../../../docs/guides/months.md")]
pub struct Guides;
