#![no_main]
//! Runs `kineframe_fragment::fuzzing::merger`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| kineframe_fragment::fuzzing::merger(data));
