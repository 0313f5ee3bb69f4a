//! On which streams FFmpeg is exact.

use kineframe_bitstream::{h264, h265};
use kineframe_codec::ChromaSampling;

/// What an SPS of either codec says of the samples.
fn samples(chroma: ChromaSampling, luma: u8, other: u8, separate: bool, depths: &[u8]) -> Result<(), String> {
    if separate {
        return Err("colour planes that are coded separately".to_owned());
    }
    if chroma != ChromaSampling::Monochrome && luma != other {
        return Err("luma and chroma of different depths".to_owned());
    }
    if !depths.contains(&luma) {
        return Err(format!("{luma} bits a sample; it decodes {depths:?}"));
    }
    Ok(())
}

pub(crate) fn h264_sps(sps: &h264::Sps) -> Result<(), String> {
    samples(sps.chroma, sps.bit_depth_luma, sps.bit_depth_chroma, sps.separate_planes, &[8, 9, 10, 12, 14])
}

pub(crate) fn h264_pps(pps: &h264::Pps) -> Result<(), String> {
    if pps.slice_groups > 1 { Err("slice groups (flexible macroblock ordering)".to_owned()) } else { Ok(()) }
}

pub(crate) fn h265_sps(sps: &h265::Sps) -> Result<(), String> {
    samples(sps.chroma, sps.bit_depth_luma, sps.bit_depth_chroma, sps.separate_planes, &[8, 9, 10, 12])?;
    let extension = sps.range_extension.unwrap_or_default();
    let reason = match () {
        () if sps.screen_content => "screen content coding",
        () if extension.extended_precision => "extended precision processing",
        () if extension.cabac_bypass_alignment => "aligned bypass decoding (high throughput profiles)",
        () => return Ok(()),
    };
    Err(reason.to_owned())
}
