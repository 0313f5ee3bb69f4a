//! The inputs of the fuzz targets, read again: what once failed stays fixed.

use kineframe_matroska::fuzzing;
use kineframe_testkit::reread;

#[test]
fn demux_pieces() {
    reread("matroska_demux_pieces", fuzzing::demux_pieces);
}

#[test]
fn mux_round_trip() {
    reread("matroska_mux_round_trip", fuzzing::mux_round_trip);
}
