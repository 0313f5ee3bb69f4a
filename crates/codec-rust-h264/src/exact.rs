//! On which parameter sets the wrapped decoder is exact.

use kineframe_bitstream::h264::{Pps, Sps};
use kineframe_codec::ChromaSampling;

pub(crate) fn check_sps(sps: &Sps) -> Result<(), String> {
    let reason = if sps.lossless {
        "lossless macroblocks (High 4:4:4 Predictive profile)"
    } else if sps.chroma == ChromaSampling::Yuv444 {
        "4:4:4 chroma"
    } else if !matches!(sps.bit_depth_luma, 8 | 10) {
        return Err(format!("{} bits a sample; it decodes 8 and 10", sps.bit_depth_luma));
    } else if sps.format().is_none() {
        "luma and chroma of different depths"
    } else if sps.profile_idc == 88 {
        "the Extended profile"
    } else {
        return Ok(());
    };
    Err(reason.to_owned())
}

pub(crate) fn check_pps(pps: &Pps, _: &Sps) -> Result<(), String> {
    let reason = if pps.slice_groups > 1 {
        "slice groups (flexible macroblock ordering)"
    } else if pps.redundant_pic_count {
        // It does not read the count in slice headers, and loses its place in them.
        "redundant pictures"
    } else {
        return Ok(());
    };
    Err(reason.to_owned())
}
