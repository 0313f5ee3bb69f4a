//! The inputs of the fuzz targets, read again: what once failed stays fixed.

use kineframe_fragment::fuzzing;
use kineframe_testkit::reread;

#[test]
fn splitter() {
    reread("fragment_splitter", fuzzing::splitter);
}

#[test]
fn merger() {
    reread("fragment_merger", fuzzing::merger);
}
