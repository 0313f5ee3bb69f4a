//! Cutting a byte stream between access units, for codecs with NAL units.

use bytes::Bytes;

use crate::StartCodeUnits;

/// What a NAL unit is to the cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    /// A slice; `new` where it is of another picture than the one before.
    Slice { new: bool },
    /// Something that may only stand before the slices of its access unit.
    Head,
    /// Something that says nothing.
    Other,
}

/// Cuts a byte stream with start codes into slices of it, none of which is empty.
#[derive(Debug, Clone)]
pub(crate) struct Cutter {
    stream: Bytes,
    /// First byte of the unit that is next.
    start: usize,
    /// Where the search goes on.
    at: usize,
    /// A slice has been seen.
    sliced: bool,
}

impl Cutter {
    pub(crate) fn new(stream: Bytes) -> Self {
        Cutter { stream, start: 0, at: 0, sliced: false }
    }

    /// The next access unit. Each NAL unit is marked once, in order.
    pub(crate) fn next(&mut self, mut mark: impl FnMut(&[u8]) -> Mark) -> Option<Bytes> {
        let stream = self.stream.clone();
        // Where the next access unit begins if the next slice turns out to be of another picture.
        let mut candidate: Option<usize> = None;
        let base = self.at;
        let mut units = StartCodeUnits::new(stream.get(base..).unwrap_or_default());
        while let Some(range) = units.next_range() {
            let (from, nal) = (base + range.start, stream.get(base + range.start..base + range.end)?);
            // The start code, with the zero byte of its longer form.
            let code = if from >= 4 && stream.get(from - 4) == Some(&0) { from - 4 } else { from.saturating_sub(3) };
            match mark(nal) {
                Mark::Slice { new } => {
                    self.sliced = true;
                    if new {
                        let end = candidate.unwrap_or(code);
                        let unit = stream.slice(self.start..end);
                        (self.start, self.at) = (end, base + range.end);
                        return Some(unit);
                    }
                    candidate = None;
                }
                Mark::Head if self.sliced => {
                    candidate.get_or_insert(code);
                }
                Mark::Head | Mark::Other => {}
            }
        }
        let unit = stream.slice(self.start..);
        (self.start, self.at) = (stream.len(), stream.len());
        (!unit.is_empty()).then_some(unit)
    }
}
