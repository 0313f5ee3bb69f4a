//! Picture parameter sets (H.265 §7.3.2.3).

use super::{NalType, read_header, skip_scaling_lists};
use crate::{BitReader, Error};

/// A picture parameter set: what some of a sequence's pictures have in common.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Pps {
    /// `pps_pic_parameter_set_id`, 0 to 63.
    pub id: u8,
    /// `pps_seq_parameter_set_id`, 0 to 15.
    pub sps_id: u8,
    /// `dependent_slice_segments_enabled_flag`.
    pub dependent_slice_segments: bool,
    /// `output_flag_present_flag`: slices say whether their picture is shown.
    pub output_flag_present: bool,
    /// `num_extra_slice_header_bits`, 0 to 7.
    pub extra_slice_header_bits: u8,
    /// `weighted_pred_flag` or `weighted_bipred_flag`.
    pub weighted_prediction: bool,
    /// `transquant_bypass_enabled_flag`: coding units may be lossless.
    pub lossless: bool,
    /// `tiles_enabled_flag`.
    pub tiles: bool,
    /// `entropy_coding_sync_enabled_flag`: wavefronts.
    pub wavefronts: bool,
}

impl Pps {
    /// Reads a PPS NAL unit, header included, framing not.
    ///
    /// # Errors
    /// Another NAL unit, a cut one, values that the specification forbids.
    pub fn parse(nal: &[u8]) -> Result<Pps, Error> {
        let bits = &mut BitReader::new("PPS", nal);
        read_header(bits, NalType::PPS)?;
        let mut pps = Pps {
            id: bits.ue_max("pps_pic_parameter_set_id", 63)? as u8,
            sps_id: bits.ue_max("pps_seq_parameter_set_id", 15)? as u8,
            dependent_slice_segments: bits.flag("dependent_slice_segments_enabled_flag")?,
            output_flag_present: bits.flag("output_flag_present_flag")?,
            extra_slice_header_bits: bits.byte(3, "num_extra_slice_header_bits")?,
            weighted_prediction: false,
            lossless: false,
            tiles: false,
            wavefronts: false,
        };
        bits.bits(2, "sign_data_hiding_enabled_flag")?; // And cabac_init_present_flag.
        bits.ue_max("num_ref_idx_l0_default_active_minus1", 14)?;
        bits.ue_max("num_ref_idx_l1_default_active_minus1", 14)?;
        bits.se("init_qp_minus26")?;
        bits.bits(2, "constrained_intra_pred_flag")?; // And transform_skip_enabled_flag.
        if bits.flag("cu_qp_delta_enabled_flag")? {
            bits.ue_max("diff_cu_qp_delta_depth", 3)?;
        }
        bits.se("pps_cb_qp_offset")?;
        bits.se("pps_cr_qp_offset")?;
        bits.flag("pps_slice_chroma_qp_offsets_present_flag")?;
        pps.weighted_prediction = bits.bits(2, "weighted_pred_flag")? != 0;
        pps.lossless = bits.flag("transquant_bypass_enabled_flag")?;
        pps.tiles = bits.flag("tiles_enabled_flag")?;
        pps.wavefronts = bits.flag("entropy_coding_sync_enabled_flag")?;
        if pps.tiles {
            // 20 columns and 22 lines are the most of any level (§A.4.2).
            let columns = bits.ue_max("num_tile_columns_minus1", 19)?;
            let rows = bits.ue_max("num_tile_rows_minus1", 21)?;
            if !bits.flag("uniform_spacing_flag")? {
                for _ in 0..columns + rows {
                    bits.ue("column_width_minus1")?;
                }
            }
            bits.flag("loop_filter_across_tiles_enabled_flag")?;
        }
        bits.flag("pps_loop_filter_across_slices_enabled_flag")?;
        if bits.flag("deblocking_filter_control_present_flag")? {
            bits.flag("deblocking_filter_override_enabled_flag")?;
            if !bits.flag("pps_deblocking_filter_disabled_flag")? {
                bits.se("pps_beta_offset_div2")?;
                bits.se("pps_tc_offset_div2")?;
            }
        }
        if bits.flag("pps_scaling_list_data_present_flag")? {
            skip_scaling_lists(bits)?;
        }
        bits.flag("lists_modification_present_flag")?;
        bits.ue_max("log2_parallel_merge_level_minus2", 4)?;
        bits.flag("slice_segment_header_extension_present_flag")?;
        Ok(pps)
    }
}
