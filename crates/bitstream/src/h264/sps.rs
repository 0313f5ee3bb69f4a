//! Sequence parameter sets (H.264 §7.3.2.1.1).

use kineframe_codec::{BitDepth, ChromaSampling, ColorSpace, Latency, PixelFormat, Rect, Size};

use super::{NalHeader, NalType, Vui};
use crate::{BitReader, Error, ErrorKind};

/// How a slice header tells its picture's place in output order (§8.2.1).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PocType {
    /// Its low bits are written.
    Lsb {
        /// How many bits, 4 to 16.
        bits: u8,
    },
    /// It follows `frame_num` in a cycle.
    Cycle {
        /// `delta_pic_order_always_zero_flag`.
        delta_always_zero: bool,
        /// `offset_for_non_ref_pic`.
        offset_for_non_ref: i32,
        /// `offset_for_top_to_bottom_field`.
        offset_top_to_bottom: i32,
        /// `offset_for_ref_frame`, at most 255.
        offsets: Vec<i32>,
    },
    /// It is the decoding order.
    DecodingOrder,
}

/// A sequence parameter set: what all pictures of a coded video sequence have in common.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Sps {
    /// `profile_idc`: 66 Baseline, 77 Main, 88 Extended, 100 High, 110 High 10, 122 High 4:2:2, 244 High 4:4:4
    /// Predictive, 44 CAVLC 4:4:4 Intra.
    pub profile_idc: u8,
    /// `constraint_set0_flag` in the highest bit, and so on down.
    pub constraint_flags: u8,
    /// `level_idc`: ten times the level.
    pub level_idc: u8,
    /// `seq_parameter_set_id`, 0 to 31.
    pub id: u8,
    /// Chroma planes.
    pub chroma: ChromaSampling,
    /// `separate_colour_plane_flag`: three planes coded as three monochrome pictures.
    pub separate_planes: bool,
    /// Bits of a luma sample, 8 to 14.
    pub bit_depth_luma: u8,
    /// Bits of a chroma sample, 8 to 14.
    pub bit_depth_chroma: u8,
    /// `qpprime_y_zero_transform_bypass_flag`: macroblocks may be lossless.
    pub lossless: bool,
    /// Scaling lists other than the flat ones.
    pub scaling_lists: bool,
    /// Bits of `frame_num`, 4 to 16.
    pub frame_num_bits: u8,
    /// Where picture order comes from.
    pub poc: PocType,
    /// `max_num_ref_frames`, at most 16.
    pub max_ref_frames: u8,
    /// `gaps_in_frame_num_value_allowed_flag`.
    pub gaps_in_frame_num_allowed: bool,
    /// Macroblocks in a line.
    pub width_in_mbs: u32,
    /// Macroblock lines in a frame.
    pub height_in_mbs: u32,
    /// `frame_mbs_only_flag`: no fields and no field macroblocks.
    pub frame_mbs_only: bool,
    /// `mb_adaptive_frame_field_flag`.
    pub mbaff: bool,
    /// `direct_8x8_inference_flag`.
    pub direct_8x8_inference: bool,
    /// What is cut away, in luma samples.
    pub crop: Crop,
    /// Colour, aspect and reordering, where stated.
    pub vui: Option<Vui>,
}

/// Luma samples cut away on each side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Crop {
    /// Columns on the left.
    pub left: u32,
    /// Columns on the right.
    pub right: u32,
    /// Lines on top.
    pub top: u32,
    /// Lines at the bottom.
    pub bottom: u32,
}

/// Macroblocks in a line, or lines of them: far beyond every level, small enough that no product overflows.
const MBS_MAX: u32 = 1 << 15;

impl Sps {
    /// Reads an SPS NAL unit, header included, framing not.
    ///
    /// # Errors
    /// Another NAL unit, a cut one, values that the specification forbids, a crop that leaves nothing.
    pub fn parse(nal: &[u8]) -> Result<Sps, Error> {
        let bits = &mut BitReader::new("SPS", nal);
        let mut sps = Self::read_to_crop(bits)?;
        if bits.flag("frame_cropping_flag")? {
            sps.read_crop(bits)?;
        }
        if bits.flag("vui_parameters_present_flag")? {
            sps.vui = Some(Vui::read(bits));
        }
        Ok(sps)
    }

    fn read_to_crop(bits: &mut BitReader<'_>) -> Result<Sps, Error> {
        let header = NalHeader::from_byte(bits.byte(8, "nal_unit_header")?);
        if header.kind != NalType::SPS {
            return Err(bits.error("nal_unit_type", ErrorKind::Kind));
        }
        let profile_idc = bits.byte(8, "profile_idc")?;
        let constraint_flags = bits.byte(8, "constraint_set_flags")?;
        let level_idc = bits.byte(8, "level_idc")?;
        let id = bits.ue_max("seq_parameter_set_id", 31)? as u8;

        let mut sps = Sps {
            profile_idc,
            constraint_flags,
            level_idc,
            id,
            chroma: ChromaSampling::Yuv420,
            separate_planes: false,
            bit_depth_luma: 8,
            bit_depth_chroma: 8,
            lossless: false,
            scaling_lists: false,
            frame_num_bits: 4,
            poc: PocType::DecodingOrder,
            max_ref_frames: 0,
            gaps_in_frame_num_allowed: false,
            width_in_mbs: 0,
            height_in_mbs: 0,
            frame_mbs_only: true,
            mbaff: false,
            direct_8x8_inference: false,
            crop: Crop::default(),
            vui: None,
        };
        if has_chroma_fields(profile_idc) {
            sps.read_chroma(bits)?;
        }
        sps.frame_num_bits = bits.ue_max("log2_max_frame_num_minus4", 12)? as u8 + 4;
        sps.poc = read_poc(bits)?;
        sps.max_ref_frames = bits.ue_max("max_num_ref_frames", 16)? as u8;
        sps.gaps_in_frame_num_allowed = bits.flag("gaps_in_frame_num_value_allowed_flag")?;
        sps.width_in_mbs = bits.ue_max("pic_width_in_mbs_minus1", MBS_MAX - 1)? + 1;
        let map_units = bits.ue_max("pic_height_in_map_units_minus1", MBS_MAX - 1)? + 1;
        sps.frame_mbs_only = bits.flag("frame_mbs_only_flag")?;
        sps.height_in_mbs = if sps.frame_mbs_only { map_units } else { map_units * 2 };
        if !sps.frame_mbs_only {
            sps.mbaff = bits.flag("mb_adaptive_frame_field_flag")?;
        }
        sps.direct_8x8_inference = bits.flag("direct_8x8_inference_flag")?;
        Ok(sps)
    }

    fn read_chroma(&mut self, bits: &mut BitReader<'_>) -> Result<(), Error> {
        self.chroma = match bits.ue_max("chroma_format_idc", 3)? {
            0 => ChromaSampling::Monochrome,
            1 => ChromaSampling::Yuv420,
            2 => ChromaSampling::Yuv422,
            _ => ChromaSampling::Yuv444,
        };
        if self.chroma == ChromaSampling::Yuv444 {
            self.separate_planes = bits.flag("separate_colour_plane_flag")?;
        }
        self.bit_depth_luma = bits.ue_max("bit_depth_luma_minus8", 6)? as u8 + 8;
        self.bit_depth_chroma = bits.ue_max("bit_depth_chroma_minus8", 6)? as u8 + 8;
        self.lossless = bits.flag("qpprime_y_zero_transform_bypass_flag")?;
        self.scaling_lists = bits.flag("seq_scaling_matrix_present_flag")?;
        if self.scaling_lists {
            let lists = if self.chroma == ChromaSampling::Yuv444 { 12 } else { 8 };
            for index in 0..lists {
                if bits.flag("seq_scaling_list_present_flag")? {
                    skip_scaling_list(bits, if index < 6 { 16 } else { 64 })?;
                }
            }
        }
        Ok(())
    }

    fn read_crop(&mut self, bits: &mut BitReader<'_>) -> Result<(), Error> {
        let (across, down) = match (self.separate_planes, self.chroma.shifts()) {
            (false, Some((across, down))) => (1 << across, 1 << down),
            _ => (1, 1),
        };
        let down = if self.frame_mbs_only { down } else { down * 2 };
        let size = self.coded_size();
        let mut side =
            |field, unit: u32, length: u32| -> Result<u32, Error> { Ok(bits.ue_max(field, length / unit)? * unit) };
        self.crop = Crop {
            left: side("frame_crop_left_offset", across, size.width)?,
            right: side("frame_crop_right_offset", across, size.width)?,
            top: side("frame_crop_top_offset", down, size.height)?,
            bottom: side("frame_crop_bottom_offset", down, size.height)?,
        };
        let Crop { left, right, top, bottom } = self.crop;
        bits.within("frame_crop_right_offset", left + right, 0, i64::from(size.width) - 1)?;
        bits.within("frame_crop_bottom_offset", top + bottom, 0, i64::from(size.height) - 1)?;
        Ok(())
    }

    /// The NAL unit of an SPS without its cropping, so that a decoder hands out whole coded frames; the VUI goes too.
    ///
    /// Cutting the frame is for the one who shows it: a decoder that cuts has to copy every plane, and some cut in
    /// the wrong place.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn without_cropping(nal: &[u8]) -> Result<Vec<u8>, Error> {
        let mut bits = BitReader::new("SPS", nal);
        Self::read_to_crop(&mut bits)?;
        let (whole, part) = ((bits.position() / 8) as usize, (bits.position() % 8) as u32);
        let mut out = nal.get(..whole).unwrap_or_default().to_vec();
        // What is left of the last byte, then: no cropping, no VUI, the stop bit, and zeros up to the byte's end.
        let last = u16::from(nal.get(whole).copied().unwrap_or_default()) << 8;
        let last = last & !(0xffff_u16 >> part) | 0x2000 >> part;
        for byte in last.to_be_bytes().into_iter().take(if part > 5 { 2 } else { 1 }) {
            if out.ends_with(&[0, 0]) && byte <= 3 {
                out.push(3);
            }
            out.push(byte);
        }
        Ok(out)
    }

    /// The size of the planes that are coded, a multiple of 16 both ways.
    pub fn coded_size(&self) -> Size {
        Size { width: self.width_in_mbs * 16, height: self.height_in_mbs * 16 }
    }

    /// The part of the planes that is to be shown.
    pub fn visible(&self) -> Rect {
        let (size, crop) = (self.coded_size(), self.crop);
        Rect {
            left: crop.left,
            top: crop.top,
            width: size.width - crop.left - crop.right,
            height: size.height - crop.top - crop.bottom,
        }
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

    /// Flag `constraint_setN_flag`.
    pub fn constraint(&self, n: u8) -> bool {
        self.constraint_flags << n.min(7) & 0x80 != 0
    }

    /// Frames that the decoded picture buffer holds at most, 1 to 16 (`MaxDpbFrames` of §A.3.1, or what the VUI
    /// states, and never less than the reference frames need).
    pub fn max_dpb_frames(&self) -> u32 {
        let stated = self.vui.and_then(|vui| vui.restriction).map(|r| r.max_dec_frame_buffering);
        stated.unwrap_or_else(|| self.level_dpb_frames()).max(self.max_ref_frames.into()).clamp(1, 16)
    }

    /// Most frames that precede a frame in decoding order and follow it in output order, 0 to 16 (§E.2.1,
    /// `max_num_reorder_frames`, stated or inferred).
    pub fn max_reorder_frames(&self) -> u32 {
        if self.poc == PocType::DecodingOrder {
            return 0;
        }
        if let Some(restriction) = self.vui.and_then(|vui| vui.restriction) {
            return restriction.max_reorder_frames;
        }
        let intra_only = matches!(self.profile_idc, 44 | 86 | 100 | 110 | 122 | 244) && self.constraint(3);
        if intra_only { 0 } else { self.max_dpb_frames() }
    }

    /// Frames that are held back to put them into output order: as few as the latency asks for.
    pub fn reorder_frames(&self, latency: Latency) -> u32 {
        match latency {
            // The Baseline profile has no B pictures, and no stream of it is known to reorder.
            Latency::Low if self.profile_idc == 66 => 0,
            _ => self.max_reorder_frames(),
        }
    }

    /// `MaxDpbFrames` from table A-1; 16 for levels that it does not have.
    fn level_dpb_frames(&self) -> u32 {
        let level_1b = self.level_idc == 11 && self.constraint(3) && matches!(self.profile_idc, 66 | 77 | 88);
        let mbs = match self.level_idc {
            9 | 10 => 396,
            11 if level_1b => 396,
            11 => 900,
            12 | 13 | 20 => 2_376,
            21 => 4_752,
            22 | 30 => 8_100,
            31 => 18_000,
            32 => 20_480,
            40 | 41 => 32_768,
            42 => 34_816,
            50 => 110_400,
            51 | 52 => 184_320,
            60..=62 => 696_320,
            _ => return 16,
        };
        (mbs / (self.width_in_mbs * self.height_in_mbs)).clamp(1, 16)
    }
}

/// The profiles whose SPS has `chroma_format_idc` and what follows it (§7.3.2.1.1).
fn has_chroma_fields(profile_idc: u8) -> bool {
    matches!(profile_idc, 100 | 110 | 122 | 244 | 44 | 83 | 86 | 118 | 128 | 138 | 139 | 134 | 135)
}

fn read_poc(bits: &mut BitReader<'_>) -> Result<PocType, Error> {
    Ok(match bits.ue_max("pic_order_cnt_type", 2)? {
        0 => PocType::Lsb { bits: bits.ue_max("log2_max_pic_order_cnt_lsb_minus4", 12)? as u8 + 4 },
        1 => {
            let delta_always_zero = bits.flag("delta_pic_order_always_zero_flag")?;
            let offset_for_non_ref = bits.se("offset_for_non_ref_pic")?;
            let offset_top_to_bottom = bits.se("offset_for_top_to_bottom_field")?;
            let count = bits.ue_max("num_ref_frames_in_pic_order_cnt_cycle", 255)?;
            let offsets = (0..count).map(|_| bits.se("offset_for_ref_frame")).collect::<Result<_, _>>()?;
            PocType::Cycle { delta_always_zero, offset_for_non_ref, offset_top_to_bottom, offsets }
        }
        _ => PocType::DecodingOrder,
    })
}

/// Steps over `scaling_list()` (§7.3.2.1.1.1).
pub(super) fn skip_scaling_list(bits: &mut BitReader<'_>, size: u32) -> Result<(), Error> {
    let (mut last, mut next) = (8, 8);
    for _ in 0..size {
        if next != 0 {
            let delta = bits.se("delta_scale")?;
            bits.within("delta_scale", delta, -128, 127)?;
            next = (last + delta).rem_euclid(256);
        }
        last = if next == 0 { last } else { next };
    }
    Ok(())
}
