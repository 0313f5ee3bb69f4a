//! Why a splitter stopped.

use std::fmt;

use crate::FragmentNumber;

/// The damage at which a splitter stopped that was told to be strict.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Error {
    /// The fragment that was being read, counted from 0; `None` before the first.
    pub fragment: Option<u64>,
    /// Its number, where it has told one.
    pub number: Option<FragmentNumber>,
    /// What is wrong, at which byte of the input, in which element.
    pub damage: kineframe_matroska::Error,
}

impl Error {
    /// Damage in a fragment; for readers of other containers.
    pub fn new(fragment: Option<u64>, number: Option<FragmentNumber>, damage: kineframe_matroska::Error) -> Self {
        Error { fragment, number, damage }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.number, self.fragment) {
            (Some(number), _) => write!(f, "fragment {number}: {}", self.damage),
            (None, Some(index)) => write!(f, "fragment {index} of the input: {}", self.damage),
            (None, None) => write!(f, "{}", self.damage),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.damage)
    }
}
