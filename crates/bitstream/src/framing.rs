//! From the framing that a stream has to the one that a back end wants, with as few copies as can be.

use bytes::{BufMut, Bytes, BytesMut};
use kineframe_codec::{Framing, NalFraming};

use crate::start_codes::{begins_with_start_code, find};
use crate::{FramingError, LengthPrefixedUnits, StartCodeUnits};

/// The NAL units of a packet in any framing. A stream without NAL units is one unit.
#[derive(Debug, Clone)]
pub enum NalUnits<'a> {
    /// Behind start codes.
    StartCodes(StartCodeUnits<'a>),
    /// Behind lengths.
    LengthPrefixed(LengthPrefixedUnits<'a>),
    /// The packet as it is.
    Whole(Option<&'a [u8]>),
}

impl<'a> NalUnits<'a> {
    /// The units of `packet`.
    pub fn new(packet: &'a [u8], framing: NalFraming) -> Self {
        match framing {
            NalFraming::StartCodes => Self::StartCodes(StartCodeUnits::new(packet)),
            NalFraming::LengthPrefixed(size) => Self::LengthPrefixed(LengthPrefixedUnits::new(packet, size)),
            NalFraming::None => Self::Whole(Some(packet)),
        }
    }
}

impl<'a> Iterator for NalUnits<'a> {
    type Item = Result<&'a [u8], FramingError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::StartCodes(units) => units.next().map(Ok),
            Self::LengthPrefixed(units) => units.next(),
            Self::Whole(packet) => packet.take().map(Ok),
        }
    }
}

/// The NAL units of a packet, as places in it. A stream that does not say has start codes.
pub(crate) fn nal_ranges(
    packet: &[u8],
    framing: NalFraming,
) -> impl Iterator<Item = Result<std::ops::Range<usize>, FramingError>> + '_ {
    let mut start_codes = StartCodeUnits::new(packet);
    let mut lengths = match framing {
        NalFraming::LengthPrefixed(size) => Some(LengthPrefixedUnits::new(packet, size)),
        NalFraming::StartCodes | NalFraming::None => None,
    };
    std::iter::from_fn(move || match &mut lengths {
        Some(lengths) => lengths.next_range(),
        None => start_codes.next_range().map(Ok),
    })
    .filter(|range| range.as_ref().map_or(true, |range| !range.is_empty()))
}

/// How a packet of a stream that does not say is framed.
///
/// Start codes, where it begins with one; else lengths of four, two, one or three bytes, the first of these that
/// lead exactly to the packet's end. `None` where nothing fits.
pub fn detect_framing(packet: &[u8]) -> Option<NalFraming> {
    let fits = |size| !packet.is_empty() && LengthPrefixedUnits::new(packet, size).all(|unit| unit.is_ok());
    // `00 00 00 01` is a length too, of a unit of one byte. Such a unit is at most an end of sequence, and a
    // packet never begins with one.
    if begins_with_start_code(packet) {
        return Some(NalFraming::StartCodes);
    }
    [4, 2, 1, 3].into_iter().find(|size| fits(*size)).map(NalFraming::LengthPrefixed)
}

/// How a packet of a track is framed: as the track says, unless the packet contradicts it. A track that does not say
/// yet says what its first packet has.
pub(crate) fn packet_framing(track: &mut Option<NalFraming>, packet: &[u8]) -> NalFraming {
    if track.is_none() {
        *track = detect_framing(packet);
    }
    match *track {
        Some(NalFraming::LengthPrefixed(size))
            if begins_with_start_code(packet) && LengthPrefixedUnits::new(packet, size).any(|u| u.is_err()) =>
        {
            NalFraming::StartCodes
        }
        Some(framing) => framing,
        None => NalFraming::StartCodes,
    }
}

/// A packet in the framing that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Converted {
    /// The packet. Where `damage` is set, the NAL units before the damage.
    pub data: Bytes,
    /// Bytes that were copied: 0 where nothing was to be done, or where the packet was rewritten in place.
    pub copied: usize,
    /// Why the units could not be told apart to the packet's end.
    pub damage: Option<FramingError>,
}

/// Converts the packets of one track, and keeps the ledger of bytes copied.
///
/// ```
/// use bytes::Bytes;
/// use kineframe_bitstream::Framer;
/// use kineframe_codec::{Framing, NalFraming};
///
/// let mut framer = Framer::new(NalFraming::LengthPrefixed(4), Framing::StartCodes);
/// let packet = framer.convert(Bytes::from(vec![0, 0, 0, 2, 0x65, 0x88]));
/// assert_eq!(packet.data, &[0, 0, 0, 1, 0x65, 0x88][..]);
/// assert_eq!(framer.copied(), 0); // It was ours alone, so it was rewritten where it lies.
/// assert_eq!(framer.output(), NalFraming::StartCodes);
/// ```
#[derive(Debug, Clone)]
pub struct Framer {
    from: NalFraming,
    to: NalFraming,
    copied: u64,
}

impl Framer {
    /// From the framing of the track to the one that the back end wants. Lengths are written with four bytes,
    /// unless the track has lengths already, which stay as they are.
    pub fn new(from: NalFraming, want: Framing) -> Self {
        let to = match (from, want) {
            (NalFraming::LengthPrefixed(_) | NalFraming::StartCodes, Framing::StartCodes) => NalFraming::StartCodes,
            (NalFraming::StartCodes, Framing::LengthPrefixed) => NalFraming::LengthPrefixed(4),
            (as_it_is, _) => as_it_is,
        };
        Framer { from, to, copied: 0 }
    }

    /// How packets come out: what `CodecParameters::framing` is to say to the back end.
    pub fn output(&self) -> NalFraming {
        self.to
    }

    /// Bytes copied so far.
    pub fn copied(&self) -> u64 {
        self.copied
    }

    /// One packet. Damage is told and not an error: the units before it are good, and the decoder may make
    /// something of them.
    pub fn convert(&mut self, packet: Bytes) -> Converted {
        self.convert_from(packet, self.from)
    }

    /// As [`convert`](Self::convert), for a packet that is framed otherwise than its track says.
    pub fn convert_from(&mut self, packet: Bytes, from: NalFraming) -> Converted {
        let converted = match (from, self.to) {
            (NalFraming::LengthPrefixed(size), NalFraming::StartCodes) => lengths_to_start_codes(packet, size),
            (NalFraming::StartCodes, NalFraming::LengthPrefixed(_)) => start_codes_to_lengths(packet),
            _ => Converted { data: packet, copied: 0, damage: None },
        };
        self.copied += converted.copied as u64;
        converted
    }
}

/// Writes a four-byte start code for each length of `size` bytes: in place where the lengths have four bytes and
/// the caller is the sole owner of the whole buffer behind `packet`, else into one new buffer.
pub fn lengths_to_start_codes(packet: Bytes, size: u8) -> Converted {
    let mut units = LengthPrefixedUnits::new(&packet, size);
    let (mut end, mut total, mut damage) = (0, 0, None);
    while let Some(unit) = units.next_range() {
        match unit {
            Ok(range) => {
                end = range.end;
                total += if range.is_empty() { 0 } else { 4 + range.len() };
            }
            Err(error) => damage = Some(error),
        }
    }
    if size == 4 {
        match packet.try_into_mut() {
            Ok(mut own) => {
                own.truncate(end);
                rewrite_lengths(&mut own);
                return Converted { data: own.freeze(), copied: 0, damage };
            }
            Err(shared) => return Converted { data: gather_start_codes(&shared, 4, total), copied: total, damage },
        }
    }
    Converted { data: gather_start_codes(&packet, size, total), copied: total, damage }
}

/// Overwrites four-byte lengths, which are known to fit.
fn rewrite_lengths(own: &mut BytesMut) {
    let mut offset = 0;
    while let Some(prefix) = own.get_mut(offset..).and_then(|rest| rest.first_chunk_mut::<4>()) {
        let length = u32::from_be_bytes(*prefix) as usize;
        // The place of an empty unit becomes zero bytes, which may stand before any start code and at the end.
        *prefix = if length == 0 { [0; 4] } else { [0, 0, 0, 1] };
        offset += 4 + length;
    }
}

fn gather_start_codes(packet: &[u8], size: u8, total: usize) -> Bytes {
    let mut out = BytesMut::with_capacity(total);
    for unit in LengthPrefixedUnits::new(packet, size).map_while(Result::ok) {
        out.put_slice(&[0, 0, 0, 1]);
        out.put_slice(unit);
    }
    out.freeze()
}

/// Writes a four-byte length for each start code: in place where all start codes have four bytes, nothing else
/// lies between the units, and the caller is the sole owner, else into one new buffer.
pub fn start_codes_to_lengths(packet: Bytes) -> Converted {
    let Some(first) = find(&packet, 0) else {
        let damage = (!packet.is_empty()).then_some(FramingError::NoStartCode { bytes: packet.len() });
        return Converted { data: Bytes::new(), copied: 0, damage };
    };
    let mut tight = first == 1 && packet.first() == Some(&0);
    let (mut end, mut total) = (0, 0);
    let mut units = StartCodeUnits::new(&packet);
    while let Some(range) = units.next_range() {
        tight &= range.start == end + 4;
        (end, total) = (range.end, total + 4 + range.len());
    }
    tight &= end == packet.len() && u32::try_from(end).is_ok();
    let packet = if tight {
        match packet.try_into_mut() {
            Ok(mut own) => {
                // All places first: a length may look like a start code once it is written.
                let mut ranges = Vec::new();
                let mut units = StartCodeUnits::new(&own);
                while let Some(range) = units.next_range() {
                    ranges.push(range);
                }
                for range in ranges {
                    if let Some(prefix) = own.get_mut(range.start - 4..range.start) {
                        prefix.copy_from_slice(&(range.len() as u32).to_be_bytes());
                    }
                }
                return Converted { data: own.freeze(), copied: 0, damage: None };
            }
            Err(shared) => shared,
        }
    } else {
        packet
    };
    let mut out = BytesMut::with_capacity(total);
    for unit in StartCodeUnits::new(&packet) {
        // A unit that a 32-bit length cannot name is beyond every limit on packets; nothing stands for it.
        let Ok(length) = u32::try_from(unit.len()) else { continue };
        out.put_u32(length);
        out.put_slice(unit);
    }
    Converted { data: out.freeze(), copied: total, damage: None }
}
