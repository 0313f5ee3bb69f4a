//! An elementary stream, cut into access units (H.264 §7.4.1.2.3).

use bytes::Bytes;

use super::slice::slice_start;
use super::{NalHeader, NalType, ParameterSets, SliceHeader};
use crate::cut::{Cutter, Mark};

/// The access units of a byte stream with start codes, as slices of it. The two fields of a frame, which are an
/// access unit each, come as one, as a Matroska block has them.
#[derive(Debug, Clone)]
pub struct AccessUnits {
    cutter: Cutter,
    headers: Headers,
}

/// What is known of the slices so far.
#[derive(Debug, Clone)]
struct Headers {
    sets: ParameterSets,
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
        AccessUnits { cutter: Cutter::new(stream), headers: Headers { sets: ParameterSets::default(), last: None } }
    }
}

impl Headers {
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

    /// What a NAL unit is to the cut.
    fn mark(&mut self, nal: &[u8]) -> Mark {
        let Some(kind) = NalHeader::of(nal).map(|header| header.kind) else { return Mark::Other };
        if kind.begins_slice() {
            let (new, last) = self.look(nal);
            self.last = Some(last);
            return Mark::Slice { new };
        }
        if matches!(kind, NalType::SPS | NalType::PPS) {
            // A set that cannot be read leaves slices that cannot be compared; see `look`.
            let _ = self.sets.insert(nal);
        }
        if kind.begins_access_unit() { Mark::Head } else { Mark::Other }
    }
}

impl Iterator for AccessUnits {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        self.cutter.next(|nal| self.headers.mark(nal))
    }
}
