//! The inputs of the fuzz targets, read again: what once failed stays fixed.

use kineframe_image_export::fuzzing;
use kineframe_testkit::reread;

#[test]
fn exporter() {
    reread("image_export_exporter", fuzzing::exporter);
}

#[test]
fn names() {
    reread("image_export_names", fuzzing::names);
}
