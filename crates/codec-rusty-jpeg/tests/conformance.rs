//! The conformance kit, and streams that are damaged at any place.

use std::path::Path;
use std::process::Command;

use bytes::Bytes;
use kineframe_codec::Codec;
use kineframe_codec_conformance::{Kit, TestStream, assert_passes};
use kineframe_codec_rusty_jpeg::{Factory, fuzzing};
use kineframe_testkit::{media, spoiled};
use proptest::prelude::*;

#[test]
fn the_kit_finds_nothing() {
    assert_passes(&Factory, &Kit::inside().of(Codec::MJPEG));
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
    let Some(media) = media() else { return };
    let folder = media.join("codec/mjpeg");
    let mut kit = Kit::from_dir(&folder).expect("a folder of streams");
    // Of a stream in which FFmpeg finds no picture nothing is known.
    kit.streams.retain(|stream| !stream.truth.is_empty());
    for stream in &mut kit.streams {
        let file = ["mjpeg", "jpg"].map(|kind| folder.join(format!("{}.{kind}", stream.name)));
        let file = file.iter().find(|file| file.exists()).expect("the stream");
        *stream = stream.clone().within_one_of(&planes(file));
    }
    let report = assert_passes(&Factory, &kit);
    assert_eq!(report.exact() + report.refused(), report.rows.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_damage_gets_through(flips in prop::collection::vec(any::<(usize, u8)>(), 0..12), length: usize) {
        let stream = TestStream::inside("mjpeg_gen_422").expect("carried");
        fuzzing::decode(&spoiled(&stream.prefixed(12), &flips, length));
    }
}
