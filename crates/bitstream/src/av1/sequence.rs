//! The sequence header (§5.5).

use kineframe_codec::{
    BitDepth, ChromaSampling, ChromaSiting, ColorRange, ColorSpace, MatrixCoefficients, PixelFormat, Size,
};

use crate::{BitReader, Error, ErrorKind};

/// What a sequence header says, as far as shapes and frame headers need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SequenceHeader {
    /// `seq_profile`: 0 Main, 1 High, 2 Professional.
    pub profile: u8,
    /// A single picture.
    pub still_picture: bool,
    /// `seq_level_idx` of the first operating point.
    pub level: u8,
    /// `max_frame_width_minus_1` and its fellow, each plus 1: no frame is larger.
    pub max_size: Size,
    /// Depth and chroma planes.
    pub format: PixelFormat,
    /// What it says of colour.
    pub color: ColorSpace,
    /// Film grain may have to be added to pictures.
    pub film_grain: bool,
    /// Operating points.
    pub operating_points: u8,
    /// Spatial layers that the first operating point names, 1 without layers.
    pub spatial_layers: u8,
    pub(super) reduced_still_picture: bool,
    pub(super) frame_id_bits: Option<FrameIdBits>,
    pub(super) width_bits: u32,
    pub(super) height_bits: u32,
    pub(super) order_hint_bits: u32,
    /// `None`: said frame by frame.
    pub(super) force_screen_content_tools: Option<bool>,
    /// `None`: said frame by frame.
    pub(super) force_integer_mv: Option<bool>,
    pub(super) equal_picture_interval: bool,
    pub(super) decoder_model: Option<DecoderModel>,
    pub(super) points: Vec<OperatingPoint>,
}

/// Lengths of `frame_id` and of its differences.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FrameIdBits {
    pub delta: u32,
    pub id: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DecoderModel {
    buffer_delay_bits: u32,
    pub removal_time_bits: u32,
    pub presentation_time_bits: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OperatingPoint {
    pub idc: u32,
    pub decoder_model: bool,
}

const UNIT: &str = "sequence header";

impl SequenceHeader {
    /// Reads the payload of a sequence header OBU.
    ///
    /// # Errors
    /// A payload that ends early, a profile above 2, a combination of planes that §6.4.2 forbids.
    pub fn parse(payload: &[u8]) -> Result<SequenceHeader, Error> {
        let mut bits = BitReader::plain(UNIT, payload);
        let profile = bits.byte(3, "seq_profile")?;
        bits.within("seq_profile", profile, 0, 2)?;
        let still_picture = bits.flag("still_picture")?;
        let reduced = bits.flag("reduced_still_picture_header")?;
        let (mut level, mut points, mut model, mut interval) = (0, Vec::new(), None, false);
        if reduced {
            level = bits.byte(5, "seq_level_idx[0]")?;
            points.push(OperatingPoint { idc: 0, decoder_model: false });
        } else {
            if bits.flag("timing_info_present_flag")? {
                (interval, model) = timing(&mut bits)?;
            }
            let initial_delay = bits.flag("initial_display_delay_present_flag")?;
            let count = bits.byte(5, "operating_points_cnt_minus_1")? + 1;
            for index in 0..count {
                let (point, point_level) = operating_point(&mut bits, model, initial_delay)?;
                if index == 0 {
                    level = point_level;
                }
                points.push(point);
            }
        }
        let width_bits = bits.bits(4, "frame_width_bits_minus_1")? + 1;
        let height_bits = bits.bits(4, "frame_height_bits_minus_1")? + 1;
        let max_size = Size {
            width: bits.bits(width_bits, "max_frame_width_minus_1")? + 1,
            height: bits.bits(height_bits, "max_frame_height_minus_1")? + 1,
        };
        let mut frame_id_bits = None;
        if !reduced && bits.flag("frame_id_numbers_present_flag")? {
            let delta = bits.bits(4, "delta_frame_id_length_minus_2")? + 2;
            let id = bits.bits(3, "additional_frame_id_length_minus_1")? + delta + 1;
            frame_id_bits = Some(FrameIdBits { delta, id });
        }
        bits.bits(3, "use_128x128_superblock")?;
        let (mut screen_content, mut integer_mv, mut order_hint_bits) = (None, None, 0);
        if !reduced {
            // enable_interintra_compound, enable_masked_compound, enable_warped_motion, enable_dual_filter
            bits.bits(4, "enable_interintra_compound")?;
            let order_hint = bits.flag("enable_order_hint")?;
            if order_hint {
                bits.bits(2, "enable_jnt_comp")?;
            }
            if !bits.flag("seq_choose_screen_content_tools")? {
                screen_content = Some(bits.flag("seq_force_screen_content_tools")?);
            }
            if screen_content != Some(false) && !bits.flag("seq_choose_integer_mv")? {
                integer_mv = Some(bits.flag("seq_force_integer_mv")?);
            }
            if order_hint {
                order_hint_bits = bits.bits(3, "order_hint_bits_minus_1")? + 1;
            }
        }
        // enable_superres, enable_cdef, enable_restoration
        bits.bits(3, "enable_superres")?;
        let (format, color) = color_config(&mut bits, profile)?;
        let film_grain = bits.flag("film_grain_params_present")?;
        let layers = points.first().map_or(0, |point| (point.idc >> 8 & 15).count_ones());
        Ok(SequenceHeader {
            profile,
            still_picture,
            level,
            max_size,
            format,
            color,
            film_grain,
            operating_points: points.len() as u8, // At most 32.
            spatial_layers: layers.max(1) as u8,  // At most 4.
            reduced_still_picture: reduced,
            frame_id_bits,
            width_bits,
            height_bits,
            order_hint_bits,
            force_screen_content_tools: if reduced { None } else { screen_content },
            force_integer_mv: integer_mv,
            equal_picture_interval: interval,
            decoder_model: model,
            points,
        })
    }
}

/// `timing_info()` and `decoder_model_info()` (§5.5.3, §5.5.4).
fn timing(bits: &mut BitReader<'_>) -> Result<(bool, Option<DecoderModel>), Error> {
    bits.bits(32, "num_units_in_display_tick")?;
    bits.bits(32, "time_scale")?;
    let interval = bits.flag("equal_picture_interval")?;
    if interval {
        uvlc(bits)?;
    }
    if !bits.flag("decoder_model_info_present_flag")? {
        return Ok((interval, None));
    }
    let buffer_delay_bits = bits.bits(5, "buffer_delay_length_minus_1")? + 1;
    bits.bits(32, "num_units_in_decoding_tick")?;
    let removal_time_bits = bits.bits(5, "buffer_removal_time_length_minus_1")? + 1;
    let presentation_time_bits = bits.bits(5, "frame_presentation_time_length_minus_1")? + 1;
    Ok((interval, Some(DecoderModel { buffer_delay_bits, removal_time_bits, presentation_time_bits })))
}

fn operating_point(
    bits: &mut BitReader<'_>,
    model: Option<DecoderModel>,
    initial_delay: bool,
) -> Result<(OperatingPoint, u8), Error> {
    let idc = bits.bits(12, "operating_point_idc")?;
    let level = bits.byte(5, "seq_level_idx")?;
    if level > 7 {
        bits.flag("seq_tier")?;
    }
    let mut decoder_model = false;
    if let Some(model) = model {
        decoder_model = bits.flag("decoder_model_present_for_this_op")?;
        if decoder_model {
            bits.bits(model.buffer_delay_bits, "decoder_buffer_delay")?;
            bits.bits(model.buffer_delay_bits, "encoder_buffer_delay")?;
            bits.flag("low_delay_mode_flag")?;
        }
    }
    if initial_delay && bits.flag("initial_display_delay_present_for_this_op")? {
        bits.bits(4, "initial_display_delay_minus_1")?;
    }
    Ok((OperatingPoint { idc, decoder_model }, level))
}

/// `uvlc()` (§4.10.3); its value is of no use here.
fn uvlc(bits: &mut BitReader<'_>) -> Result<(), Error> {
    let mut zeros = 0;
    while !bits.flag("num_ticks_per_picture_minus_1")? {
        zeros += 1;
        if zeros >= 32 {
            return Ok(());
        }
    }
    bits.bits(zeros, "num_ticks_per_picture_minus_1").map(drop)
}

/// `color_config()` (§5.5.2).
fn color_config(bits: &mut BitReader<'_>, profile: u8) -> Result<(PixelFormat, ColorSpace), Error> {
    let high = bits.flag("high_bitdepth")?;
    let depth = match (profile, high) {
        (2, true) => {
            if bits.flag("twelve_bit")? {
                12
            } else {
                10
            }
        }
        (_, true) => 10,
        (_, false) => 8,
    };
    let monochrome = profile != 1 && bits.flag("mono_chrome")?;
    let mut codes = [2_u8; 3];
    if bits.flag("color_description_present_flag")? {
        codes[0] = bits.byte(8, "color_primaries")?;
        codes[1] = bits.byte(8, "transfer_characteristics")?;
        codes[2] = bits.byte(8, "matrix_coefficients")?;
    }
    let [primaries, transfer, matrix] = codes;
    let specified = |code: u8| Some(code).filter(|code| *code != 2);
    let mut color = ColorSpace {
        matrix: MatrixCoefficients::from_code(matrix),
        range: None,
        siting: None,
        primaries: specified(primaries),
        transfer: specified(transfer),
    };
    let range = |full| Some(if full { ColorRange::Full } else { ColorRange::Limited });
    let chroma = if monochrome {
        color.range = range(bits.flag("color_range")?);
        ChromaSampling::Monochrome
    } else if codes == [1, 13, 0] {
        // sRGB needs no more words: full range, all planes of one size.
        color.range = range(true);
        if profile == 0 {
            return Err(bits.error("matrix_coefficients", ErrorKind::Kind));
        }
        bits.flag("separate_uv_delta_q")?;
        ChromaSampling::Yuv444
    } else {
        color.range = range(bits.flag("color_range")?);
        let (across, down) = match profile {
            0 => (true, true),
            1 => (false, false),
            _ if depth == 12 => {
                let across = bits.flag("subsampling_x")?;
                (across, across && bits.flag("subsampling_y")?)
            }
            _ => (true, false),
        };
        if across && down {
            color.siting = match bits.bits(2, "chroma_sample_position")? {
                1 => Some(ChromaSiting::Left),
                2 => Some(ChromaSiting::TopLeft),
                _ => None,
            };
        }
        bits.flag("separate_uv_delta_q")?;
        match (across, down) {
            (true, true) => ChromaSampling::Yuv420,
            (true, false) => ChromaSampling::Yuv422,
            _ => ChromaSampling::Yuv444,
        }
    };
    let depth = BitDepth::new(depth).ok_or_else(|| bits.error("high_bitdepth", ErrorKind::Kind))?;
    Ok((PixelFormat { chroma, depth }, color))
}
