#![no_main]
//! Runs `kineframe_bitstream::fuzzing::stream`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| kineframe_bitstream::fuzzing::stream(data));
