//! The demuxer tells the same however its input is cut.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kineframe_matroska::fuzzing::demux_pieces(data));
