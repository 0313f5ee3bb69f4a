//! The rest of a slice header (H.264 §7.3.3): reference lists, marking, deblocking.

use super::{ParameterSets, PictureStructure, Pps, SliceHeader, SliceType, Sps};
use crate::{BitReader, Error};

/// What a slice header says of reference pictures and of deblocking.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub struct SliceTail {
    /// Entries of lists 0 and 1 in use; 0 where the slice has no such list.
    pub active: [u8; 2],
    /// Commands that modify the lists, as (list, `modification_of_pic_nums_idc`, value); at most 66.
    pub modifications: Vec<(u8, u8, u32)>,
    /// `memory_management_control_operation` 5.
    pub drops_references: bool,
    /// Some picture is made a long-term reference.
    pub long_term: bool,
    /// An earlier picture is: `memory_management_control_operation` 3.
    pub relabels: bool,
    /// `disable_deblocking_filter_idc`, `FilterOffsetA` and `FilterOffsetB` (§7.4.3).
    pub deblocking: (u8, i8, i8),
    /// `cabac_init_idc`, 0 to 2.
    pub cabac_init_idc: u8,
    /// `SliceQPY`, −36 to 51.
    pub qp: i32,
    /// Where `slice_data()` begins, in bits of the NAL unit, emulation prevention bytes included.
    pub data_bit: u64,
}

/// One command per entry, and 32 entries in each of two lists at most; the same for marking two fields.
const COMMANDS_MAX: u32 = 66;

impl SliceTail {
    /// Reads a slice of type 1, 2 or 5 up to its macroblocks. What SP and SI slices have at the end is not read.
    ///
    /// # Errors
    /// Those of [`SliceHeader::parse`], and values that the specification forbids further on.
    pub fn parse(nal: &[u8], sets: &ParameterSets) -> Result<(SliceHeader, SliceTail), Error> {
        let bits = &mut BitReader::new("slice header", nal);
        let (mut slice, sps, pps) = SliceHeader::read_head(bits, sets)?;
        let macroblocks = i64::from(sps.width_in_mbs) * i64::from(sps.height_in_mbs);
        bits.within("first_mb_in_slice", slice.first_mb, 0, macroblocks - 1)?;
        let mut tail = Self::read_to_marking(bits, &slice, sps, pps)?;
        slice.drops_references = tail.drops_references;
        if pps.cabac && !slice.slice_type.is_intra() {
            tail.cabac_init_idc = bits.ue_max("cabac_init_idc", 2)? as u8;
        }
        let delta = bits.se("slice_qp_delta")?;
        let qp = i64::from(pps.init_qp) + i64::from(delta);
        bits.within("slice_qp_delta", qp, -6 * (i64::from(sps.bit_depth_luma) - 8), 51)?;
        tail.qp = qp as i32;
        if pps.deblocking_control && !matches!(slice.slice_type, SliceType::Sp | SliceType::Si) {
            tail.deblocking.0 = bits.ue_max("disable_deblocking_filter_idc", 2)? as u8;
            if tail.deblocking.0 != 1 {
                tail.deblocking.1 = read_filter_offset(bits, "slice_alpha_c0_offset_div2")?;
                tail.deblocking.2 = read_filter_offset(bits, "slice_beta_offset_div2")?;
            }
        }
        tail.data_bit = bits.position();
        Ok((slice, tail))
    }

    /// Reads up to the end of `dec_ref_pic_marking()`.
    pub(super) fn read_to_marking(
        bits: &mut BitReader<'_>,
        slice: &SliceHeader,
        sps: &Sps,
        pps: &Pps,
    ) -> Result<SliceTail, Error> {
        let mut tail = SliceTail::default();
        tail.read_lists(bits, slice, pps)?;
        tail.skip_weights(bits, slice, sps, pps)?;
        if slice.nal.ref_idc != 0 {
            tail.read_marking(bits, slice.is_idr())?;
        }
        Ok(tail)
    }

    /// `num_ref_idx_active_override_flag` and `ref_pic_list_modification()`.
    fn read_lists(&mut self, bits: &mut BitReader<'_>, slice: &SliceHeader, pps: &Pps) -> Result<(), Error> {
        let lists = match slice.slice_type {
            SliceType::B => 2,
            SliceType::P | SliceType::Sp => 1,
            SliceType::I | SliceType::Si => return Ok(()),
        };
        if slice.slice_type == SliceType::B {
            bits.flag("direct_spatial_mv_pred_flag")?;
        }
        let most = if slice.structure == PictureStructure::Frame { 16 } else { 32 };
        let own = bits.flag("num_ref_idx_active_override_flag")?;
        for (active, default) in self.active.iter_mut().zip(pps.ref_idx_default).take(lists) {
            *active = if own { bits.ue_max("num_ref_idx_active_minus1", 31)? as u8 + 1 } else { default };
            bits.within("num_ref_idx_active", *active, 1, most)?;
        }
        for list in 0..lists as u8 {
            if !bits.flag("ref_pic_list_modification_flag")? {
                continue;
            }
            loop {
                let idc = bits.ue_max("modification_of_pic_nums_idc", 3)? as u8;
                if idc == 3 {
                    break;
                }
                self.modifications.push((list, idc, bits.ue("abs_diff_pic_num_minus1")?));
                bits.within("modification_of_pic_nums_idc", self.modifications.len() as u32, 0, COMMANDS_MAX.into())?;
            }
        }
        Ok(())
    }

    /// Steps over `pred_weight_table()`.
    fn skip_weights(&self, bits: &mut BitReader<'_>, slice: &SliceHeader, sps: &Sps, pps: &Pps) -> Result<(), Error> {
        let explicit = match slice.slice_type {
            SliceType::P | SliceType::Sp => pps.weighted_pred,
            SliceType::B => pps.weighted_bipred == 1,
            SliceType::I | SliceType::Si => false,
        };
        if !explicit {
            return Ok(());
        }
        let chroma = sps.chroma.shifts().is_some() && !sps.separate_planes;
        bits.ue_max("luma_log2_weight_denom", 7)?;
        if chroma {
            bits.ue_max("chroma_log2_weight_denom", 7)?;
        }
        for _ in 0..self.active.iter().copied().map(u32::from).sum::<u32>() {
            for values in [2, 4].into_iter().take(1 + usize::from(chroma)) {
                if bits.flag("weight_flag")? {
                    for _ in 0..values {
                        bits.se("weight")?;
                    }
                }
            }
        }
        Ok(())
    }

    /// `dec_ref_pic_marking()`.
    fn read_marking(&mut self, bits: &mut BitReader<'_>, idr: bool) -> Result<(), Error> {
        if idr {
            // Whether pictures not yet shown are dropped is not asked: the caller wants them.
            bits.flag("no_output_of_prior_pics_flag")?;
            self.long_term = bits.flag("long_term_reference_flag")?;
            return Ok(());
        }
        if !bits.flag("adaptive_ref_pic_marking_mode_flag")? {
            return Ok(());
        }
        for count in 0_u32.. {
            bits.within("memory_management_control_operation", count, 0, COMMANDS_MAX.into())?;
            match bits.ue_max("memory_management_control_operation", 6)? {
                0 => break,
                5 => self.drops_references = true,
                operation => {
                    self.long_term |= matches!(operation, 3 | 6);
                    bits.ue("memory_management_control_operand")?;
                    if operation == 3 {
                        self.relabels = true;
                        bits.ue("long_term_frame_idx")?;
                    }
                }
            }
        }
        Ok(())
    }
}

fn read_filter_offset(bits: &mut BitReader<'_>, field: &'static str) -> Result<i8, Error> {
    let half = bits.se(field)?;
    Ok(2 * bits.within(field, half, -6, 6)? as i8)
}
