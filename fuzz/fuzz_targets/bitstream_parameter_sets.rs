#![no_main]
//! Runs `kineframe_bitstream::fuzzing::parameter_sets`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| kineframe_bitstream::fuzzing::parameter_sets(data));
