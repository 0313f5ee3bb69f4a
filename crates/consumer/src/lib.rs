//! The front door: fragments, frames and pictures of a stream, chosen before they are decoded.
//!
//! | for | take |
//! |---|---|
//! | fragments and frames, one after the other | [`Consumer`] |
//! | the same with callbacks on a thread | [`Callbacks`] |
//! | pictures, in a loop | [`Pictures`] |
//! | pictures, async | [`Pictures::into_stream`] |
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
mod pictures;
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
pub use pictures::{Options, Pictures};
pub use selection::{At, Clock, Damaged, Every, FragmentRef, Grid, MediaTime, Range, Selection, TrackChoice};
pub use stream::PictureStream;
pub use summary::{DropReason, Notice, Summary, Undecodable};
pub use work::PictureWork;
