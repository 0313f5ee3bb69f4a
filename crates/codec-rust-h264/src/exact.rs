//! On which parameter sets the wrapped decoder is exact.

use kineframe_bitstream::h264::{ParameterSets, Pps, Sps};
use kineframe_codec::{ChromaSampling, Codec, CodecParameters};

/// Whether every picture of a stream with these parameters is decoded bit for bit, or the reason why not.
pub(crate) fn check(params: &CodecParameters) -> Result<(), String> {
    if params.codec != Codec::H264 {
        return Err("decodes H.264 only".to_owned());
    }
    let mut sets = ParameterSets::new();
    for nal in &params.parameter_sets {
        sets.insert(nal).map_err(|error| error.to_string())?;
    }
    if !sets.is_usable() {
        return Err("no parameter sets are known".to_owned());
    }
    sets.all_sps().try_for_each(check_sps)?;
    sets.all_pps().try_for_each(check_pps)
}

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

pub(crate) fn check_pps(pps: &Pps) -> Result<(), String> {
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
