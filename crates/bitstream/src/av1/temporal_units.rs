//! An AV1 byte stream cut into temporal units (§5.2 and annex B).

use bytes::{Bytes, BytesMut};

use super::obu::{ObuType, Obus, leb128};

/// The temporal units of a byte stream: of the low-overhead format, where each begins with a temporal delimiter, or of
/// the length-delimited format of annex B, which is rewritten. What cannot be told apart ends the stream.
#[derive(Debug, Clone)]
pub struct TemporalUnits {
    rest: Bytes,
    annex_b: bool,
}

impl TemporalUnits {
    /// Finds out which of the two formats `stream` has.
    pub fn new(stream: Bytes) -> Self {
        let annex_b = !stream.starts_with(&[0x12, 0]) && next_annex_b(&stream).is_some();
        TemporalUnits { rest: stream, annex_b }
    }
}

impl Iterator for TemporalUnits {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        if self.rest.is_empty() {
            return None;
        }
        if self.annex_b {
            let (unit, taken) = next_annex_b(&self.rest)?;
            self.rest = self.rest.slice(taken..);
            return Some(unit);
        }
        let mut end = self.rest.len();
        for (index, obu) in Obus::new(&self.rest).enumerate() {
            let Ok(obu) = obu else { break };
            if index > 0 && obu.kind == ObuType::TEMPORAL_DELIMITER {
                end = obu.whole.start;
                break;
            }
        }
        let unit = self.rest.split_to(end);
        Some(unit)
    }
}

/// The first temporal unit of annex B with sizes in its units, and the bytes that it takes.
fn next_annex_b(stream: &[u8]) -> Option<(Bytes, usize)> {
    let (unit, taken) = sized(stream)?;
    let mut out = BytesMut::new();
    let mut frames = unit;
    while !frames.is_empty() {
        let (frame, bytes) = sized(frames)?;
        frames = frames.get(bytes..)?;
        let mut obus = frame;
        while !obus.is_empty() {
            let (obu, bytes) = sized(obus)?;
            obus = obus.get(bytes..)?;
            rewrite(obu, &mut out)?;
        }
    }
    Some((out.freeze(), taken))
}

/// What a length in front of it delimits, and the bytes that both take.
fn sized(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let (size, length) = leb128(bytes)?;
    let end = length.checked_add(usize::try_from(size).ok()?)?;
    Some((bytes.get(length..end)?, end))
}

/// Appends a unit, with a size of its own where it has none.
fn rewrite(obu: &[u8], out: &mut BytesMut) -> Option<()> {
    let header = *obu.first()?;
    if header & 0x80 != 0 {
        return None;
    }
    if header & 2 != 0 {
        out.extend_from_slice(obu);
        return Some(());
    }
    let head = if header & 4 != 0 { 2 } else { 1 };
    let (head, payload) = obu.split_at_checked(head)?;
    out.extend_from_slice(&[header | 2]);
    out.extend_from_slice(head.get(1..)?);
    let mut left = payload.len();
    while left >= 0x80 {
        out.extend_from_slice(&[left as u8 | 0x80]);
        left >>= 7;
    }
    out.extend_from_slice(&[left as u8]);
    out.extend_from_slice(payload);
    Some(())
}
