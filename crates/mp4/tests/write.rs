//! What is written is what ffprobe finds and ffmpeg decodes without a word: each frame's bytes, time and flag.

mod common;

use std::path::Path;

use common::{Packet, Stretch, decodes, ffmpeg_is_there, file_of, hash, packets, stretch};
use kineframe_mp4::{FragmentedWriter, Layout, WriteFrame, Writer, with_parameter_sets};

const BODIES: &[&str] = &[
    "generated/h264-high-bframes-aac.mkv",
    "generated/h264-main-bframes.mkv",
    "generated/h264-annexb-private.mkv",
    "generated/h264-mulaw-acm.mkv",
    "generated/h265-main.mkv",
    "generated/av1-svt.mkv",
    "generated/vp9.mkv",
    "generated/mjpeg.mkv",
    "generated/two-video-tracks.mkv",
    "generated/timestampscale-90khz.mkv",
    "captures/output_get_media.mkv",
];

fn plain(stretch: &Stretch, layout: Layout) -> Vec<u8> {
    let mut writer = Writer::new(layout, &stretch.tracks.entries).expect("tracks");
    let mut chunks = Vec::new();
    for frame in stretch.frames() {
        writer.frame(frame.clone()).expect("a frame");
        chunks.extend(writer.take_chunks());
    }
    if layout == Layout::TwoPasses {
        let (head, mut second) = writer.finish_head().expect("an end");
        let mut file = head.chunks.concat();
        for frame in stretch.frames() {
            file.extend(second.payload(frame.track_number, &frame.data).expect("the same"));
        }
        assert_eq!((second.remaining(), file.len() as u64), (0, head.length));
        return file;
    }
    file_of(&chunks, &writer.finish().expect("an end"))
}

fn fragmented(stretch: &Stretch) -> Vec<u8> {
    let mut writer = FragmentedWriter::new(&stretch.tracks.entries).expect("tracks");
    let mut file = writer.init_segment().expect("it fits").to_vec();
    let mut fragments = stretch.fragments.iter().peekable();
    while let Some(frames) = fragments.next() {
        let end = fragments.peek().and_then(|next| next.iter().map(|frame| frame.time).min());
        file.extend(writer.media_segment(frames, end).expect("it fits"));
    }
    file
}

/// The frames of one track as ffprobe should tell them, within half a tick of `slack`.
fn check(name: &str, stretch: &Stretch, found: &[Packet], converted: bool) {
    for (stream, entry) in (0..).zip(&stretch.tracks.entries) {
        let frames: Vec<&WriteFrame> = stretch.frames().filter(|frame| frame.track_number == entry.number).collect();
        let found: Vec<&Packet> = found.iter().filter(|packet| packet.stream == stream).collect();
        assert_eq!(found.len(), frames.len(), "{name}: track {}", entry.number);
        for (place, (packet, frame)) in found.iter().zip(&frames).enumerate() {
            let what = format!("{name}: track {}, frame {place}", entry.number);
            assert!((packet.time - frame.time).abs() <= 70_000, "{what}: {} for {}", packet.time, frame.time);
            assert_eq!(packet.key, frame.keyframe || entry.audio.is_some(), "{what}");
            if !converted {
                assert_eq!((packet.size, &packet.hash), (frame.data.len() as u64, &hash(&frame.data)), "{what}");
            }
        }
    }
}

#[test]
fn every_frame_is_found_again() {
    if !ffmpeg_is_there() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let mut complaints = Vec::new();
    for name in BODIES {
        let stretch = stretch(name);
        let files = [
            ("first", plain(&stretch, Layout::MoovFirst)),
            ("last", plain(&stretch, Layout::MoovLast)),
            ("fragmented", fragmented(&stretch)),
        ];
        assert!(plain(&stretch, Layout::TwoPasses) == files[0].1, "{name}: two passes make another file");
        for (kind, bytes) in files {
            let path = folder.path().join(format!("{}-{kind}.mp4", Path::new(name).file_stem().unwrap().display()));
            std::fs::write(&path, bytes).expect("written");
            let (found, words) = packets(&path);
            complaints.extend(words.lines().map(|line| format!("{name} {kind}: ffprobe: {line}")));
            // G.711 says how many channels it has, not where they stand.
            let words = decodes(&path);
            let words = words.lines().filter(|line| !line.contains("Guessed Channel Layout"));
            complaints.extend(words.map(|line| format!("{name} {kind}: ffmpeg: {line}")));
            let converted = ["annexb", "get_media"].iter().any(|part| name.contains(part));
            check(&format!("{name} {kind}"), &stretch, &found, converted);
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn parameter_sets_of_h265_in_frames_alone_are_enough() {
    let stretch = stretch("generated/h265-main.mkv");
    let mut entry = stretch.tracks.entries[0].clone();
    let record = entry.codec_private.take().expect("an hvcC record");
    assert!(Writer::new(Layout::MoovFirst, &[entry.clone()]).is_err());
    // Behind start codes, as some cameras send them.
    let sets = kineframe_bitstream::h265::HevcConfig::parse(&record).expect("an hvcC record");
    let sets: Vec<u8> = sets.units().flat_map(|unit| [&[0, 0, 0, 1][..], unit].concat()).collect();
    let completed = with_parameter_sets(&entry, &sets);
    assert!(Writer::new(Layout::MoovFirst, std::slice::from_ref(&completed)).is_ok());
    let made = kineframe_bitstream::h265::HevcConfig::parse(completed.codec_private.as_ref().expect("made")).unwrap();
    assert_eq!(made.arrays.len(), 3);
    // The same sets as CodecPrivate, without a record.
    entry.codec_private = Some(sets.into());
    assert!(Writer::new(Layout::MoovFirst, &[entry]).is_ok());
}

#[test]
fn parameter_sets_in_frames_alone_are_enough() {
    let stretch = stretch("generated/h264-annexb-private.mkv");
    let mut entry = stretch.tracks.entries[0].clone();
    let private = entry.codec_private.take().expect("parameter sets");
    assert!(Writer::new(Layout::MoovFirst, &[entry.clone()]).is_err());
    let frame = [&private[..], &stretch.fragments[0][0].data].concat();
    let completed = with_parameter_sets(&entry, &frame);
    assert!(Writer::new(Layout::MoovFirst, &[completed]).is_ok());
}
