//! Kinesis Video Streams fragments out of Matroska events: numbers, tags, times, split and merge.

mod event;
mod number;
mod time;

pub use event::{Damage, Event, FragmentHead, FragmentTail, Frame, ServiceError, TrackSummary};
pub use number::{ContinuationToken, FragmentNumber};
pub use time::{ProducerTimestamp, ServerTimestamp};
