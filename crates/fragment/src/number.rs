//! Names that the service gives.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;
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

impl FromStr for FragmentNumber {
    type Err = InvalidFragmentNumber;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        FragmentNumber::new(text).ok_or(InvalidFragmentNumber)
    }
}

/// Text that is not a fragment number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a fragment number: it has 1 to 128 decimal digits")]
pub struct InvalidFragmentNumber;

/// A continuation token: opaque text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ContinuationToken(pub Arc<str>);

impl ContinuationToken {
    /// Takes any text that is not empty. It is handed back to the service as it is, which tells what it
    /// takes.
    pub fn new(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| ContinuationToken(Arc::from(text)))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ContinuationToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_1_to_128_digits() {
        assert!(FragmentNumber::new(&"9".repeat(128)).is_some());
        for text in ["", "-5", "+5", "1.0", "not-a-number", "../../etc/passwd", "٣", "1\n", &"9".repeat(129)] {
            assert_eq!(FragmentNumber::new(text), None, "{text:?}");
            assert_eq!(text.parse::<FragmentNumber>(), Err(InvalidFragmentNumber));
        }
    }

    #[test]
    fn numbers_are_ordered_by_length_then_digits() {
        let sorted = ["9", "10", "99", "100", "91343852333181432392682062658249485133423434402"];
        for pair in sorted.windows(2) {
            let [a, b] = [pair[0], pair[1]].map(|text| FragmentNumber::new(text).unwrap());
            assert!(a < b, "{a} {b}");
        }
    }

    #[test]
    fn tokens_are_opaque() {
        assert_eq!(ContinuationToken::new(""), None);
        assert_eq!(ContinuationToken::new("a_-.Z9").unwrap().as_str(), "a_-.Z9");
    }
}
