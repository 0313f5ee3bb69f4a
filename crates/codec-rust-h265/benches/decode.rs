//! Pictures per second: CPU of the back end and its checks.

kineframe_codec_conformance::decode_bench!(kineframe_codec_rust_h265::Factory, "h265_gen_main_bpyramid");
