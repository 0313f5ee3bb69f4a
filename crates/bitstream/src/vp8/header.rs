//! The frame header (RFC 6386 §9 and §19.2).

use kineframe_codec::Size;

use super::bool_decoder::BoolDecoder;
use crate::{Error, ErrorKind};

/// The slots by name, as bits of [`CodedFrame::refreshes`](crate::frames::CodedFrame::refreshes).
pub(super) const LAST: u8 = 1;
pub(super) const GOLDEN: u8 = 2;
pub(super) const ALTREF: u8 = 4;
const ALL: u8 = 0xff;

const fn error(field: &'static str, byte: u64, kind: ErrorKind) -> Error {
    Error { unit: "VP8 frame header", field, bit: byte * 8, kind }
}

/// What a frame header says that matters without decoding the frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The size, where it is a key frame.
    pub key_frame_size: Option<Size>,
    /// `show_frame`.
    pub shown: bool,
    /// Slots that it takes, as bits of [`CodedFrame::refreshes`](crate::frames::CodedFrame::refreshes); copies of one
    /// slot into another are among them.
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
        Frame::parse(packet).map(|frame| frame.header)
    }
}

/// A frame whose header was read up to the odds of its coefficients.
#[derive(Debug)]
pub(super) struct Frame<'a> {
    pub(super) header: Header,
    /// `version`, of which 0 to 3 are defined (§9.1).
    pub(super) version: u8,
    pub(super) fields: Fields,
    /// The rest of the first partition.
    pub(super) bits: BoolDecoder<'a>,
    /// The sizes of all token partitions but the last, and the partitions.
    table: &'a [u8],
    tokens: &'a [u8],
}

/// What the first partition says that lasts for its frame alone.
#[derive(Debug, Default)]
pub(super) struct Fields {
    /// `color_space`: 0, since 1 is reserved (§9.2).
    pub(super) color_space: u8,
    /// Odds of the tree of segments, where there is a new map.
    pub(super) segments: Option<[u8; 3]>,
    /// How many token partitions there are: 1, 2, 4 or 8.
    pub(super) partitions: usize,
    /// What golden and altref frame are copied from: 0 to 2 (§9.7).
    pub(super) copies: [u8; 2],
    /// By slot: neither, the last frame, golden, altref.
    pub(super) sign_bias: [bool; 4],
    /// Odds last beyond this frame.
    pub(super) refresh_entropy: bool,
}

impl<'a> Frame<'a> {
    pub(super) fn parse(packet: &'a [u8]) -> Result<Self, Error> {
        let Some(tag) = packet.first_chunk::<3>() else {
            return Err(error("frame_tag", 0, ErrorKind::Truncated));
        };
        let (key, version, shown) = (tag[0] & 1 == 0, tag[0] >> 1 & 7, tag[0] >> 4 & 1 == 1);
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
        let mut bits = BoolDecoder::new(header);
        let (header, fields) = fields(&mut bits, key);
        // Each partition but the last has its size in front of them all.
        let Some((table, tokens)) = tokens.split_at_checked(3 * (fields.partitions - 1)) else {
            return Err(error("partition_sizes", (packet.len() - tokens.len()) as u64, ErrorKind::Truncated));
        };
        let header = Header { key_frame_size, shown, ..header };
        let frame = Frame { header, version, fields, bits, table, tokens };
        let mut rest = tokens.len();
        for size in frame.sizes() {
            let Some(left) = rest.checked_sub(size) else {
                return Err(error("partition_size", (packet.len() - rest) as u64, ErrorKind::Truncated));
            };
            rest = left;
        }
        Ok(frame)
    }

    fn sizes(&self) -> impl Iterator<Item = usize> {
        self.table.chunks_exact(3).map(|size| size.iter().rev().fold(0, |size, byte| size << 8 | usize::from(*byte)))
    }

    /// The token partitions, in order: as many as [`Fields::partitions`] says.
    pub(super) fn token_partitions(&self) -> impl Iterator<Item = &'a [u8]> {
        let mut rest = self.tokens;
        self.sizes().map(Some).chain([None]).map(move |size| {
            let (partition, behind) = rest.split_at_checked(size.unwrap_or(rest.len())).unwrap_or_default();
            rest = behind;
            partition
        })
    }
}

/// What the first partition says up to `refresh_last` (§9.2 to §9.11).
fn fields(bits: &mut BoolDecoder<'_>, key: bool) -> (Header, Fields) {
    let (mut state, mut keeps_segments) = (key, false);
    let mut fields = Fields::default();
    if key {
        fields.color_space = bits.literal(1);
        // clamping_type.
        bits.flag();
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
            fields.segments = Some([(); 3].map(|()| if bits.flag() { bits.literal(8) } else { 255 }));
        }
    }
    // filter_type, loop_filter_level and sharpness_level.
    bits.flag();
    bits.literal(6);
    bits.literal(3);
    if bits.flag() && bits.flag() {
        state = true;
        for _ in 0..8 {
            bits.optional_signed(6);
        }
    }
    fields.partitions = 1 << bits.literal(2);
    bits.literal(7);
    for _ in 0..5 {
        bits.optional_signed(4);
    }
    if key {
        fields.refresh_entropy = bits.flag();
        return (
            Header { key_frame_size: None, shown: false, refreshes: ALL, state, keeps_segments, swaps: false },
            fields,
        );
    }
    let (golden, altref) = (bits.flag(), bits.flag());
    // Copies of one slot into another last as well.
    let golden_copy = if golden { 0 } else { bits.literal(2) };
    let altref_copy = if altref { 0 } else { bits.literal(2) };
    fields.copies = [golden_copy, altref_copy];
    fields.sign_bias = [false, false, bits.flag(), bits.flag()];
    fields.refresh_entropy = bits.flag();
    state |= fields.refresh_entropy;
    let mut refreshes = if bits.flag() { LAST } else { 0 };
    for (taken, slot) in [(golden || golden_copy != 0, GOLDEN), (altref || altref_copy != 0, ALTREF)] {
        refreshes |= if taken { slot } else { 0 };
    }
    let swaps = golden_copy == 2 && altref_copy == 2;
    (Header { key_frame_size: None, shown: false, refreshes, state, keeps_segments, swaps }, fields)
}
