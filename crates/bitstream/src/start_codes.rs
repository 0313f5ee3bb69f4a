//! NAL units behind start codes (H.264 and H.265, annex B).

use std::sync::LazyLock;

use memchr::memmem::Finder;

/// The three bytes that every start code ends with.
pub(crate) const START_CODE: [u8; 3] = [0, 0, 1];

static FINDER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(&START_CODE));

/// The place of the next `00 00 01` at or after `from`.
pub(crate) fn find(bytes: &[u8], from: usize) -> Option<usize> {
    Some(from + FINDER.find(bytes.get(from..)?)?)
}

/// Whether the bytes begin with a start code, after any number of zero bytes.
pub fn begins_with_start_code(bytes: &[u8]) -> bool {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    zeros >= 2 && bytes.get(zeros) == Some(&1)
}

/// The NAL units of a byte stream, without start codes and without the zero bytes around them.
///
/// Bytes before the first start code are not a NAL unit. Empty units are left out.
///
/// ```
/// use kineframe_bitstream::StartCodeUnits;
///
/// let stream = [0, 0, 0, 1, 0x67, 1, 2, 0, 0, 0, 0, 1, 0x68, 3, 0, 0, 1, 0x65, 4, 0];
/// let units: Vec<&[u8]> = StartCodeUnits::new(&stream).collect();
/// assert_eq!(units, [&[0x67, 1, 2][..], &[0x68, 3], &[0x65, 4]]);
/// ```
#[derive(Debug, Clone)]
pub struct StartCodeUnits<'a> {
    bytes: &'a [u8],
    /// The first byte after the last start code found; `None` when there are no more.
    start: Option<usize>,
}

impl<'a> StartCodeUnits<'a> {
    /// The units of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        StartCodeUnits { bytes, start: find(bytes, 0).map(|at| at + 3) }
    }

    /// As the iterator, but as places in the bytes.
    pub(crate) fn next_range(&mut self) -> Option<std::ops::Range<usize>> {
        loop {
            let start = self.start?;
            let next = find(self.bytes, start);
            self.start = next.map(|at| at + 3);
            let end = next.unwrap_or(self.bytes.len());
            // A NAL unit never ends in a zero byte (§7.4.1): those are `trailing_zero_8bits` or the first byte of
            // a four-byte start code.
            let length = self.bytes.get(start..end)?.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            if length > 0 {
                return Some(start..start + length);
            }
        }
    }
}

impl<'a> Iterator for StartCodeUnits<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let range = self.next_range()?;
        self.bytes.get(range)
    }
}
