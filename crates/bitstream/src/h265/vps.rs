//! Video parameter sets (H.265 §7.3.2.1).

use super::vui::Timing;
use super::{NalType, ProfileTierLevel, read_header};
use crate::{BitReader, Error};

/// A video parameter set. Nothing of it is needed to decode a single layer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Vps {
    /// `vps_video_parameter_set_id`, 0 to 15.
    pub id: u8,
    /// `vps_max_layers_minus1` + 1, 1 to 64.
    pub max_layers: u8,
    /// `vps_max_sub_layers_minus1` + 1, 1 to 7.
    pub max_sub_layers: u8,
    /// `vps_temporal_id_nesting_flag`: between any two pictures of a low sub-layer one may switch to a higher one.
    pub temporal_id_nesting: bool,
    /// Profile, tier and level.
    pub profile: ProfileTierLevel,
    /// Tick rate, where it is stated and could be read.
    pub timing: Option<Timing>,
}

impl Vps {
    /// Reads a VPS NAL unit, header included, framing not; as far as the timing, which some cameras cut.
    ///
    /// # Errors
    /// Another NAL unit, one that is cut before the end of its levels, values that the specification forbids.
    pub fn parse(nal: &[u8]) -> Result<Vps, Error> {
        let bits = &mut BitReader::new("VPS", nal);
        read_header(bits, NalType::VPS)?;
        let id = bits.byte(4, "vps_video_parameter_set_id")?;
        bits.bits(2, "vps_base_layer_flags")?;
        let max_layers = bits.byte(6, "vps_max_layers_minus1")? + 1;
        let max_sub_layers = bits.byte(3, "vps_max_sub_layers_minus1")?;
        let max_sub_layers = bits.within("vps_max_sub_layers_minus1", max_sub_layers, 0, 6)? + 1;
        let temporal_id_nesting = bits.flag("vps_temporal_id_nesting_flag")?;
        bits.bits(16, "vps_reserved_0xffff_16bits")?;
        let profile = ProfileTierLevel::read(bits, max_sub_layers)?;
        let timing = read_timing(bits, max_sub_layers).unwrap_or_default();
        Ok(Vps { id, max_layers, max_sub_layers, temporal_id_nesting, profile, timing })
    }
}

fn read_timing(bits: &mut BitReader<'_>, sub_layers: u8) -> Result<Option<Timing>, Error> {
    let all = bits.flag("vps_sub_layer_ordering_info_present_flag")?;
    for _ in if all { 0 } else { sub_layers - 1 }..sub_layers {
        bits.ue("vps_max_dec_pic_buffering_minus1")?;
        bits.ue("vps_max_num_reorder_pics")?;
        bits.ue("vps_max_latency_increase_plus1")?;
    }
    let layers = bits.bits(6, "vps_max_layer_id")? + 1;
    for _ in 0..bits.ue_max("vps_num_layer_sets_minus1", 1023)? {
        for _ in 0..layers {
            bits.flag("layer_id_included_flag")?;
        }
    }
    if bits.flag("vps_timing_info_present_flag")? { Timing::read(bits).map(Some) } else { Ok(None) }
}
