//! On which parameter sets the wrapped decoder is exact.

use kineframe_bitstream::h264::{PocType, Pps, Sps};
use kineframe_codec::ChromaSampling;

/// Baseline streams have no B pictures (A.2.1).
fn may_have_b(sps: &Sps) -> bool {
    sps.profile_idc != 66
}

pub(crate) fn check_sps(sps: &Sps) -> Result<(), String> {
    let reason = if sps.lossless {
        "lossless macroblocks (High 4:4:4 Predictive profile)"
    } else if sps.chroma != ChromaSampling::Yuv420 {
        return Err(format!("{:?} chroma; it decodes 4:2:0", sps.chroma));
    } else if sps.bit_depth_luma != 8 || sps.bit_depth_chroma != 8 {
        return Err(format!("{} bits a sample; it decodes 8", sps.bit_depth_luma.max(sps.bit_depth_chroma)));
    } else if !sps.frame_mbs_only {
        "the stream may be interlaced"
    } else if sps.profile_idc == 88 {
        "the Extended profile"
    } else if may_have_b(sps) && matches!(sps.poc, PocType::Cycle { .. }) {
        "picture order count type 1 with B pictures"
    } else {
        return Ok(());
    };
    Err(reason.to_owned())
}

pub(crate) fn check_pps(pps: &Pps, sps: &Sps) -> Result<(), String> {
    let reason = if pps.slice_groups > 1 {
        "slice groups (flexible macroblock ordering)"
    } else if pps.chroma_qp_offsets[0] != pps.chroma_qp_offsets[1] {
        "quantiser offsets that differ between Cb and Cr"
    } else if pps.weighted_bipred == 1 && may_have_b(sps) {
        "explicit weights of B pictures"
    } else {
        return Ok(());
    };
    Err(reason.to_owned())
}
