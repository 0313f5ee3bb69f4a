//! Slice segment headers (H.265 §7.3.6.1), as far as they tell pictures apart, in order, and on what they are built.

use super::{LongTermEntry, NalHeader, ParameterSets, Pps, ShortTermSet, Sps, bits_below};
use crate::{BitReader, Error, ErrorKind};

/// How a slice's blocks may be predicted (table 7-7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SliceType {
    /// From two pictures.
    B,
    /// From one picture.
    P,
    /// From this picture alone.
    I,
}

impl SliceType {
    /// Whether no other picture is needed.
    pub fn is_intra(self) -> bool {
        self == Self::I
    }
}

/// The head of an independent slice segment. Dependent ones have nothing of this of their own.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct SliceHeader {
    /// The NAL unit's header.
    pub nal: NalHeader,
    /// `first_slice_segment_in_pic_flag`.
    pub first: bool,
    /// `no_output_of_prior_pics_flag`, of a random access point.
    pub no_output_of_prior: bool,
    /// `slice_pic_parameter_set_id`.
    pub pps_id: u8,
    /// The SPS that the PPS names.
    pub sps_id: u8,
    /// `slice_segment_address`, in coding tree blocks.
    pub address: u32,
    /// `slice_type`.
    pub slice_type: SliceType,
    /// `pic_output_flag`.
    pub output: bool,
    /// `slice_pic_order_cnt_lsb`; 0 at IDR pictures.
    pub poc_lsb: u32,
    /// The short-term references; none at IDR pictures.
    pub short_term: ShortTermSet,
    /// The long-term references, at most 33; first those that the SPS lists.
    pub long_term: Vec<LongTermEntry>,
    /// How many of `long_term` the SPS lists (`num_long_term_sps`).
    pub long_term_of_sps: usize,
}

/// What stands before anything that needs to know the slice's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SegmentStart {
    pub(super) nal: NalHeader,
    pub(super) first: bool,
    pub(super) no_output_of_prior: bool,
    pub(super) pps_id: u8,
}

/// A slice segment of either kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Segment {
    Independent(Box<SliceHeader>),
    /// It shares the header of the segment before it.
    Dependent {
        start: SegmentStart,
        address: u32,
    },
}

impl SliceHeader {
    /// Reads the header of an independent slice segment.
    ///
    /// # Errors
    /// Another NAL unit, a cut one, values that the specification forbids, parameter sets that are not in `sets`. For a
    /// dependent slice segment the error is of the kind [`ErrorKind::Kind`].
    pub fn parse(nal: &[u8], sets: &ParameterSets) -> Result<SliceHeader, Error> {
        match Segment::parse(nal, sets)? {
            Segment::Independent(header) => Ok(*header),
            Segment::Dependent { .. } => {
                let field = "dependent_slice_segment_flag";
                Err(Error { unit: "slice header", field, bit: 16, kind: ErrorKind::Kind })
            }
        }
    }

    /// Reads on behind `slice_segment_address`.
    fn read(bits: &mut BitReader<'_>, start: SegmentStart, address: u32, pps: &Pps, sps: &Sps) -> Result<Self, Error> {
        let SegmentStart { nal, first, no_output_of_prior, pps_id } = start;
        bits.bits(pps.extra_slice_header_bits.into(), "slice_reserved_flag")?;
        let slice_type = match bits.ue_max("slice_type", 2)? {
            0 => SliceType::B,
            1 => SliceType::P,
            _ => SliceType::I,
        };
        let output = !pps.output_flag_present || bits.flag("pic_output_flag")?;
        if sps.separate_planes {
            bits.bits(2, "colour_plane_id")?;
        }
        let mut slice = SliceHeader {
            nal,
            first,
            no_output_of_prior,
            pps_id,
            sps_id: pps.sps_id,
            address,
            slice_type,
            output,
            poc_lsb: 0,
            short_term: ShortTermSet::default(),
            long_term: Vec::new(),
            long_term_of_sps: 0,
        };
        if !nal.kind.is_idr() {
            slice.read_references(bits, sps)?;
        }
        Ok(slice)
    }

    fn read_references(&mut self, bits: &mut BitReader<'_>, sps: &Sps) -> Result<(), Error> {
        let lsb_bits = sps.poc_lsb_bits.into();
        self.poc_lsb = bits.bits(lsb_bits, "slice_pic_order_cnt_lsb")?;
        let known = &sps.short_term_sets;
        self.short_term = if bits.flag("short_term_ref_pic_set_sps_flag")? {
            let index = bits.bits(bits_below(known.len() as u32), "short_term_ref_pic_set_idx")?;
            let set = known.get(index as usize).cloned();
            set.ok_or_else(|| bits.error("short_term_ref_pic_set_idx", ErrorKind::Missing(index)))?
        } else {
            ShortTermSet::read(bits, known, known.len())?
        };
        let Some(listed) = &sps.long_term else { return Ok(()) };
        let of_sps = if listed.is_empty() { 0 } else { bits.ue_max("num_long_term_sps", listed.len() as u32)? };
        let own = bits.ue_max("num_long_term_pics", 33 - of_sps.min(33))?;
        self.long_term_of_sps = of_sps as usize;
        let mut sum = 0_u32;
        for place in 0..of_sps + own {
            let (lsb, used) = if place < of_sps {
                let index = bits.bits(bits_below(listed.len() as u32), "lt_idx_sps")?;
                let entry = listed.get(index as usize).copied();
                entry.ok_or_else(|| bits.error("lt_idx_sps", ErrorKind::Missing(index)))?
            } else {
                (bits.bits(lsb_bits, "poc_lsb_lt")?, bits.flag("used_by_curr_pic_lt_flag")?)
            };
            // Cycles add up, from the first entry of either kind on (equation 7-52).
            if place == of_sps {
                sum = 0;
            }
            let present = bits.flag("delta_poc_msb_present_flag")?;
            if present {
                sum = sum.saturating_add(bits.ue("delta_poc_msb_cycle_lt")?);
            }
            let msb_cycle = present.then_some(sum);
            self.long_term.push(LongTermEntry { lsb, msb_cycle, used });
        }
        Ok(())
    }

    /// Whether the picture is one of those that the order counts of later ones are built on (`prevTid0Pic`, §8.3.1).
    pub fn counts_for_order(&self) -> bool {
        let kind = self.nal.kind;
        self.nal.temporal_id == 0 && !kind.is_rasl() && !kind.is_radl() && !kind.is_sub_layer_non_reference()
    }
}

impl Segment {
    /// Reads a slice segment of either kind, as [`SliceHeader::parse`] does.
    pub(super) fn parse(nal: &[u8], sets: &ParameterSets) -> Result<Segment, Error> {
        let bits = &mut BitReader::new("slice header", nal);
        let start = SegmentStart::read(bits)?;
        let missing = |field, id: u8, bits: &BitReader<'_>| bits.error(field, ErrorKind::Missing(id.into()));
        let pps = sets.pps(start.pps_id).ok_or_else(|| missing("slice_pic_parameter_set_id", start.pps_id, bits))?;
        let sps = sets.sps(pps.sps_id).ok_or_else(|| missing("pps_seq_parameter_set_id", pps.sps_id, bits))?;
        Self::read(bits, start, pps, sps)
    }

    /// Reads a slice segment behind its start, with the parameter sets that it names.
    pub(super) fn read(bits: &mut BitReader<'_>, start: SegmentStart, pps: &Pps, sps: &Sps) -> Result<Segment, Error> {
        let (mut dependent, mut address) = (false, 0);
        if !start.first {
            dependent = pps.dependent_slice_segments && bits.flag("dependent_slice_segment_flag")?;
            address = bits.bits(sps.address_bits(), "slice_segment_address")?;
            // The first block is the first segment's.
            bits.within("slice_segment_address", address, 1, i64::from(u32::MAX))?;
        }
        if dependent {
            return Ok(Segment::Dependent { start, address });
        }
        SliceHeader::read(bits, start, address, pps, sps).map(|header| Segment::Independent(header.into()))
    }
}

impl SegmentStart {
    /// Of a slice segment, without any parameter set: it may be looked at when its sets are lost.
    pub(super) fn of(nal: &[u8]) -> Result<SegmentStart, Error> {
        Self::read(&mut BitReader::new("slice header", nal))
    }

    pub(super) fn read(bits: &mut BitReader<'_>) -> Result<SegmentStart, Error> {
        let nal = NalHeader::from_bytes([bits.byte(8, "nal_unit_header")?, bits.byte(8, "nal_unit_header")?]);
        if !nal.kind.is_slice() || nal.forbidden {
            return Err(bits.error("nal_unit_type", ErrorKind::Kind));
        }
        let first = bits.flag("first_slice_segment_in_pic_flag")?;
        let no_output_of_prior = nal.kind.is_irap() && bits.flag("no_output_of_prior_pics_flag")?;
        let pps_id = bits.ue_max("slice_pic_parameter_set_id", 63)? as u8;
        Ok(SegmentStart { nal, first, no_output_of_prior, pps_id })
    }
}
