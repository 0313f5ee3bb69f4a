//! The inputs of the fuzz targets, read again: what once failed stays fixed.

use kineframe_bitstream::fuzzing;
use kineframe_testkit::reread;

#[test]
fn framing() {
    reread("bitstream_framing", fuzzing::framing);
}

#[test]
fn parameter_sets() {
    reread("bitstream_parameter_sets", fuzzing::parameter_sets);
}

#[test]
fn stream() {
    reread("bitstream_stream", fuzzing::stream);
}

#[test]
fn access_units() {
    reread("bitstream_access_units", fuzzing::access_units);
}

#[test]
fn slice_data() {
    reread("bitstream_slice_data", fuzzing::slice_data);
}

#[test]
fn frame_headers() {
    reread("bitstream_frame_headers", fuzzing::frame_headers);
}

#[test]
fn h265() {
    reread("bitstream_h265", fuzzing::h265);
}

#[test]
fn vp8_data() {
    reread("bitstream_vp8_data", fuzzing::vp8_data);
}

#[test]
fn vp9_data() {
    reread("bitstream_vp9_data", fuzzing::vp9_data);
}
