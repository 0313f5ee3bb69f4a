//! Matroska (RFC 9559): schema, typed elements, a push demuxer and a muxer.
//!
//! [`Demuxer`] takes a stream apart as its bytes come in, copies as little as can be, and goes on after damage.
//! [`Muxer`] writes frames as a file or a stream, and copies none of them.
//!
//! What is written is read again, here in pieces of seven bytes:
//!
//! ```
//! use bytes::Bytes;
//! use kineframe_matroska::{
//!     DemuxOptions, Demuxer, Event, MuxFrame, MuxOptions, Muxer, SegmentTicks, Sink, TrackEntry, TrackType,
//! };
//!
//! let mut options = MuxOptions::default();
//! options.sink = Sink::Stream;
//! let mut muxer = Muxer::new(options, &[TrackEntry::new(1, TrackType::VIDEO, "V_MJPEG")])?;
//! for (time, frame) in [(0, "one"), (40, "two")] {
//!     muxer.frame(MuxFrame::new(1, SegmentTicks(time), true, Bytes::from_static(frame.as_bytes())))?;
//! }
//! let mut stream = muxer.take_chunks().concat();
//! stream.extend(muxer.finish()?.chunks.concat());
//!
//! let mut demuxer = Demuxer::new(DemuxOptions::default());
//! let mut frames = Vec::new();
//! for piece in Bytes::from(stream).chunks(7) {
//!     demuxer.push(Bytes::copy_from_slice(piece));
//!     while let Some(event) = demuxer.next_event()? {
//!         if let Event::Block(block) = event {
//!             frames.push((block.timestamp, block.frames[0].data.clone()?));
//!         }
//!     }
//! }
//! assert_eq!(frames[1], (Some(SegmentTicks(40)), Bytes::from_static(b"two")));
//! # Ok::<(), kineframe_matroska::Error>(())
//! ```

mod demux;
mod event;
mod frames;
#[doc(hidden)]
pub mod fuzzing;
mod mux;
pub mod schema;
mod types;
mod units;

pub use kineframe_ebml::{ElementId, ElementSize, Error, ErrorKind, Limits};

pub use demux::{DemuxOptions, Demuxer, Payload, Recover};
pub use event::{Event, Tracks};
pub use frames::BlockFrames;
pub use mux::{Finished, MuxFrame, MuxOptions, Muxer, Patch, Sink};
pub use schema::{MatroskaSchema, ids};
pub use types::{
    Audio, Block, BlockFrame, BlockOrigin, Colour, ContentEncoding, EbmlHeader, Info, Lacing, SimpleTag, TagValue,
    Tags, TrackEntry, TrackType, Video,
};
pub use units::{SegmentTicks, TimestampScale};
