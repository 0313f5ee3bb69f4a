//! The conformance kit, and streams that are damaged at any place.

use kineframe_codec::Codec;
use kineframe_codec_conformance::{Kit, run};
use kineframe_codec_rusty_vp9::{Factory, fuzzing};
use proptest::prelude::*;

#[test]
fn the_kit_finds_nothing() {
    let report = run(&Factory, &Kit::inside().of(Codec::VP9));
    println!("{report}");
    assert!(report.passed(), "{:#?}", report.failures());
}

#[test]
fn every_stream_of_a_media_folder_is_exact() {
    let Some(media) = std::env::var_os("KINEFRAME_MEDIA") else {
        println!("skipped: KINEFRAME_MEDIA does not name a media folder");
        return;
    };
    let folder = std::path::Path::new(&media).join("codec/vp9");
    let report = run(&Factory, &Kit::from_dir(folder).expect("a folder of streams"));
    println!("{report}");
    assert!(report.passed(), "{:#?}", report.failures());
    assert_eq!(report.exact() + report.refused(), report.rows.len());
}

/// The packets of a stream as the fuzz body takes them.
fn packets() -> Vec<u8> {
    let kit = Kit::inside().only("vp9_gen_p2_10");
    let packets = kit.streams[0].packets.iter().take(12);
    packets.flat_map(|packet| [&(packet.data.len() as u16).to_be_bytes()[..], &packet.data].concat()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_damage_gets_through(flips in prop::collection::vec((any::<prop::sample::Index>(), 0_u8..8), 0..12), length: prop::sample::Index) {
        let mut stream = packets();
        for (byte, bit) in flips {
            let at = byte.index(stream.len());
            stream[at] ^= 1 << bit;
        }
        stream.truncate(length.index(stream.len()));
        fuzzing::decode(&stream);
    }
}
