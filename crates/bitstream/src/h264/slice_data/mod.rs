//! Whether the macroblocks of a picture are what its slices may hold (H.264 §7.3.4, §7.3.5, §9.2, §9.3).
//!
//! A decoder meets damage in slice data as a symbol that is not allowed there, or as a slice that ends in another
//! place than its last macroblock. Many look at neither: what they then show is wrong, and nobody knows. Here all
//! symbols are read and none is decoded into samples, so the check costs a part of what decoding does. It sees:
//! types and modes that do not exist, intra prediction from samples that are not there, reference indices beyond
//! their list, coefficients and quantiser steps out of range, codes that mean nothing, macroblocks that are missing
//! or too many, and data that is left over or used up before the last one.
//!
//! What it does not see is data that stays within all rules and says something else: nobody can.

pub(crate) mod cabac;
mod cabac_syntax;
mod cabac_tables;
mod cavlc_syntax;
mod cavlc_tables;
mod intra;
mod macroblock;
mod state;
mod types;

use kineframe_codec::ChromaSampling;
use memchr::memmem;

use super::{PictureStructure, Pps, SliceHeader, SliceTail, SliceType, Sps};
use crate::{Error, ErrorKind};
use cabac::Arithmetic;
use cabac_syntax::Cabac;
use cavlc_syntax::Cavlc;
use macroblock::{Entropy, macroblock};
use state::{Kind, Mb, Near, Slice};

/// Macroblocks of a slice that break a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("macroblock {macroblock}: {error}")]
pub struct SliceDataError {
    /// Where it was noticed, at or after the damage.
    pub macroblock: u32,
    /// What is wrong. Bits count from the header on, without emulation prevention bytes.
    pub error: Error,
}

/// Reads the macroblocks of slices. Keeps its memory from one to the next.
#[derive(Debug, Clone, Default)]
pub struct SliceData {
    /// A line of macroblocks and two: as far back as neighbours lie.
    macroblocks: Vec<Mb>,
    rbsp: Vec<u8>,
    /// Slices so far.
    slices: u64,
}

impl SliceData {
    /// Whether slices of such a picture can be read: not those of macroblock pairs (MBAFF), of 4:4:4, of slice
    /// groups, or for switching between streams.
    pub fn reads(sps: &Sps, pps: &Pps, header: &SliceHeader) -> bool {
        let pairs = sps.mbaff && header.structure == PictureStructure::Frame;
        let plain = matches!(header.slice_type, SliceType::I | SliceType::P | SliceType::B);
        plain && !pairs && sps.chroma != ChromaSampling::Yuv444 && pps.slice_groups == 1
    }

    /// Reads a slice, a NAL unit without framing. Its last macroblock must be the one before `end`, or the
    /// picture's last where `end` is `None`. Slices of a picture come in order; one that cannot be read
    /// ([`reads`](Self::reads)) counts as sound.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn check(
        &mut self,
        nal: &[u8],
        sets: (&Sps, &Pps),
        (header, tail): (&SliceHeader, &SliceTail),
        end: Option<u32>,
    ) -> Result<(), SliceDataError> {
        let (sps, pps) = sets;
        if !Self::reads(sps, pps, header) {
            return Ok(());
        }
        let lines = if header.structure == PictureStructure::Frame { sps.height_in_mbs } else { sps.height_in_mbs / 2 };
        // Both are at most 2^15.
        let total = sps.width_in_mbs.saturating_mul(lines);
        let end = end.unwrap_or(total).min(total);
        self.macroblocks.resize(sps.width_in_mbs as usize + 2, Mb::default());
        self.slices += 1;
        let start = self.unescape(nal, tail.data_bit);
        let chroma_blocks = match sps.chroma {
            ChromaSampling::Yuv420 => 4,
            ChromaSampling::Yuv422 => 8,
            _ => 0,
        };
        let slice = Slice {
            kind: header.slice_type,
            field: header.structure != PictureStructure::Frame,
            active: tail.active,
            chroma_blocks,
            transform_8x8: pps.transform_8x8,
            direct_8x8_inference: sps.direct_8x8_inference,
            constrained_intra: pps.constrained_intra,
            // §7.4.5: QpBdOffsetY is 6 for each bit beyond 8.
            qp_delta_max: 25 + 3 * (i32::from(sps.bit_depth_luma) - 8),
            // §7.4.5.3.2, of the deeper of both.
            level_max: 1 << (7 + u32::from(sps.bit_depth_luma.max(sps.bit_depth_chroma))),
            pcm_bits: 256 * u64::from(sps.bit_depth_luma) + 32 * chroma_blocks as u64 * u64::from(sps.bit_depth_chroma),
        };
        let mut rows = Rows {
            macroblocks: &mut self.macroblocks,
            width: sps.width_in_mbs,
            number: self.slices,
            at: header.first_mb,
            end,
        };
        let read = if pps.cabac {
            cabac(&mut rows, &self.rbsp, start, &slice, tail)
        } else {
            cavlc(&mut rows, &self.rbsp, start, &slice)
        };
        read.map_err(|error| SliceDataError { macroblock: rows.at, error })
    }

    /// Takes the emulation prevention bytes out, and gives the place of a bit without them.
    fn unescape(&mut self, nal: &[u8], bit: u64) -> u64 {
        self.rbsp.clear();
        let (mut from, mut before) = (0, 0);
        for place in memmem::find_iter(nal, &[0, 0, 3]) {
            self.rbsp.extend_from_slice(nal.get(from..place + 2).unwrap_or_default());
            from = place + 3;
            before += u64::from((place as u64 + 2) * 8 < bit);
        }
        self.rbsp.extend_from_slice(nal.get(from..).unwrap_or_default());
        bit.saturating_sub(8 * before)
    }
}

/// How far a slice has come in its picture.
struct Rows<'m> {
    /// The last macroblocks, each in the place that its number has in a ring.
    macroblocks: &'m mut [Mb],
    width: u32,
    /// The slice's own number.
    number: u64,
    /// The next macroblock.
    at: u32,
    /// The one after the slice's last.
    end: u32,
}

impl Rows<'_> {
    /// What lies around the next macroblock.
    fn near(&self) -> Near<'_> {
        let (at, width) = (self.at as usize, self.width.max(1) as usize);
        let column = at % width;
        let behind = |distance: usize| {
            let mb = at.checked_sub(distance).and_then(|at| self.macroblocks.get(at % self.macroblocks.len().max(1)));
            // What another slice left in its place is not a neighbour.
            mb.filter(|mb| mb.slice == self.number)
        };
        Near {
            left: if column > 0 { behind(1) } else { None },
            above: behind(width),
            above_left: if column > 0 { behind(width + 1) } else { None },
        }
    }

    fn put(&mut self, mb: Mb) {
        let length = self.macroblocks.len().max(1);
        if let Some(slot) = self.macroblocks.get_mut(self.at as usize % length) {
            *slot = mb;
        }
        self.at += 1;
    }

    /// An error where the slice must end and goes on, or ends and must go on.
    fn reached(&self, bits: &impl Entropy, ends: bool) -> Result<(), Error> {
        match (ends, self.at < self.end) {
            (true, true) => Err(bits.error("end_of_slice", ErrorKind::Truncated)),
            (false, false) => Err(bits.error("end_of_slice", ErrorKind::Trailing)),
            _ => Ok(()),
        }
    }
}

/// The bit after the last one that is 1: what `rbsp_trailing_bits()` begins with.
fn stop(rbsp: &[u8]) -> u64 {
    let last = rbsp.iter().rposition(|byte| *byte != 0);
    last.map_or(0, |last| last as u64 * 8 + 8 - u64::from(rbsp.get(last).map_or(0, |byte| byte.trailing_zeros())))
}

/// Whether CABAC data may end before this bit: the last bit that was read is the stop bit (§9.3.1.2), and zeros are
/// left in its byte. The byte's last bit may be set all the same: x264 does that in some slices.
fn ends_at(rbsp: &[u8], position: u64, stop: u64) -> bool {
    let last = position.saturating_sub(1);
    let byte = usize::try_from(last / 8).ok().and_then(|index| rbsp.get(index)).copied().unwrap_or(0);
    let rest = byte << (last % 8);
    let left = 7 - last % 8;
    stop.div_ceil(8) == position.div_ceil(8) && (rest == 0x80 || left > 0 && rest == 0x80 | 1 << (last % 8))
}

/// `slice_data()` in CABAC.
fn cabac(rows: &mut Rows<'_>, rbsp: &[u8], start: u64, slice: &Slice, tail: &SliceTail) -> Result<(), Error> {
    let model = if slice.kind.is_intra() { 0 } else { usize::from(tail.cabac_init_idc) + 1 };
    let first = usize::try_from(start.div_ceil(8)).unwrap_or(usize::MAX);
    let stop = stop(rbsp);
    let bits = &mut Cabac::new(Arithmetic::new(rbsp, first, model, tail.qp));
    loop {
        rows.reached(bits, false)?;
        let mb = {
            let near = rows.near();
            if !slice.kind.is_intra() && bits.skips(slice, &near) {
                Mb::new(rows.number, Kind::Skipped)
            } else {
                macroblock(bits, slice, &near, rows.number)?
            }
        };
        rows.put(mb);
        let ends = bits.ends();
        if bits.position() > stop {
            return Err(bits.error("slice_data", ErrorKind::Truncated));
        }
        if ends {
            rows.reached(bits, true)?;
            return if ends_at(rbsp, bits.position(), stop) {
                Ok(())
            } else {
                Err(bits.error("slice_data", ErrorKind::Trailing))
            };
        }
    }
}

/// `slice_data()` in CAVLC.
fn cavlc(rows: &mut Rows<'_>, rbsp: &[u8], start: u64, slice: &Slice) -> Result<(), Error> {
    let stop = stop(rbsp).saturating_sub(1);
    let bits = &mut Cavlc::new(rbsp, start);
    loop {
        if !slice.kind.is_intra() {
            let run = bits.ue("mb_skip_run")?;
            bits.within("mb_skip_run", run.into(), 0, i64::from(rows.end.saturating_sub(rows.at)))?;
            for _ in 0..run {
                rows.put(Mb::new(rows.number, Kind::Skipped));
            }
            if run > 0 && bits.position() >= stop {
                break;
            }
        }
        rows.reached(bits, false)?;
        let mb = macroblock(bits, slice, &rows.near(), rows.number)?;
        rows.put(mb);
        if bits.position() >= stop {
            break;
        }
    }
    rows.reached(bits, true)?;
    if bits.position() == stop { Ok(()) } else { Err(bits.error("slice_data", ErrorKind::Truncated)) }
}
