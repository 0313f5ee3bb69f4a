//! The inputs of the fuzz targets, read again: what once failed stays fixed.

use kineframe_ebml::fuzzing;
use kineframe_testkit::corpus;

fn each(target: &str, body: fn(&[u8])) {
    for (name, data) in corpus(target) {
        println!("{name}");
        body(&data);
    }
}

#[test]
fn headers() {
    each("ebml_headers", fuzzing::headers);
}

#[test]
fn gathered() {
    each("ebml_gathered", fuzzing::gathered);
}

#[test]
fn walker() {
    each("ebml_walker", fuzzing::walker);
}

#[test]
fn round_trip() {
    each("ebml_round_trip", fuzzing::round_trip);
}
