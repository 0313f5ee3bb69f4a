//! Video usability information (H.265 annex E).

use crate::{BitReader, Error, Usability};

/// What the SPS says beyond what decoding needs. Fields that the stream leaves out are `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub struct Vui {
    /// Aspect and colour.
    pub usability: Usability,
    /// `field_seq_flag`: each picture is a field.
    pub field_seq: bool,
    /// Tick rate.
    pub timing: Option<Timing>,
}

/// `num_units_in_tick` and `time_scale`. A tick is a picture, where the stream does not say otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Timing {
    /// Units of `1 / time_scale` seconds in a tick.
    pub units_in_tick: u32,
    /// Units in a second.
    pub time_scale: u32,
}

impl Timing {
    /// Reads from `num_units_in_tick` to `num_ticks_poc_diff_one_minus1`.
    pub(super) fn read(bits: &mut BitReader<'_>) -> Result<Timing, Error> {
        let units_in_tick = bits.bits(32, "num_units_in_tick")?;
        let time_scale = bits.bits(32, "time_scale")?;
        if bits.flag("poc_proportional_to_timing_flag")? {
            bits.ue("num_ticks_poc_diff_one_minus1")?;
        }
        Ok(Timing { units_in_tick, time_scale })
    }
}

impl Vui {
    /// Reads as much as is there, and the error that stopped it: what follows in the SPS cannot be read then.
    pub(super) fn read(bits: &mut BitReader<'_>, sub_layers: u8) -> (Vui, Result<(), Error>) {
        let mut vui = Vui::default();
        let read = vui.fill(bits, sub_layers);
        (vui, read)
    }

    fn fill(&mut self, bits: &mut BitReader<'_>, sub_layers: u8) -> Result<(), Error> {
        self.usability.fill(bits)?;
        bits.flag("neutral_chroma_indication_flag")?;
        self.field_seq = bits.flag("field_seq_flag")?;
        bits.flag("frame_field_info_present_flag")?;
        if bits.flag("default_display_window_flag")? {
            // A hint for displays; the conformance window alone says what a picture is.
            for _ in 0..4 {
                bits.ue("def_disp_win_offset")?;
            }
        }
        if bits.flag("vui_timing_info_present_flag")? {
            self.timing = Some(Timing::read(bits)?);
            if bits.flag("vui_hrd_parameters_present_flag")? {
                skip_hrd(bits, sub_layers)?;
            }
        }
        if bits.flag("bitstream_restriction_flag")? {
            bits.bits(3, "restriction_flags")?;
            bits.ue_max("min_spatial_segmentation_idc", 4095)?;
            bits.ue_max("max_bytes_per_pic_denom", 16)?;
            bits.ue_max("max_bits_per_min_cu_denom", 16)?;
            bits.ue_max("log2_max_mv_length_horizontal", 16)?;
            bits.ue_max("log2_max_mv_length_vertical", 16)?;
        }
        Ok(())
    }
}

/// Steps over `hrd_parameters( 1, sub_layers − 1 )` (§E.2.2).
fn skip_hrd(bits: &mut BitReader<'_>, sub_layers: u8) -> Result<(), Error> {
    let nal = bits.flag("nal_hrd_parameters_present_flag")?;
    let vcl = bits.flag("vcl_hrd_parameters_present_flag")?;
    let mut sub_pictures = false;
    if nal || vcl {
        sub_pictures = bits.flag("sub_pic_hrd_params_present_flag")?;
        if sub_pictures {
            bits.bits(19, "sub_pic_hrd_params")?;
        }
        bits.bits(8, "bit_rate_scale")?;
        if sub_pictures {
            bits.bits(4, "cpb_size_du_scale")?;
        }
        bits.bits(15, "delay_lengths")?;
    }
    for _ in 0..sub_layers {
        let general = bits.flag("fixed_pic_rate_general_flag")?;
        let within = general || bits.flag("fixed_pic_rate_within_cvs_flag")?;
        let mut low_delay = false;
        if within {
            bits.ue("elemental_duration_in_tc_minus1")?;
        } else {
            low_delay = bits.flag("low_delay_hrd_flag")?;
        }
        let count = if low_delay { 1 } else { bits.ue_max("cpb_cnt_minus1", 31)? + 1 };
        for _ in 0..count * (u32::from(nal) + u32::from(vcl)) {
            bits.ue("bit_rate_value_minus1")?;
            bits.ue("cpb_size_value_minus1")?;
            if sub_pictures {
                bits.ue("cpb_size_du_value_minus1")?;
                bits.ue("bit_rate_du_value_minus1")?;
            }
            bits.flag("cbr_flag")?;
        }
    }
    Ok(())
}
