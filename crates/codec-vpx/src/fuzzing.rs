//! What the fuzz targets run.

use kineframe_codec::Codec;

/// Packets of any bytes, of VP8 or VP9 by the first one. See [`frames`](kineframe_bitstream::fuzzing::frames).
pub fn decode(data: &[u8]) {
    let Some((choice, packets)) = data.split_first() else { return };
    let codec = if choice % 2 == 0 { Codec::VP8 } else { Codec::VP9 };
    kineframe_bitstream::fuzzing::frames(&crate::Factory, codec, packets);
}
