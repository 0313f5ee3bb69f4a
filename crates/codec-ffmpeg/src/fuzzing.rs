//! What the fuzz targets run.

use kineframe_bitstream::h265::AccessUnits;
use kineframe_codec::Codec;

/// Packets of any bytes, of any codec by the first one. See [`frames`](kineframe_bitstream::fuzzing::frames).
pub fn decode(data: &[u8]) {
    let Some((choice, packets)) = data.split_first() else { return };
    let frames = |codec| kineframe_bitstream::fuzzing::frames(&crate::Factory, codec, packets);
    match choice % 6 {
        0 => frames(Codec::VP8),
        1 => frames(Codec::VP9),
        2 => frames(Codec::AV1),
        3 => frames(Codec::MJPEG),
        4 => kineframe_bitstream::fuzzing::back_end(&crate::Factory, packets),
        _ => {
            let units = AccessUnits::new(packets.to_vec().into());
            kineframe_bitstream::fuzzing::back_end_on(&crate::Factory, Codec::H265, units);
        }
    }
}
