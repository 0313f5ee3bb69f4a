//! Kinesis Video Streams fragments out of bytes: numbers, tags, times, split and merge. No I/O.
//!
//! A GetMedia or GetMediaForFragmentList body is an EBML Stream: one Matroska document after the other, one for
//! each fragment, with the service's tags in it. [`Splitter`] takes such a body in pieces, as they come, and
//! tells its fragments and frames; any Matroska file is read the same way, as one fragment. [`Merger`] makes one
//! playable file of what it tells, [`FragmentFiles`] one for each fragment.
//!
//! ```
//! use bytes::Bytes;
//! use kineframe_fragment::{Event, Options, Splitter};
//!
//! # let name = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/generated/h264-baseline-known-cluster.mkv");
//! # let body = std::fs::read(name).unwrap();
//! # let mut lines = Vec::new();
//! let mut splitter = Splitter::new(Options::default());
//! for piece in body.chunks(16 * 1024) {
//!     splitter.push(Bytes::copy_from_slice(piece));
//!     while let Some(event) = splitter.next_event()? {
//!         match event {
//!             Event::Frame(frame) if frame.keyframe => {
//!                 let time = frame.producer_time.map(|time| time.to_string());
//!                 println!("key frame of {} bytes, shown {time:?}", frame.data.len());
//! #               lines.push(time.unwrap());
//!             }
//!             // Told at the closing tags: the next fragment may be seconds away.
//!             Event::Finished(tail) => println!("{:?}: {} frames", tail.head.number, tail.frames),
//!             Event::ServiceError(error) => eprintln!("the service says {error:?}"),
//!             Event::Damage(damage) => eprintln!("{} bytes lost: {}", damage.length, damage.error),
//!             _ => {}
//!         }
//!     }
//! }
//! splitter.finish(); // and take the last events
//! # assert_eq!(lines[..2], ["2023-11-14T22:13:20.000Z", "2023-11-14T22:13:21.000Z"]);
//! # Ok::<(), kineframe_fragment::Error>(())
//! ```
//!
//! # What holds
//! - The events are a function of the bytes: however a body is cut into pieces, the same come out.
//! - A frame is told as soon as its last byte is there, a fragment as soon as its closing tags are.
//! - A frame within one piece shares its memory; one across pieces is gathered once. Nothing is copied after.
//! - Frames are identified by (fragment, track, index). Times repeat and go back in real streams.
//! - Wall times are parsed digit by digit and never pass through floating point.
//! - Memory is bounded by [`Options`], whatever the input says: one element, one fragment's tags and counts.
//! - No input makes it panic. Damage is told with its place, and costs no other fragment a frame.

mod assemble;
mod error;
mod event;
#[doc(hidden)]
pub mod fuzzing;
mod number;
mod options;
mod remux;
mod service;
mod splitter;
mod start;
mod time;

pub use assemble::Assembler;
pub use error::Error;
pub use event::{Damage, Event, FragmentHead, FragmentTail, Frame, ServiceError, TrackSummary};
pub use number::{ContinuationToken, FragmentNumber, InvalidFragmentNumber};
pub use options::{Dialect, Options};
pub use remux::{FileEnd, FileStart, FragmentFiles, Merger, Output, RemuxOptions};
pub use service::tag;
pub use splitter::Splitter;

pub use kineframe_matroska::Payload;
pub use start::StartSelector;
pub use time::{ProducerTimestamp, ServerTimestamp};
