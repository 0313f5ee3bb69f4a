#![no_main]
//! Runs `kineframe_mp4::fuzzing::pieces`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| kineframe_mp4::fuzzing::pieces(data));
