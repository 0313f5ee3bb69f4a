//! Pictures per second: CPU of the back end and its checks.

kineframe_codec_conformance::decode_bench!(kineframe_codec_vpx::Factory, "vp9_gen_p2_10");
