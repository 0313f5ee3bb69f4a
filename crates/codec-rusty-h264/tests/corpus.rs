//! The inputs of the fuzz target, read again: what once failed stays fixed.

use kineframe_codec_rusty_h264::fuzzing;
use kineframe_testkit::corpus;

#[test]
fn decode() {
    for (name, data) in corpus("codec_rusty_h264_decode") {
        println!("{name}");
        fuzzing::decode(&data);
    }
}
