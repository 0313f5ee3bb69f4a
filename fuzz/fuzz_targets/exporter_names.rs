#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kineframe_image_export::fuzzing::names(data));
