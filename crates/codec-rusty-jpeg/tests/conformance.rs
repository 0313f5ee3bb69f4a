//! The conformance kit, and streams that are damaged at any place.

use std::path::Path;
use std::process::Command;

use bytes::Bytes;
use kineframe_codec::Codec;
use kineframe_codec_conformance::{Kit, run};
use kineframe_codec_rusty_jpeg::{Factory, fuzzing};
use proptest::prelude::*;

#[test]
fn the_kit_finds_nothing() {
    let report = run(&Factory, &Kit::inside().of(Codec::MJPEG));
    println!("{report}");
    assert!(report.passed(), "{:#?}", report.failures());
}

/// The planes that FFmpeg decodes, one picture after the other.
fn planes(file: &Path) -> Bytes {
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-threads", "1", "-flags", "unaligned", "-i"])
        .arg(file)
        .args(["-map", "0:v:0", "-vsync", "passthrough", "-autoscale", "0", "-f", "rawvideo", "-"])
        .output();
    output.expect("FFmpeg").stdout.into()
}

#[test]
fn every_stream_of_a_media_folder_is_within_one() {
    let Some(media) = std::env::var_os("KINEFRAME_MEDIA") else {
        println!("skipped: KINEFRAME_MEDIA does not name a media folder");
        return;
    };
    let folder = Path::new(&media).join("codec/mjpeg");
    let mut kit = Kit::from_dir(&folder).expect("a folder of streams");
    // Of a stream in which FFmpeg finds no picture nothing is known.
    kit.streams.retain(|stream| !stream.truth.is_empty());
    for stream in &mut kit.streams {
        let file = ["mjpeg", "jpg"].map(|kind| folder.join(format!("{}.{kind}", stream.name)));
        let file = file.iter().find(|file| file.exists()).expect("the stream");
        *stream = stream.clone().within_one_of(&planes(file));
    }
    let report = run(&Factory, &kit);
    println!("{report}");
    assert!(report.passed(), "{:#?}", report.failures());
    assert_eq!(report.exact() + report.refused(), report.rows.len());
}

/// The packets of a stream as the fuzz body takes them.
fn packets() -> Vec<u8> {
    let kit = Kit::inside().only("mjpeg_gen_422");
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
