#![no_main]
//! Runs `kineframe_matroska::fuzzing::demux_pieces`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| kineframe_matroska::fuzzing::demux_pieces(data));
