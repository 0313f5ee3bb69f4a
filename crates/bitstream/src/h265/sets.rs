//! The parameter sets that have been seen, by number.

use bytes::Bytes;

use super::{NalHeader, NalType, Pps, Sps, Vps};
use crate::Error;
use crate::sets::{SetMap, check_length};

/// VPS, SPS and PPS in force. At most 16, 16 and 64, each of 64 KiB at most.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ParameterSets {
    vps: SetMap<Vps>,
    sps: SetMap<Sps>,
    pps: SetMap<Pps>,
}

impl ParameterSets {
    /// Takes a VPS, SPS or PPS NAL unit of the base layer, and tells whether it says anything new. Other units are not
    /// looked at.
    ///
    /// The bytes are copied when they are new: a slice would keep the packet that they came in alive.
    ///
    /// # Errors
    /// A unit that cannot be read; what was known under its number stays.
    pub fn insert(&mut self, nal: &[u8]) -> Result<bool, Error> {
        let Some(kind) = NalHeader::base_kind(nal).filter(|kind| kind.is_parameter_set()) else { return Ok(false) };
        check_length(nal)?;
        Ok(match kind {
            NalType::VPS => {
                let vps = Vps::parse(nal)?;
                self.vps.insert(vps.id, nal, vps)
            }
            NalType::SPS => {
                let sps = Sps::parse(nal)?;
                self.sps.insert(sps.id, nal, sps)
            }
            _ => {
                let pps = Pps::parse(nal)?;
                self.pps.insert(pps.id, nal, pps)
            }
        })
    }

    /// The VPS of this number.
    pub fn vps(&self, id: u8) -> Option<&Vps> {
        self.vps.set(id)
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

    /// All VPS, by number.
    pub fn all_vps(&self) -> impl Iterator<Item = &Vps> {
        self.vps.sets()
    }

    /// All SPS, by number.
    pub fn all_sps(&self) -> impl Iterator<Item = &Sps> {
        self.sps.sets()
    }

    /// All PPS, by number.
    pub fn all_pps(&self) -> impl Iterator<Item = &Pps> {
        self.pps.sets()
    }

    /// The NAL units: VPS by number, then SPS by number, then PPS by number.
    pub fn units(&self) -> Vec<Bytes> {
        self.vps.units().chain(self.sps.units()).chain(self.pps.units()).cloned().collect()
    }
}
