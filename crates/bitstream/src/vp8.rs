//! VP8: the frame header (RFC 6386 §9 and §19.2).

use kineframe_codec::Size;

use crate::frames::CodedFrame;
use crate::{Error, ErrorKind};

/// The slots by name, as bits of [`CodedFrame::refreshes`].
const LAST: u8 = 1;
const GOLDEN: u8 = 2;
const ALTREF: u8 = 4;
const ALL: u8 = 0xff;

const fn error(field: &'static str, byte: u64, kind: ErrorKind) -> Error {
    Error { unit: "VP8 frame header", field, bit: byte * 8, kind }
}

/// Follows a track. By default nothing is known of it.
#[derive(Debug, Clone, Default)]
pub struct Stream {
    size: Option<Size>,
    generation: u64,
}

impl Stream {
    /// The frame of a packet.
    ///
    /// # Errors
    /// A header that cannot be read, or partitions that do not fit into the packet.
    pub fn packet(&mut self, packet: &[u8]) -> Result<Vec<CodedFrame>, Error> {
        let header = Header::parse(packet)?;
        let clean = header.key_frame_size.is_some();
        if clean && self.size != header.key_frame_size {
            self.size = header.key_frame_size;
            self.generation += 1;
        }
        let uses = if clean { 0 } else { LAST | GOLDEN | ALTREF };
        let Header { shown, refreshes, state, .. } = header;
        Ok(vec![CodedFrame { shown, clean, size: self.size, uses, refreshes, state, shows: None }])
    }

    /// The size of the last key frame.
    pub fn size(&self) -> Option<Size> {
        self.size
    }

    /// Goes up when a key frame has another size.
    pub fn generation(&self) -> u64 {
        self.generation
    }
}

/// What a frame header says that matters without decoding the frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The size, where it is a key frame.
    pub key_frame_size: Option<Size>,
    /// `show_frame`.
    pub shown: bool,
    /// Slots that it takes, as bits of [`CodedFrame::refreshes`]; copies of one slot into another are among them.
    pub refreshes: u8,
    /// It changes something else that lasts: probabilities, segments, deltas of the loop filter.
    pub state: bool,
    /// It has segments whose map or whose values are those of an earlier frame (§9.3).
    pub keeps_segments: bool,
    /// Golden and altref frame each take the place of the other (§9.7).
    pub swaps: bool,
}

impl Header {
    /// Reads the header of a frame, and holds the sizes of its partitions (§9.5) against the packet.
    ///
    /// # Errors
    /// A header that cannot be read, or partitions that do not fit: the packet is cut, or is no VP8.
    pub fn parse(packet: &[u8]) -> Result<Self, Error> {
        let Some(tag) = packet.first_chunk::<3>() else {
            return Err(error("frame_tag", 0, ErrorKind::Truncated));
        };
        let (key, shown) = (tag[0] & 1 == 0, tag[0] >> 4 & 1 == 1);
        let first_partition = (u32::from_le_bytes([tag[0], tag[1], tag[2], 0]) >> 5) as usize;
        let mut key_frame_size = None;
        if key {
            let Some([0x9d, 0x01, 0x2a, width_low, width_high, height_low, height_high]) = packet.get(3..10) else {
                return Err(error("start_code", 3, ErrorKind::Kind));
            };
            // The two highest bits say how to scale what is shown; decoders leave that to others.
            let side = |low, high| u32::from(u16::from_le_bytes([low, high]) & 0x3fff);
            let size = Size { width: side(*width_low, *width_high), height: side(*height_low, *height_high) };
            if size.width == 0 || size.height == 0 {
                return Err(error("width", 6, ErrorKind::Range { value: 0, min: 1, max: 0x3fff }));
            }
            key_frame_size = Some(size);
        }
        let header = packet.get(if key { 10 } else { 3 }..).unwrap_or_default();
        if header.is_empty() || first_partition > header.len() {
            return Err(error("first_part_size", 0, ErrorKind::Truncated));
        }
        let (header, tokens) = header.split_at(first_partition);
        let (fields, partitions) = Header::fields(&mut BoolDecoder::new(header), key);
        // Each partition but the last has its size in front of them all.
        let (sizes, mut rest) = (3 * (partitions - 1), tokens.len());
        let Some(table) = tokens.get(..sizes) else {
            return Err(error("partition_sizes", (packet.len() - tokens.len()) as u64, ErrorKind::Truncated));
        };
        rest -= sizes;
        for size in table.chunks_exact(3) {
            let size = size.iter().rev().fold(0, |size, byte| size << 8 | usize::from(*byte));
            let Some(left) = rest.checked_sub(size) else {
                return Err(error("partition_size", (packet.len() - rest) as u64, ErrorKind::Truncated));
            };
            rest = left;
        }
        Ok(Header { key_frame_size, shown, ..fields })
    }

    /// What the first partition says up to `refresh_last` (§9.3 to §9.11), and the number of partitions behind it.
    fn fields(bits: &mut BoolDecoder<'_>, key: bool) -> (Self, usize) {
        let (mut state, mut keeps_segments) = (key, false);
        if key {
            // color_space and clamping_type.
            bits.literal(2);
        }
        if bits.flag() {
            let (map, data) = (bits.flag(), bits.flag());
            state |= map || data;
            keeps_segments = !map || !data;
            if data {
                bits.flag();
                for length in [7, 7, 7, 7, 6, 6, 6, 6] {
                    bits.optional_signed(length);
                }
            }
            if map {
                for _ in 0..3 {
                    if bits.flag() {
                        bits.literal(8);
                    }
                }
            }
        }
        bits.literal(1 + 6 + 3);
        if bits.flag() && bits.flag() {
            state = true;
            for _ in 0..8 {
                bits.optional_signed(6);
            }
        }
        let partitions = 1 << bits.literal(2);
        bits.literal(7);
        for _ in 0..5 {
            bits.optional_signed(4);
        }
        let (mut refreshes, mut swaps) = (ALL, false);
        if !key {
            let (golden, altref) = (bits.flag(), bits.flag());
            // Copies of one slot into another last as well.
            let golden_copy = if golden { 0 } else { bits.literal(2) };
            let altref_copy = if altref { 0 } else { bits.literal(2) };
            swaps = golden_copy == 2 && altref_copy == 2;
            bits.literal(2);
            // refresh_entropy_probs.
            state |= bits.flag();
            let last = bits.flag();
            refreshes = 0;
            for (taken, slot) in
                [(last, LAST), (golden || golden_copy != 0, GOLDEN), (altref || altref_copy != 0, ALTREF)]
            {
                refreshes |= if taken { slot } else { 0 };
            }
        }
        (Header { key_frame_size: None, shown: false, refreshes, state, keeps_segments, swaps }, partitions)
    }
}

/// The boolean entropy decoder (§7.3), for the even odds that headers have. Behind the end it reads zeros.
struct BoolDecoder<'a> {
    bytes: &'a [u8],
    value: u32,
    range: u32,
    /// Shifts since the last byte was taken.
    shifts: u32,
}

impl<'a> BoolDecoder<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        let mut decoder = BoolDecoder { bytes, value: 0, range: 255, shifts: 0 };
        decoder.value = decoder.byte() << 8 | decoder.byte();
        decoder
    }

    fn byte(&mut self) -> u32 {
        match self.bytes.split_first() {
            Some((byte, rest)) => {
                self.bytes = rest;
                u32::from(*byte)
            }
            None => 0,
        }
    }

    fn flag(&mut self) -> bool {
        let split = 1 + (((self.range - 1) * 128) >> 8);
        let one = self.value >= split << 8;
        if one {
            self.range -= split;
            self.value -= split << 8;
        } else {
            self.range = split;
        }
        while self.range < 128 {
            self.value <<= 1;
            self.range <<= 1;
            self.shifts += 1;
            if self.shifts == 8 {
                self.shifts = 0;
                self.value |= self.byte();
            }
        }
        one
    }

    fn literal(&mut self, count: u32) -> u32 {
        (0..count).fold(0, |value, _| value << 1 | u32::from(self.flag()))
    }

    /// A value with a sign, where a flag says that it is there.
    fn optional_signed(&mut self, count: u32) {
        if self.flag() {
            self.literal(count + 1);
        }
    }
}

#[cfg(test)]
mod tests;
