#![no_main]
//! Runs `kineframe_server::fuzzing::put_media`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| kineframe_server::fuzzing::put_media(data));
