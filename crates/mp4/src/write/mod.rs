//! Writing: sample entries, times, the plain file and the fragmented one.

mod entry;
mod error;
mod fragmented;
mod plain;
mod table;
mod times;
mod vpx;

use bytes::Bytes;
use kineframe_fragment::Frame;

pub(crate) use entry::greatest_common_divisor;
pub use entry::with_parameter_sets;
pub use error::WriteError;
pub use fragmented::FragmentedWriter;
pub use plain::{Finished, Layout, Patch, Payloads, Writer};
pub(crate) use times::nanos;

/// A frame to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteFrame {
    /// Its track: the number of one of the entries that the writer was given.
    pub track_number: u64,
    /// When it is shown, in nanoseconds on the caller's timeline.
    pub time: i64,
    /// How long it lasts in nanoseconds, where that is known. Only of the last frame of a track, or of a segment, is
    /// it looked at: the others last until the next one.
    pub duration: Option<u64>,
    /// Decoding can start here.
    pub keyframe: bool,
    /// The encoded frame. H.264 and H.265 may stand behind start codes: they get lengths, as MP4 wants them.
    pub data: Bytes,
}

impl WriteFrame {
    /// A frame with no more than it must have.
    pub fn new(track_number: u64, time: i64, keyframe: bool, data: Bytes) -> Self {
        WriteFrame { track_number, time, duration: None, keyframe, data }
    }

    /// A frame of a fragment of which the first Cluster's Timestamp lies at `start` nanoseconds. `None` for a frame
    /// without a time, and for one whose time 64 bits do not hold.
    pub fn of(frame: &Frame, start: i64) -> Option<Self> {
        Some(WriteFrame {
            track_number: frame.track_number,
            time: start.checked_add(frame.offset?)?,
            duration: frame.duration,
            keyframe: frame.keyframe,
            data: frame.data.clone(),
        })
    }
}
