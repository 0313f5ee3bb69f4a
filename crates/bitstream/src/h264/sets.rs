//! The parameter sets that have been seen, by number.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{NalHeader, NalType, Pps, Sps};
use crate::{Error, ErrorKind};

/// Longest parameter set that is kept: what an `avcC` record can hold.
const LONGEST: usize = 0xffff;

/// SPS and PPS in force; none by default. At most 32 of the one and 256 of the other, each of 64 KiB at most.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ParameterSets {
    sps: BTreeMap<u8, (Bytes, Sps)>,
    pps: BTreeMap<u8, (Bytes, Pps)>,
}

impl ParameterSets {
    /// Takes an SPS or PPS NAL unit, and tells whether it says anything new. Other units are not looked at.
    ///
    /// The bytes are copied when they are new: a slice would keep the packet that they came in alive.
    ///
    /// # Errors
    /// A unit that cannot be read; what was known under its number stays.
    pub fn insert(&mut self, nal: &[u8]) -> Result<bool, Error> {
        let kind = NalHeader::of(nal).map(|header| header.kind);
        if nal.len() > LONGEST && matches!(kind, Some(NalType::SPS | NalType::PPS)) {
            let kind = ErrorKind::Range { value: nal.len() as i64, min: 1, max: LONGEST as i64 };
            return Err(Error { unit: "parameter set", field: "length", bit: 0, kind });
        }
        Ok(match kind {
            Some(NalType::SPS) => {
                let sps = Sps::parse(nal)?;
                replace(&mut self.sps, sps.id, nal, sps)
            }
            Some(NalType::PPS) => {
                let pps = Pps::parse(nal)?;
                replace(&mut self.pps, pps.id, nal, pps)
            }
            _ => false,
        })
    }

    /// The SPS of this number.
    pub fn sps(&self, id: u8) -> Option<&Sps> {
        self.sps.get(&id).map(|(_, sps)| sps)
    }

    /// The PPS of this number.
    pub fn pps(&self, id: u8) -> Option<&Pps> {
        self.pps.get(&id).map(|(_, pps)| pps)
    }

    /// The NAL unit that the SPS of this number was read from.
    pub fn sps_unit(&self, id: u8) -> Option<&Bytes> {
        self.sps.get(&id).map(|(nal, _)| nal)
    }

    /// The NAL unit that the PPS of this number was read from.
    pub fn pps_unit(&self, id: u8) -> Option<&Bytes> {
        self.pps.get(&id).map(|(nal, _)| nal)
    }

    /// All SPS, by number.
    pub fn all_sps(&self) -> impl Iterator<Item = &Sps> {
        self.sps.values().map(|(_, sps)| sps)
    }

    /// All PPS, by number.
    pub fn all_pps(&self) -> impl Iterator<Item = &Pps> {
        self.pps.values().map(|(_, pps)| pps)
    }

    /// The NAL units: SPS by number, then PPS by number.
    pub fn units(&self) -> Vec<Bytes> {
        let sps = self.sps.values().map(|(nal, _)| nal.clone());
        sps.chain(self.pps.values().map(|(nal, _)| nal.clone())).collect()
    }

    /// Whether there is an SPS and a PPS that names it.
    pub fn is_usable(&self) -> bool {
        self.pps.values().any(|(_, pps)| self.sps.contains_key(&pps.sps_id))
    }
}

fn replace<T>(sets: &mut BTreeMap<u8, (Bytes, T)>, id: u8, nal: &[u8], set: T) -> bool {
    if sets.get(&id).is_some_and(|(known, _)| known == nal) {
        return false;
    }
    sets.insert(id, (Bytes::copy_from_slice(nal), set));
    true
}
