//! A track: private data and packets.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kineframe_bitstream::fuzzing::stream(data));
