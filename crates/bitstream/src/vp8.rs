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
    /// A header that cannot be read.
    pub fn packet(&mut self, packet: &[u8]) -> Result<Vec<CodedFrame>, Error> {
        let Some(tag) = packet.first_chunk::<3>() else {
            return Err(error("frame_tag", 0, ErrorKind::Truncated));
        };
        let (key, shown) = (tag[0] & 1 == 0, tag[0] >> 4 & 1 == 1);
        let first_partition = (u32::from_le_bytes([tag[0], tag[1], tag[2], 0]) >> 5) as usize;
        let start = if key { 10 } else { 3 };
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
            if self.size != Some(size) {
                self.size = Some(size);
                self.generation += 1;
            }
        }
        let header = packet.get(start..).unwrap_or_default();
        if header.is_empty() || first_partition > header.len() {
            return Err(error("first_part_size", 0, ErrorKind::Truncated));
        }
        let header = header.get(..first_partition).unwrap_or_default();
        let (refreshes, state) = if key { (ALL, true) } else { updates(&mut BoolDecoder::new(header)) };
        let uses = if key { 0 } else { LAST | GOLDEN | ALTREF };
        Ok(vec![CodedFrame { shown, clean: key, size: self.size, uses, refreshes, state, shows: None }])
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

/// Which slots an inter frame takes, and whether it changes anything else that lasts (§9.3 to §9.11).
fn updates(bits: &mut BoolDecoder<'_>) -> (u8, bool) {
    let mut state = false;
    if bits.flag() {
        let (map, data) = (bits.flag(), bits.flag());
        state |= map || data;
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
    bits.literal(2);
    bits.literal(7);
    for _ in 0..5 {
        bits.optional_signed(4);
    }
    let (golden, altref) = (bits.flag(), bits.flag());
    // Copies of one slot into another last as well.
    let golden_copy = !golden && bits.literal(2) != 0;
    let altref_copy = !altref && bits.literal(2) != 0;
    bits.literal(2);
    let probabilities = bits.flag();
    let last = bits.flag();
    let mut refreshes = 0;
    for (taken, slot) in [(last, LAST), (golden || golden_copy, GOLDEN), (altref || altref_copy, ALTREF)] {
        refreshes |= if taken { slot } else { 0 };
    }
    (refreshes, state || probabilities)
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
