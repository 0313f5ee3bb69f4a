//! The inputs of the fuzz targets, read again: what once failed stays fixed.

use kineframe_ebml::fuzzing;
use kineframe_testkit::reread;

#[test]
fn headers() {
    reread("ebml_headers", fuzzing::headers);
}

#[test]
fn gathered() {
    reread("ebml_gathered", fuzzing::gathered);
}

#[test]
fn walker() {
    reread("ebml_walker", fuzzing::walker);
}

#[test]
fn round_trip() {
    reread("ebml_round_trip", fuzzing::round_trip);
}
