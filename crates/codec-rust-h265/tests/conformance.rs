//! The conformance kit, and streams that are damaged at any place.

use kineframe_codec::Codec;
use kineframe_codec_conformance::{Kit, Options, assert_passes, run_with};
use kineframe_codec_rust_h265::{Factory, fuzzing};
use kineframe_testkit::spoiled;
use proptest::prelude::*;

const STREAM: &[u8] = include_bytes!("../../../testdata/codec/h265/gen_main_slices.265");

#[test]
fn the_kit_finds_nothing() {
    // Damage once of each kind: more of it takes a minute, which the media folder has.
    let report = run_with(&Factory, &Kit::inside().of(Codec::H265), &Options { seeds: 1 });
    println!("{report}");
    assert!(report.passed(), "{:#?}", report.failures());
    let others: Vec<String> = report
        .rows
        .iter()
        .filter(|row| !row.whole.is_exact())
        .map(|row| format!("{}: {}", row.stream, row.whole))
        .collect();
    let refused = ["h265_gen_main422_10: refused: 4:2:2 chroma", "h265_gen_mono: refused: monochrome (4:0:0)"];
    assert_eq!(others, refused, "everything else is exact");
}

#[test]
fn a_media_folder_has_nothing_that_is_wrong() {
    assert_passes(&Factory, &Kit::of_media("codec/h265"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_damage_gets_through(flips in prop::collection::vec(any::<(usize, u8)>(), 0..12), length: usize) {
        fuzzing::decode(&spoiled(STREAM, &flips, length));
    }
}
