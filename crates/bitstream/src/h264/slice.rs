//! Slice headers (H.264 §7.3.3), as far as they tell pictures apart and in order.

use super::{NalHeader, NalType, ParameterSets, PocType, Pps, SliceTail, Sps};
use crate::{BitReader, Error, ErrorKind};

/// How a slice's macroblocks may be predicted (table 7-6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SliceType {
    /// From one picture.
    P,
    /// From two pictures.
    B,
    /// From this picture alone.
    I,
    /// P, for switching between streams.
    Sp,
    /// I, for switching between streams.
    Si,
}

impl SliceType {
    fn from_code(code: u32) -> SliceType {
        match code % 5 {
            0 => Self::P,
            1 => Self::B,
            2 => Self::I,
            3 => Self::Sp,
            _ => Self::Si,
        }
    }

    /// Whether no other picture is needed.
    pub fn is_intra(self) -> bool {
        matches!(self, Self::I | Self::Si)
    }
}

/// A frame, or one of its fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PictureStructure {
    /// All lines.
    Frame,
    /// The first, third, … line.
    TopField,
    /// The second, fourth, … line.
    BottomField,
}

/// The head of a slice.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct SliceHeader {
    /// The NAL unit's header.
    pub nal: NalHeader,
    /// `first_mb_in_slice`.
    pub first_mb: u32,
    /// `slice_type`.
    pub slice_type: SliceType,
    /// `pic_parameter_set_id`.
    pub pps_id: u8,
    /// The SPS that the PPS names.
    pub sps_id: u8,
    /// `frame_num`.
    pub frame_num: u16,
    /// Frame or field.
    pub structure: PictureStructure,
    /// `idr_pic_id`, of an IDR picture.
    pub idr_pic_id: Option<u16>,
    /// `pic_order_cnt_lsb`.
    pub poc_lsb: u16,
    /// `delta_pic_order_cnt_bottom`.
    pub delta_poc_bottom: i32,
    /// `delta_pic_order_cnt`.
    pub delta_poc: [i32; 2],
    /// `redundant_pic_cnt`: above 0, the slice repeats another for the case of loss.
    pub redundant: u8,
    /// `memory_management_control_operation` 5: all references are dropped, as at an IDR picture.
    pub drops_references: bool,
}

impl SliceHeader {
    /// Reads the header of a slice of type 1, 2 or 5.
    ///
    /// # Errors
    /// Another NAL unit, a cut one, values that the specification forbids, parameter sets that are not in `sets`.
    pub fn parse(nal: &[u8], sets: &ParameterSets) -> Result<SliceHeader, Error> {
        let bits = &mut BitReader::new("slice header", nal);
        let (mut slice, sps, pps) = Self::read_head(bits, sets)?;
        // The one thing of the rest that matters here stands near its end, and only reference pictures have it.
        if slice.nal.ref_idc != 0 && !slice.is_idr() {
            slice.drops_references = SliceTail::read_to_marking(bits, &slice, sps, pps)?.drops_references;
        }
        Ok(slice)
    }

    /// Reads up to `redundant_pic_cnt`; what follows is a [`SliceTail`].
    pub(super) fn read_head<'s>(
        bits: &mut BitReader<'_>,
        sets: &'s ParameterSets,
    ) -> Result<(SliceHeader, &'s Sps, &'s Pps), Error> {
        let (header, first_mb, slice_type) = read_start(bits)?;
        let pps_id = bits.ue_max("pic_parameter_set_id", 255)? as u8;
        let missing = |bits: &BitReader<'_>, field, id: u8| bits.error(field, ErrorKind::Missing(id.into()));
        let pps = sets.pps(pps_id).ok_or_else(|| missing(bits, "pic_parameter_set_id", pps_id))?;
        let sps = sets.sps(pps.sps_id).ok_or_else(|| missing(bits, "seq_parameter_set_id", pps.sps_id))?;

        if sps.separate_planes {
            bits.bits(2, "colour_plane_id")?;
        }
        let frame_num = bits.bits(sps.frame_num_bits.into(), "frame_num")? as u16;
        let mut structure = PictureStructure::Frame;
        if !sps.frame_mbs_only && bits.flag("field_pic_flag")? {
            let bottom = bits.flag("bottom_field_flag")?;
            structure = if bottom { PictureStructure::BottomField } else { PictureStructure::TopField };
        }
        let mut slice = SliceHeader {
            nal: header,
            first_mb,
            slice_type,
            pps_id,
            sps_id: pps.sps_id,
            frame_num,
            structure,
            idr_pic_id: None,
            poc_lsb: 0,
            delta_poc_bottom: 0,
            delta_poc: [0; 2],
            redundant: 0,
            drops_references: false,
        };
        if slice.is_idr() {
            slice.idr_pic_id = Some(bits.ue_max("idr_pic_id", 65_535)? as u16);
        }
        let both = pps.pic_order_present && structure == PictureStructure::Frame;
        match sps.poc {
            PocType::Lsb { bits: count } => {
                slice.poc_lsb = bits.bits(count.into(), "pic_order_cnt_lsb")? as u16;
                if both {
                    slice.delta_poc_bottom = bits.se("delta_pic_order_cnt_bottom")?;
                }
            }
            PocType::Cycle { delta_always_zero: false, .. } => {
                slice.delta_poc[0] = bits.se("delta_pic_order_cnt")?;
                if both {
                    slice.delta_poc[1] = bits.se("delta_pic_order_cnt")?;
                }
            }
            PocType::Cycle { .. } | PocType::DecodingOrder => {}
        }
        if pps.redundant_pic_count {
            slice.redundant = bits.ue_max("redundant_pic_cnt", 127)? as u8;
        }
        Ok((slice, sps, pps))
    }

    /// Whether it is of an IDR picture.
    pub fn is_idr(&self) -> bool {
        self.nal.kind == NalType::IDR
    }

    /// Whether this slice, which follows `previous`, is of another primary coded picture (§7.4.1.2.4).
    pub fn begins_picture(&self, previous: &SliceHeader) -> bool {
        // Order counts that the stream does not write are 0 in both.
        self.frame_num != previous.frame_num
            || self.pps_id != previous.pps_id
            || self.sps_id != previous.sps_id
            || self.structure != previous.structure
            || (self.nal.ref_idc == 0) != (previous.nal.ref_idc == 0)
            || self.idr_pic_id != previous.idr_pic_id
            || self.poc_lsb != previous.poc_lsb
            || self.delta_poc_bottom != previous.delta_poc_bottom
            || self.delta_poc != previous.delta_poc
    }

    /// Whether this slice, of another picture than `previous`, is of the other field of the same frame.
    pub fn completes_frame(&self, previous: &SliceHeader) -> bool {
        let opposite = matches!(
            (previous.structure, self.structure),
            (PictureStructure::TopField, PictureStructure::BottomField)
                | (PictureStructure::BottomField, PictureStructure::TopField)
        );
        opposite && self.frame_num == previous.frame_num && !self.is_idr() && !previous.drops_references
    }
}

/// Type and place of a slice, without any parameter set: a slice may be looked at when its sets are lost.
pub(super) fn slice_start(nal: &[u8]) -> Result<(NalHeader, u32, SliceType), Error> {
    read_start(&mut BitReader::new("slice header", nal))
}

fn read_start(bits: &mut BitReader<'_>) -> Result<(NalHeader, u32, SliceType), Error> {
    let header = NalHeader::from_byte(bits.byte(8, "nal_unit_header")?);
    if !header.kind.begins_slice() {
        return Err(bits.error("nal_unit_type", ErrorKind::Kind));
    }
    let first_mb = bits.ue("first_mb_in_slice")?;
    let slice_type = SliceType::from_code(bits.ue_max("slice_type", 9)?);
    Ok((header, first_mb, slice_type))
}
