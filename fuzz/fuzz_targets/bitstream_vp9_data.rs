#![no_main]
//! Runs `kineframe_bitstream::fuzzing::vp9_data`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| kineframe_bitstream::fuzzing::vp9_data(data));
