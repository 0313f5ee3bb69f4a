#![no_main]
//! Runs `kineframe_server::fuzzing::requests`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| kineframe_server::fuzzing::requests(data));
