//! What the tests share: finding media, running the demuxer, and counting what it tells.
#![allow(dead_code)] // Each test file uses a part.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use bytes::Bytes;
use kineframe_matroska::{DemuxOptions, Demuxer, Event, Recover, SegmentTicks, TagValue, TimestampScale};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The folder of files that are kept with the sources.
pub fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata")
}

/// The folder of the whole collection, where `KINEFRAME_MEDIA` names it.
pub fn media() -> Option<PathBuf> {
    let folder = std::env::var_os("KINEFRAME_MEDIA").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: KINEFRAME_MEDIA does not name the media folder");
    }
    folder
}

/// All files below `folder` for which `wanted` holds, sorted.
pub fn files(folder: &Path, wanted: impl Fn(&Path) -> bool + Copy) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = std::fs::read_dir(folder) else { return found };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, wanted));
        } else if wanted(&path) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Every Matroska file below `folder` beside which a truth lies.
pub fn with_truth(folder: &Path) -> Vec<(PathBuf, Value)> {
    let truths = files(folder, |path| path.to_string_lossy().ends_with(".truth.json"));
    let read = |truth: PathBuf| {
        let name = truth.to_string_lossy().strip_suffix(".truth.json").unwrap().to_owned();
        let value: Value = serde_json::from_slice(&std::fs::read(&truth).unwrap()).unwrap();
        (PathBuf::from(name), value)
    };
    truths.into_iter().map(read).filter(|(path, value)| path.exists() && value["ebmlwalk"].is_object()).collect()
}

/// The events of a body in these pieces, damage told and passed.
pub fn events<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Event> {
    events_with(DemuxOptions::default().recover(Recover::Resync), pieces)
}

/// All events of a file that comes in these pieces, read by these options.
pub fn events_with<'a>(options: DemuxOptions, pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Event> {
    let mut demuxer = Demuxer::new(options);
    let mut out = Vec::new();
    for piece in pieces {
        demuxer.push(Bytes::copy_from_slice(piece));
        drain(&mut demuxer, &mut out);
    }
    demuxer.finish();
    drain(&mut demuxer, &mut out);
    assert!(demuxer.is_done());
    out
}

fn drain(demuxer: &mut Demuxer, out: &mut Vec<Event>) {
    while let Some(event) = demuxer.next_event().unwrap() {
        out.push(event);
    }
}

/// The events of bytes that lie in memory in one piece, without copying them.
pub fn events_whole(data: &[u8]) -> Vec<Event> {
    events([data])
}

/// What a body holds, in the shape of the truth files.
#[derive(Debug, Default, PartialEq)]
pub struct Summary {
    pub headers: u64,
    pub segments: u64,
    pub clusters: u64,
    pub blocks: u64,
    pub payload: u64,
    pub frames: BTreeMap<u64, u64>,
    pub damage: Vec<(u64, u64)>,
    pub documents: Vec<Document>,
}

#[derive(Debug, Default, PartialEq)]
pub struct Document {
    pub offset: u64,
    pub doc_type: String,
    pub unknown_size: bool,
    pub clusters: Vec<(i64, bool)>,
    pub scale: u64,
    pub tracks: Vec<Track>,
    pub tags: Vec<(String, String, &'static str)>,
}

#[derive(Debug, Default, PartialEq)]
pub struct Track {
    pub number: u64,
    pub ty: String,
    pub codec_id: String,
    pub codec_private: Option<String>,
    pub size: Option<(u64, u64)>,
    pub frames: u64,
    pub keyframes: u64,
    pub payload: u64,
    pub first_is_key: Option<bool>,
    pub min: Option<i128>,
    pub max: Option<i128>,
    pub sha256: String,
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn summary(events: &[Event]) -> Summary {
    let mut sum = Summary::default();
    let mut hashes: BTreeMap<u64, Sha256> = BTreeMap::new();
    let mut scale = TimestampScale::default();
    for event in events {
        match event {
            Event::EbmlHeader(header) => {
                finish(&mut sum, &mut hashes);
                scale = TimestampScale::default();
                sum.headers += 1;
                let document =
                    Document { offset: header.offset, doc_type: header.doc_type.clone(), ..Document::default() };
                sum.documents.push(document);
            }
            Event::SegmentStart { size, .. } => {
                sum.segments += 1;
                if let Some(document) = sum.documents.last_mut() {
                    document.unknown_size = size.known().is_none();
                    document.scale = 1_000_000;
                }
            }
            Event::Info(info) => {
                scale = info.timestamp_scale;
                sum.documents.last_mut().unwrap().scale = scale.0.get();
            }
            Event::Tracks(tracks) => {
                let document = sum.documents.last_mut().unwrap();
                document.tracks = tracks
                    .entries
                    .iter()
                    .map(|entry| Track {
                        number: entry.number,
                        ty: entry.track_type.name().to_owned(),
                        codec_id: entry.codec_id.clone(),
                        codec_private: entry.codec_private.as_ref().map(|data| hex(&Sha256::digest(data))),
                        size: entry.video.as_ref().map(|video| (video.pixel_width, video.pixel_height)),
                        ..Track::default()
                    })
                    .collect();
            }
            Event::Tags(tags) => {
                let document = sum.documents.last_mut().unwrap();
                let place = if document.clusters.is_empty() { "before" } else { "after" };
                for tag in &tags.tags {
                    let value = match &tag.value {
                        TagValue::String(text) => text.clone(),
                        TagValue::Binary(data) => base64::prelude::BASE64_STANDARD.encode(data),
                        TagValue::Absent => String::new(),
                    };
                    document.tags.push((tag.name.clone(), value, place));
                }
            }
            Event::ClusterStart { size, .. } => {
                sum.clusters += 1;
                if let Some(document) = sum.documents.last_mut() {
                    document.clusters.push((0, size.known().is_some()));
                }
            }
            Event::ClusterTimestamp(SegmentTicks(ticks)) => {
                if let Some(cluster) = sum.documents.last_mut().and_then(|document| document.clusters.last_mut()) {
                    cluster.0 = *ticks;
                }
            }
            Event::Block(block) => {
                sum.blocks += 1;
                *sum.frames.entry(block.track_number).or_default() += block.frames.len() as u64;
                let stored: u64 = block.frames.iter().map(|frame| frame.stored_len).sum();
                sum.payload += stored;
                let Some(document) = sum.documents.last_mut() else { continue };
                let Some(track) = document.tracks.iter_mut().find(|track| track.number == block.track_number) else {
                    continue;
                };
                let hash = hashes.entry(block.track_number).or_default();
                for frame in &block.frames {
                    if let Ok(data) = &frame.data {
                        hash.update(data);
                    }
                }
                track.frames += block.frames.len() as u64;
                track.keyframes += if block.keyframe { block.frames.len() as u64 } else { 0 };
                track.payload += stored;
                track.first_is_key.get_or_insert(block.keyframe);
                if let Some(at) = block.timestamp {
                    let nanos = at.to_nanos(scale);
                    track.min = Some(track.min.map_or(nanos, |min| min.min(nanos)));
                    track.max = Some(track.max.map_or(nanos, |max| max.max(nanos)));
                }
            }
            Event::Damage { offset, length, .. } => sum.damage.push((*offset, *length)),
            _ => {}
        }
    }
    finish(&mut sum, &mut hashes);
    sum
}

fn finish(sum: &mut Summary, hashes: &mut BTreeMap<u64, Sha256>) {
    if let Some(document) = sum.documents.last_mut() {
        for track in &mut document.tracks {
            if track.frames > 0 {
                let hash = hashes.remove(&track.number).unwrap_or_default();
                track.sha256 = hex(&hash.finalize());
            }
        }
    }
    hashes.clear();
}

/// Differences between a summary and a truth, in words.
pub fn differences(sum: &Summary, truth: &Value) -> Vec<String> {
    let mut out = Vec::new();
    let mut same = |what: String, found: Value, expected: &Value| {
        let equal = match (found.as_f64(), expected.as_f64()) {
            (Some(a), Some(b)) if found.is_f64() || expected.is_f64() => (a - b).abs() <= 1.0,
            _ => found == *expected,
        };
        if !equal {
            out.push(format!("{what}: {found}, truth {expected}"));
        }
    };
    let walk = &truth["ebmlwalk"];
    same("EBML headers".into(), sum.headers.into(), &walk["ebml_headers"]);
    same("Segments".into(), sum.segments.into(), &walk["segments"]);
    same("Clusters".into(), sum.clusters.into(), &walk["clusters"]);
    same("blocks".into(), sum.blocks.into(), &walk["blocks"]);
    same("payload".into(), sum.payload.into(), &walk["payload_bytes"]);
    let frames = sum.frames.iter().map(|(track, count)| (track.to_string(), Value::from(*count)));
    same("frames".into(), Value::Object(frames.collect()), &walk["frames_per_track"]);
    let rows = truth["fragments"].as_array().cloned().unwrap_or_default();
    same("documents".into(), sum.documents.len().into(), &rows.len().into());
    for (document, row) in sum.documents.iter().zip(&rows) {
        let place = |what: &str| format!("document at {}: {what}", document.offset);
        same(place("offset"), document.offset.into(), &row["offset"]);
        same(place("doctype"), document.doc_type.clone().into(), &row["doctype"]);
        if sum.segments == sum.headers {
            same(place("scale"), document.scale.into(), &row["timestamp_scale_ns"]);
            same(place("unknown size"), document.unknown_size.into(), &row["segment_unknown_size"]);
        }
        let clusters = document
            .clusters
            .iter()
            .map(|(timestamp, known)| serde_json::json!({ "timestamp": timestamp, "known_size": known }));
        same(place("clusters"), clusters.collect(), &row["clusters"]);
        let tags = document.tags.iter().map(|(name, value, place)| serde_json::json!([name, value, place]));
        let wanted = row["tags"].as_array().unwrap().iter().map(|tag| {
            let value = tag.get("value").or(tag.get("binary")).cloned().unwrap_or(Value::Null);
            let value = if value.is_null() { Value::from("") } else { value };
            serde_json::json!([tag["name"], value, tag["where"]])
        });
        same(place("tags"), tags.collect(), &wanted.collect());
        let wanted = row["tracks"].as_array().unwrap();
        same(place("tracks"), document.tracks.len().into(), &wanted.len().into());
        for (track, wanted) in document.tracks.iter().zip(wanted) {
            let place = |what: &str| place(&format!("track {}: {what}", track.number));
            same(place("number"), track.number.into(), &wanted["number"]);
            same(place("type"), track.ty.clone().into(), &wanted["type"]);
            same(place("codec"), track.codec_id.clone().into(), &wanted["codec_id"]);
            same(place("private"), track.codec_private.clone().into(), &wanted["codec_private_sha256"]);
            if let Some((width, height)) = track.size {
                let or_zero = |value: &Value| if value.is_null() { Value::from(0) } else { value.clone() };
                same(place("width"), width.into(), &or_zero(&wanted["width"]));
                same(place("height"), height.into(), &or_zero(&wanted["height"]));
            }
            same(place("frames"), track.frames.into(), &wanted["frames"]);
            if track.frames > 0 {
                same(place("key frames"), track.keyframes.into(), &wanted["keyframes"]);
                same(place("payload"), track.payload.into(), &wanted["payload_bytes"]);
                same(place("first is key"), track.first_is_key.into(), &wanted["first_is_key"]);
                let number = |nanos: Option<i128>| nanos.map_or(Value::Null, |nanos| Value::from(nanos as i64));
                same(place("min"), number(track.min), &wanted["min_timestamp_ns"]);
                same(place("max"), number(track.max), &wanted["max_timestamp_ns"]);
                same(place("sha256"), track.sha256.clone().into(), &wanted["frames_sha256"]);
            }
        }
    }
    out
}
