//! The inputs of the fuzz target, read again: what once failed stays fixed.

use kineframe_codec_rusty_jpeg::fuzzing;
use kineframe_testkit::reread;

#[test]
fn decode() {
    reread("codec_rusty_jpeg_decode", fuzzing::decode);
}
