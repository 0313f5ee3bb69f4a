//! The inputs of the fuzz target, read again: what once failed stays fixed.

use kineframe_codec_rusty_vp9::fuzzing;
use kineframe_testkit::corpus;

fn each(target: &str, body: fn(&[u8])) {
    for (name, data) in corpus(target) {
        println!("{name}");
        body(&data);
    }
}

#[test]
fn decode() {
    each("codec_rusty_vp9_decode", fuzzing::decode);
}
