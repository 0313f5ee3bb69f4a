//! The inputs of the fuzz target, read again: what once failed stays fixed.

use kineframe_codec_dav1d::fuzzing;
use kineframe_testkit::reread;

#[test]
fn decode() {
    reread("codec_dav1d_decode", fuzzing::decode);
}
