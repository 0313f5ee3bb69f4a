//! Whether the data of a frame is what it may hold (VP9 Bitstream & Decoding Process Specification 0.6, §6, §9).
//!
//! A decoder of VP9 reads on whatever it is given: all sequences of bits mean something, and what is read behind the
//! end is zeros. So one that was cut or changed gives a wrong picture, and nobody knows. Here all symbols are read, with
//! the probabilities, contexts and motion vectors that they depend on, and none is decoded into samples. It sees: data
//! that is used up before the last block or left over behind it, in each tile and in the compressed header; marker and
//! reserved bits; sizes that do not fit; references of sizes and formats that cannot be predicted from; motion vectors
//! out of range.
//!
//! Nearly all damage ends in data that is used up or left over, since an arithmetic decoder that went astray does not
//! come to the end together with the data. What it does not see is what stays within all rules and says something else,
//! as quantisers and filter levels do: nobody can.

mod adapt;
mod block;
mod boolean;
mod modes;
mod motion;
mod probs;
mod references;
mod residual;
mod tables;
mod tile;

use kineframe_codec::{ChromaSampling, Size};

use super::header::{Feature, FrameKind, Head, Opening, Rest};
use super::{ColorConfig, Subsampling, frames};
use crate::{BitReader, Error, ErrorKind};
use adapt::Counts;
use block::Field;
use boolean::Bool;
use probs::Probs;
use tile::{Frame, Tile, Work, span};

const UNIT: &str = "VP9 frame";

/// Samples of a frame that is still read: what limits there are must be held before; this is what memory is bounded by
/// where there are none.
const MOST_SAMPLES: u64 = 1 << 28;

/// Reads the data of the frames of a track, in decoding order. Keeps its memory from one to the next.
#[derive(Debug, Clone, Default)]
pub struct DataCheck {
    /// Probabilities that were saved (`save_probs`), where they are known.
    saved: [Option<Box<Probs>>; 4],
    /// Of the slots: what a frame needs to know to be predicted from them.
    slots: [Option<Slot>; 8],
    format: Option<Format>,
    /// What segments say, where it is known.
    features: Option<[Feature; 8]>,
    /// The frame before, where it could be read.
    last: Option<Last>,
    /// The size of the frame before, by which maps are kept.
    size: Option<Size>,
    /// The map of segments is what the stream meant.
    segments: bool,
    /// Blocks of the frame before.
    before: Field,
    work: Work,
}

/// What a slot holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Slot {
    size: Size,
    format: Format,
}

/// Depth and subsampling: a frame and those that it is predicted from have the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Format {
    depth: u8,
    subsampling: (u8, u8),
}

impl Format {
    fn of(color: &ColorConfig) -> Self {
        let subsampling = match color.subsampling {
            Subsampling::Usual(ChromaSampling::Yuv422) => (1, 0),
            Subsampling::Usual(ChromaSampling::Yuv444) => (0, 0),
            Subsampling::Usual(_) => (1, 1),
            Subsampling::Yuv440 => (0, 1),
        };
        Format { depth: color.depth, subsampling }
    }
}

#[derive(Debug, Clone, Copy)]
struct Last {
    size: Size,
    shown: bool,
    key: bool,
}

/// How much of what is kept from frame to frame damage may have changed.
enum Damage {
    /// The headers cannot be relied on.
    All(Error),
    /// The headers are sound.
    Tiles(Error),
}

impl DataCheck {
    /// Reads the frames of a packet. Limits on their sizes must have been held before: memory goes by them, about 60
    /// bytes for each 8×8 samples at most.
    ///
    /// # Errors
    /// The first rule that is broken, or [`ErrorKind::Lost`] where a frame builds on what such a one, or one that is
    /// missing, would have left. After an error it goes on with the next packet.
    pub fn check(&mut self, packet: &[u8]) -> Result<(), Error> {
        let (frames, whole) = frames(packet);
        let mut outcome = Ok(());
        for frame in frames {
            outcome = outcome.and(self.frame(frame));
        }
        if !whole {
            // Any of the frames may be another one, and some may be missing.
            self.lose();
            let bit = 8 * packet.len() as u64;
            return Err(Error { unit: UNIT, field: "superframe_index", bit, kind: ErrorKind::Trailing });
        }
        outcome
    }

    /// Nothing is known of what frames leave to others but slots.
    pub(super) fn lose(&mut self) {
        self.saved = Default::default();
        self.features = None;
        (self.last, self.segments) = (None, false);
    }

    fn frame(&mut self, frame: &[u8]) -> Result<(), Error> {
        let mut bits = BitReader::plain(UNIT, frame);
        let sizes = self.slots.map(|slot| slot.map(|slot| slot.size));
        let outcome = match Opening::read(&mut bits, &sizes) {
            // What is shown was checked when it came.
            Ok(Opening::Shows(_)) => return Ok(()),
            Ok(Opening::Frame(head)) => self.headed(&head, frame, &mut bits),
            Err(error) => Err(Damage::All(error)),
        };
        outcome.map_err(|damage| match damage {
            Damage::All(error) => {
                self.lose();
                error
            }
            Damage::Tiles(error) => error,
        })
    }

    /// A frame whose sizes have been read.
    fn headed(&mut self, head: &Head, frame: &[u8], bits: &mut BitReader<'_>) -> Result<(), Damage> {
        let all = Damage::All;
        let rest = Rest::read(bits, head).map_err(all)?;
        let samples = u64::from(head.size.width) * u64::from(head.size.height);
        bits.within("frame_size", samples as i64, 1, MOST_SAMPLES as i64).map_err(all)?; // Less than 2^33.
        let start = usize::try_from(bits.position() / 8).unwrap_or(usize::MAX);
        let end = start.saturating_add(rest.compressed);
        let (Some(header), Some(tiles)) = (frame.get(start..end), frame.get(end..)) else {
            return Err(all(bits.error("header_size_in_bytes", ErrorKind::Truncated)));
        };
        if let Some(color) = &head.color {
            self.format = Some(Format::of(color));
        }
        let format = self.format.ok_or_else(|| all(bits.error("color_config", ErrorKind::Lost)))?;
        let usable = self.references(head, format, bits).map_err(all)?;
        // What follows changes what is kept, as the header says.
        let last = self.last.take();
        let (rows, columns) = (head.size.height.div_ceil(8), head.size.width.div_ceil(8));
        if self.size.replace(head.size) != Some(head.size) {
            // §7.2.6.
            self.work.segments.reset(rows, columns);
            self.segments = true;
        }
        let context = self.forget(head, &rest, (rows, columns));
        if let Some(features) = rest.segments.features {
            self.features = Some(features);
        }
        for (number, slot) in self.slots.iter_mut().enumerate() {
            if head.refreshes >> number & 1 == 1 {
                *slot = Some(Slot { size: head.size, format });
            }
        }
        let lost = |field| Damage::Tiles(bits.error(field, ErrorKind::Lost));
        let segments = &rest.segments;
        let intra = head.kind != FrameKind::Inter;
        // Where the frame cannot be read, neither can what it leaves be known.
        let map_was_known = self.segments;
        self.segments &= !segments.enabled;
        let Some(before) = self.saved.get(context).cloned().flatten() else {
            return Err(lost("frame_context_idx"));
        };
        let mut probs = before.clone();
        let mut decoder = Bool::new(header, start).map_err(all)?;
        let modes = probs.read(&mut decoder, head, &rest).map_err(all)?;
        if rest.refresh_context
            && let Some(saved) = self.saved.get_mut(context)
        {
            // What adapts to the tiles is not known before they are.
            *saved = rest.parallel.then(|| probs.clone());
        }
        let features = match self.features {
            Some(features) => features,
            None if !segments.enabled => Default::default(),
            None => return Err(lost("segmentation_update_data")),
        };
        let uses_map = segments.enabled && (!segments.update_map || segments.temporal);
        if uses_map && !map_was_known {
            return Err(lost("segmentation_update_map"));
        }
        // §7.2.6: motion vectors of the frame before are used where it was of the same size, shown, and had any.
        let same = last.map(|last| last.size == head.size && last.shown && !last.key);
        let uses_motion = match same {
            _ if intra || head.resilient => false,
            None => return Err(lost("UsePrevFrameMvs")),
            Some(same) => same,
        };
        self.work.counts = Counts::default();
        self.work.field.begin(rows, columns);
        let facts = Frame {
            head,
            rest: &rest,
            modes,
            probs: &probs,
            features,
            intra,
            rows,
            columns,
            depth: format.depth,
            subsampling: format.subsampling,
            usable,
            before: uses_motion.then_some(&self.before),
        };
        tiles_of(&facts, &mut self.work, tiles, end).map_err(Damage::Tiles)?;
        if rest.refresh_context && !rest.parallel {
            // §8.4.2: more weight right behind a key frame.
            let after_key = !intra && last.is_some_and(|last| last.key);
            probs.adapt_coefs(&before, &self.work.counts, if after_key { 128 } else { 112 });
            if !intra {
                probs.adapt_modes(&before, &self.work.counts, modes.tx, rest.switchable, rest.high_precision);
            }
            if let Some(saved) = self.saved.get_mut(context) {
                *saved = Some(probs);
            }
        }
        if segments.enabled {
            self.work.segments.advance();
            self.segments = true;
        }
        std::mem::swap(&mut self.before, &mut self.work.field);
        self.last = Some(Last { size: head.size, shown: head.shown, key: head.kind == FrameKind::Key });
        Ok(())
    }

    /// Which references have a size that the frame can be predicted from (§7.2.5).
    fn references(&self, head: &Head, format: Format, bits: &BitReader<'_>) -> Result<[bool; 3], Error> {
        let mut usable = [false; 3];
        if head.kind != FrameKind::Inter {
            return Ok(usable);
        }
        for (usable, slot) in usable.iter_mut().zip(head.slots) {
            let Some(held) = self.slots.get(usize::from(slot)).copied().flatten() else { continue };
            if held.format != format {
                return Err(bits.error("ref_frame_idx", ErrorKind::Kind));
            }
            let fits = |now: u32, held: u32| 2 * now >= held && now <= 16 * held;
            *usable = fits(head.size.width, held.size.width) && fits(head.size.height, held.size.height);
        }
        if usable == [false; 3] {
            return Err(bits.error("ref_frame_idx", ErrorKind::Unavailable));
        }
        Ok(usable)
    }

    /// `setup_past_independence()` where the frame has it, and which of the saved probabilities it is read with.
    fn forget(&mut self, head: &Head, rest: &Rest, (rows, columns): (u32, u32)) -> usize {
        if !head.is_independent() {
            return rest.context.into();
        }
        self.features = Some(Default::default());
        self.work.segments.reset(rows, columns);
        self.segments = true;
        let all = head.kind == FrameKind::Key || head.resilient || head.reset == 3;
        for (number, saved) in self.saved.iter_mut().enumerate() {
            if all || head.reset == 2 && number == usize::from(rest.context) {
                *saved = Some(Box::default());
            }
        }
        0
    }
}

/// `decode_tiles()`: `data` begins so many bytes into the frame.
fn tiles_of(frame: &Frame<'_>, work: &mut Work, mut data: &[u8], mut at: usize) -> Result<(), Error> {
    work.above.reset(frame.columns);
    let (tile_rows, tile_columns) = (1 << frame.rest.tile_rows_log2, 1 << frame.rest.tile_cols_log2);
    for row in 0..tile_rows {
        for column in 0..tile_columns {
            let tile = if (row, column) == (tile_rows - 1, tile_columns - 1) {
                data
            } else {
                let error = || Error { unit: UNIT, field: "tile_size", bit: 8 * at as u64, kind: ErrorKind::Truncated };
                let (size, rest) = data.split_first_chunk::<4>().ok_or_else(error)?;
                let size = u32::from_be_bytes(*size) as usize;
                let (tile, rest) = rest.split_at_checked(size).ok_or_else(error)?;
                (data, at) = (rest, at + 4);
                tile
            };
            let bits = Bool::new(tile, at)?;
            at += tile.len();
            let columns = span(column, frame.columns, frame.rest.tile_cols_log2);
            let tile = Tile { bits, frame, work: &mut *work, columns };
            tile.read(span(row, frame.rows, frame.rest.tile_rows_log2))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
