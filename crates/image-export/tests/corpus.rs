//! The inputs of the fuzz targets, read again: what once failed stays fixed.

use kineframe_image_export::fuzzing;
use kineframe_testkit::corpus;

fn each(target: &str, body: fn(&[u8])) {
    for (name, data) in corpus(target) {
        println!("{name}");
        body(&data);
    }
}

#[test]
fn exporter() {
    each("image_export_exporter", fuzzing::exporter);
}

#[test]
fn names() {
    each("image_export_names", fuzzing::names);
}
