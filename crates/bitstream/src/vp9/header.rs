//! The uncompressed header (§6.2, §7.2).

use kineframe_codec::{ChromaSampling, ChromaSiting, ColorRange, ColorSpace, MatrixCoefficients, Size};

use super::{ColorConfig, Subsampling};
use crate::{BitReader, Error, ErrorKind};

/// What a frame may predict from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FrameKind {
    /// Nothing, and nothing that follows refers past it.
    Key,
    /// Nothing (`intra_only`).
    Intra,
    /// Other frames.
    Inter,
}

/// The header as far as sizes go.
#[derive(Debug, Clone, Copy)]
pub(super) enum Opening {
    /// `show_existing_frame`: nothing follows, this slot is shown.
    Shows(u8),
    /// A frame of its own.
    Frame(Head),
}

/// What the header says first of a frame.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    pub(super) kind: FrameKind,
    pub(super) shown: bool,
    pub(super) resilient: bool,
    /// `reset_frame_context`.
    pub(super) reset: u8,
    /// Where it is said anew.
    pub(super) color: Option<ColorConfig>,
    pub(super) size: Size,
    /// Slots that it takes, a bit each.
    pub(super) refreshes: u8,
    /// `ref_frame_idx`, of inter frames.
    pub(super) slots: [u8; 3],
    /// `ref_frame_sign_bias`, in the order of the slots.
    pub(super) sign_bias: [bool; 3],
}

impl Head {
    /// Slots that it may predict from, a bit each.
    pub(super) fn uses(&self) -> u8 {
        if self.kind != FrameKind::Inter {
            return 0;
        }
        self.slots.iter().fold(0, |uses, slot| uses | 1 << (slot & 7))
    }

    /// Nothing that frames before have left in probabilities and maps is in force any more.
    pub(super) fn is_independent(&self) -> bool {
        self.kind != FrameKind::Inter || self.resilient
    }
}

impl Opening {
    /// Reads it; `sizes` are those of the eight slots.
    pub(super) fn read(bits: &mut BitReader<'_>, sizes: &[Option<Size>; 8]) -> Result<Opening, Error> {
        let marker = bits.byte(2, "frame_marker")?;
        bits.within("frame_marker", marker, 2, 2)?;
        let profile = bits.byte(1, "profile_low_bit")? | bits.byte(1, "profile_high_bit")? << 1;
        if profile == 3 {
            zero(bits)?;
        }
        if bits.flag("show_existing_frame")? {
            return Ok(Opening::Shows(bits.byte(3, "frame_to_show_map_idx")?));
        }
        let key = !bits.flag("frame_type")?;
        let mut head = Head {
            kind: if key { FrameKind::Key } else { FrameKind::Inter },
            shown: bits.flag("show_frame")?,
            resilient: bits.flag("error_resilient_mode")?,
            reset: 0,
            color: None,
            size: Size { width: 0, height: 0 },
            refreshes: 0xff,
            slots: [0; 3],
            sign_bias: [false; 3],
        };
        if key {
            sync(bits)?;
            head.color = Some(color_config(bits, profile)?);
            head.size = frame_size(bits)?;
            return Ok(Opening::Frame(head));
        }
        if !head.shown && bits.flag("intra_only")? {
            head.kind = FrameKind::Intra;
        }
        if !head.resilient {
            head.reset = bits.byte(2, "reset_frame_context")?;
        }
        if head.kind == FrameKind::Intra {
            sync(bits)?;
            head.color = Some(if profile > 0 { color_config(bits, profile)? } else { PLAIN });
            head.refreshes = bits.byte(8, "refresh_frame_flags")?;
            head.size = frame_size(bits)?;
        } else {
            head.refreshes = bits.byte(8, "refresh_frame_flags")?;
            for (slot, bias) in head.slots.iter_mut().zip(&mut head.sign_bias) {
                *slot = bits.byte(3, "ref_frame_idx")?;
                *bias = bits.flag("ref_frame_sign_bias")?;
            }
            head.size = size_with_refs(bits, head.slots, sizes)?;
        }
        Ok(Opening::Frame(head))
    }
}

/// What frames of profile 0 that are intra only have without saying so (§7.2).
const PLAIN: ColorConfig = ColorConfig {
    profile: 0,
    depth: 8,
    subsampling: Subsampling::Usual(ChromaSampling::Yuv420),
    color: ColorSpace {
        matrix: Some(MatrixCoefficients::Bt601),
        range: Some(ColorRange::Limited),
        siting: Some(ChromaSiting::Left),
        primaries: None,
        transfer: None,
    },
};

/// `frame_size_with_refs()` (§6.2.2.2).
fn size_with_refs(bits: &mut BitReader<'_>, slots: [u8; 3], sizes: &[Option<Size>; 8]) -> Result<Size, Error> {
    for slot in slots {
        if bits.flag("found_ref")? {
            let held = sizes.get(usize::from(slot)).copied().flatten();
            return held.ok_or_else(|| bits.error("found_ref", ErrorKind::Missing(slot.into())));
        }
    }
    frame_size(bits)
}
fn zero(bits: &mut BitReader<'_>) -> Result<(), Error> {
    let bit = bits.byte(1, "reserved_zero")?;
    bits.within("reserved_zero", bit, 0, 0).map(drop)
}

fn sync(bits: &mut BitReader<'_>) -> Result<(), Error> {
    let code = bits.bits(24, "frame_sync_code")?;
    bits.within("frame_sync_code", code, 0x49_8342, 0x49_8342).map(drop)
}

fn frame_size(bits: &mut BitReader<'_>) -> Result<Size, Error> {
    let width = bits.bits(16, "frame_width_minus_1")? + 1;
    Ok(Size { width, height: bits.bits(16, "frame_height_minus_1")? + 1 })
}

/// `color_config()` (§6.2.2.1).
fn color_config(bits: &mut BitReader<'_>, profile: u8) -> Result<ColorConfig, Error> {
    let depth = match profile {
        2.. if bits.flag("ten_or_twelve_bit")? => 12,
        2.. => 10,
        _ => 8,
    };
    let space = bits.bits(3, "color_space")?;
    let full_chroma = profile & 1 == 1;
    let (range, subsampling) = if space == 7 {
        if !full_chroma {
            return Err(bits.error("color_space", ErrorKind::Kind));
        }
        zero(bits)?;
        (ColorRange::Full, Subsampling::Usual(ChromaSampling::Yuv444))
    } else {
        let range = if bits.flag("color_range")? { ColorRange::Full } else { ColorRange::Limited };
        let mut subsampling = Subsampling::Usual(ChromaSampling::Yuv420);
        if full_chroma {
            subsampling = match (bits.flag("subsampling_x")?, bits.flag("subsampling_y")?) {
                (true, true) => return Err(bits.error("subsampling_y", ErrorKind::Kind)),
                (true, false) => Subsampling::Usual(ChromaSampling::Yuv422),
                (false, true) => Subsampling::Yuv440,
                (false, false) => Subsampling::Usual(ChromaSampling::Yuv444),
            };
            zero(bits)?;
        }
        (range, subsampling)
    };
    let matrix = match space {
        1 | 3 => Some(MatrixCoefficients::Bt601),
        2 => Some(MatrixCoefficients::Bt709),
        4 => Some(MatrixCoefficients::Smpte240),
        5 => Some(MatrixCoefficients::Bt2020),
        7 => Some(MatrixCoefficients::Identity),
        _ => None,
    };
    // Chroma lies as in MPEG-2 where nothing else is said.
    let siting = (subsampling == Subsampling::Usual(ChromaSampling::Yuv420)).then_some(ChromaSiting::Left);
    let color = ColorSpace { matrix, range: Some(range), siting, primaries: None, transfer: None };
    Ok(ColorConfig { profile, depth, subsampling, color })
}

/// What follows the sizes: how the data of the frame is read.
#[derive(Debug, Clone)]
pub(super) struct Rest {
    pub(super) high_precision: bool,
    /// Each block says its filter.
    pub(super) switchable: bool,
    /// `refresh_frame_context`.
    pub(super) refresh_context: bool,
    /// `frame_parallel_decoding_mode`: probabilities are not adapted to what was read.
    pub(super) parallel: bool,
    /// `frame_context_idx`.
    pub(super) context: u8,
    pub(super) lossless: bool,
    pub(super) segments: Segments,
    pub(super) tile_cols_log2: u32,
    pub(super) tile_rows_log2: u32,
    /// `header_size_in_bytes`, never 0.
    pub(super) compressed: usize,
}

/// `segmentation_params()`.
#[derive(Debug, Clone, Default)]
pub(super) struct Segments {
    pub(super) enabled: bool,
    pub(super) update_map: bool,
    pub(super) temporal: bool,
    pub(super) tree: [u8; 7],
    pub(super) predicted: [u8; 3],
    /// Where they are said anew.
    pub(super) features: Option<[Feature; 8]>,
}

/// What a segment says of its blocks in place of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Feature {
    /// `SEG_LVL_REF_FRAME`.
    pub(super) reference: Option<u8>,
    /// `SEG_LVL_SKIP`.
    pub(super) skip: bool,
}

impl Rest {
    /// Reads it to the end of its last byte.
    pub(super) fn read(bits: &mut BitReader<'_>, head: &Head) -> Result<Rest, Error> {
        let (mut high_precision, mut switchable) = (false, false);
        if head.kind == FrameKind::Inter {
            // The size was told by a reference or not; what is shown of it follows either way (§6.2.2.2).
            render_size(bits)?;
            high_precision = bits.flag("allow_high_precision_mv")?;
            switchable = bits.flag("is_filter_switchable")?;
            if !switchable {
                bits.bits(2, "raw_interpolation_filter")?;
            }
        } else {
            render_size(bits)?;
        }
        let (mut refresh_context, mut parallel) = (false, true);
        if !head.resilient {
            refresh_context = bits.flag("refresh_frame_context")?;
            parallel = bits.flag("frame_parallel_decoding_mode")?;
        }
        let context = bits.byte(2, "frame_context_idx")?;
        loop_filter(bits)?;
        let base = bits.byte(8, "base_q_idx")?;
        let mut lossless = base == 0;
        for field in ["delta_q_y_dc", "delta_q_uv_dc", "delta_q_uv_ac"] {
            if bits.flag(field)? {
                // A sign follows, also where the value is 0.
                lossless &= bits.byte(4, field)? == 0;
                bits.flag(field)?;
            }
        }
        let segments = segmentation(bits)?;
        // §7.2.13: tiles are 256 to 4096 samples wide.
        let blocks = head.size.width.div_ceil(64);
        let least = (0..6).find(|log2| 64 << log2 >= blocks).unwrap_or(6);
        let most = (1..).find(|log2| blocks >> log2 < 4).unwrap_or(1) - 1;
        let mut tile_cols_log2 = least;
        while tile_cols_log2 < most && bits.flag("increment_tile_cols_log2")? {
            tile_cols_log2 += 1;
        }
        let mut tile_rows_log2 = u32::from(bits.flag("tile_rows_log2")?);
        if tile_rows_log2 == 1 {
            tile_rows_log2 += u32::from(bits.flag("increment_tile_rows_log2")?);
        }
        let compressed = bits.bits(16, "header_size_in_bytes")?;
        bits.within("header_size_in_bytes", compressed, 1, i64::from(u16::MAX))?;
        while !bits.position().is_multiple_of(8) {
            zero(bits)?;
        }
        Ok(Rest {
            high_precision,
            switchable,
            refresh_context,
            parallel,
            context,
            lossless,
            segments,
            tile_cols_log2,
            tile_rows_log2,
            compressed: compressed as usize, // 16 bits.
        })
    }
}

/// `render_size()`: of no use to who reads data.
fn render_size(bits: &mut BitReader<'_>) -> Result<(), Error> {
    if bits.flag("render_and_frame_size_different")? {
        bits.bits(32, "render_size")?;
    }
    Ok(())
}

/// `loop_filter_params()`: any value is allowed, and none is needed.
fn loop_filter(bits: &mut BitReader<'_>) -> Result<(), Error> {
    bits.bits(9, "loop_filter_level")?;
    if bits.flag("loop_filter_delta_enabled")? && bits.flag("loop_filter_delta_update")? {
        for _ in 0..6 {
            if bits.flag("update_delta")? {
                bits.bits(7, "loop_filter_delta")?;
            }
        }
    }
    Ok(())
}

/// `segmentation_params()`.
fn segmentation(bits: &mut BitReader<'_>) -> Result<Segments, Error> {
    let mut segments = Segments { enabled: bits.flag("segmentation_enabled")?, ..Segments::default() };
    if !segments.enabled {
        return Ok(segments);
    }
    let probability = |bits: &mut BitReader<'_>| {
        if bits.flag("prob_coded")? { bits.byte(8, "prob") } else { Ok(255) }
    };
    segments.update_map = bits.flag("segmentation_update_map")?;
    if segments.update_map {
        for tree in &mut segments.tree {
            *tree = probability(bits)?;
        }
        segments.temporal = bits.flag("segmentation_temporal_update")?;
        for predicted in &mut segments.predicted {
            *predicted = if segments.temporal { probability(bits)? } else { 255 };
        }
    }
    if bits.flag("segmentation_update_data")? {
        bits.flag("segmentation_abs_or_delta_update")?;
        let mut features = [Feature::default(); 8];
        for feature in &mut features {
            for width in [9, 7] {
                // Quantiser and filter level, each with a sign: they say nothing of syntax.
                if bits.flag("feature_enabled")? {
                    bits.bits(width, "feature_value")?;
                }
            }
            if bits.flag("feature_enabled")? {
                feature.reference = Some(bits.byte(2, "feature_value")?);
            }
            feature.skip = bits.flag("feature_enabled")?;
        }
        segments.features = Some(features);
    }
    Ok(segments)
}
