//! The conformance kit, and streams that are damaged at any place.

use kineframe_codec::Codec;
use kineframe_codec_conformance::{Kit, Verdict, assert_passes, run};
use kineframe_codec_rusty_h264::{Factory, fuzzing};
use kineframe_testkit::spoiled;
use proptest::prelude::*;

const STREAM: &[u8] = include_bytes!("../../../testdata/codec/h264/gen_baseline_slices4.264");

#[test]
fn the_kit_finds_nothing() {
    assert_passes(&Factory, &Kit::inside().of(Codec::H264));
}

#[test]
fn a_long_term_reference_made_in_several_slices_is_left_to_others_before_a_picture_is_wrong() {
    // The eleventh picture, of four slices, makes the one before it a long-term reference.
    let report = run(&Factory, &Kit::inside().only("oh_MR1_BT_A"));
    let Verdict::GaveUp(mismatch) = &report.rows[0].whole else { panic!("{report}") };
    assert_eq!(mismatch.shown, mismatch.equal, "{mismatch}");
    let error = mismatch.error.as_deref().unwrap_or_default();
    assert!(error.contains("at packet 30: ") && error.contains("not supported: an earlier picture made"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_damage_gets_through(flips in prop::collection::vec(any::<(usize, u8)>(), 0..12), length: usize) {
        fuzzing::decode(&spoiled(STREAM, &flips, length));
    }
}
