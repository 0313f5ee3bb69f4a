//! Pictures per second: CPU of the back end and its checks.

kineframe_codec_conformance::decode_bench!(kineframe_codec_rav1d::Factory, "av1_gen_main10");
