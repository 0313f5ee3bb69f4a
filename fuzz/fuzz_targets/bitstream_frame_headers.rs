#![no_main]
//! Runs `kineframe_bitstream::fuzzing::frame_headers`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| kineframe_bitstream::fuzzing::frame_headers(data));
