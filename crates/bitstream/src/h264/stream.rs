//! One H.264 track over time: which framing its packets have, and which parameters are in force.

use bytes::Bytes;
use kineframe_codec::{Codec, CodecParameters, ColorSpace, NalFraming, Size};

use super::{AccessUnit, AvcConfig, ParameterSets, Sps};
use crate::framing::packet_framing;
use crate::{StartCodeUnits, begins_with_start_code};

/// Follows a track: `CodecPrivate`, overlaid with the parameter sets in its packets.
///
/// ```
/// use bytes::Bytes;
/// use kineframe_bitstream::h264::{RandomAccess, Stream};
/// use kineframe_codec::NalFraming;
///
/// // Without a CodecPrivate the packets themselves tell all.
/// let mut stream = Stream::new(&Bytes::new());
/// let sps = [0x67, 66, 0xc0, 10, 0xf8, 0x41, 0xa2];
/// let packet = [&[0, 0, 0, 1][..], &sps, &[0, 0, 0, 1, 0x68, 0xce, 0x38, 0x80]].concat();
/// let unit = stream.packet(&packet);
/// assert!(unit.changed_parameter_sets);
/// assert_eq!(stream.framing(), Some(NalFraming::StartCodes));
/// assert_eq!(stream.parameters().parameter_sets.len(), 2);
/// ```
#[derive(Debug, Clone)]
pub struct Stream {
    private: Bytes,
    framing: Option<NalFraming>,
    sets: ParameterSets,
    generation: u64,
    active: Option<u8>,
    container_size: Option<Size>,
    container_color: ColorSpace,
}

impl Stream {
    /// A track with this `CodecPrivate`: an `avcC` record, parameter sets behind start codes, or nothing.
    pub fn new(private: &Bytes) -> Self {
        let mut stream = Stream {
            private: Bytes::new(),
            framing: None,
            sets: ParameterSets::default(),
            generation: 0,
            active: None,
            container_size: None,
            container_color: ColorSpace::default(),
        };
        stream.set_private(private);
        stream
    }

    /// What the container says of size and colour; it holds where the stream is silent.
    pub fn set_container(&mut self, size: Option<Size>, color: ColorSpace) {
        (self.container_size, self.container_color) = (size, color);
    }

    /// Takes the `CodecPrivate` of the next fragment, and tells whether it says anything new. Equal bytes change
    /// nothing, not even what packets have said since.
    ///
    /// Sets that cannot be read are left out: those in the packets may do.
    pub fn set_private(&mut self, private: &Bytes) -> bool {
        if *private == self.private {
            return false;
        }
        self.private = private.clone();
        self.framing = None;
        let mut changed = false;
        if begins_with_start_code(private) {
            self.framing = Some(NalFraming::StartCodes);
            for nal in StartCodeUnits::new(private) {
                changed |= self.sets.insert(nal).unwrap_or(false);
            }
        } else if let Ok(config) = AvcConfig::parse(private) {
            self.framing = Some(NalFraming::LengthPrefixed(config.length_size));
            for nal in config.sps.iter().chain(&config.pps) {
                changed |= self.sets.insert(nal).unwrap_or(false);
            }
        }
        self.generation += u64::from(changed);
        changed
    }

    /// How packets are framed: by `CodecPrivate`, else by the first packet.
    pub fn framing(&self) -> Option<NalFraming> {
        self.framing
    }

    /// Looks at the next packet and takes its parameter sets.
    ///
    /// A packet that contradicts `CodecPrivate`, start codes where lengths were announced, is read as what it is;
    /// [`AccessUnit::framing`] tells.
    pub fn packet(&mut self, packet: &[u8]) -> AccessUnit {
        let framing = packet_framing(&mut self.framing, packet);
        let unit = AccessUnit::scan(packet, framing, &mut self.sets);
        self.generation += u64::from(unit.changed_parameter_sets);
        if let Some(slice) = &unit.slice {
            self.active = Some(slice.sps_id);
        }
        unit
    }

    /// Goes up when a parameter set is new or has changed. Where it stands still, an open decoder stays right.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The parameter sets in force.
    pub fn parameter_sets(&self) -> &ParameterSets {
        &self.sets
    }

    /// The SPS that the last slice named; before any slice the first one there is.
    pub fn sps(&self) -> Option<&Sps> {
        self.active.and_then(|id| self.sets.sps(id)).or_else(|| self.sets.all_sps().next())
    }

    /// The parameters in force: to be asked for at a random access point, after [`packet`](Self::packet).
    pub fn parameters(&self) -> CodecParameters {
        let mut params = CodecParameters::new(Codec::H264);
        params.framing = self.framing.unwrap_or(NalFraming::None);
        params.private = self.private.clone();
        params.parameter_sets = self.sets.units();
        params.size = self.sps().map(Sps::coded_size).or(self.container_size);
        params.color = self.sps().map(Sps::color).unwrap_or_default().or(self.container_color);
        params
    }
}
