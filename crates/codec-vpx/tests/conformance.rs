//! The conformance kit, and streams that are damaged at any place.

use kineframe_codec::Codec;
use kineframe_codec_conformance::{Kit, TestStream, assert_passes};
use kineframe_codec_vpx::{Factory, fuzzing};
use kineframe_testkit::spoiled;
use proptest::prelude::*;

#[test]
fn the_kit_finds_nothing() {
    for codec in [Codec::VP8, Codec::VP9] {
        let report = assert_passes(&Factory, &Kit::inside().of(codec));
        assert!(report.exact() > 5, "what is promised, and what is inside");
    }
}

#[test]
fn every_stream_of_a_media_folder_is_exact() {
    for folder in ["codec/vp8", "codec/vp9"] {
        let report = assert_passes(&Factory, &Kit::of_media(folder));
        assert_eq!(report.exact() + report.refused(), report.rows.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_damage_gets_through(flips in prop::collection::vec(any::<(usize, u8)>(), 0..12), length: usize) {
        // The first byte says which codec it is.
        for (choice, name) in [(0, "vp8_gen_profile1"), (1, "vp9_gen_p2_10")] {
            let packets = TestStream::inside(name).expect("carried").prefixed(12);
            fuzzing::decode(&spoiled(&[vec![choice], packets].concat(), &flips, length));
        }
    }
}
