//! What following a track of NAL units is for H.264 and H.265 alike: its framing, and the parameter sets in force.

use std::fmt;

use bytes::Bytes;
use kineframe_codec::{Codec, CodecParameters, ColorSpace, NalFraming, Size};

use crate::framing::packet_framing;
use crate::{Error, StartCodeUnits, begins_with_start_code};

/// Parameter sets by number, of H.264 or of H.265.
pub trait Sets: Clone + fmt::Debug + Default {
    /// What they are of.
    const CODEC: Codec;
    /// Its name, for a person.
    const NAME: &str;
    /// A sequence parameter set.
    type Sps;
    /// A picture parameter set.
    type Pps;
    /// What a [`Track`] keeps beside them.
    type State: Clone + fmt::Debug + Default;

    /// Takes a NAL unit, and tells whether it is a set that says anything new.
    ///
    /// # Errors
    /// A set that cannot be read; what was known under its number stays.
    fn insert(&mut self, nal: &[u8]) -> Result<bool, Error>;

    /// What an `avcC` or `hvcC` record says: bytes of a length, and the sets. `None` where it cannot be read.
    fn of_record(private: &Bytes) -> Option<(u8, Vec<Bytes>)>;

    /// The SPS of this number.
    fn sps(&self, id: u8) -> Option<&Self::Sps>;

    /// All SPS, by number.
    fn all_sps(&self) -> impl Iterator<Item = &Self::Sps>;

    /// All PPS by number, each with the SPS that it names; those whose SPS is missing are left out.
    fn pairs(&self) -> impl Iterator<Item = (&Self::Pps, &Self::Sps)>;

    /// The NAL units, each kind by number.
    fn units(&self) -> Vec<Bytes>;

    /// The size of the pictures, nothing cut away.
    fn coded_size(sps: &Self::Sps) -> Size;

    /// What is stated of colour.
    fn color(sps: &Self::Sps) -> ColorSpace;
}

/// Follows a track: `CodecPrivate`, overlaid with the parameter sets in its packets. It is used as
/// [`h264::Stream`](crate::h264::Stream) and [`h265::Stream`](crate::h265::Stream), each with a `packet` of its own.
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
pub struct Track<S: Sets> {
    private: Bytes,
    framing: Option<NalFraming>,
    pub(crate) sets: S,
    pub(crate) state: S::State,
    generation: u64,
    active: Option<u8>,
    container_size: Option<Size>,
    container_color: ColorSpace,
}

impl<S: Sets> Track<S> {
    /// A track with this `CodecPrivate`: an `avcC` or `hvcC` record, parameter sets behind start codes, or nothing.
    pub fn new(private: &Bytes) -> Self {
        let mut track = Track {
            private: Bytes::new(),
            framing: None,
            sets: S::default(),
            state: S::State::default(),
            generation: 0,
            active: None,
            container_size: None,
            container_color: ColorSpace::default(),
        };
        track.set_private(private);
        track
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
        } else if let Some((length_size, units)) = S::of_record(private) {
            self.framing = Some(NalFraming::LengthPrefixed(length_size));
            for nal in units {
                changed |= self.sets.insert(&nal).unwrap_or(false);
            }
        }
        self.generation += u64::from(changed);
        changed
    }

    /// How packets are framed: by `CodecPrivate`, else by the first packet.
    pub fn framing(&self) -> Option<NalFraming> {
        self.framing
    }

    /// How this packet is framed: one that contradicts `CodecPrivate` is read as what it is.
    pub(crate) fn framing_of(&mut self, packet: &[u8]) -> NalFraming {
        packet_framing(&mut self.framing, packet)
    }

    /// Notes what a packet has said: whether a set changed, and the SPS that its slices name.
    pub(crate) fn note(&mut self, changed: bool, sps: Option<u8>) {
        self.generation += u64::from(changed);
        self.active = sps.or(self.active);
    }

    /// Goes up when a parameter set is new or has changed. Where it stands still, an open decoder stays right.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The parameter sets in force.
    pub fn parameter_sets(&self) -> &S {
        &self.sets
    }

    /// The SPS that the last slice named; before any slice the first one there is.
    pub fn sps(&self) -> Option<&S::Sps> {
        self.active.and_then(|id| self.sets.sps(id)).or_else(|| self.sets.all_sps().next())
    }

    /// The parameters in force: to be asked for at a random access point, after its packet was looked at.
    pub fn parameters(&self) -> CodecParameters {
        let mut params = CodecParameters::new(S::CODEC);
        params.framing = self.framing.unwrap_or(NalFraming::None);
        params.private = self.private.clone();
        params.parameter_sets = self.sets.units();
        params.size = self.sps().map(S::coded_size).or(self.container_size);
        params.color = self.sps().map(S::color).unwrap_or_default().or(self.container_color);
        params
    }
}
