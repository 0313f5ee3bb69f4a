//! The conformance kit, and streams that are damaged at any place.

use kineframe_codec_conformance::{Kit, Options, TestStream, Verdict, run_with};
use kineframe_codec_ffmpeg::{Factory, fuzzing};
use kineframe_testkit::spoiled;
use proptest::prelude::*;

#[test]
fn all_streams_inside_are_exact_but_for_shapes_that_no_picture_has() {
    // All codecs: one damaged run of each kind and stream is enough, every time.
    let report = run_with(&Factory, &Kit::inside(), &Options { seeds: 1 });
    println!("{report}");
    assert!(report.passed(), "{:#?}", report.failures());
    let refused = report.rows.iter().filter(|row| matches!(row.whole, Verdict::Refused(_)));
    let refused: Vec<&str> = refused.map(|row| row.stream.as_str()).collect();
    assert_eq!(refused, ["mjpeg_gen_411", "vp9_gen_p1_440"]);
}

#[test]
fn every_stream_of_a_media_folder_is_exact() {
    for folder in ["h264", "h265", "av1", "vp8", "vp9", "mjpeg"] {
        let kit = Kit::of_media(&format!("codec/{folder}"));
        // Damage is tried on the streams inside.
        let report = run_with(&Factory, &kit, &Options { seeds: 0 });
        println!("{report}");
        assert!(report.passed(), "{:#?}", report.failures());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_damage_gets_through(flips in prop::collection::vec(any::<(usize, u8)>(), 0..12), length: usize) {
        // The first byte says which codec it is.
        for (choice, name) in [(0, "vp8_gen_profile1"), (1, "vp9_gen_p2_10"), (2, "av1_gen_main10")] {
            let packets = TestStream::inside(name).expect("carried").prefixed(12);
            fuzzing::decode(&spoiled(&[vec![choice], packets].concat(), &flips, length));
        }
        for (choice, name) in [(4, "gen_mbaff_cavlc_422"), (5, "h265_gen_main422_10")] {
            let packets = TestStream::inside(name).expect("carried").packets;
            let units = packets.iter().take(12).flat_map(|packet| packet.data.iter().copied());
            let stream: Vec<u8> = [choice].into_iter().chain(units).collect();
            fuzzing::decode(&spoiled(&stream, &flips, length));
        }
    }
}
