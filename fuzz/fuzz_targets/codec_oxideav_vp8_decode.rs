#![no_main]
//! Runs `kineframe_codec_oxideav_vp8::fuzzing::decode`.

libfuzzer_sys::fuzz_target!(init: {
    // Adapters catch the panics of what they wrap; libFuzzer's hook would abort before they can.
    std::panic::set_hook(Box::new(|_| {}));
}, |data: &[u8]| kineframe_codec_oxideav_vp8::fuzzing::decode(data));
