//! From fragments to files that play: what [`FragmentFiles`](crate::FragmentFiles) and
//! [`Merger`](crate::Merger) have in common.

mod merge;
mod part;
mod split;
mod timeline;

use std::sync::Arc;

use bytes::Bytes;
use kineframe_matroska::{TrackEntry, Tracks};

pub use merge::Merger;
pub use split::FragmentFiles;

use crate::FragmentHead;

/// What to do next with a file that is being made. Nothing here does I/O.
///
/// Payload is never copied: `Data` with the bytes of a frame shares the memory of the piece from which it was
/// read.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Output {
    /// Begin a new file; the one before, if any, has ended.
    Begin(FileStart),
    /// Append these bytes to the file.
    Data(Bytes),
    /// Overwrite bytes that were appended, from `position` of the file on. Only where patches were asked for.
    Patch {
        /// Bytes from the start of the file.
        position: u64,
        /// What stands there from now on.
        data: Bytes,
    },
    /// The file is whole.
    End(FileEnd),
    /// The file cannot be made; if it has begun, it is to be thrown away. The tracks have an encoding of
    /// CodecPrivate that cannot be undone, say.
    Failed {
        /// As in [`FileStart`].
        index: u64,
        /// The fragment with which the file begins.
        head: Arc<FragmentHead>,
        /// What stands against it.
        error: kineframe_matroska::Error,
    },
}

/// What is known of a file as it begins.
#[derive(Debug, Clone, PartialEq)]
pub struct FileStart {
    /// Counts the files of this maker from 0.
    pub index: u64,
    /// The fragment with which it begins.
    pub head: Arc<FragmentHead>,
}

/// What is known of a file at its end.
#[derive(Debug, Clone, PartialEq)]
pub struct FileEnd {
    /// As in [`FileStart`].
    pub index: u64,
    /// Its length in bytes.
    pub len: u64,
    /// Frames in it.
    pub frames: u64,
    /// Nanoseconds from the start of its first frame to the end of its last.
    pub duration: u64,
}

/// How files are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RemuxOptions {
    /// The output can be overwritten: sizes, duration, Cues and the index of them are put in as soon as they are
    /// known. Without it (a pipe) there are no [`Output::Patch`]es, no Cues and no Duration. Default `true`.
    pub patches: bool,
}

impl Default for RemuxOptions {
    fn default() -> Self {
        RemuxOptions { patches: true }
    }
}

/// Whether frames of `a` and `b` can stand in one Segment: their track entries are the same, byte for byte; field by field
/// where they were not read from Matroska.
pub(crate) fn same_tracks(a: &Arc<Tracks>, b: &Arc<Tracks>) -> bool {
    Arc::ptr_eq(a, b)
        || (a.entries.len() == b.entries.len() && a.entries.iter().zip(&b.entries).all(|(a, b)| same_entry(a, b)))
}

fn same_entry(a: &TrackEntry, b: &TrackEntry) -> bool {
    if a.raw.is_empty() { a == b } else { a.raw == b.raw }
}
