//! An elementary stream, cut into access units (H.265 §7.4.2.4.4).

use bytes::Bytes;

use super::NalHeader;
use super::slice::SegmentStart;
use crate::cut::{Cutter, Mark};

/// The access units of a byte stream with start codes, as slices of it.
///
/// ```
/// use bytes::Bytes;
/// use kineframe_bitstream::h265::AccessUnits;
///
/// // An IDR picture in two slice segments, an end of sequence, a delimiter and the next picture.
/// let stream = [
///     &[0, 0, 1, 0x26, 1, 0xa0][..], &[0, 0, 1, 0x26, 1, 0x20], &[0, 0, 1, 0x48, 1],
///     &[0, 0, 0, 1, 0x46, 1, 0x50], &[0, 0, 1, 0x02, 1, 0xd0],
/// ]
/// .concat();
/// let units: Vec<usize> = AccessUnits::new(Bytes::from(stream)).map(|unit| unit.len()).collect();
/// assert_eq!(units, [17, 13]);
/// ```
#[derive(Debug, Clone)]
pub struct AccessUnits {
    cutter: Cutter,
    sliced: bool,
}

impl AccessUnits {
    /// The access units of `stream`.
    pub fn new(stream: Bytes) -> Self {
        AccessUnits { cutter: Cutter::new(stream), sliced: false }
    }
}

impl Iterator for AccessUnits {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        let sliced = &mut self.sliced;
        self.cutter.next(|nal| {
            let Some(kind) = NalHeader::base_kind(nal) else { return Mark::Other };
            if kind.is_slice() {
                let first = SegmentStart::of(nal).is_ok_and(|start| start.first);
                return Mark::Slice { new: std::mem::replace(sliced, true) && first };
            }
            if kind.begins_access_unit() { Mark::Head } else { Mark::Other }
        })
    }
}
