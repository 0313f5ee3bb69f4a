//! Whether the partitions of a frame are what an encoder makes (RFC 6386 §7 to §20).
//!
//! A boolean decoder makes something of any bytes, so a decoder of VP8 hardly ever notices damage: it shows other
//! pictures, and nobody knows. Here all symbols are read and none is decoded into samples. What was damaged reads on as
//! something else of another length, and that shows at the end of its partition:
//!
//! - It needs bits behind the end. libvpx, too, calls a frame corrupted that does.
//! - Something is left. An encoder knows an interval in the end, of which any number is a code. The one of §7.3, libvpx
//!   and libwebp all write the lower bound with every bit that it has and zeros behind: nothing is left but zeros. So it
//!   is with every stream that was tried. A stream whose first key frame ends in another way is of another encoder, and
//!   a few bytes may be left until a key frame ends as those do.
//!
//! Besides: values that mean nothing. What it does not see is damage that leaves all symbols as many bits as there are,
//! in headers above all; nobody can.

use kineframe_codec::Size;

use super::bool_decoder::BoolDecoder;
use super::header;
use super::modes::{self, BlockModes, Frame, Inter, Macroblock};
use super::motion::{Around, Bounds, Motion, Odds};
use super::tokens::{Coefficients, Context, Tokens};
use super::{coefficient_tables, tables};
use crate::{Error, ErrorKind};

/// Most bytes that an encoder which picks another number of its interval may leave: a register of 32 bits, and the byte
/// that it begins in.
const LEFT: usize = 5;

/// A partition that breaks a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("macroblock {macroblock}: {error}")]
pub struct DataError {
    /// Where it was noticed, at or after the damage: in rows from the top.
    pub macroblock: u32,
    /// What is wrong. Bits count from the partition's first byte.
    pub error: Error,
}

/// Reads the partitions of a track's frames. Keeps its memory, and what lasts from one to the next.
#[derive(Debug, Clone, Default)]
pub struct DataCheck {
    /// The last key frame and all since were read: what lasts is known.
    known: bool,
    /// The encoder writes lower bounds.
    low: bool,
    /// Columns and rows of macroblocks: at most 1024 each.
    size: (usize, usize),
    version: u8,
    lasting: Lasting,
    tokens: Tokens,
    macroblocks: Vec<Macroblock>,
    motion: Vec<Motion>,
    block_modes: Vec<BlockModes>,
    contexts: Vec<Context>,
}

/// Odds that last until a frame changes them (§9.9 to §9.11).
#[derive(Debug, Clone)]
struct Lasting {
    coefficients: Coefficients,
    luma: [u8; 4],
    chroma: [u8; 3],
    motion: [[u8; 19]; 2],
}

impl Default for Lasting {
    fn default() -> Self {
        Lasting {
            coefficients: coefficient_tables::DEFAULT,
            luma: tables::LUMA,
            chroma: tables::CHROMA,
            motion: tables::MOTION,
        }
    }
}

impl DataCheck {
    /// A frame was not seen, or its header could not be read: nothing is known until the next key frame.
    pub fn lose(&mut self) {
        self.known = false;
    }

    /// Reads a packet.
    ///
    /// # Errors
    /// The first rule that is broken; and each frame after one with a damaged first partition, until a key frame comes.
    pub fn check(&mut self, packet: &[u8]) -> Result<(), DataError> {
        let known = std::mem::take(&mut self.known);
        let at_header = |error| DataError { macroblock: 0, error };
        let frame = header::Frame::parse(packet).map_err(at_header)?;
        let key = frame.header.key_frame_size;
        let range = |field, value: u8, min: u8, max: u8| {
            let kind = ErrorKind::Range { value: value.into(), min: min.into(), max: max.into() };
            Err(at_header(Error { unit: "VP8 frame header", field, bit: 0, kind }))
        };
        if let Some(size) = key {
            self.begin(size, frame.version);
        } else if !known {
            return Err(at_header(Error { unit: "VP8 frame", field: "odds", bit: 0, kind: ErrorKind::Lost }));
        } else if frame.version != self.version {
            return range("version", frame.version, self.version, self.version);
        }
        if frame.version > 3 {
            return range("version", frame.version, 0, 3);
        }
        if frame.fields.color_space > 0 {
            return range("color_space", frame.fields.color_space, 0, 0);
        }
        if let Some(copy) = frame.fields.copies.into_iter().find(|copy| *copy > 2) {
            return range("copy_buffer", copy, 0, 2);
        }
        let low = self.first_partition(&frame)?;
        // All that lasts is in there.
        self.known = true;
        let low = self.token_partitions(&frame)? && low;
        self.low |= key.is_some() && low;
        Ok(())
    }

    /// A key frame: nothing lasts over it (§9.7 to §9.11).
    fn begin(&mut self, size: Size, version: u8) {
        let blocks = |side: u32| side.div_ceil(16) as usize;
        self.size = (blocks(size.width), blocks(size.height));
        self.version = version;
        self.lasting = Lasting::default();
    }

    /// The rest of the header and the modes of all macroblocks; whether it ends in a lower bound.
    fn first_partition(&mut self, frame: &header::Frame<'_>) -> Result<bool, DataError> {
        let mut bits = frame.bits.clone();
        let saved = (!frame.fields.refresh_entropy).then(|| self.lasting.clone());
        let modes = self.lasting.update(&mut bits, frame);
        self.tokens.set(&self.lasting.coefficients);
        if let Some(saved) = saved {
            self.lasting = saved;
        }
        let (columns, rows) = self.size;
        self.macroblocks.clear();
        // The rows of macroblocks above the first one.
        self.motion.clear();
        self.motion.resize(columns, Motion::default());
        self.block_modes.clear();
        self.block_modes.resize(columns, BlockModes::default());
        let unit = "VP8 first partition";
        for row in 0..rows {
            let (mut left, mut above_left, mut left_modes) =
                (Motion::default(), Motion::default(), BlockModes::default());
            for (column, (above, above_modes)) in self.motion.iter_mut().zip(&mut self.block_modes).enumerate() {
                let skipped = modes.skipped(&mut bits);
                let has_y2 = match &modes.inter {
                    None => modes::key(&mut bits, above_modes, &mut left_modes),
                    Some(inter) => {
                        let next = *above;
                        let around = Around { above, left: &mut left, above_left };
                        let has_y2 = inter.macroblock(&mut bits, around, &Bounds::new(row, rows, column, columns));
                        above_left = next;
                        has_y2
                    }
                };
                if bits.overrun() {
                    return Err(damage(self.macroblocks.len(), unit, "macroblock_header", &bits, ErrorKind::Truncated));
                }
                self.macroblocks.push(Macroblock { skipped, has_y2 });
            }
        }
        self.end(&bits, self.macroblocks.len(), unit)
    }

    /// The coefficients of all macroblocks; whether every partition ends in a lower bound.
    fn token_partitions(&mut self, frame: &header::Frame<'_>) -> Result<bool, DataError> {
        let (columns, rows) = self.size;
        self.contexts.clear();
        self.contexts.resize(columns, Context::default());
        let names = [
            "VP8 token partition 1",
            "VP8 token partition 2",
            "VP8 token partition 3",
            "VP8 token partition 4",
            "VP8 token partition 5",
            "VP8 token partition 6",
            "VP8 token partition 7",
            "VP8 token partition 8",
        ];
        let mut partitions = [const { None }; 8];
        for (slot, (partition, name)) in partitions.iter_mut().zip(frame.token_partitions().zip(names)) {
            *slot = Some((BoolDecoder::new(partition), name));
        }
        let mut turns = (0..frame.fields.partitions).cycle();
        let lines = self.macroblocks.chunks(columns.max(1));
        for (row, macroblocks) in lines.enumerate() {
            // Rows take turns (§9.5).
            let turn = turns.next().and_then(|turn| partitions.get_mut(turn)).and_then(Option::as_mut);
            let Some((bits, unit)) = turn else { continue };
            let mut left = Context::default();
            for (column, (macroblock, above)) in macroblocks.iter().zip(&mut self.contexts).enumerate() {
                if macroblock.skipped {
                    above.skip(macroblock.has_y2);
                    left.skip(macroblock.has_y2);
                    continue;
                }
                let read = self.tokens.macroblock(bits, above, &mut left, macroblock.has_y2);
                let kind = match read {
                    _ if bits.overrun() => ErrorKind::Truncated,
                    Err(large) => ErrorKind::Range { value: large.0.into(), min: 67, max: 2048 },
                    Ok(()) => continue,
                };
                return Err(damage(row * columns + column, unit, "residual_data", bits, kind));
            }
        }
        let mut low = true;
        for (bits, unit) in partitions.iter().flatten() {
            low &= self.end(bits, columns * rows, unit)?;
        }
        Ok(low)
    }

    /// Holds what is left of a partition against what encoders leave; whether it ends in a lower bound.
    fn end(&self, bits: &BoolDecoder<'_>, macroblock: usize, unit: &'static str) -> Result<bool, DataError> {
        let low = bits.ends_low();
        if !low && (self.low || bits.left() > LEFT) {
            return Err(damage(macroblock, unit, "padding", bits, ErrorKind::Trailing));
        }
        Ok(low)
    }
}

impl Lasting {
    /// Reads the header from the odds of coefficients on (§9.9 to §9.11, §19.2).
    fn update(&mut self, bits: &mut BoolDecoder<'_>, frame: &header::Frame<'_>) -> Frame {
        let bands = self.coefficients.iter_mut().zip(&coefficient_tables::UPDATE);
        let bands = bands.flat_map(|(odds, updates)| odds.iter_mut().zip(updates));
        for (odds, updates) in bands.flat_map(|(odds, updates)| odds.iter_mut().zip(updates)) {
            for (odds, update) in odds.iter_mut().zip(updates) {
                if bits.read(*update) {
                    *odds = bits.literal(8);
                }
            }
        }
        let skip = bits.flag().then(|| bits.literal(8));
        let segments = frame.fields.segments;
        if frame.header.key_frame_size.is_some() {
            return Frame { segments, skip, inter: None };
        }
        let intra = bits.literal(8);
        let references = [bits.literal(8), bits.literal(8)];
        if bits.flag() {
            self.luma = [(); 4].map(|()| bits.literal(8));
        }
        if bits.flag() {
            self.chroma = [(); 3].map(|()| bits.literal(8));
        }
        let motion = self.motion.as_flattened_mut().iter_mut();
        for (odds, update) in motion.zip(tables::MOTION_UPDATE.as_flattened()) {
            if bits.read(*update) {
                // Seven bits; there are no odds of nothing (§17.2).
                *odds = (bits.literal(7) << 1).max(1);
            }
        }
        let motion = Odds { references, sign_bias: frame.fields.sign_bias, vectors: self.motion };
        let inter = Some(Inter { intra, luma: self.luma, chroma: self.chroma, motion });
        Frame { segments, skip, inter }
    }
}

fn damage(
    macroblock: usize,
    unit: &'static str,
    field: &'static str,
    bits: &BoolDecoder<'_>,
    kind: ErrorKind,
) -> DataError {
    let macroblock = u32::try_from(macroblock).unwrap_or(u32::MAX);
    DataError { macroblock, error: Error { unit, field, bit: bits.position(), kind } }
}
