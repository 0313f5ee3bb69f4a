#![no_main]
//! Runs `kineframe_bitstream::fuzzing::slice_data`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| kineframe_bitstream::fuzzing::slice_data(data));
