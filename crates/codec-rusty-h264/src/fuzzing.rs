//! What the fuzz targets run.

/// Any bytes as a byte stream. See [`back_end`](kineframe_bitstream::fuzzing::back_end).
pub fn decode(data: &[u8]) {
    kineframe_bitstream::fuzzing::back_end(&crate::Factory, data);
}
