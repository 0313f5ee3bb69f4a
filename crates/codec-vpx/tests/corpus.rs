//! The inputs of the fuzz target, read again: what once failed stays fixed.

use kineframe_codec_vpx::fuzzing;
use kineframe_testkit::corpus;

fn each(target: &str, body: fn(&[u8])) {
    for (name, data) in corpus(target) {
        println!("{name}");
        body(&data);
    }
}

#[test]
fn decode() {
    each("codec_vpx_decode", fuzzing::decode);
}
