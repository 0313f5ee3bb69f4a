//! Parameter sets by number, each with the NAL unit that it was read from.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::{Error, ErrorKind};

/// Longest parameter set that is kept: what an `avcC` or `hvcC` record can hold.
const LONGEST: usize = 0xffff;

/// Refuses a parameter set that no record could hold.
pub(crate) fn check_length(nal: &[u8]) -> Result<(), Error> {
    if nal.len() > LONGEST {
        let kind = ErrorKind::Range { value: nal.len() as i64, min: 1, max: LONGEST as i64 };
        return Err(Error { unit: "parameter set", field: "length", bit: 0, kind });
    }
    Ok(())
}

/// Sets of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SetMap<T>(BTreeMap<u8, (Bytes, T)>);

impl<T> Default for SetMap<T> {
    fn default() -> Self {
        SetMap(BTreeMap::new())
    }
}

impl<T> SetMap<T> {
    /// Takes a set, and tells whether it says anything new. The bytes are copied when they are new: a slice would keep
    /// the packet that they came in alive.
    pub(crate) fn insert(&mut self, id: u8, nal: &[u8], set: T) -> bool {
        if self.unit(id).is_some_and(|known| known == nal) {
            return false;
        }
        self.0.insert(id, (Bytes::copy_from_slice(nal), set));
        true
    }

    pub(crate) fn set(&self, id: u8) -> Option<&T> {
        self.0.get(&id).map(|(_, set)| set)
    }

    pub(crate) fn unit(&self, id: u8) -> Option<&Bytes> {
        self.0.get(&id).map(|(nal, _)| nal)
    }

    /// By number.
    pub(crate) fn sets(&self) -> impl Iterator<Item = &T> {
        self.0.values().map(|(_, set)| set)
    }

    /// By number.
    pub(crate) fn units(&self) -> impl Iterator<Item = &Bytes> {
        self.0.values().map(|(nal, _)| nal)
    }
}
