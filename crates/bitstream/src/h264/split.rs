//! An elementary stream, cut into access units (H.264 §7.4.1.2.3).

use bytes::Bytes;

use super::slice::slice_start;
use super::{NalHeader, NalType, ParameterSets, SliceHeader};
use crate::StartCodeUnits;

/// The access units of a byte stream with start codes, as slices of it. The two fields of a frame, which are an
/// access unit each, come as one, as a Matroska block has them.
#[derive(Debug, Clone)]
pub struct AccessUnits {
    stream: Bytes,
    sets: ParameterSets,
    /// First byte of the unit that is next.
    start: usize,
    /// Where the search goes on.
    at: usize,
    /// The last slice seen, of the picture that is next.
    last: Option<LastSlice>,
}

#[derive(Debug, Clone)]
enum LastSlice {
    Known(Box<SliceHeader>),
    /// Its header could not be read.
    Unknown,
}

impl AccessUnits {
    /// The access units of `stream`.
    pub fn new(stream: Bytes) -> Self {
        AccessUnits { stream, sets: ParameterSets::default(), start: 0, at: 0, last: None }
    }

    /// Whether a slice is of another frame than the last one, and what it becomes.
    fn look(&self, nal: &[u8]) -> (bool, LastSlice) {
        let header = SliceHeader::parse(nal, &self.sets);
        match (&self.last, header) {
            (None, Ok(header)) => (false, LastSlice::Known(header.into())),
            (None, Err(_)) => (false, LastSlice::Unknown),
            (Some(LastSlice::Known(last)), Ok(header)) => {
                let new = header.redundant == 0 && header.begins_picture(last) && !header.completes_frame(last);
                (new, LastSlice::Known(header.into()))
            }
            // Where headers cannot be compared, the first macroblock begins a picture.
            (Some(_), header) => {
                let first = slice_start(nal).is_ok_and(|(_, first_mb, _)| first_mb == 0);
                (first, header.map_or(LastSlice::Unknown, |header| LastSlice::Known(header.into())))
            }
        }
    }
}

impl Iterator for AccessUnits {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        let stream = self.stream.clone();
        // Where the next access unit begins if the next slice turns out to be of another picture.
        let mut candidate: Option<usize> = None;
        let mut units = StartCodeUnits::new(stream.get(self.at..).unwrap_or_default());
        let base = self.at;
        while let Some(range) = units.next_range() {
            let (from, nal) = (base + range.start, stream.get(base + range.start..base + range.end)?);
            let Some(header) = NalHeader::of(nal) else { continue };
            // The start code, with the zero byte of its longer form.
            let code = if from >= 4 && stream.get(from - 4) == Some(&0) { from - 4 } else { from.saturating_sub(3) };
            if header.kind.begins_slice() {
                let (new, last) = self.look(nal);
                self.last = Some(last);
                if new {
                    let end = candidate.unwrap_or(code);
                    let unit = stream.slice(self.start..end);
                    (self.start, self.at) = (end, base + range.end);
                    return Some(unit);
                }
                candidate = None;
            } else {
                if self.last.is_some() && header.kind.begins_access_unit() {
                    candidate.get_or_insert(code);
                }
                if matches!(header.kind, NalType::SPS | NalType::PPS) {
                    // A set that cannot be read leaves slices that cannot be compared; see `look`.
                    let _ = self.sets.insert(nal);
                }
            }
        }
        let unit = stream.slice(self.start..);
        (self.start, self.at) = (stream.len(), stream.len());
        (!unit.is_empty()).then_some(unit)
    }
}
