//! The conformance kit, and streams that are damaged at any place.

use kineframe_codec::Codec;
use kineframe_codec_conformance::{Kit, run};
use kineframe_codec_openh264::{Factory, fuzzing};
use proptest::prelude::*;

const STREAM: &[u8] = include_bytes!("../../../testdata/codec/h264/gen_baseline_slices4.264");

#[test]
fn the_kit_finds_nothing() {
    let report = run(&Factory, &Kit::inside().of(Codec::H264));
    println!("{report}");
    assert!(report.passed(), "{:#?}", report.failures());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_damage_gets_through(flips in prop::collection::vec((0..STREAM.len(), 0_u8..8), 0..12), length in 0..STREAM.len()) {
        let mut stream = STREAM.to_vec();
        for (byte, bit) in flips {
            stream[byte] ^= 1 << bit;
        }
        stream.truncate(length);
        fuzzing::decode(&stream);
    }
}
