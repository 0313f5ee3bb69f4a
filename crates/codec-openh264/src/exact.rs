//! On which parameter sets OpenH264 is exact, and which it decodes at all.

use kineframe_bitstream::h264::{Pps, Sps};
use kineframe_codec::ChromaSampling;

/// Whether every picture of a stream with this SPS is decoded bit for bit, or the reason why not.
pub(crate) fn exact_sps(sps: &Sps) -> Result<(), String> {
    decodes_sps(sps)?;
    if sps.profile_idc != 66 {
        return Err("not exact where B pictures may be; it is on the Baseline profile".to_owned());
    }
    if sps.gaps_in_frame_num_allowed {
        return Err("gaps in frame_num".to_owned());
    }
    Ok(())
}

/// What no kit has seen it decode.
pub(crate) fn exact_pps(pps: &Pps, _: &Sps) -> Result<(), String> {
    if pps.slice_groups > 1 { Err("slice groups (flexible macroblock ordering)".to_owned()) } else { Ok(()) }
}

/// Whether it decodes a stream with this SPS, exactly or not.
pub(crate) fn decodes_sps(sps: &Sps) -> Result<(), String> {
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
    } else {
        return Ok(());
    };
    Err(reason.to_owned())
}
