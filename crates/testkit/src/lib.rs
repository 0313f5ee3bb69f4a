//! EBML and Matroska bytes for tests: a writer, cutters and diffs, with no code shared with what they test.
//!
//! It depends on nothing in the workspace, so that a mistake in a parser cannot hide behind the same mistake in
//! the writer that made its input: bytes go in, bytes come out. Being for tests, it panics on wrong use.
//!
//! - [`Element`] describes any EBML, legal or not; [`Layout`] says where each element landed.
//! - [`Fragment`] and [`body`] make what GetMedia and GetMediaForFragmentList send.
//! - [`pieces`], [`random_pieces`], [`cuttings`] cut bytes as a network might.
//! - [`bit_flips`], [`replaced`], [`inserted`], [`removed`], [`spoiled`] do damage.
//! - [`assert_items_eq`], [`assert_bytes_eq`], [`hex`] make failures readable.
//! - [`reread`] runs a fuzz target's body on its inputs again; [`media`] finds a larger collection of media.
//! - [`Rng`] is a small generator with a seed, the same on each machine.
//!
//! ```
//! use kineframe_testkit::{Fragment, body, cuttings};
//!
//! let body = body(&[Fragment::new(1), Fragment::new(2)]);
//! assert_eq!(body.bytes[body.fragments[1].start..][..4], [0x1A, 0x45, 0xDF, 0xA3]);
//! for (label, pieces) in cuttings(&body.bytes, 3, 42) {
//!     let sum: usize = pieces.iter().map(|piece| piece.len()).sum();
//!     assert_eq!(sum, body.bytes.len(), "{label}");
//! }
//! ```

mod block;
mod corpus;
mod cut;
mod damage;
mod element;
mod fragment;
pub mod ids;
mod rng;
mod show;
mod track;

pub use block::{Frame, Shape, lace_ebml, lace_fixed, lace_xiph};
pub use corpus::{corpus, media, reread};
pub use cut::{PIECE_SIZES, cuttings, every_cut, pieces, random_pieces};
pub use damage::{bit_flips, flipped, garbled, inserted, removed, replaced, spoiled};
pub use element::{Body, Element, ElementAt, Layout, Size, encode, layout, vint_size};
pub use fragment::{Fragment, FrameAt, KvsBody, body, simple_tag};
pub use rng::Rng;
pub use show::{assert_bytes_eq, assert_items_eq, hex};
pub use track::Track;
