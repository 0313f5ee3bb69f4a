//! Video usability information (H.264 annex E).

use kineframe_codec::{ChromaSiting, ColorRange, ColorSpace, MatrixCoefficients};

use crate::{BitReader, Error};

/// What the SPS says beyond what decoding needs. Fields that the stream leaves out are `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub struct Vui {
    /// Width to height of a sample, where both are stated and not 0.
    pub sample_aspect_ratio: Option<(u16, u16)>,
    /// `video_full_range_flag`.
    pub full_range: Option<bool>,
    /// `colour_primaries`, a code of H.273; 2 is "unspecified".
    pub primaries: Option<u8>,
    /// `transfer_characteristics`, a code of H.273; 2 is "unspecified".
    pub transfer: Option<u8>,
    /// `matrix_coefficients`, a code of H.273; 2 is "unspecified".
    pub matrix: Option<u8>,
    /// `chroma_sample_loc_type_top_field`, 0 to 5.
    pub chroma_location: Option<u8>,
    /// Tick rate.
    pub timing: Option<Timing>,
    /// `pic_struct_present_flag`: picture timing SEI messages tell fields from frames.
    pub pic_struct_present: bool,
    /// Bounds on reordering.
    pub restriction: Option<BitstreamRestriction>,
    /// Whether it was read to its end. Some cameras cut it: what came before the cut stands.
    pub complete: bool,
}

/// `num_units_in_tick` and what goes with it. Two ticks make a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Timing {
    /// Units of `1 / time_scale` seconds in a tick.
    pub units_in_tick: u32,
    /// Units in a second.
    pub time_scale: u32,
    /// Whether the rate is constant.
    pub fixed: bool,
}

/// What decoding order and output order may differ by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BitstreamRestriction {
    /// Most frames that come before a frame in decoding order and after it in output order.
    pub max_reorder_frames: u32,
    /// Frames that the decoded picture buffer needs to hold.
    pub max_dec_frame_buffering: u32,
}

/// Sample aspect ratios of table E-1, from `aspect_ratio_idc` 1 on.
const RATIOS: [(u16, u16); 16] = [
    (1, 1),
    (12, 11),
    (10, 11),
    (16, 11),
    (40, 33),
    (24, 11),
    (20, 11),
    (32, 11),
    (80, 33),
    (18, 11),
    (15, 11),
    (64, 33),
    (160, 99),
    (4, 3),
    (3, 2),
    (2, 1),
];

impl Vui {
    /// Reads as much as is there.
    pub(crate) fn read(bits: &mut BitReader<'_>) -> Vui {
        let mut vui = Vui::default();
        vui.complete = vui.fill(bits).is_ok();
        vui
    }

    fn fill(&mut self, bits: &mut BitReader<'_>) -> Result<(), Error> {
        if bits.flag("aspect_ratio_info_present_flag")? {
            let idc = bits.byte(8, "aspect_ratio_idc")?;
            let ratio = if idc == 255 {
                Some((bits.bits(16, "sar_width")? as u16, bits.bits(16, "sar_height")? as u16))
            } else {
                usize::from(idc).checked_sub(1).and_then(|index| RATIOS.get(index)).copied()
            };
            self.sample_aspect_ratio = ratio.filter(|(width, height)| *width > 0 && *height > 0);
        }
        if bits.flag("overscan_info_present_flag")? {
            bits.flag("overscan_appropriate_flag")?;
        }
        if bits.flag("video_signal_type_present_flag")? {
            bits.bits(3, "video_format")?;
            self.full_range = Some(bits.flag("video_full_range_flag")?);
            if bits.flag("colour_description_present_flag")? {
                self.primaries = Some(bits.byte(8, "colour_primaries")?);
                self.transfer = Some(bits.byte(8, "transfer_characteristics")?);
                self.matrix = Some(bits.byte(8, "matrix_coefficients")?);
            }
        }
        if bits.flag("chroma_loc_info_present_flag")? {
            self.chroma_location = Some(bits.ue_max("chroma_sample_loc_type_top_field", 5)? as u8);
            bits.ue_max("chroma_sample_loc_type_bottom_field", 5)?;
        }
        if bits.flag("timing_info_present_flag")? {
            let units_in_tick = bits.bits(32, "num_units_in_tick")?;
            let time_scale = bits.bits(32, "time_scale")?;
            let fixed = bits.flag("fixed_frame_rate_flag")?;
            self.timing = Some(Timing { units_in_tick, time_scale, fixed });
        }
        let nal_hrd = bits.flag("nal_hrd_parameters_present_flag")?;
        if nal_hrd {
            skip_hrd(bits)?;
        }
        let vcl_hrd = bits.flag("vcl_hrd_parameters_present_flag")?;
        if vcl_hrd {
            skip_hrd(bits)?;
        }
        if nal_hrd || vcl_hrd {
            bits.flag("low_delay_hrd_flag")?;
        }
        self.pic_struct_present = bits.flag("pic_struct_present_flag")?;
        if bits.flag("bitstream_restriction_flag")? {
            bits.flag("motion_vectors_over_pic_boundaries_flag")?;
            bits.ue_max("max_bytes_per_pic_denom", 16)?;
            bits.ue_max("max_bits_per_mb_denom", 16)?;
            bits.ue_max("log2_max_mv_length_horizontal", 16)?;
            bits.ue_max("log2_max_mv_length_vertical", 16)?;
            // No picture buffer holds more than 16 frames (§A.3.1); some encoders write more reordering than
            // buffering, which says nothing.
            let max_reorder_frames = bits.ue_max("max_num_reorder_frames", 16)?;
            let max_dec_frame_buffering = bits.ue_max("max_dec_frame_buffering", 16)?;
            bits.within("max_num_reorder_frames", max_reorder_frames, 0, max_dec_frame_buffering.into())?;
            self.restriction = Some(BitstreamRestriction { max_reorder_frames, max_dec_frame_buffering });
        }
        Ok(())
    }

    /// What it says about colour; codes 2, "unspecified", stay open.
    pub fn color(&self) -> ColorSpace {
        ColorSpace {
            matrix: self.matrix.and_then(MatrixCoefficients::from_code),
            range: self.full_range.map(|full| if full { ColorRange::Full } else { ColorRange::Limited }),
            siting: self.chroma_location.and_then(siting),
            primaries: self.primaries.filter(|code| *code != 2),
            transfer: self.transfer.filter(|code| *code != 2),
        }
    }
}

/// The siting of a `chroma_sample_loc_type` (figure E-1).
fn siting(code: u8) -> Option<ChromaSiting> {
    Some(match code {
        0 => ChromaSiting::Left,
        1 => ChromaSiting::Center,
        2 => ChromaSiting::TopLeft,
        3 => ChromaSiting::Top,
        4 => ChromaSiting::BottomLeft,
        5 => ChromaSiting::Bottom,
        _ => return None,
    })
}

/// Steps over `hrd_parameters()` (§E.1.2).
fn skip_hrd(bits: &mut BitReader<'_>) -> Result<(), Error> {
    let count = bits.ue_max("cpb_cnt_minus1", 31)? + 1;
    bits.bits(8, "bit_rate_scale")?;
    for _ in 0..count {
        bits.ue("bit_rate_value_minus1")?;
        bits.ue("cpb_size_value_minus1")?;
        bits.flag("cbr_flag")?;
    }
    bits.bits(20, "time_offset_length")?;
    Ok(())
}
