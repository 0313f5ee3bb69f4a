//! Sequence parameter sets (H.265 §7.3.2.2).

use kineframe_codec::{BitDepth, ChromaSampling, ColorSpace, PixelFormat, Rect, Size};

use super::{Crop, NalType, ProfileTierLevel, ShortTermSet, Vui, bits_below, read_header, skip_scaling_lists};
use crate::{BitReader, Error, escape, unescape};

/// A sequence parameter set: what all pictures of a coded video sequence have in common.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Sps {
    /// `sps_video_parameter_set_id`, 0 to 15.
    pub vps_id: u8,
    /// `sps_max_sub_layers_minus1` + 1, 1 to 7.
    pub max_sub_layers: u8,
    /// Profile, tier and level.
    pub profile: ProfileTierLevel,
    /// `sps_seq_parameter_set_id`, 0 to 15.
    pub id: u8,
    /// Chroma planes.
    pub chroma: ChromaSampling,
    /// `separate_colour_plane_flag`: three planes coded as three monochrome pictures.
    pub separate_planes: bool,
    /// `pic_width_in_luma_samples`.
    pub width: u32,
    /// `pic_height_in_luma_samples`.
    pub height: u32,
    /// The conformance window: what is cut away, in luma samples.
    pub crop: Crop,
    /// Bits of a luma sample, 8 to 16.
    pub bit_depth_luma: u8,
    /// Bits of a chroma sample, 8 to 16.
    pub bit_depth_chroma: u8,
    /// Bits of `slice_pic_order_cnt_lsb`, 4 to 16.
    pub poc_lsb_bits: u8,
    /// `sps_max_dec_pic_buffering_minus1` + 1 of the highest sub-layer, 1 to 16.
    pub max_dec_pic_buffering: u8,
    /// `sps_max_num_reorder_pics` of the highest sub-layer: pictures that may come before one in decoding order and
    /// after it in output order.
    pub max_reorder: u8,
    /// Side of a smallest coding block, as a power of two, 3 to 6.
    pub min_cb_log2: u8,
    /// Side of a coding tree block, as a power of two, 4 to 6.
    pub ctb_log2: u8,
    /// Side of a smallest transform block, as a power of two, 2 to 5.
    pub min_tb_log2: u8,
    /// Side of a largest transform block, as a power of two, 2 to 5.
    pub max_tb_log2: u8,
    /// `max_transform_hierarchy_depth_inter`.
    pub transform_depth_inter: u8,
    /// `max_transform_hierarchy_depth_intra`.
    pub transform_depth_intra: u8,
    /// `amp_enabled_flag`: asymmetric partitions.
    pub asymmetric_partitions: bool,
    /// `sample_adaptive_offset_enabled_flag`.
    pub sao: bool,
    /// `scaling_list_enabled_flag`.
    pub scaling_lists: bool,
    /// `pcm_enabled_flag`.
    pub pcm: bool,
    /// The short-term reference picture sets that slices may name, at most 64.
    pub short_term_sets: Vec<ShortTermSet>,
    /// The long-term references that slices may name, with `long_term_ref_pics_present_flag`: low bits of the order
    /// count, and whether the picture itself may refer to it. At most 32.
    pub long_term: Option<Vec<(u32, bool)>>,
    /// `sps_temporal_mvp_enabled_flag`.
    pub temporal_mvp: bool,
    /// Colour, aspect and timing, where stated.
    pub vui: Option<Vui>,
    /// `sps_range_extension()`.
    pub range_extension: Option<RangeExtension>,
    /// `sps_scc_extension_flag`: screen content coding.
    pub screen_content: bool,
    /// It was read to its end. Where a cut VUI stops that, extensions are not known.
    pub complete: bool,
}

/// Coding tools of the format range extensions (§7.3.2.2.2), by the names of their flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[allow(missing_docs)]
pub struct RangeExtension {
    pub transform_skip_rotation: bool,
    pub transform_skip_context: bool,
    pub implicit_rdpcm: bool,
    pub explicit_rdpcm: bool,
    pub extended_precision: bool,
    pub intra_smoothing_disabled: bool,
    pub high_precision_offsets: bool,
    pub persistent_rice_adaptation: bool,
    pub cabac_bypass_alignment: bool,
}

/// Longest side: twice what any level allows (§A.4.2), small enough that no product overflows.
const SIDE_MAX: u32 = 1 << 16;

impl Sps {
    /// Reads an SPS NAL unit, header included, framing not.
    ///
    /// # Errors
    /// Another NAL unit, a cut one, values that the specification forbids, a window that leaves nothing.
    pub fn parse(nal: &[u8]) -> Result<Sps, Error> {
        let bits = &mut BitReader::new("SPS", nal);
        let mut sps = Self::read_format(bits)?;
        sps.read_coding(bits)?;
        let mut rest = Ok(());
        if bits.flag("vui_parameters_present_flag")? {
            let (vui, read) = Vui::read(bits, sps.max_sub_layers);
            (sps.vui, rest) = (Some(vui), read);
        }
        sps.complete = rest.and_then(|()| sps.read_extensions(bits)).is_ok();
        Ok(sps)
    }

    /// Up to the depths of samples.
    fn read_format(bits: &mut BitReader<'_>) -> Result<Sps, Error> {
        read_header(bits, NalType::SPS)?;
        let vps_id = bits.byte(4, "sps_video_parameter_set_id")?;
        let max_sub_layers = bits.byte(3, "sps_max_sub_layers_minus1")?;
        let max_sub_layers = bits.within("sps_max_sub_layers_minus1", max_sub_layers, 0, 6)? + 1;
        bits.flag("sps_temporal_id_nesting_flag")?;
        let profile = ProfileTierLevel::read(bits, max_sub_layers)?;
        let id = bits.ue_max("sps_seq_parameter_set_id", 15)? as u8;
        let chroma = match bits.ue_max("chroma_format_idc", 3)? {
            0 => ChromaSampling::Monochrome,
            1 => ChromaSampling::Yuv420,
            2 => ChromaSampling::Yuv422,
            _ => ChromaSampling::Yuv444,
        };
        let separate_planes = chroma == ChromaSampling::Yuv444 && bits.flag("separate_colour_plane_flag")?;
        let width = bits.ue("pic_width_in_luma_samples")?;
        let width = bits.within("pic_width_in_luma_samples", width, 1, SIDE_MAX.into())?;
        let height = bits.ue("pic_height_in_luma_samples")?;
        let height = bits.within("pic_height_in_luma_samples", height, 1, SIDE_MAX.into())?;
        let mut sps = Sps {
            vps_id,
            max_sub_layers,
            profile,
            id,
            chroma,
            separate_planes,
            width,
            height,
            crop: Crop::default(),
            bit_depth_luma: 8,
            bit_depth_chroma: 8,
            poc_lsb_bits: 4,
            max_dec_pic_buffering: 1,
            max_reorder: 0,
            min_cb_log2: 3,
            ctb_log2: 4,
            min_tb_log2: 2,
            max_tb_log2: 2,
            transform_depth_inter: 0,
            transform_depth_intra: 0,
            asymmetric_partitions: false,
            sao: false,
            scaling_lists: false,
            pcm: false,
            short_term_sets: Vec::new(),
            long_term: None,
            temporal_mvp: false,
            vui: None,
            range_extension: None,
            screen_content: false,
            complete: false,
        };
        if bits.flag("conformance_window_flag")? {
            sps.read_window(bits)?;
        }
        sps.bit_depth_luma = bits.ue_max("bit_depth_luma_minus8", 8)? as u8 + 8;
        sps.bit_depth_chroma = bits.ue_max("bit_depth_chroma_minus8", 8)? as u8 + 8;
        Ok(sps)
    }

    fn read_window(&mut self, bits: &mut BitReader<'_>) -> Result<(), Error> {
        // `SubWidthC` and `SubHeightC` (table 6-1); 1 with separate planes too.
        let (across, down) = self.chroma.shifts().map_or((1, 1), |(across, down)| (1 << across, 1 << down));
        let mut side =
            |field, unit: u32, length: u32| -> Result<u32, Error> { Ok(bits.ue_max(field, length / unit)? * unit) };
        let left = side("conf_win_left_offset", across, self.width)?;
        let right = side("conf_win_right_offset", across, self.width)?;
        let top = side("conf_win_top_offset", down, self.height)?;
        let bottom = side("conf_win_bottom_offset", down, self.height)?;
        self.crop = Crop { left, right, top, bottom };
        bits.within("conf_win_right_offset", left + right, 0, i64::from(self.width) - 1)?;
        bits.within("conf_win_bottom_offset", top + bottom, 0, i64::from(self.height) - 1)?;
        Ok(())
    }

    /// From `log2_max_pic_order_cnt_lsb_minus4` up to the VUI.
    fn read_coding(&mut self, bits: &mut BitReader<'_>) -> Result<(), Error> {
        self.poc_lsb_bits = bits.ue_max("log2_max_pic_order_cnt_lsb_minus4", 12)? as u8 + 4;
        let all = bits.flag("sps_sub_layer_ordering_info_present_flag")?;
        for _ in if all { 0 } else { self.max_sub_layers - 1 }..self.max_sub_layers {
            self.max_dec_pic_buffering = bits.ue_max("sps_max_dec_pic_buffering_minus1", 15)? as u8 + 1;
            self.max_reorder = bits.ue_max("sps_max_num_reorder_pics", 15)? as u8;
            bits.ue("sps_max_latency_increase_plus1")?;
        }
        self.min_cb_log2 = bits.ue_max("log2_min_luma_coding_block_size_minus3", 3)? as u8 + 3;
        let more = bits.ue_max("log2_diff_max_min_luma_coding_block_size", 3)? as u8;
        self.ctb_log2 = bits.within("CtbLog2SizeY", self.min_cb_log2 + more, 4, 6)?;
        self.min_tb_log2 = bits.ue_max("log2_min_luma_transform_block_size_minus2", 3)? as u8 + 2;
        let more = bits.ue_max("log2_diff_max_min_luma_transform_block_size", 3)? as u8;
        self.max_tb_log2 = bits.within("MaxTbLog2SizeY", self.min_tb_log2 + more, 2, self.ctb_log2.min(5).into())?;
        bits.within("MinTbLog2SizeY", self.min_tb_log2, 2, i64::from(self.min_cb_log2) - 1)?;
        self.transform_depth_inter = bits.ue_max("max_transform_hierarchy_depth_inter", 4)? as u8;
        self.transform_depth_intra = bits.ue_max("max_transform_hierarchy_depth_intra", 4)? as u8;
        self.scaling_lists = bits.flag("scaling_list_enabled_flag")?;
        if self.scaling_lists && bits.flag("sps_scaling_list_data_present_flag")? {
            skip_scaling_lists(bits)?;
        }
        self.asymmetric_partitions = bits.flag("amp_enabled_flag")?;
        self.sao = bits.flag("sample_adaptive_offset_enabled_flag")?;
        self.pcm = bits.flag("pcm_enabled_flag")?;
        if self.pcm {
            bits.bits(8, "pcm_sample_bit_depth")?;
            bits.ue_max("log2_min_pcm_luma_coding_block_size_minus3", 2)?;
            bits.ue_max("log2_diff_max_min_pcm_luma_coding_block_size", 2)?;
            bits.flag("pcm_loop_filter_disabled_flag")?;
        }
        let count = bits.ue_max("num_short_term_ref_pic_sets", 64)? as usize;
        for _ in 0..count {
            let set = ShortTermSet::read(bits, &self.short_term_sets, count)?;
            self.short_term_sets.push(set);
        }
        if bits.flag("long_term_ref_pics_present_flag")? {
            let count = bits.ue_max("num_long_term_ref_pics_sps", 32)?;
            let mut entry = || -> Result<(u32, bool), Error> {
                let lsb = bits.bits(self.poc_lsb_bits.into(), "lt_ref_pic_poc_lsb_sps")?;
                Ok((lsb, bits.flag("used_by_curr_pic_lt_sps_flag")?))
            };
            self.long_term = Some((0..count).map(|_| entry()).collect::<Result<_, _>>()?);
        }
        self.temporal_mvp = bits.flag("sps_temporal_mvp_enabled_flag")?;
        bits.flag("strong_intra_smoothing_enabled_flag")?;
        Ok(())
    }

    fn read_extensions(&mut self, bits: &mut BitReader<'_>) -> Result<(), Error> {
        if !bits.flag("sps_extension_present_flag")? {
            return Ok(());
        }
        let range = bits.flag("sps_range_extension_flag")?;
        bits.flag("sps_multilayer_extension_flag")?;
        bits.flag("sps_3d_extension_flag")?;
        self.screen_content = bits.flag("sps_scc_extension_flag")?;
        bits.bits(4, "sps_extension_4bits")?;
        if range {
            self.range_extension = Some(RangeExtension {
                transform_skip_rotation: bits.flag("transform_skip_rotation_enabled_flag")?,
                transform_skip_context: bits.flag("transform_skip_context_enabled_flag")?,
                implicit_rdpcm: bits.flag("implicit_rdpcm_enabled_flag")?,
                explicit_rdpcm: bits.flag("explicit_rdpcm_enabled_flag")?,
                extended_precision: bits.flag("extended_precision_processing_flag")?,
                intra_smoothing_disabled: bits.flag("intra_smoothing_disabled_flag")?,
                high_precision_offsets: bits.flag("high_precision_offsets_enabled_flag")?,
                persistent_rice_adaptation: bits.flag("persistent_rice_adaptation_enabled_flag")?,
                cabac_bypass_alignment: bits.flag("cabac_bypass_alignment_enabled_flag")?,
            });
        }
        Ok(())
    }

    /// The NAL unit of an SPS that says that output order is decoding order (`sps_max_num_reorder_pics` 0), so that a
    /// decoder with an order of its own hands each picture out as it is decoded. Nothing that decoding needs changes.
    ///
    /// # Errors
    /// As [`parse`](Self::parse), of what stands before the coding tools.
    pub fn without_reordering(nal: &[u8]) -> Result<Vec<u8>, Error> {
        let rbsp = unescape(nal);
        let mut bits = BitReader::plain("SPS", &rbsp);
        let sps = Self::read_format(&mut bits)?;
        bits.ue_max("log2_max_pic_order_cnt_lsb_minus4", 12)?;
        let all = bits.flag("sps_sub_layer_ordering_info_present_flag")?;
        let mut out = Bits::copy_of(&rbsp, bits.position());
        for _ in if all { 0 } else { sps.max_sub_layers - 1 }..sps.max_sub_layers {
            let buffering = bits.ue_max("sps_max_dec_pic_buffering_minus1", 15)?;
            bits.ue("sps_max_num_reorder_pics")?;
            bits.ue("sps_max_latency_increase_plus1")?;
            let zeros = (buffering + 1).ilog2();
            (0..zeros).for_each(|_| out.push(false));
            (0..=zeros).rev().for_each(|bit| out.push((buffering + 1) >> bit & 1 == 1));
            // No reordering, no bound on latency.
            (0..2).for_each(|_| out.push(true));
        }
        out.copy(&rbsp, bits.position());
        let length = out.bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        out.bytes.truncate(length);
        Ok(escape(&out.bytes))
    }

    /// The size of the planes that are coded.
    pub fn coded_size(&self) -> Size {
        Size { width: self.width, height: self.height }
    }

    /// The part of the planes that is to be shown.
    pub fn visible(&self) -> Rect {
        let Crop { left, right, top, bottom } = self.crop;
        Rect { left, top, width: self.width - left - right, height: self.height - top - bottom }
    }

    /// The shape of the samples; `None` where luma and chroma differ in depth.
    pub fn format(&self) -> Option<PixelFormat> {
        let same = self.chroma == ChromaSampling::Monochrome || self.bit_depth_luma == self.bit_depth_chroma;
        let depth = BitDepth::new(self.bit_depth_luma).filter(|_| same)?;
        Some(PixelFormat { chroma: self.chroma, depth })
    }

    /// What it says about colour.
    pub fn color(&self) -> ColorSpace {
        self.vui.map(|vui| vui.usability.color()).unwrap_or_default()
    }

    /// The bits of `slice_segment_address`.
    pub(super) fn address_bits(&self) -> u32 {
        let ctbs = |length: u32| length.div_ceil(1 << self.ctb_log2);
        // At most 4096 blocks of 16 samples each way.
        bits_below(ctbs(self.width) * ctbs(self.height))
    }
}

/// Bits behind each other, zeros at the end of the last byte.
struct Bits {
    bytes: Vec<u8>,
    free: u32,
}

impl Bits {
    /// The first bits of `bytes`.
    fn copy_of(bytes: &[u8], bits: u64) -> Self {
        let mut out = Bits { bytes: Vec::with_capacity(bytes.len() + 8), free: 0 };
        (0..bits).for_each(|at| out.push(bit(bytes, at)));
        out
    }

    /// Those from `start` on.
    fn copy(&mut self, bytes: &[u8], start: u64) {
        (start..bytes.len() as u64 * 8).for_each(|at| self.push(bit(bytes, at)));
    }

    fn push(&mut self, bit: bool) {
        if self.free == 0 {
            self.bytes.push(0);
            self.free = 8;
        }
        self.free -= 1;
        if let Some(last) = self.bytes.last_mut() {
            *last |= u8::from(bit) << self.free;
        }
    }
}

fn bit(bytes: &[u8], at: u64) -> bool {
    bytes.get((at / 8) as usize).is_some_and(|byte| byte << (at % 8) & 0x80 != 0)
}
