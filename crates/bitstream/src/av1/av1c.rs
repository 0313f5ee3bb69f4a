//! The AV1 codec configuration record: `CodecPrivate` of `V_AV1`, and the `av1C` box (AV1 in ISOBMFF §2.3).

use bytes::Bytes;

use super::obu::{ObuType, Obus};
use super::sequence::SequenceHeader;
use crate::{Error, ErrorKind};

/// An AV1 codec configuration record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Av1Config {
    /// `configOBUs`: a sequence header, and metadata where there is any.
    pub obus: Bytes,
    /// The sequence header among them, read.
    pub sequence: Option<SequenceHeader>,
}

impl Av1Config {
    /// Reads a record. One whose units cannot be read is a record without a sequence header.
    ///
    /// # Errors
    /// Fewer than four bytes, or another marker or version than 1.
    pub fn parse(record: &Bytes) -> Result<Av1Config, Error> {
        let error = |field, bit, kind| Error { unit: "av1C", field, bit, kind };
        let Some(first) = record.first().filter(|_| record.len() >= 4) else {
            return Err(error("marker", 0, ErrorKind::Truncated));
        };
        if *first != 0x81 {
            let kind = ErrorKind::Range { value: i64::from(*first), min: 0x81, max: 0x81 };
            return Err(error("version", 8, kind));
        }
        let obus = record.slice(4..);
        let header = Obus::new(&obus).map_while(Result::ok).find(|obu| obu.kind == ObuType::SEQUENCE_HEADER);
        let payload = header.and_then(|obu| obus.get(obu.payload));
        let sequence = payload.and_then(|payload| SequenceHeader::parse(payload).ok());
        Ok(Av1Config { obus, sequence })
    }

    /// A record for a sequence header OBU, as [`Stream::sequence_unit`](super::Stream::sequence_unit) gives it.
    ///
    /// # Errors
    /// A unit that is no sequence header.
    pub fn of_sequence(unit: &[u8]) -> Result<Bytes, Error> {
        let error = Error { unit: "av1C", field: "configOBUs", bit: 32, kind: ErrorKind::Kind };
        let obu = Obus::new(unit).next().ok_or(error)??;
        if obu.kind != ObuType::SEQUENCE_HEADER {
            return Err(error);
        }
        let sequence = SequenceHeader::parse(unit.get(obu.payload).unwrap_or_default())?;
        let depth = sequence.format.depth.bits();
        let (across, down) = sequence.format.chroma.shifts().unwrap_or((1, 1));
        let mono = u32::from(sequence.format.chroma.shifts().is_none());
        let siting = match sequence.color.siting {
            Some(kineframe_codec::ChromaSiting::Left) => 1,
            Some(kineframe_codec::ChromaSiting::TopLeft) => 2,
            _ => 0,
        };
        let flags =
            u32::from(depth > 8) << 6 | u32::from(depth == 12) << 5 | mono << 4 | across << 3 | down << 2 | siting;
        let mut record = vec![0x81, sequence.profile << 5 | sequence.level, flags as u8, 0];
        record.extend_from_slice(unit);
        Ok(record.into())
    }
}
