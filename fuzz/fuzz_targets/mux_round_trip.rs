//! What the muxer writes, the demuxer reads.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kineframe_matroska::fuzzing::mux_round_trip(data));
