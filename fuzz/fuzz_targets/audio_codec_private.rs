#![no_main]
//! Runs `kineframe_audio::fuzzing::codec_private`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| kineframe_audio::fuzzing::codec_private(data));
