//! Pictures per second: CPU of the back end and its checks.

kineframe_codec_conformance::decode_bench!(kineframe_codec_oxideav_vp8::Factory, "vp8_gen_odd_321x181");
