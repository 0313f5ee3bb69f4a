//! Every body in the repository, and with `KINEFRAME_MEDIA` every one of the media collection, against what a
//! walk by element sizes finds in it.

mod common;

use std::path::Path;

use base64::Engine as _;
use common::{Told, fragments, read, split_whole, testdata, truth};
use kineframe_fragment::{Event, FragmentNumber, ProducerTimestamp, ServerTimestamp, tag};
use kineframe_matroska::{SimpleTag, TagValue, TrackEntry};
use serde_json::Value;
use sha2::{Digest, Sha256};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A tag in the form of the truth, without its place.
fn tag_line(tag: &SimpleTag) -> String {
    match &tag.value {
        TagValue::String(text) => format!("{}={text}", tag.name),
        TagValue::Binary(bytes) => {
            format!("{}:{}", tag.name, base64::engine::general_purpose::STANDARD.encode(bytes))
        }
        TagValue::Absent => tag.name.clone(),
    }
}

fn truth_tag_line(tag: &Value) -> String {
    let name = tag["name"].as_str().unwrap();
    match (tag.get("value"), tag.get("binary")) {
        (Some(text), _) => format!("{name}={}", text.as_str().unwrap()),
        (None, Some(binary)) => format!("{name}:{}", binary.as_str().unwrap()),
        (None, None) => name.to_owned(),
    }
}

/// The first value of these names that `make` takes.
fn first<T>(tags: &[Value], names: &[&str], make: impl Fn(&str) -> Option<T>) -> Option<T> {
    let named = tags.iter().filter(|tag| names.contains(&tag["name"].as_str().unwrap()));
    named.filter_map(|tag| tag.get("value")?.as_str()).find_map(make)
}

fn check_fragment(told: &Told, expected: &Value, place: &str) {
    let (head, tail) = (&told.head, &told.tail);
    assert_eq!(Some(head.offset), expected["offset"].as_u64(), "{place}: offset");
    assert_eq!(Some(tail.length), expected["length"].as_u64(), "{place}: length");
    assert_eq!(Some(head.timestamp_scale.0.get()), expected["timestamp_scale_ns"].as_u64(), "{place}: scale");
    let cluster = expected["clusters"].get(0).map(|cluster| cluster["timestamp"].as_i64().unwrap());
    assert_eq!(head.first_cluster.map(|ticks| ticks.0), cluster, "{place}: first Cluster");

    let tags = expected["tags"].as_array().unwrap();
    let lines: Vec<_> = tail.tags.iter().map(tag_line).collect();
    let expected_lines: Vec<_> = tags.iter().map(truth_tag_line).collect();
    assert_eq!(lines, expected_lines, "{place}: tags");
    if !told.frames.is_empty() {
        let before = tags.iter().filter(|tag| tag["where"] == "before").count();
        assert_eq!(told.tags_at_start, before, "{place}: tags before the first Cluster");
    }
    assert_eq!(tail.head.number, first(tags, &[tag::FRAGMENT_NUMBER], FragmentNumber::new), "{place}");
    let names = [tag::PRODUCER_TIMESTAMP, tag::PRODUCER_SIDE_TIMESTAMP];
    assert_eq!(tail.head.producer_timestamp, first(tags, &names, ProducerTimestamp::from_decimal), "{place}");
    let names = [tag::SERVER_TIMESTAMP, tag::SERVER_SIDE_TIMESTAMP];
    assert_eq!(tail.head.server_timestamp, first(tags, &names, ServerTimestamp::from_decimal), "{place}");
    let token = first(tags, &[tag::CONTINUATION_TOKEN], |text| (!text.is_empty()).then(|| text.to_owned()));
    assert_eq!(tail.continuation_token.as_ref().map(|token| token.as_str().to_owned()), token, "{place}");
    let behind = first(tags, &[tag::MILLIS_BEHIND_NOW], |text| text.parse().ok());
    assert_eq!(tail.millis_behind_now, behind, "{place}");

    let tracks = expected["tracks"].as_array().unwrap();
    let entries = head.tracks.as_ref().map_or(&[][..], |tracks| &tracks.entries[..]);
    assert_eq!(entries.len(), tracks.len(), "{place}: tracks");
    for (entry, track) in entries.iter().zip(tracks) {
        let place = format!("{place}, track {}", entry.number);
        assert_eq!(Some(entry.number), track["number"].as_u64(), "{place}");
        assert_eq!(Some(entry.track_type.name()), track["type"].as_str(), "{place}");
        assert_eq!(Some(entry.codec_id.as_str()), track["codec_id"].as_str(), "{place}");
        if let Some(sha) = track.get("codec_private_sha256").and_then(Value::as_str) {
            assert_eq!(
                entry.codec_private.as_ref().map(|data| hex(&Sha256::digest(data))).as_deref(),
                Some(sha),
                "{place}"
            );
        }
        check_frames(told, entry, track, &place);
    }
    let frames: u64 = tracks.iter().map(|track| track["frames"].as_u64().unwrap()).sum();
    assert_eq!(tail.frames, frames, "{place}: frames");
    let bytes: u64 = tracks.iter().map(|track| track["payload_bytes"].as_u64().unwrap()).sum();
    assert_eq!(tail.payload_bytes, bytes, "{place}: payload bytes");
}

fn check_frames(told: &Told, entry: &TrackEntry, track: &Value, place: &str) {
    let (number, entry_duration) = (entry.number, entry.default_duration);
    let counted = told.tail.tracks.iter().find(|track| track.number == number).unwrap();
    assert_eq!(Some(counted.frames), track["frames"].as_u64(), "{place}: frames");
    assert_eq!(Some(counted.keyframes), track["keyframes"].as_u64(), "{place}: key frames");
    assert_eq!(Some(counted.payload_bytes), track["payload_bytes"].as_u64(), "{place}: payload bytes");
    let frames: Vec<_> = told.frames.iter().filter(|frame| frame.track_number == number).collect();
    assert!(frames.iter().zip(0..).all(|(frame, index)| frame.index == index), "{place}: indices");
    assert_eq!(frames.iter().map(|frame| frame.stored_len).sum::<u64>(), counted.payload_bytes, "{place}");
    if frames.is_empty() {
        return;
    }
    assert_eq!(Some(frames[0].keyframe), track["first_is_key"].as_bool(), "{place}");
    let scale = told.head.timestamp_scale;
    let origin = told.head.first_cluster.unwrap().to_nanos(scale);
    let times: Vec<_> = frames.iter().map(|frame| origin + i128::from(frame.offset.unwrap())).collect();
    let expected = |name: &str| track[name].as_i64().map(i128::from);
    assert_eq!(times.iter().min().copied(), expected("min_timestamp_ns"), "{place}");
    // The walk gives each frame of a lace the time of the block, here each has its own.
    let step = entry_duration.map_or(1, |step| i128::from(step.get()));
    let later = times.iter().max().zip(expected("max_timestamp_ns")).map(|(max, expected)| max - expected);
    assert!(later.is_some_and(|by| by == 0 || (step > 1 && by % step == 0 && by / step < 256)), "{place}: {later:?}");
    let mut sha = Sha256::new();
    frames.iter().for_each(|frame| sha.update(&frame.data));
    assert_eq!(Some(hex(&sha.finalize()).as_str()), track["frames_sha256"].as_str(), "{place}: frames");
    for frame in &frames {
        let wall = told.head.producer_timestamp.map(|time| time.0 + i128::from(frame.offset.unwrap()));
        assert_eq!(frame.producer_time.map(|time| time.0), wall, "{place}: wall time");
    }
}

fn check_body(path: &Path) {
    let truth = truth(path);
    let events = split_whole(&read(path));
    let told = fragments(&events);
    let expected = truth["fragments"].as_array().unwrap();
    let name = path.file_name().unwrap().to_string_lossy();
    assert_eq!(told.len(), expected.len(), "{name}: fragments");
    for (told, expected) in told.iter().zip(expected) {
        check_fragment(told, expected, &format!("{name}, fragment {}", told.head.index));
    }
    let walk = &truth["ebmlwalk"];
    let bytes: u64 = told.iter().map(|told| told.tail.payload_bytes).sum();
    assert_eq!(Some(bytes), walk["payload_bytes"].as_u64(), "{name}");
    let damage =
        events.iter().find_map(|event| if let Event::Damage(damage) = event { Some(damage.offset) } else { None });
    // Where the input ends inside the size of an element, the walk names the size and not the element.
    let expected_damage = walk["error_offset"].as_u64();
    let ids = if walk["error"].as_str().is_some_and(|text| text.contains("element size")) { 4 } else { 0 };
    let near = damage.zip(expected_damage).is_some_and(|(at, expected)| at <= expected && expected - at <= ids);
    assert!(near || damage == expected_damage, "{name}: first damage at {damage:?}, not {expected_damage:?}");
    for told in &told {
        let last = told.head.index + 1 == expected.len() as u64;
        let broken = damage.is_some_and(|at| (told.head.offset..told.head.offset + told.tail.length).contains(&at));
        assert!(!told.tail.truncated || broken || last, "{name}: only what breaks or ends early is truncated");
        assert!(!(broken && told.tail.complete), "{name}: what breaks is not complete");
    }
}

#[test]
fn captures() {
    common::files(&testdata().join("captures")).iter().for_each(|path| check_body(path));
}

#[test]
fn fixtures() {
    common::files(&testdata().join("fixtures")).iter().for_each(|path| check_body(path));
}

#[test]
fn generated() {
    common::files(&testdata().join("generated")).iter().for_each(|path| check_body(path));
}

/// One file a line: whether the last fragment is complete and truncated, and what duration it has.
#[test]
fn ends() {
    let end = |name: &str| {
        let told = fragments(&split_whole(&read(&testdata().join(name))));
        let tail = &told.last().unwrap().tail;
        (tail.complete, tail.truncated, tail.duration.map(|nanos| nanos / 1_000_000))
    };
    assert_eq!(end("captures/output_get_media.mkv"), (true, false, Some(2_000)));
    assert_eq!(end("captures/empty-mkv-with-tags.mkv"), (true, false, None));
    assert!(end("captures/output-get-media-non-increasing-timecode.mkv").1);
    assert!(end("generated/ends-in-block.mkv").1);
    assert!(end("generated/ends-in-block-header.mkv").1);
    assert_eq!(end("generated/ends-before-cluster.mkv"), (false, true, None));
    assert!(end("generated/list-plain-names.mkv").0);
    assert_eq!(end("generated/error-in-band-4500.mkv"), (false, false, None));
    assert!(end("fixtures/tagless-tail.mkv").1);
    assert!(end("fixtures/tail-last-fragment.mkv").0);
}

#[test]
fn errors_in_band() {
    let error = |name: &str, fragment: usize| {
        let told = fragments(&split_whole(&read(&testdata().join("generated").join(name))));
        let errors: Vec<_> = told.iter().filter(|told| told.tail.error.is_some()).map(|told| told.head.index).collect();
        assert_eq!(errors, [fragment as u64], "{name}");
        told[fragment].tail.error.clone().unwrap()
    };
    assert_eq!(error("error-only-4000.mkv", 0).id, Some(4000));
    assert_eq!(error("error-in-band-4500.mkv", 2).code.as_deref(), Some("KMSKeyDisabled"));
    let missing = error("list-fragment-not-found.mkv", 1);
    assert_eq!((missing.id, missing.code.as_deref()), (Some(3000), Some("FRAGMENT_NOT_FOUND")));
    assert!(missing.fragment_number.unwrap().as_str().starts_with("9134385233318143239763382281539"));
    let exception = error("list-exception-tags.mkv", 1);
    assert_eq!(exception.message.as_deref(), Some("Fragment Number: 91343852333181432392682062 is not found"));
}

#[test]
fn the_whole_collection() {
    let Some(media) = common::media("the truth of the whole collection") else { return };
    for folder in ["kvs/getmedia", "kvs/fixtures", "kvs/putmedia", "generated/kvs", "matroska"] {
        common::files(&media.join(folder)).iter().for_each(|path| check_body(path));
    }
}
