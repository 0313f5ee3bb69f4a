//! The inputs of the fuzz target, read again: what once failed stays fixed.

use kineframe_codec_oxideav_vp8::fuzzing;
use kineframe_testkit::reread;

#[test]
fn decode() {
    reread("codec_oxideav_vp8_decode", fuzzing::decode);
}
