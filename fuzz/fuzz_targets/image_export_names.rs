#![no_main]
//! Runs `kineframe_image_export::fuzzing::names`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| kineframe_image_export::fuzzing::names(data));
