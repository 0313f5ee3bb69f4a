//! The inputs of the fuzz targets, read again: what once failed stays fixed.

use kineframe_bitstream::fuzzing;
use kineframe_testkit::corpus;

fn each(target: &str, body: fn(&[u8])) {
    for (name, data) in corpus(target) {
        println!("{name}");
        body(&data);
    }
}

#[test]
fn framing() {
    each("bitstream_framing", fuzzing::framing);
}

#[test]
fn parameter_sets() {
    each("bitstream_parameter_sets", fuzzing::parameter_sets);
}

#[test]
fn stream() {
    each("bitstream_stream", fuzzing::stream);
}

#[test]
fn access_units() {
    each("bitstream_access_units", fuzzing::access_units);
}

#[test]
fn slice_data() {
    each("bitstream_slice_data", fuzzing::slice_data);
}

#[test]
fn frame_headers() {
    each("bitstream_frame_headers", fuzzing::frame_headers);
}
