//! Video usability information (H.264 annex E).

use crate::{BitReader, Error, Usability};

/// What the SPS says beyond what decoding needs. Fields that the stream leaves out are `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub struct Vui {
    /// Aspect and colour.
    pub usability: Usability,
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

impl Vui {
    /// Reads as much as is there.
    pub(crate) fn read(bits: &mut BitReader<'_>) -> Vui {
        let mut vui = Vui::default();
        vui.complete = vui.fill(bits).is_ok();
        vui
    }

    fn fill(&mut self, bits: &mut BitReader<'_>) -> Result<(), Error> {
        self.usability.fill(bits)?;
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
