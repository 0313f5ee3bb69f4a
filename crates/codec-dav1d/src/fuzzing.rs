//! What the fuzz targets run.

use kineframe_codec::Codec;

/// Any bytes as a byte stream. See [`frames`](kineframe_bitstream::fuzzing::frames).
pub fn decode(data: &[u8]) {
    kineframe_bitstream::fuzzing::frames(&crate::Factory, Codec::AV1, data);
}
