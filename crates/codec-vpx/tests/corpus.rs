//! The inputs of the fuzz target, read again: what once failed stays fixed.

use kineframe_codec_vpx::fuzzing;
use kineframe_testkit::reread;

#[test]
fn decode() {
    reread("codec_vpx_decode", fuzzing::decode);
}
