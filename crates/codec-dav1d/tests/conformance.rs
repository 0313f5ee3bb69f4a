//! The conformance kit, and streams that are damaged at any place.

use kineframe_codec::Codec;
use kineframe_codec_conformance::{Kit, TestStream, assert_exact};
use kineframe_codec_dav1d::{Factory, fuzzing};
use kineframe_testkit::spoiled;
use proptest::prelude::*;

#[test]
fn every_stream_inside_and_of_a_media_folder_is_exact() {
    assert_exact(&Factory, &Kit::inside().of(Codec::AV1));
    assert_exact(&Factory, &Kit::of_media("codec/av1"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_damage_gets_through(flips in prop::collection::vec(any::<(usize, u8)>(), 0..12), length: usize) {
        let stream = TestStream::inside("av1_gen_svt_film_grain").expect("carried");
        fuzzing::decode(&spoiled(&stream.prefixed(12), &flips, length));
    }
}
