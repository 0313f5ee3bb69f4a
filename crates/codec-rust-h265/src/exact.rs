//! On which streams the wrapped decoder is exact.

use kineframe_bitstream::h265::{SliceHeader, Sps};
use kineframe_codec::ChromaSampling;

pub(crate) fn check_sps(sps: &Sps) -> Result<(), String> {
    let extension = sps.range_extension.unwrap_or_default();
    let reason = match sps.chroma {
        ChromaSampling::Monochrome => "monochrome (4:0:0)",
        ChromaSampling::Yuv422 => "4:2:2 chroma",
        _ if sps.separate_planes => "colour planes that are coded separately",
        _ if sps.bit_depth_luma != sps.bit_depth_chroma => "luma and chroma of different depths",
        _ if !matches!(sps.bit_depth_luma, 8 | 10 | 12) => {
            return Err(format!("{} bits a sample; it decodes 8, 10 and 12", sps.bit_depth_luma));
        }
        _ if sps.screen_content => "screen content coding",
        // There is no truth to hold these two against: FFmpeg does not know them.
        _ if extension.extended_precision => "extended precision processing",
        _ if extension.cabac_bypass_alignment => "aligned bypass decoding (high throughput profiles)",
        _ => return Ok(()),
    };
    Err(reason.to_owned())
}

/// It adds the cycles of long-term references up across the two lists that a slice header has (equation 7-52 begins
/// anew with the second one).
pub(crate) fn check_slice(slice: &SliceHeader) -> Result<(), String> {
    let second = slice.long_term_of_sps;
    let own = slice.long_term.get(second..).unwrap_or_default();
    let listed = slice.long_term.get(..second).unwrap_or_default();
    let adds_up = |entries: &[_]| {
        entries
            .iter()
            .any(|entry: &kineframe_bitstream::h265::LongTermEntry| entry.msb_cycle.is_some_and(|cycle| cycle > 0))
    };
    if adds_up(listed) && adds_up(own) {
        return Err("long-term references of both kinds with cycles of their order counts".to_owned());
    }
    Ok(())
}
