//! The inputs of the fuzz targets, read again: what once failed stays fixed.

use kineframe_fragment::fuzzing;
use kineframe_testkit::corpus;

fn each(target: &str, body: fn(&[u8])) {
    for (name, data) in corpus(target) {
        println!("{name}");
        body(&data);
    }
}

#[test]
fn splitter() {
    each("fragment_splitter", fuzzing::splitter);
}

#[test]
fn merger() {
    each("fragment_merger", fuzzing::merger);
}
