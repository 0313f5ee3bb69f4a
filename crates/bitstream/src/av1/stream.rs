//! One AV1 track over time: the sequence header in force, and the frames of each temporal unit.

use bytes::{BufMut, Bytes, BytesMut};

use super::frame::{self, Layer, Slots};
use super::{Av1Config, ObuType, Obus, SequenceHeader};
use crate::frames::CodedFrame;
use crate::{Error, ErrorKind};

/// Follows a track: the sequence header of `CodecPrivate`, overlaid with those in its packets.
///
/// ```
/// use bytes::Bytes;
/// use kineframe_bitstream::av1::Stream;
///
/// // 16 columns, 16 lines, 8 bits, 4:2:0.
/// let header = [0x0a, 10, 0, 0, 0, 1, 0x9f, 0xfb, 0xff, 0xf3, 0, 0x80];
/// let mut stream = Stream::new(&Bytes::new());
/// assert!(stream.insert(&header).unwrap());
/// assert_eq!(stream.sequence().unwrap().max_size.width, 16);
/// ```
#[derive(Debug, Clone, Default)]
pub struct Stream {
    private: Bytes,
    unit: Bytes,
    /// How much of the unit its header takes.
    unit_header: usize,
    sequence: Option<SequenceHeader>,
    slots: Slots,
    generation: u64,
}

impl Stream {
    /// A track with this `CodecPrivate`: an `av1C` record, or nothing.
    pub fn new(private: &Bytes) -> Self {
        let mut stream = Stream { private: private.clone(), ..Stream::default() };
        if let Ok(config) = Av1Config::parse(private) {
            // What cannot be read is left out: packets may bring another one.
            let _ = stream.insert(&config.obus);
        }
        stream
    }

    /// Takes the sequence header out of units, and tells whether it says anything new.
    ///
    /// # Errors
    /// Units that cannot be told apart, or a sequence header that cannot be read.
    pub fn insert(&mut self, units: &[u8]) -> Result<bool, Error> {
        for obu in Obus::new(units) {
            let obu = obu?;
            if obu.kind == ObuType::SEQUENCE_HEADER {
                return self.sequence_header(units.get(obu.payload).unwrap_or_default());
            }
        }
        Ok(false)
    }

    fn sequence_header(&mut self, payload: &[u8]) -> Result<bool, Error> {
        if self.sequence.is_some() && self.unit.get(self.unit_header..) == Some(payload) {
            return Ok(false);
        }
        self.sequence = Some(SequenceHeader::parse(payload)?);
        let mut unit = BytesMut::with_capacity(payload.len() + 6);
        unit.put_u8(ObuType::SEQUENCE_HEADER.0 << 3 | 2);
        let mut left = payload.len();
        while left >= 0x80 {
            unit.put_u8(left as u8 | 0x80);
            left >>= 7;
        }
        unit.put_u8(left as u8);
        self.unit_header = unit.len();
        unit.put_slice(payload);
        self.unit = unit.freeze();
        self.generation += 1;
        Ok(true)
    }

    /// The frames of a temporal unit, in decoding order.
    ///
    /// # Errors
    /// Units that cannot be told apart, headers that cannot be read, a frame before any sequence header. Also where a
    /// frame that is lost can be told by what hides it: a temporal delimiter that is not empty (§5.6), or a unit of a
    /// reserved type, which is to be passed over (§6.2.2), in a packet without any frame, which no temporal unit is (§7.5).
    pub fn packet(&mut self, packet: &[u8]) -> Result<Vec<CodedFrame>, Error> {
        let mut frames = Vec::new();
        let mut unknown = None;
        for obu in Obus::new(packet) {
            let obu = obu?;
            let payload = packet.get(obu.payload).unwrap_or_default();
            match obu.kind {
                ObuType::SEQUENCE_HEADER => {
                    self.sequence_header(payload)?;
                }
                ObuType::FRAME | ObuType::FRAME_HEADER => {
                    let missing = Error { unit: "frame header", field: "frame", bit: 0, kind: ErrorKind::Missing(0) };
                    let sequence = self.sequence.as_ref().ok_or(missing)?;
                    let layer = Layer { temporal_id: obu.temporal_id, spatial_id: obu.spatial_id };
                    frames.push(frame::parse(payload, sequence, layer, &mut self.slots)?);
                }
                ObuType::TEMPORAL_DELIMITER if payload.first().is_some_and(|first| *first != 0x80) => {
                    let bit = obu.whole.start as u64 * 8;
                    return Err(Error { unit: "OBU", field: "temporal_delimiter", bit, kind: ErrorKind::Trailing });
                }
                kind if kind.is_reserved() => unknown = unknown.or(Some(obu.whole.start)),
                _ => {}
            }
        }
        if let Some(at) = unknown.filter(|_| frames.is_empty()) {
            return Err(Error { unit: "OBU", field: "obu_type", bit: at as u64 * 8, kind: ErrorKind::Kind });
        }
        Ok(frames)
    }

    /// The sequence header in force.
    pub fn sequence(&self) -> Option<&SequenceHeader> {
        self.sequence.as_ref()
    }

    /// The sequence header in force as an OBU with a size; empty where there is none.
    pub fn sequence_unit(&self) -> &Bytes {
        &self.unit
    }

    /// `CodecPrivate`, as stored.
    pub fn private(&self) -> &Bytes {
        &self.private
    }

    /// Goes up when a sequence header is new or has changed.
    pub fn generation(&self) -> u64 {
        self.generation
    }
}
