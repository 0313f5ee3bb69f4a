#![no_main]
//! Runs `kineframe_fragment::fuzzing::splitter`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| kineframe_fragment::fuzzing::splitter(data));
