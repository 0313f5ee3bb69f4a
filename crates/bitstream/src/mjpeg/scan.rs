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
