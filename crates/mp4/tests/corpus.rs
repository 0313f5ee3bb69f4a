//! The inputs of the fuzz targets, read again: what once failed stays fixed.

use kineframe_mp4::fuzzing;
use kineframe_testkit::reread;

#[test]
fn pieces() {
    reread("mp4_pieces", fuzzing::pieces);
}
