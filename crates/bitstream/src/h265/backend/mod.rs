//! What an H.265 back end needs besides the wrapped decoder: pictures told apart, put into output order, tied to
//! their packets, and marked where their references are missing.
//!
//! A back end wraps its decoder in an [`Engine`], and [`Driver`] makes a
//! [`VideoDecoder`](kineframe_codec::VideoDecoder) of it.

mod driver;
mod references;
mod supports;
#[cfg(test)]
mod tests;
mod tracker;

pub use driver::{Driver, Engine};
pub use supports::supports;
pub use tracker::{CodedPicture, Tracker, Unit};

pub use crate::backend::{Decoded, EngineError, Stored};
