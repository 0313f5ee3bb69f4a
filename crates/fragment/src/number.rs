//! Names that the service gives.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

/// A fragment number: 1 to 128 decimal digits, opaque, ordered by length and then digit by digit.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FragmentNumber(Arc<str>);

impl FragmentNumber {
    /// Takes 1 to 128 ASCII digits; `None` for anything else.
    pub fn new(text: &str) -> Option<Self> {
        let legal = (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        legal.then(|| FragmentNumber(Arc::from(text)))
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Ord for FragmentNumber {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.len().cmp(&other.0.len()).then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for FragmentNumber {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for FragmentNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A continuation token: opaque text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ContinuationToken(pub Arc<str>);

impl fmt::Display for ContinuationToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
