//! What ends a read.

use kineframe_source::SourceError;

use crate::summary::Notice;

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
    /// Something was lost, and reading was to stop at the first damage.
    #[error("{0}; stopped here as asked")]
    Strict(Box<Notice>),
    /// No thread could be started to decode with.
    #[error("no thread to decode with: {0}; ask for fewer threads")]
    Thread(String),
}
