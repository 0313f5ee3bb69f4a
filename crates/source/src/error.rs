//! What can go wrong with an input, where, and what to do about it.

use std::io;
use std::sync::Arc;

/// An input could not be opened or read on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{input}: {}{kind}", self.place())]
pub struct SourceError {
    /// The input, as a person would name it.
    pub input: Arc<str>,
    /// How many bytes had been handed out.
    pub offset: u64,
    /// What happened, with the next step.
    pub kind: SourceErrorKind,
}

/// What happened to an input.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SourceErrorKind {
    /// There is nothing at this path.
    #[error("no such file; check the path")]
    NotFound,
    /// The file may not be read.
    #[error("permission denied; make the file readable for this user")]
    PermissionDenied,
    /// The path is a directory.
    #[error("is a directory; name a file in it")]
    IsDirectory,
    /// The operating system reported an error.
    #[error("cannot be read: {message}; what was read so far stands, try again for the rest")]
    Io {
        /// Its kind.
        kind: io::ErrorKind,
        /// Its text.
        message: String,
    },
    /// A stored body has one start only.
    #[error("is a stored body and can only be read from its beginning, not {0}")]
    Start(String),
    /// A test wrapper was asked to fail here.
    #[error("{0} (injected by the test wrapper)")]
    Injected(String),
    /// A source of another crate failed.
    #[error("{message}")]
    Other {
        /// What happened and what to do, as text.
        message: String,
        /// A new read may succeed.
        retry: bool,
    },
}

impl SourceError {
    /// Where reading stopped, if it had begun.
    fn place(&self) -> String {
        if self.offset == 0 { String::new() } else { format!("byte {}: ", self.offset) }
    }

    /// A new read may succeed.
    pub fn is_retryable(&self) -> bool {
        match &self.kind {
            SourceErrorKind::Io { .. } | SourceErrorKind::Injected(_) => true,
            SourceErrorKind::Other { retry, .. } => *retry,
            _ => false,
        }
    }

    /// An error of the operating system, sorted by what a person can do about it.
    pub fn from_io(input: &Arc<str>, offset: u64, error: &io::Error) -> Self {
        let kind = match error.kind() {
            io::ErrorKind::NotFound => SourceErrorKind::NotFound,
            io::ErrorKind::PermissionDenied => SourceErrorKind::PermissionDenied,
            io::ErrorKind::IsADirectory => SourceErrorKind::IsDirectory,
            kind => SourceErrorKind::Io { kind, message: error.to_string() },
        };
        SourceError { input: input.clone(), offset, kind }
    }
}
