//! A track: private data and packets.
#![no_main]
//! Runs `kineframe_bitstream::fuzzing::stream`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| kineframe_bitstream::fuzzing::stream(data));
