//! The front door: fragments, frames and pictures of a stream, chosen before they are decoded.
//!
//! | for | take |
//! |---|---|
//! | fragments and frames, one after the other | [`Consumer`] |
//! | the same with callbacks on a thread | [`Callbacks`] |
//! | pictures, in a loop | [`Pictures`] |
//! | pictures, async | [`Pictures::into_stream`] |
//! | audio tracks as WAV and ADTS | [`Consumer::record_audio`] |
//! | any of these of a live stream, for months | [`Session`] as the source |
//!
//! ```
//! use kineframe_consumer::Consumer;
//! use kineframe_source::File;
//!
//! # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/captures/output_get_media.mkv");
//! for fragment in Consumer::open(&File::new(path)).fragments() {
//!     let fragment = fragment?;
//!     let tree = fragment.tree().expect("short enough to be kept");
//!     assert!(tree.find("Segment/Tracks/TrackEntry/CodecID").is_some());
//!     assert!(fragment.tag("AWS_KINESISVIDEO_CONTINUATION_TOKEN").is_some());
//!     assert!(fragment.to_mkv().is_some());
//! }
//! # Ok::<(), kineframe_consumer::ConsumerError>(())
//! ```
//!
//! Pictures are made by a [`PictureWork`] on the decode worker, while the decoder lends the planes: there the picture
//! becomes a JPEG, an array or a number, and only that comes out.

mod analyse;
mod callbacks;
mod choose;
mod consumer;
mod error;
mod feed;
mod fragments;
mod info;
mod lane;
mod live;
mod pictures;
mod record;
mod selection;
mod session;
mod stage;
mod stream;
mod summary;
mod work;

pub use callbacks::{Callbacks, Running};
pub use consumer::{Consumer, Item};
pub use error::ConsumerError;
pub use fragments::{Fragment, RgbImage, rgb_work};
pub use info::{PictureInfo, PictureItem};
pub use live::{
    GapReason, Integrity, LeftOut, Session, SessionGap, SessionMonitor, SessionNotice, SessionOptions, SessionReport,
    SlowReader, Until,
};
pub use pictures::{Options, Pictures};
pub use record::{RecordError, Recordings};
pub use selection::{
    At, Clock, Damaged, Every, FragmentRef, FragmentStart, Grid, MediaTime, Range, Selection, TrackChoice,
};
pub use stream::PictureStream;
pub use summary::{DropReason, Notice, Summary, Undecodable};
pub use work::PictureWork;
