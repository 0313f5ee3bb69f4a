//! The inputs of the fuzz target, read again: what once failed stays fixed.

use kineframe_codec_ffmpeg::fuzzing;
use kineframe_testkit::reread;

#[test]
fn decode() {
    reread("codec_ffmpeg_decode", fuzzing::decode);
}
