//! Kinesis Video Streams fragments out of Matroska events: numbers, tags, times, split and merge.

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
pub use start::StartSelector;
pub use time::{ProducerTimestamp, ServerTimestamp};
