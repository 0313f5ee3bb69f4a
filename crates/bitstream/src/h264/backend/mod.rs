//! What an H.264 back end needs besides the wrapped decoder: pictures told apart, put into output order, tied to
//! their packets, and marked where their references are missing.
//!
//! A back end wraps its decoder in an [`Engine`], and [`Driver`] makes a
//! [`VideoDecoder`](kineframe_codec::VideoDecoder) of it. One whose decoder keeps an order of its own uses
//! [`Tracker`] alone.

mod driver;
mod grey;
mod loss;
mod supports;
mod tracker;

pub use driver::{Driver, Engine};
pub use supports::supports;
pub use tracker::{CodedPicture, CodedSlice, Tracker, Unit};

pub use crate::backend::{Awaited, AwaitedPicture, Decoded, EngineError, FedSets, FeedSet, Stored};
