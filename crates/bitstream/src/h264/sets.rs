//! The parameter sets that have been seen, by number.

use bytes::Bytes;

use super::{NalHeader, NalType, Pps, Sps};
use crate::Error;
use crate::sets::{SetMap, check_length};

/// SPS and PPS in force; none by default. At most 32 of the one and 256 of the other, each of 64 KiB at most.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ParameterSets {
    sps: SetMap<Sps>,
    pps: SetMap<Pps>,
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
        if matches!(kind, Some(NalType::SPS | NalType::PPS)) {
            check_length(nal)?;
        }
        Ok(match kind {
            Some(NalType::SPS) => {
                let sps = Sps::parse(nal)?;
                self.sps.insert(sps.id, nal, sps)
            }
            Some(NalType::PPS) => {
                let pps = Pps::parse(nal)?;
                self.pps.insert(pps.id, nal, pps)
            }
            _ => false,
        })
    }

    /// The SPS of this number.
    pub fn sps(&self, id: u8) -> Option<&Sps> {
        self.sps.set(id)
    }

    /// The PPS of this number.
    pub fn pps(&self, id: u8) -> Option<&Pps> {
        self.pps.set(id)
    }

    /// The NAL unit that the SPS of this number was read from.
    pub fn sps_unit(&self, id: u8) -> Option<&Bytes> {
        self.sps.unit(id)
    }

    /// The NAL unit that the PPS of this number was read from.
    pub fn pps_unit(&self, id: u8) -> Option<&Bytes> {
        self.pps.unit(id)
    }

    /// All SPS, by number.
    pub fn all_sps(&self) -> impl Iterator<Item = &Sps> {
        self.sps.sets()
    }

    /// All PPS, by number.
    pub fn all_pps(&self) -> impl Iterator<Item = &Pps> {
        self.pps.sets()
    }

    /// The NAL units: SPS by number, then PPS by number.
    pub fn units(&self) -> Vec<Bytes> {
        self.sps.units().chain(self.pps.units()).cloned().collect()
    }
}
