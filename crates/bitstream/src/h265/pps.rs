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
    /// `sign_data_hiding_enabled_flag`.
    pub sign_hiding: bool,
    /// `cabac_init_present_flag`.
    pub cabac_init_present: bool,
    /// `num_ref_idx_l0_default_active_minus1` + 1, and of list 1.
    pub default_active: [u8; 2],
    /// `init_qp_minus26` + 26.
    pub init_qp: i32,
    /// `transform_skip_enabled_flag`.
    pub transform_skip: bool,
    /// `diff_cu_qp_delta_depth`, with `cu_qp_delta_enabled_flag`.
    pub qp_delta_depth: Option<u8>,
    /// `pps_slice_chroma_qp_offsets_present_flag`.
    pub slice_chroma_offsets: bool,
    /// `weighted_pred_flag`: of P slices.
    pub weighted: bool,
    /// `weighted_bipred_flag`: of B slices.
    pub weighted_bipred: bool,
    /// `transquant_bypass_enabled_flag`: coding units may be lossless.
    pub lossless: bool,
    /// `tiles_enabled_flag`.
    pub tiles: bool,
    /// `entropy_coding_sync_enabled_flag`: wavefronts.
    pub wavefronts: bool,
    /// Widths of the columns of tiles.
    pub tile_columns: TileSizes,
    /// Heights of the rows of tiles.
    pub tile_rows: TileSizes,
    /// `pps_loop_filter_across_slices_enabled_flag`.
    pub filter_across_slices: bool,
    /// `deblocking_filter_override_enabled_flag`.
    pub deblocking_override: bool,
    /// `pps_deblocking_filter_disabled_flag`.
    pub deblocking_disabled: bool,
    /// `lists_modification_present_flag`.
    pub lists_modification: bool,
    /// `slice_segment_header_extension_present_flag`.
    pub slice_header_extension: bool,
    /// `log2_max_transform_skip_block_size_minus2` + 2.
    pub max_transform_skip_log2: u8,
    /// `cross_component_prediction_enabled_flag`.
    pub cross_component: bool,
    /// `diff_cu_chroma_qp_offset_depth` and `chroma_qp_offset_list_len_minus1` + 1, with
    /// `chroma_qp_offset_list_enabled_flag`.
    pub chroma_offset_list: Option<(u8, u8)>,
    /// It was read to the end of its range extension.
    pub complete: bool,
}

/// Columns or rows of tiles.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TileSizes {
    /// So many of about one size (`uniform_spacing_flag`).
    Uniform(u32),
    /// `column_width_minus1` or `row_height_minus1` + 1 of each but the last, in coding tree blocks.
    Listed(Vec<u32>),
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
            sign_hiding: bits.flag("sign_data_hiding_enabled_flag")?,
            cabac_init_present: bits.flag("cabac_init_present_flag")?,
            default_active: [
                bits.ue_max("num_ref_idx_l0_default_active_minus1", 14)? as u8 + 1,
                bits.ue_max("num_ref_idx_l1_default_active_minus1", 14)? as u8 + 1,
            ],
            init_qp: 26,
            transform_skip: false,
            qp_delta_depth: None,
            slice_chroma_offsets: false,
            weighted: false,
            weighted_bipred: false,
            lossless: false,
            tiles: false,
            wavefronts: false,
            tile_columns: TileSizes::Uniform(1),
            tile_rows: TileSizes::Uniform(1),
            filter_across_slices: false,
            deblocking_override: false,
            deblocking_disabled: false,
            lists_modification: false,
            slice_header_extension: false,
            max_transform_skip_log2: 2,
            cross_component: false,
            chroma_offset_list: None,
            complete: false,
        };
        let init_qp = bits.se("init_qp_minus26")?;
        // Down by six for each bit above 8.
        pps.init_qp = bits.within("init_qp_minus26", init_qp, -74, 25)? + 26;
        bits.flag("constrained_intra_pred_flag")?;
        pps.transform_skip = bits.flag("transform_skip_enabled_flag")?;
        if bits.flag("cu_qp_delta_enabled_flag")? {
            pps.qp_delta_depth = Some(bits.ue_max("diff_cu_qp_delta_depth", 3)? as u8);
        }
        bits.se("pps_cb_qp_offset")?;
        bits.se("pps_cr_qp_offset")?;
        pps.slice_chroma_offsets = bits.flag("pps_slice_chroma_qp_offsets_present_flag")?;
        pps.weighted = bits.flag("weighted_pred_flag")?;
        pps.weighted_bipred = bits.flag("weighted_bipred_flag")?;
        pps.lossless = bits.flag("transquant_bypass_enabled_flag")?;
        pps.tiles = bits.flag("tiles_enabled_flag")?;
        pps.wavefronts = bits.flag("entropy_coding_sync_enabled_flag")?;
        if pps.tiles {
            // 20 columns and 22 lines are the most of any level (§A.4.2).
            let columns = bits.ue_max("num_tile_columns_minus1", 19)?;
            let rows = bits.ue_max("num_tile_rows_minus1", 21)?;
            if bits.flag("uniform_spacing_flag")? {
                pps.tile_columns = TileSizes::Uniform(columns + 1);
                pps.tile_rows = TileSizes::Uniform(rows + 1);
            } else {
                let mut sizes = |field, count: u32| -> Result<Vec<u32>, Error> {
                    (0..count).map(|_| Ok(bits.ue_max(field, 0xffff)? + 1)).collect()
                };
                pps.tile_columns = TileSizes::Listed(sizes("column_width_minus1", columns)?);
                pps.tile_rows = TileSizes::Listed(sizes("row_height_minus1", rows)?);
            }
            bits.flag("loop_filter_across_tiles_enabled_flag")?;
        }
        pps.filter_across_slices = bits.flag("pps_loop_filter_across_slices_enabled_flag")?;
        if bits.flag("deblocking_filter_control_present_flag")? {
            pps.deblocking_override = bits.flag("deblocking_filter_override_enabled_flag")?;
            pps.deblocking_disabled = bits.flag("pps_deblocking_filter_disabled_flag")?;
            if !pps.deblocking_disabled {
                bits.se("pps_beta_offset_div2")?;
                bits.se("pps_tc_offset_div2")?;
            }
        }
        if bits.flag("pps_scaling_list_data_present_flag")? {
            skip_scaling_lists(bits)?;
        }
        pps.lists_modification = bits.flag("lists_modification_present_flag")?;
        bits.ue_max("log2_parallel_merge_level_minus2", 4)?;
        pps.slice_header_extension = bits.flag("slice_segment_header_extension_present_flag")?;
        pps.complete = pps.read_extension(bits).is_ok();
        Ok(pps)
    }

    /// `pps_range_extension()` (§7.3.2.3.2).
    fn read_extension(&mut self, bits: &mut BitReader<'_>) -> Result<(), Error> {
        if !bits.flag("pps_extension_present_flag")? {
            return Ok(());
        }
        let range = bits.flag("pps_range_extension_flag")?;
        bits.bits(7, "pps_extension_flags")?;
        if range {
            if self.transform_skip {
                self.max_transform_skip_log2 = bits.ue_max("log2_max_transform_skip_block_size_minus2", 3)? as u8 + 2;
            }
            self.cross_component = bits.flag("cross_component_prediction_enabled_flag")?;
            if bits.flag("chroma_qp_offset_list_enabled_flag")? {
                let depth = bits.ue_max("diff_cu_chroma_qp_offset_depth", 3)? as u8;
                let length = bits.ue_max("chroma_qp_offset_list_len_minus1", 5)? as u8 + 1;
                self.chroma_offset_list = Some((depth, length));
                for _ in 0..2 * length {
                    bits.se("qp_offset_list")?;
                }
            }
        }
        Ok(())
    }
}
