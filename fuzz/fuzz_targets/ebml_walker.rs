#![no_main]
//! Runs `kineframe_ebml::fuzzing::walker`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| kineframe_ebml::fuzzing::walker(data));
