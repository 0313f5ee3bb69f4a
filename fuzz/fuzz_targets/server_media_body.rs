#![no_main]
//! Runs `kineframe_server::fuzzing::media_body`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| kineframe_server::fuzzing::media_body(data));
