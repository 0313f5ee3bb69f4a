//! The conformance kit, and streams that are damaged at any place.

use kineframe_codec::Codec;
use kineframe_codec_conformance::{Kit, TestStream, assert_passes};
use kineframe_codec_oxideav_vp8::{Factory, fuzzing};
use kineframe_testkit::spoiled;
use proptest::prelude::*;

#[test]
fn the_kit_finds_nothing() {
    assert_passes(&Factory, &Kit::inside().of(Codec::VP8));
}

#[test]
fn every_stream_of_a_media_folder_is_exact() {
    let report = assert_passes(&Factory, &Kit::of_media("codec/vp8"));
    assert_eq!(report.exact() + report.refused(), report.rows.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_damage_gets_through(flips in prop::collection::vec(any::<(usize, u8)>(), 0..12), length: usize) {
        let stream = TestStream::inside("vp8_gen_two_temporal_layers").expect("carried");
        fuzzing::decode(&spoiled(&stream.prefixed(12), &flips, length));
    }
}
