//! Slice segment data (H.265 §7.3.8), read to the end without decoding a sample: decoders pass over most damage in
//! silence, and here it shows.
//!
//! What is read are the bins of CABAC and what decides which comes next. Damage makes the reader lose step, and then the
//! data does not end where the slice does. Pictures with PCM blocks, 4:2:2 chroma, planes that are coded separately,
//! extended precision, aligned bypass bins or screen content coding are not read.

mod layout;
mod quadtree;
mod residual;
mod tables;
mod unit;

use kineframe_codec::ChromaSampling;

use self::layout::Layout;
use super::slice::{Segment, SegmentStart};
use super::slice_tail::{SliceTail, data_start};
use super::{Pps, SliceType, Sps};
use crate::h264::slice_data::cabac::{Arithmetic, Contexts, context_of};
use crate::{BitReader, unescape};

/// Slice data that breaks a rule of its syntax: the name of the element where that shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("slice data: {0}")]
pub(crate) struct Fault(pub(crate) &'static str);

type Outcome<T> = Result<T, Fault>;

/// Contexts, and the statistics of Rice parameters that go with them.
type Saved = (Contexts, [u8; 4]);

/// Reads the slice segments of one picture after the other. It keeps its memory.
#[derive(Debug, Clone, Default)]
pub(crate) struct SliceData {
    layout: Layout,
    maps: Maps,
}

/// What is remembered of blocks that were read, for those right of them and below.
#[derive(Debug, Clone, Default)]
struct Maps {
    /// For each 8×8 samples: the depth of the coding unit, and whether it is skipped.
    units: Vec<(u8, bool)>,
    units_across: usize,
    /// For each 4×4 samples: the intra prediction mode; DC where there is none.
    modes: Vec<u8>,
    modes_across: usize,
    /// For each coding tree block: the address of its slice, `u32::MAX` before it is read.
    slices: Vec<u32>,
    /// What the next line of coding tree blocks begins with, with wavefronts.
    row: Option<Box<Saved>>,
}

impl SliceData {
    /// Reads all slice segments of a picture, as NAL units in their order, and asks that they cover it.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub(crate) fn check<'a>(&mut self, sps: &Sps, pps: &Pps, segments: impl Iterator<Item = &'a [u8]>) -> Outcome<()> {
        if !is_read(sps, pps) {
            return Ok(());
        }
        self.layout.of(sps, pps);
        self.maps.clear(sps, self.layout.blocks());
        let mut slice: Option<(SliceTail, u32)> = None;
        let mut kept: Option<Box<Saved>> = None;
        let mut next = 0;
        for nal in segments {
            let rbsp = unescape(nal);
            let bits = &mut BitReader::plain("slice header", &rbsp);
            let header = |_| Fault("slice_segment_header");
            let start = SegmentStart::read(bits).map_err(header)?;
            let (address, dependent) = match Segment::read(bits, start, pps, sps).map_err(header)? {
                Segment::Independent(own) => {
                    let chroma = sps.chroma != ChromaSampling::Monochrome;
                    slice = Some((SliceTail::read(bits, &own, sps, pps, chroma).map_err(header)?, own.address));
                    (own.address, false)
                }
                Segment::Dependent { address, .. } => (address, true),
            };
            let (tail, slice_address) = slice.ok_or(Fault("dependent_slice_segment_flag"))?;
            if self.layout.to_tiles(address) != Some(next) {
                return Err(Fault("slice_segment_address"));
            }
            let first = data_start(bits, pps).map_err(header)?;
            let resumed = if dependent { kept.take() } else { None };
            let mut reader = Reader {
                sps,
                pps,
                tail,
                slice_address,
                layout: &self.layout,
                maps: &mut self.maps,
                cabac: Arithmetic::with_contexts(&rbsp, first, begin(&tail)),
                statistics: [0; 4],
                qp_delta_coded: false,
                chroma_offset_coded: false,
                bypass: false,
            };
            if dependent && resumed.is_none() {
                return Err(Fault("dependent_slice_segment_flag"));
            }
            next = reader.segment(next, resumed)?;
            ends(&rbsp, reader.cabac.position())?;
            kept = Some(Box::new((*reader.cabac.contexts(), reader.statistics)));
        }
        if next != self.layout.blocks() { Err(Fault("end_of_slice_segment_flag")) } else { Ok(()) }
    }
}

/// Whether the data of such pictures is read at all.
fn is_read(sps: &Sps, pps: &Pps) -> bool {
    let extension = sps.range_extension.unwrap_or_default();
    sps.complete
        && pps.complete
        && !sps.pcm
        && !sps.separate_planes
        && !sps.screen_content
        && sps.chroma != ChromaSampling::Yuv422
        && !extension.extended_precision
        && !extension.cabac_bypass_alignment
}

/// The contexts that a slice begins with (§9.3.2.2).
fn begin(tail: &SliceTail) -> Contexts {
    let kind = match (tail.slice_type, tail.cabac_init) {
        (SliceType::I, _) => 0,
        (SliceType::P, false) | (SliceType::B, true) => 1,
        (SliceType::B, false) | (SliceType::P, true) => 2,
    };
    let qp = tail.qp.clamp(0, 51);
    let mut contexts = [0; 512];
    for (context, init) in contexts.iter_mut().zip(tables::INIT[kind]) {
        let (slope, offset) = (i32::from(init >> 4) * 5 - 45, (i32::from(init & 15) << 3) - 16);
        *context = context_of((((slope * qp) >> 4) + offset).clamp(1, 126));
    }
    contexts
}

/// The last bit read is the stop bit, and nothing but zeros follows it (§7.3.2.11).
fn ends(rbsp: &[u8], position: u64) -> Outcome<()> {
    let last = rbsp.iter().rposition(|byte| *byte != 0).ok_or(Fault("rbsp_slice_segment_trailing_bits"))?;
    let zeros = rbsp.get(last).map_or(0, |byte| byte.trailing_zeros());
    let stop = last as u64 * 8 + 8 - u64::from(zeros);
    if position == stop { Ok(()) } else { Err(Fault("rbsp_slice_segment_trailing_bits")) }
}

impl Maps {
    fn clear(&mut self, sps: &Sps, blocks: u32) {
        let side = |length: u32, log2: u32| length.div_ceil(1 << log2) as usize;
        let ctb = u32::from(sps.ctb_log2);
        // Whole coding tree blocks.
        let (across, down) = (side(sps.width, ctb), side(sps.height, ctb));
        self.units_across = across << (ctb - 3);
        self.modes_across = across << (ctb - 2);
        self.units.clear();
        self.units.resize(self.units_across * (down << (ctb - 3)), (0, false));
        self.modes.clear();
        self.modes.resize(self.modes_across * (down << (ctb - 2)), 1);
        self.row = None;
        self.slices.clear();
        self.slices.resize(blocks as usize, u32::MAX);
    }

    fn unit(&self, x: u32, y: u32) -> (u8, bool) {
        self.units.get((y >> 3) as usize * self.units_across + (x >> 3) as usize).copied().unwrap_or_default()
    }

    fn set_unit(&mut self, (x, y): (u32, u32), side: u32, depth: u8, skipped: bool) {
        for line in y >> 3..(y + side) >> 3 {
            let start = line as usize * self.units_across + (x >> 3) as usize;
            self.units.get_mut(start..start + (side >> 3) as usize).unwrap_or_default().fill((depth, skipped));
        }
    }

    fn mode(&self, x: u32, y: u32) -> u8 {
        self.modes.get((y >> 2) as usize * self.modes_across + (x >> 2) as usize).copied().unwrap_or(1)
    }

    fn set_mode(&mut self, (x, y): (u32, u32), side: u32, mode: u8) {
        for line in y >> 2..(y + side) >> 2 {
            let start = line as usize * self.modes_across + (x >> 2) as usize;
            self.modes.get_mut(start..start + (side >> 2) as usize).unwrap_or_default().fill(mode);
        }
    }
}

/// Reads one slice segment.
struct Reader<'r> {
    sps: &'r Sps,
    pps: &'r Pps,
    tail: SliceTail,
    /// `SliceAddrRs`.
    slice_address: u32,
    layout: &'r Layout,
    maps: &'r mut Maps,
    cabac: Arithmetic<'r>,
    /// `StatCoeff`.
    statistics: [u8; 4],
    /// `IsCuQpDeltaCoded`.
    qp_delta_coded: bool,
    /// `IsCuChromaQpOffsetCoded`.
    chroma_offset_coded: bool,
    /// `cu_transquant_bypass_flag`.
    bypass: bool,
}
