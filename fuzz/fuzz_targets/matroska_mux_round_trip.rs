#![no_main]
//! Runs `kineframe_matroska::fuzzing::mux_round_trip`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| kineframe_matroska::fuzzing::mux_round_trip(data));
