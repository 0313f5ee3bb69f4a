//! The inputs of the fuzz targets, read again: what once failed stays fixed.

use kineframe_mp4::fuzzing;
use kineframe_testkit::corpus;

fn each(target: &str, body: fn(&[u8])) {
    let inputs = corpus(target);
    assert!(!inputs.is_empty());
    for (name, data) in inputs {
        println!("{name}");
        body(&data);
    }
}

#[test]
fn pieces() {
    each("mp4_pieces", fuzzing::pieces);
}
