#![no_main]
//! Runs `kineframe_bitstream::fuzzing::access_units`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| kineframe_bitstream::fuzzing::access_units(data));
