//! What ends a read.

use kineframe_source::SourceError;

use crate::summary::Notice;

impl From<kineframe_mp4::ReadError> for ConsumerError {
    fn from(error: kineframe_mp4::ReadError) -> Self {
        match error {
            kineframe_mp4::ReadError::Damaged(error) => ConsumerError::Damaged(error),
            other => ConsumerError::Container(other),
        }
    }
}

/// What ended a read before the input did.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConsumerError {
    /// The input could not be opened or read on.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The container is damaged, and reading was to stop at the first damage.
    #[error("{0}; stopped here as asked")]
    Damaged(kineframe_fragment::Error),
    /// The container cannot be read on within the memory that is allowed.
    #[error("{0}")]
    Container(kineframe_mp4::ReadError),
    /// Something was lost, and reading was to stop at the first damage.
    #[error("{0}; stopped here as asked")]
    Strict(Box<Notice>),
    /// No thread could be started to decode with.
    #[error("no thread to decode with: {0}; ask for fewer threads")]
    Thread(String),
}
