//! Where the pieces of a body come from: a file, standard input, memory; and wrappers of the same trait for tests.
//!
//! A *piece* is whatever one read brings: its size means nothing. A [`MediaSource`] hands pieces out as an async
//! stream, or, for programs without a runtime, as a blocking iterator:
//!
//! ```
//! use bytes::Bytes;
//! use kineframe_source::{Chopped, MediaSource, Memory, StartSelector};
//!
//! let body = Memory::new("a body", Bytes::from_static(b"0123456789"));
//! let source = Chopped::every(body, 4);
//! let mut sizes = Vec::new();
//! for piece in source.open_blocking(&StartSelector::Earliest) {
//!     sizes.push(piece?.len());
//! }
//! assert_eq!(sizes, [4, 4, 2]);
//! # Ok::<(), kineframe_source::SourceError>(())
//! ```
//!
//! [`Chopped`], [`Throttled`] and [`Faulty`] are public since a program that reads streams needs them in its own
//! tests: a client that was only ever fed whole fragments has not been tested.

mod blocking;
mod chopped;
mod error;
mod faulty;
mod file;
mod memory;
mod polled;
mod random;
mod reader;
mod thread;
mod throttled;

pub use blocking::block_on;
pub use chopped::Chopped;
pub use error::{SourceError, SourceErrorKind};
pub use faulty::{Fault, FaultKind, Faulty, Trigger};
pub use file::{File, Stdin};
pub use kineframe_fragment::StartSelector;
pub use memory::Memory;
pub use polled::polled;
pub use reader::{Reader, reader};
pub use throttled::Throttled;

use std::fmt;
use std::io::{Read, Seek};
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use futures_core::Stream;

/// Pieces as they arrive, without blocking. An error is the last item.
pub type PieceStream = Pin<Box<dyn Stream<Item = Result<Bytes, SourceError>> + Send>>;

/// Pieces as they arrive, blocking. An error is the last item.
pub type Pieces = Box<dyn Iterator<Item = Result<Bytes, SourceError>> + Send>;

/// Where the pieces of a body come from.
///
/// # For implementations
/// - [`open`](Self::open) does not block and does not fail: what cannot be opened is a stream of one error.
/// - No piece is empty; pieces come in the order of their bytes, without a hole; the stream ends after an error.
/// - A piece is handed out when it is there: never wait to fill a buffer.
/// - Dropping the stream ends the read and frees what it holds.
pub trait MediaSource: fmt::Debug + Send + Sync {
    /// Begins a read. Each call is a read of its own, as far as the input can be read twice.
    fn open(&self, start: &StartSelector) -> PieceStream;

    /// As [`open`](Self::open), for callers without a runtime.
    ///
    /// The pieces are the same. Sources that need no runtime read on the calling thread.
    fn open_blocking(&self, start: &StartSelector) -> Pieces {
        Box::new(blocking::BlockingPieces::new(self.open(start)))
    }

    /// A second reader that can be set to any place, where the input has one: some containers say at their end what is
    /// in them. `None` by default, and where it cannot be opened, which the pieces will tell.
    fn random_access(&self) -> Option<Box<dyn ReadSeek>> {
        None
    }
}

/// What can be read anywhere.
pub trait ReadSeek: Read + Seek + Send {}

impl<R: Read + Seek + Send> ReadSeek for R {}

impl<S: MediaSource + ?Sized> MediaSource for Arc<S> {
    fn open(&self, start: &StartSelector) -> PieceStream {
        (**self).open(start)
    }

    fn open_blocking(&self, start: &StartSelector) -> Pieces {
        (**self).open_blocking(start)
    }

    fn random_access(&self) -> Option<Box<dyn ReadSeek>> {
        (**self).random_access()
    }
}

impl<S: MediaSource + ?Sized> MediaSource for Box<S> {
    fn open(&self, start: &StartSelector) -> PieceStream {
        (**self).open(start)
    }

    fn open_blocking(&self, start: &StartSelector) -> Pieces {
        (**self).open_blocking(start)
    }

    fn random_access(&self) -> Option<Box<dyn ReadSeek>> {
        (**self).random_access()
    }
}
