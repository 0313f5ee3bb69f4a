//! What the fuzz targets run.

use kineframe_codec::Codec;

/// Packets of any bytes. See [`frames`](kineframe_bitstream::fuzzing::frames).
pub fn decode(data: &[u8]) {
    kineframe_bitstream::fuzzing::frames(&crate::Factory, Codec::VP8, data);
}
