//! One H.265 track over time: which framing its packets have, and which parameters are in force.

use bytes::Bytes;
use kineframe_codec::{Codec, ColorSpace, Size};

use super::{AccessUnit, HevcConfig, OutputOrder, ParameterSets, PictureOrder, Pps, RandomAccess, Sps};
use crate::{Error, Sets, Track};

/// Follows an H.265 track.
///
/// ```
/// use bytes::Bytes;
/// use kineframe_bitstream::h265::Stream;
/// use kineframe_codec::NalFraming;
///
/// // Without a CodecPrivate the packets themselves tell all. This one holds an end of sequence alone.
/// let mut stream = Stream::new(&Bytes::new());
/// let unit = stream.packet(&[0, 0, 0, 1, 0x48, 1]);
/// assert_eq!(stream.framing(), Some(NalFraming::StartCodes));
/// assert!(!unit.is_shown);
/// ```
pub type Stream = Track<ParameterSets>;

/// Where a track stands in output order.
#[derive(Debug, Clone)]
pub struct Position {
    order: PictureOrder,
    /// Of the last picture.
    place: OutputOrder,
    /// A random access point has come.
    started: bool,
}

impl Default for Position {
    fn default() -> Self {
        Position { order: PictureOrder::default(), place: OutputOrder { epoch: 0, count: 0 }, started: false }
    }
}

impl Track<ParameterSets> {
    /// Looks at the next packet and takes its parameter sets.
    ///
    /// A packet that contradicts `CodecPrivate`, start codes where lengths were announced, is read as what it is;
    /// [`AccessUnit::framing`] tells. Before the first random access point nothing is known of order.
    pub fn packet(&mut self, packet: &[u8]) -> AccessUnit {
        let framing = self.framing_of(packet);
        let Position { order, place, started } = &mut self.state;
        let mut unit = AccessUnit::scan(packet, framing, &mut self.sets, order, *started);
        *started |= unit.random_access != RandomAccess::None;
        match &unit.slice {
            Some(_) => *place = unit.order,
            None => unit.order = *place,
        }
        self.note(unit.changed_parameter_sets, unit.slice.as_ref().map(|slice| slice.sps_id));
        unit
    }
}

impl Sets for ParameterSets {
    const CODEC: Codec = Codec::H265;
    const NAME: &str = "H.265";
    type Sps = Sps;
    type Pps = Pps;
    type State = Position;

    fn insert(&mut self, nal: &[u8]) -> Result<bool, Error> {
        self.insert(nal)
    }

    fn of_record(private: &Bytes) -> Option<(u8, Vec<Bytes>)> {
        let config = HevcConfig::parse(private).ok()?;
        Some((config.length_size, config.units().cloned().collect()))
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
