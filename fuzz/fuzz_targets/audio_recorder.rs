#![no_main]
//! Runs `kineframe_audio::fuzzing::recorder`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| kineframe_audio::fuzzing::recorder(data));
