//! The inputs of the fuzz targets, read again: what once failed stays fixed.

use kineframe_matroska::fuzzing;
use kineframe_testkit::corpus;

fn each(target: &str, body: fn(&[u8])) {
    for (name, data) in corpus(target) {
        println!("{name}");
        body(&data);
    }
}

#[test]
fn demux_pieces() {
    each("matroska_demux_pieces", fuzzing::demux_pieces);
}

#[test]
fn mux_round_trip() {
    each("matroska_mux_round_trip", fuzzing::mux_round_trip);
}
