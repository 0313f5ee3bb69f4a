//! The inputs of the fuzz target, read again: what once failed stays fixed.

use kineframe_codec_rust_h265::fuzzing;
use kineframe_testkit::reread;

#[test]
fn decode() {
    reread("codec_rust_h265_decode", fuzzing::decode);
}
