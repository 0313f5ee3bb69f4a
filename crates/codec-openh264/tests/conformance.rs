//! The conformance kit, and streams that are damaged at any place.

use kineframe_codec::Codec;
use kineframe_codec_conformance::{Kit, assert_passes};
use kineframe_codec_openh264::{Factory, fuzzing};
use kineframe_testkit::spoiled;
use proptest::prelude::*;

const STREAM: &[u8] = include_bytes!("../../../testdata/codec/h264/gen_baseline_slices4.264");

#[test]
fn the_kit_finds_nothing() {
    assert_passes(&Factory, &Kit::inside().of(Codec::H264));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_damage_gets_through(flips in prop::collection::vec(any::<(usize, u8)>(), 0..12), length: usize) {
        fuzzing::decode(&spoiled(STREAM, &flips, length));
    }
}
