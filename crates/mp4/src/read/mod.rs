//! Reading: boxes, the movie, samples of plain and fragmented files, and the events that they make.

mod any;
mod assembly;
mod boxes;
mod demux;
mod entry;
mod find;
mod moof;
mod movie;
mod plain;
mod table;
mod window;

use bytes::Bytes;

pub use any::{AnySplitter, is_mp4};
pub use find::find_movie;

/// Why reading ended before the input did.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// Damage, where reading was to stop at the first.
    #[error("{0}")]
    Damaged(kineframe_fragment::Error),
    /// The movie box stands behind more media than may be held.
    #[error(
        "byte {offset}: the media of this MP4 comes before what describes it (moov), and cannot be held within {limit} \
         bytes until that has come; give the file by its path instead of a pipe, allow more memory, or write it anew \
         with the description in front (ffmpeg -movflags +faststart)"
    )]
    Memory {
        /// Where the media begins.
        offset: u64,
        /// The bound.
        limit: u64,
    },
}

/// A movie box that stands behind the media, read beforehand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovieBox {
    pub(crate) offset: u64,
    pub(crate) body: Bytes,
    /// Bytes of its header.
    pub(crate) header: u64,
}
