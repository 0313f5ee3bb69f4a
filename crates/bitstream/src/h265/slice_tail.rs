//! The rest of a slice segment header (H.265 §7.3.6.1): what its data is read with.

use super::{Pps, SliceHeader, SliceType, Sps, bits_below};
use crate::{BitReader, Error};

/// What a slice's data is read with. Dependent slice segments share that of the independent one before them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SliceTail {
    pub(super) slice_type: SliceType,
    pub(super) sao_luma: bool,
    pub(super) sao_chroma: bool,
    /// `num_ref_idx_active_minus1` + 1 of both lists.
    pub(super) active: [u32; 2],
    pub(super) mvd_l1_zero: bool,
    pub(super) cabac_init: bool,
    /// `MaxNumMergeCand`.
    pub(super) merge_candidates: u32,
    /// `SliceQpY`.
    pub(super) qp: i32,
    /// `cu_chroma_qp_offset_enabled_flag`.
    pub(super) chroma_offsets: bool,
}

impl SliceTail {
    /// Reads on behind the references of the slice's header.
    pub(super) fn read(
        bits: &mut BitReader<'_>,
        header: &SliceHeader,
        sps: &Sps,
        pps: &Pps,
        chroma: bool,
    ) -> Result<Self, Error> {
        let temporal_mvp =
            !header.nal.kind.is_idr() && sps.temporal_mvp && bits.flag("slice_temporal_mvp_enabled_flag")?;
        let sao_luma = sps.sao && bits.flag("slice_sao_luma_flag")?;
        let sao_chroma = sps.sao && chroma && bits.flag("slice_sao_chroma_flag")?;
        let slice_type = header.slice_type;
        let mut tail = SliceTail {
            slice_type,
            sao_luma,
            sao_chroma,
            active: [0, 0],
            mvd_l1_zero: false,
            cabac_init: false,
            merge_candidates: 1,
            qp: 0,
            chroma_offsets: false,
        };
        if !slice_type.is_intra() {
            tail.read_prediction(bits, header, pps, (temporal_mvp, chroma))?;
        }
        tail.qp = pps.init_qp + bits.se("slice_qp_delta")?.clamp(-1000, 1000);
        let least = -6 * (i64::from(sps.bit_depth_luma) - 8);
        bits.within("SliceQpY", tail.qp, least, 51)?;
        if pps.slice_chroma_offsets {
            bits.se("slice_cb_qp_offset")?;
            bits.se("slice_cr_qp_offset")?;
        }
        tail.chroma_offsets = pps.chroma_offset_list.is_some() && bits.flag("cu_chroma_qp_offset_enabled_flag")?;
        let mut disabled = pps.deblocking_disabled;
        if pps.deblocking_override && bits.flag("deblocking_filter_override_flag")? {
            disabled = bits.flag("slice_deblocking_filter_disabled_flag")?;
            if !disabled {
                bits.se("slice_beta_offset_div2")?;
                bits.se("slice_tc_offset_div2")?;
            }
        }
        if pps.filter_across_slices && (sao_luma || sao_chroma || !disabled) {
            bits.flag("slice_loop_filter_across_slices_enabled_flag")?;
        }
        Ok(tail)
    }

    fn read_prediction(
        &mut self,
        bits: &mut BitReader<'_>,
        header: &SliceHeader,
        pps: &Pps,
        (temporal_mvp, chroma): (bool, bool),
    ) -> Result<(), Error> {
        let both = self.slice_type == SliceType::B;
        let lists = 1 + usize::from(both);
        self.active = pps.default_active.map(u32::from);
        if bits.flag("num_ref_idx_active_override_flag")? {
            for active in self.active.iter_mut().take(lists) {
                *active = bits.ue_max("num_ref_idx_active_minus1", 14)? + 1;
            }
        }
        let [first, second] = &mut self.active;
        if !both {
            *second = 0;
        }
        // `NumPicTotalCurr`.
        let used = header.short_term.entries().filter(|(_, used)| *used).count()
            + header.long_term.iter().filter(|entry| entry.used).count();
        if pps.lists_modification && used > 1 {
            for active in [*first, *second].into_iter().take(lists) {
                if bits.flag("ref_pic_list_modification_flag")? {
                    for _ in 0..active {
                        bits.bits(bits_below(used as u32), "list_entry")?;
                    }
                }
            }
        }
        let (first, second) = (*first, *second);
        self.mvd_l1_zero = both && bits.flag("mvd_l1_zero_flag")?;
        self.cabac_init = pps.cabac_init_present && bits.flag("cabac_init_flag")?;
        if temporal_mvp {
            let from_first = !both || bits.flag("collocated_from_l0_flag")?;
            if (if from_first { first } else { second }) > 1 {
                bits.ue_max("collocated_ref_idx", 14)?;
            }
        }
        if if both { pps.weighted_bipred } else { pps.weighted } {
            bits.ue_max("luma_log2_weight_denom", 7)?;
            if chroma {
                bits.se("delta_chroma_log2_weight_denom")?;
            }
            for active in [first, second].into_iter().take(lists) {
                skip_weights(bits, active, chroma)?;
            }
        }
        self.merge_candidates = 5 - bits.ue_max("five_minus_max_num_merge_cand", 4)?;
        Ok(())
    }
}

/// The part of `pred_weight_table()` (§7.3.6.3) for one list.
fn skip_weights(bits: &mut BitReader<'_>, active: u32, chroma: bool) -> Result<(), Error> {
    let mut flags = [(false, false); 15];
    for (luma, _) in flags.iter_mut().take(active as usize) {
        *luma = bits.flag("luma_weight_flag")?;
    }
    for (_, of_chroma) in flags.iter_mut().take(if chroma { active as usize } else { 0 }) {
        *of_chroma = bits.flag("chroma_weight_flag")?;
    }
    for (luma, of_chroma) in flags {
        for _ in 0..2 * u32::from(luma) + 4 * u32::from(of_chroma) {
            bits.se("weight_or_offset")?;
        }
    }
    Ok(())
}

/// What follows the tail, and in dependent slice segments the address: the first byte of the data.
pub(super) fn data_start(bits: &mut BitReader<'_>, pps: &Pps) -> Result<usize, Error> {
    if pps.tiles || pps.wavefronts {
        // Tiles and lines of the largest picture.
        let count = bits.ue_max("num_entry_point_offsets", 440 + 16 * 4096)?;
        if count > 0 {
            let length = bits.ue_max("offset_len_minus1", 31)? + 1;
            for _ in 0..count {
                bits.bits(length, "entry_point_offset_minus1")?;
            }
        }
    }
    if pps.slice_header_extension {
        for _ in 0..bits.ue_max("slice_segment_header_extension_length", 256)? {
            bits.bits(8, "slice_segment_header_extension_data_byte")?;
        }
    }
    let stop = bits.bits(1, "alignment_bit_equal_to_one")?;
    bits.within("alignment_bit_equal_to_one", stop, 1, 1)?;
    Ok(bits.position().div_ceil(8) as usize)
}
