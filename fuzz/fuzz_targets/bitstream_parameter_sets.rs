//! Parameter sets, SEI and `avcC` records.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kineframe_bitstream::fuzzing::parameter_sets(data));
