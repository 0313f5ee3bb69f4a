//! What of a fragment was handed out before its read was cut.

use std::hash::{DefaultHasher, Hasher};

use kineframe_fragment::FragmentNumber;

/// The beginning of a fragment that was handed out: how much, and a digest of it, so that a second read can be told
/// to be the same without keeping the bytes.
#[derive(Debug, Clone, Default)]
pub(super) struct Prefix {
    pub(super) number: Option<FragmentNumber>,
    pub(super) length: u64,
    digest: DefaultHasher,
}

impl Prefix {
    pub(super) fn of(number: Option<FragmentNumber>) -> Self {
        Prefix { number, ..Prefix::default() }
    }

    pub(super) fn extend(&mut self, bytes: &[u8]) {
        self.length += bytes.len() as u64;
        self.digest.write(bytes);
    }

    /// A number that other bytes do not have.
    pub(super) fn digest(&self) -> u64 {
        self.digest.finish()
    }

    /// Whether both are the same bytes; pieces may be cut anywhere.
    pub(super) fn is(&self, other: &Prefix) -> bool {
        self.length == other.length && self.digest.finish() == other.digest.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_of_cutting_does_not_matter() {
        let digest = |pieces: &[&[u8]]| {
            let mut prefix = Prefix::of(None);
            pieces.iter().for_each(|piece| prefix.extend(piece));
            prefix
        };
        assert!(digest(&[b"abcdef"]).is(&digest(&[b"a", b"bcd", b"", b"ef"])));
        assert!(!digest(&[b"abcdef"]).is(&digest(&[b"abcdeg"])));
        assert!(!digest(&[b"abcdef"]).is(&digest(&[b"abcde"])));
    }
}
