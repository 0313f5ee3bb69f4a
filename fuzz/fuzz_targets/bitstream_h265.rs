#![no_main]
//! Runs `kineframe_bitstream::fuzzing::h265`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| kineframe_bitstream::fuzzing::h265(data));
