//! One H.264 track over time: which framing its packets have, and which parameters are in force.

use bytes::Bytes;
use kineframe_codec::{Codec, ColorSpace, Size};

use super::{AccessUnit, AvcConfig, ParameterSets, Pps, Sps};
use crate::{Error, Sets, Track};

/// Follows an H.264 track.
pub type Stream = Track<ParameterSets>;

impl Track<ParameterSets> {
    /// Looks at the next packet and takes its parameter sets.
    ///
    /// A packet that contradicts `CodecPrivate`, start codes where lengths were announced, is read as what it is;
    /// [`AccessUnit::framing`] tells.
    pub fn packet(&mut self, packet: &[u8]) -> AccessUnit {
        let framing = self.framing_of(packet);
        let unit = AccessUnit::scan(packet, framing, &mut self.sets);
        self.note(unit.changed_parameter_sets, unit.slice.as_ref().map(|slice| slice.sps_id));
        unit
    }
}

impl Sets for ParameterSets {
    const CODEC: Codec = Codec::H264;
    const NAME: &str = "H.264";
    type Sps = Sps;
    type Pps = Pps;
    type State = ();

    fn insert(&mut self, nal: &[u8]) -> Result<bool, Error> {
        self.insert(nal)
    }

    fn of_record(private: &Bytes) -> Option<(u8, Vec<Bytes>)> {
        let config = AvcConfig::parse(private).ok()?;
        Some((config.length_size, [config.sps, config.pps].concat()))
    }

    fn sps(&self, id: u8) -> Option<&Sps> {
        self.sps(id)
    }

    fn all_sps(&self) -> impl Iterator<Item = &Sps> {
        self.all_sps()
    }

    fn pairs(&self) -> impl Iterator<Item = (&Pps, &Sps)> {
        self.all_pps().filter_map(|pps| Some((pps, self.sps(pps.sps_id)?)))
    }

    fn units(&self) -> Vec<Bytes> {
        self.units()
    }

    fn coded_size(sps: &Sps) -> Size {
        sps.coded_size()
    }

    fn color(sps: &Sps) -> ColorSpace {
        sps.color()
    }
}
