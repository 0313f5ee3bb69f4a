#![no_main]
//! Runs `kineframe_ebml::fuzzing::round_trip`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| kineframe_ebml::fuzzing::round_trip(data));
