//! Matroska (RFC 9559): schema, typed elements, a push demuxer and a muxer.
//!
//! [`Demuxer`] takes a stream apart as its bytes come in, copies as little as can be, and goes on after damage.
//! [`Muxer`] writes frames as a file or a stream, and copies none of them.

mod demux;
mod event;
#[doc(hidden)]
pub mod fuzzing;
mod mux;
pub mod schema;
mod types;
mod units;

pub use kineframe_ebml::{ElementId, ElementSize, Error, ErrorKind, Limits};

pub use demux::{DemuxOptions, Demuxer, Recover};
pub use event::{Event, Tracks};
pub use mux::{Finished, MuxFrame, MuxOptions, Muxer, Patch, Sink};
pub use schema::{MatroskaSchema, ids};
pub use types::{
    Audio, Block, BlockFrame, BlockOrigin, Colour, ContentEncoding, EbmlHeader, Info, Lacing, SimpleTag, TagValue,
    Tags, TrackEntry, TrackType, Video,
};
pub use units::{SegmentTicks, TimestampScale};
