//! Open bitstream units: their header and their extent (§5.3).

use std::ops::Range;

use crate::{Error, ErrorKind};

/// `obu_type` (§6.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ObuType(pub u8);

impl ObuType {
    /// What all frames that follow have in common.
    pub const SEQUENCE_HEADER: ObuType = ObuType(1);
    /// The beginning of a temporal unit.
    pub const TEMPORAL_DELIMITER: ObuType = ObuType(2);
    /// A frame header whose tiles follow in units of their own.
    pub const FRAME_HEADER: ObuType = ObuType(3);
    /// Tiles.
    pub const TILE_GROUP: ObuType = ObuType(4);
    /// HDR metadata, scalability, ITU-T T.35.
    pub const METADATA: ObuType = ObuType(5);
    /// A frame header with its tiles.
    pub const FRAME: ObuType = ObuType(6);
    /// A frame header once more.
    pub const REDUNDANT_FRAME_HEADER: ObuType = ObuType(7);
    /// Nothing.
    pub const PADDING: ObuType = ObuType(15);

    /// Whether it has no meaning yet.
    pub fn is_reserved(self) -> bool {
        matches!(self.0, 0 | 9..=14)
    }
}

/// A unit inside of a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obu {
    /// What it holds.
    pub kind: ObuType,
    /// The temporal layer, 0 where there is none.
    pub temporal_id: u8,
    /// The spatial layer, 0 where there is none.
    pub spatial_id: u8,
    /// The whole unit, header included, as a range of the packet.
    pub whole: Range<usize>,
    /// What follows header and size, as a range of the packet.
    pub payload: Range<usize>,
}

/// The units of a packet in the low-overhead format (§5.2): each tells its size, but for the last one, which may
/// reach to the packet's end.
#[derive(Debug, Clone)]
pub struct Obus<'a> {
    packet: &'a [u8],
    at: usize,
}

impl<'a> Obus<'a> {
    /// The units of `packet`.
    pub fn new(packet: &'a [u8]) -> Self {
        Obus { packet, at: 0 }
    }

    fn read(&self) -> Result<Obu, Error> {
        let error = |field, kind| Error { unit: "OBU", field, bit: self.at as u64 * 8, kind };
        let truncated = |field| error(field, ErrorKind::Truncated);
        let header = *self.packet.get(self.at).ok_or_else(|| truncated("obu_header"))?;
        if header & 0x80 != 0 {
            return Err(error("obu_forbidden_bit", ErrorKind::Range { value: 1, min: 0, max: 0 }));
        }
        let (extended, sized) = (header & 4 != 0, header & 2 != 0);
        let mut payload = self.at + 1;
        let (mut temporal_id, mut spatial_id) = (0, 0);
        if extended {
            let extension = self.packet.get(payload).ok_or_else(|| truncated("obu_extension_header"))?;
            (temporal_id, spatial_id) = (extension >> 5, extension >> 3 & 3);
            payload += 1;
        }
        let mut end = self.packet.len();
        if sized {
            let rest = self.packet.get(payload..).unwrap_or_default();
            let (size, bytes) = leb128(rest).ok_or_else(|| truncated("obu_size"))?;
            payload += bytes;
            let size = usize::try_from(size).ok().and_then(|size| payload.checked_add(size));
            end = size.filter(|end| *end <= self.packet.len()).ok_or_else(|| truncated("obu_size"))?;
        }
        let kind = ObuType(header >> 3 & 15);
        Ok(Obu { kind, temporal_id, spatial_id, whole: self.at..end, payload: payload.min(end)..end })
    }
}

impl Iterator for Obus<'_> {
    type Item = Result<Obu, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.packet.len() {
            return None;
        }
        let read = self.read();
        self.at = read.as_ref().map_or(self.packet.len(), |obu| obu.whole.end);
        Some(read)
    }
}

/// An unsigned number of at most eight bytes, seven bits each, the lowest first (§4.10.5), and the bytes that it
/// takes; `None` where the bytes end inside of it or it does not fit 32 bits.
pub fn leb128(bytes: &[u8]) -> Option<(u32, usize)> {
    let mut value = 0_u64;
    for (index, byte) in bytes.iter().enumerate().take(8) {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((u32::try_from(value).ok()?, index + 1));
        }
    }
    None
}
