//! What the fuzz targets run.

use kineframe_bitstream::h265::AccessUnits;
use kineframe_codec::Codec;

/// Any bytes as a byte stream. See [`back_end_on`](kineframe_bitstream::fuzzing::back_end_on).
pub fn decode(data: &[u8]) {
    let packets = AccessUnits::new(data.to_vec().into());
    kineframe_bitstream::fuzzing::back_end_on(&crate::Factory, Codec::H265, packets);
}
