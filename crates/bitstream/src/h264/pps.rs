//! Picture parameter sets (H.264 §7.3.2.2).

use super::sps::skip_scaling_list;
use super::{NalHeader, NalType};
use crate::{BitReader, Error, ErrorKind};

/// A picture parameter set.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Pps {
    /// `pic_parameter_set_id`, 0 to 255.
    pub id: u8,
    /// The SPS that it belongs to, 0 to 31.
    pub sps_id: u8,
    /// `entropy_coding_mode_flag`: CABAC.
    pub cabac: bool,
    /// `bottom_field_pic_order_in_frame_present_flag`: slice headers have the second order count delta.
    pub pic_order_present: bool,
    /// Slice groups, 1 to 8; more than one is flexible macroblock ordering.
    pub slice_groups: u8,
    /// Default lengths of the two reference lists, 1 to 32.
    pub ref_idx_default: [u8; 2],
    /// `weighted_pred_flag`.
    pub weighted_pred: bool,
    /// `weighted_bipred_idc`, 0 to 2.
    pub weighted_bipred: u8,
    /// `pic_init_qp_minus26` + 26: the quantiser that slices begin with, −36 to 51.
    pub init_qp: i8,
    /// `chroma_qp_index_offset` and `second_chroma_qp_index_offset`: of Cb and of Cr, equal where the second is not
    /// written. In 4:4:4 with scaling lists of its own the second is not known: it stands behind lists whose number
    /// only the SPS tells, and is read as if there were two of 8×8.
    pub chroma_qp_offsets: [i8; 2],
    /// `deblocking_filter_control_present_flag`.
    pub deblocking_control: bool,
    /// `constrained_intra_pred_flag`.
    pub constrained_intra: bool,
    /// `redundant_pic_cnt_present_flag`.
    pub redundant_pic_count: bool,
    /// `transform_8x8_mode_flag`.
    pub transform_8x8: bool,
    /// Scaling lists of its own.
    pub scaling_lists: bool,
}

impl Pps {
    /// Reads a PPS NAL unit, header included, framing not. The scaling lists are stepped over.
    ///
    /// # Errors
    /// Another NAL unit, a cut one, values that the specification forbids.
    pub fn parse(nal: &[u8]) -> Result<Pps, Error> {
        let mut bits = BitReader::new("PPS", nal);
        let header = NalHeader::from_byte(bits.byte(8, "nal_unit_header")?);
        if header.kind != NalType::PPS {
            return Err(bits.error("nal_unit_type", ErrorKind::Kind));
        }
        let bits = &mut bits;
        let id = bits.ue_max("pic_parameter_set_id", 255)? as u8;
        let sps_id = bits.ue_max("seq_parameter_set_id", 31)? as u8;
        let cabac = bits.flag("entropy_coding_mode_flag")?;
        let pic_order_present = bits.flag("bottom_field_pic_order_in_frame_present_flag")?;
        let slice_groups = bits.ue_max("num_slice_groups_minus1", 7)? as u8 + 1;
        if slice_groups > 1 {
            skip_slice_groups(bits, slice_groups)?;
        }
        let mut ref_idx_default = [0; 2];
        for length in &mut ref_idx_default {
            *length = bits.ue_max("num_ref_idx_default_active_minus1", 31)? as u8 + 1;
        }
        let weighted_pred = bits.flag("weighted_pred_flag")?;
        let weighted_bipred = bits.byte(2, "weighted_bipred_idc")?;
        bits.within("weighted_bipred_idc", weighted_bipred, 0, 2)?;
        let init_qp = bits.se("pic_init_qp_minus26")?;
        let init_qp = bits.within("pic_init_qp_minus26", init_qp, -62, 25)? as i8 + 26;
        bits.se("pic_init_qs_minus26")?;
        let offset = bits.se("chroma_qp_index_offset")?;
        let offset = bits.within("chroma_qp_index_offset", offset, -12, 12)? as i8;
        let deblocking_control = bits.flag("deblocking_filter_control_present_flag")?;
        let constrained_intra = bits.flag("constrained_intra_pred_flag")?;
        let redundant_pic_count = bits.flag("redundant_pic_cnt_present_flag")?;
        let mut chroma_qp_offsets = [offset; 2];
        let (mut transform_8x8, mut scaling_lists) = (false, false);
        if bits.more_rbsp_data() {
            transform_8x8 = bits.flag("transform_8x8_mode_flag")?;
            scaling_lists = bits.flag("pic_scaling_matrix_present_flag")?;
            let lists = if !scaling_lists { 0 } else { 6 + 2 * u32::from(transform_8x8) };
            if let Ok(second) = read_second_offset(bits, lists) {
                chroma_qp_offsets[1] = second;
            }
        }
        Ok(Pps {
            id,
            sps_id,
            cabac,
            pic_order_present,
            slice_groups,
            ref_idx_default,
            weighted_pred,
            weighted_bipred,
            init_qp,
            chroma_qp_offsets,
            deblocking_control,
            constrained_intra,
            redundant_pic_count,
            transform_8x8,
            scaling_lists,
        })
    }
}

/// `second_chroma_qp_index_offset`, behind so many scaling lists.
fn read_second_offset(bits: &mut BitReader<'_>, lists: u32) -> Result<i8, Error> {
    for list in 0..lists {
        if bits.flag("pic_scaling_list_present_flag")? {
            skip_scaling_list(bits, if list < 6 { 16 } else { 64 })?;
        }
    }
    let offset = bits.se("second_chroma_qp_index_offset")?;
    Ok(bits.within("second_chroma_qp_index_offset", offset, -12, 12)? as i8)
}

/// Steps over the map of slice groups.
fn skip_slice_groups(bits: &mut BitReader<'_>, groups: u8) -> Result<(), Error> {
    match bits.ue_max("slice_group_map_type", 6)? {
        0 => {
            for _ in 0..groups {
                bits.ue("run_length_minus1")?;
            }
        }
        2 => {
            for _ in 1..groups {
                bits.ue("top_left")?;
                bits.ue("bottom_right")?;
            }
        }
        3..=5 => {
            bits.flag("slice_group_change_direction_flag")?;
            bits.ue("slice_group_change_rate_minus1")?;
        }
        6 => {
            // The map is in the unit itself, so its end bounds the loop.
            let units = bits.ue("pic_size_in_map_units_minus1")?;
            let width = 8 - (groups - 1).leading_zeros();
            for _ in 0..=units {
                bits.bits(width, "slice_group_id")?;
            }
        }
        _ => {}
    }
    Ok(())
}
