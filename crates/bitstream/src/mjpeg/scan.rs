//! Segments and images told apart.

use std::ops::Range;

use bytes::Bytes;

use super::error;
use crate::{Error, ErrorKind};

/// The next marker from `at` on, fill bytes and strays stepped over, and its segment, marker included.
pub(super) fn segment(packet: &[u8], at: usize) -> Result<(u8, Range<usize>), Error> {
    let truncated = || error("marker", at, ErrorKind::Truncated);
    let mut start = at;
    loop {
        let rest = packet.get(start..).unwrap_or_default();
        start += memchr::memchr(0xff, rest).ok_or_else(truncated)?;
        match packet.get(start + 1) {
            None => return Err(truncated()),
            // Stuffing, fill, and markers without a segment.
            Some(0x00 | 0xff | 0x01 | 0xd0..=0xd8) => start += 1,
            Some(0xd9) => return Err(error("EOI", start, ErrorKind::Truncated)),
            Some(marker) => {
                let length = packet.get(start + 2..).and_then(|rest| rest.first_chunk::<2>()).ok_or_else(truncated)?;
                let end = start + 2 + usize::from(u16::from_be_bytes(*length)).max(2);
                if end > packet.len() {
                    return Err(error("segment", start, ErrorKind::Truncated));
                }
                return Ok((*marker, start..end));
            }
        }
    }
}

/// Whether the scans of a progressive image build on each other: a coefficient is refined from the bit at which the scan
/// before ended, and the lowest of a component comes first. Of other images nothing is asked.
pub(super) fn build_on_each_other(image: &[u8]) -> bool {
    // Of each component, the lowest bit of each coefficient that has come.
    let mut components: Vec<(u8, [Option<u8>; 64])> = Vec::new();
    let (mut at, mut progressive) = (0, false);
    while let Ok((marker, range)) = segment(image, at) {
        at = range.end;
        match marker {
            0xc2 => progressive = true,
            0xda if progressive => {
                let body = image.get(range.start + 4..range.end).unwrap_or_default();
                if !scan_builds(body, &mut components) {
                    return false;
                }
            }
            // The header of another kind of frame, or its first scan.
            0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf | 0xda => return true,
            _ => {}
        }
    }
    true
}

/// Takes in the header of a scan; whether it goes on where its coefficients are.
fn scan_builds(header: &[u8], components: &mut Vec<(u8, [Option<u8>; 64])>) -> bool {
    let Some((&count, rest)) = header.split_first() else { return false };
    let (Some(selectors), Some(&[first, last, bits])) =
        (rest.get(..2 * usize::from(count)), rest.get(2 * usize::from(count)..).and_then(|rest| rest.first_chunk()))
    else {
        return false;
    };
    let (high, low, band) = (bits >> 4, bits & 15, usize::from(first)..usize::from(last) + 1);
    selectors.chunks(2).filter_map(|selector| selector.first()).all(|id| {
        let index = components.iter().position(|(known, _)| known == id).unwrap_or_else(|| {
            components.push((*id, [None; 64]));
            components.len() - 1
        });
        let Some((_, known)) = components.get_mut(index) else { return false };
        let begun = first == 0 || known.first().is_some_and(Option::is_some);
        let Some(band) = known.get_mut(band.clone()) else { return false };
        let goes_on = band.iter().all(|bit| bit.unwrap_or(0) == high);
        band.fill(Some(low));
        begun && goes_on
    })
}

/// The images of a byte stream, what lies between them left out. An image without an end reaches to the next one's
/// beginning.
#[derive(Debug, Clone)]
pub struct Images {
    stream: Bytes,
    at: usize,
}

impl Images {
    /// The images of `stream`.
    pub fn new(stream: Bytes) -> Self {
        Images { stream, at: 0 }
    }
}

impl Iterator for Images {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        let rest = self.stream.get(self.at..)?;
        let start = self.at + rest.windows(2).position(|pair| pair == [0xff, 0xd8])?;
        let end = end_of_image(&self.stream, start + 2);
        self.at = end;
        Some(self.stream.slice(start..end))
    }
}

/// Where the image ends whose first segment lies at `at`.
fn end_of_image(stream: &[u8], mut at: usize) -> usize {
    while let Some(found) = stream.get(at..).and_then(|rest| memchr::memchr(0xff, rest)) {
        let start = at + found;
        match stream.get(start + 1) {
            None => break,
            Some(0xd9) => return start + 2,
            Some(0xd8) => return start,
            Some(0x00 | 0xff | 0x01 | 0xd0..=0xd7) => at = start + 1,
            // A segment may hold images of its own; entropy-coded data has none, and its end is found by the next marker.
            Some(_) => match segment(stream, start) {
                Ok((_, range)) => at = range.end,
                Err(_) => break,
            },
        }
    }
    stream.len()
}
