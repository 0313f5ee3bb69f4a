#![no_main]
//! Runs `kineframe_server::fuzzing::connection`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| kineframe_server::fuzzing::connection(data));
