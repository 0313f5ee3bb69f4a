//! Golden traces: every event of captures, fixtures and damaged bodies, one line each, in `testdata/golden`.
//!
//! A trace shows in a diff what a change means. `UPDATE_EXPECT=1` (or `cargo xtask golden --bless`) writes them anew.

use bytes::Bytes;
use kineframe_fragment::{Event, Options, Splitter};
use kineframe_matroska::{SimpleTag, TagValue};
use std::fmt::{Display, Write};
use std::fs;
use std::path::{Path, PathBuf};

fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata")
}

/// Every event, one line each.
fn trace(body: Vec<u8>) -> String {
    let mut splitter = Splitter::new(Options::default());
    splitter.push(Bytes::from(body));
    splitter.finish();
    let mut lines = String::new();
    while let Some(event) = splitter.next_event().expect("not strict, so damage is no error") {
        line(&event, &mut lines).expect("a String takes everything");
        lines.push('\n');
    }
    lines
}

fn line(event: &Event, out: &mut String) -> std::fmt::Result {
    match event {
        Event::Started(head) => {
            write!(out, "started {} at {} number {}", head.index, head.offset, or_none(head.number.as_ref()))?;
            write!(out, " producer {}", or_none(head.producer_timestamp))?;
            write!(out, " server {}", or_none(head.server_timestamp))?;
            let tracks = head.tracks.iter().flat_map(|tracks| &tracks.entries);
            tracks.into_iter().try_for_each(|track| write!(out, " track {} {}", track.number, track.codec_id))?;
            write!(out, " cluster {}", or_none(head.first_cluster.map(|ticks| ticks.0)))
        }
        Event::Frame(frame) => {
            write!(out, "frame {}/{} at {}", frame.track_number, frame.index, frame.position)?;
            write!(out, " size {}/{}", frame.stored_len, frame.data.len())?;
            write!(out, " time {}", or_none(frame.timestamp.map(|ticks| ticks.0)))?;
            write!(out, " sum {:016x}{}", fnv(&frame.data), if frame.keyframe { " key" } else { "" })
        }
        Event::Tag(tag) => write!(out, "tag {}", shown(tag)),
        Event::Finished(tail) | Event::Amended(tail) => {
            let what = if matches!(event, Event::Finished(_)) { "finished" } else { "amended" };
            write!(out, "{what} {} length {} frames {}", tail.head.index, tail.length, tail.frames)?;
            write!(out, " payload {} tags {}", tail.payload_bytes, tail.tags.len())?;
            write!(out, " duration {}", or_none(tail.duration))?;
            write!(out, " behind {}", or_none(tail.millis_behind_now))?;
            write!(out, "{}", if tail.complete { " complete" } else { "" })?;
            write!(out, "{}", if tail.truncated { " truncated" } else { "" })
        }
        Event::ServiceError(error) => {
            write!(out, "service error {} {}", or_none(error.id), or_none(error.code.as_deref()))?;
            write!(out, " fragment {}", or_none(error.fragment_number.as_ref()))
        }
        Event::Damage(damage) => {
            write!(out, "damage at {} length {}", damage.offset, damage.length)?;
            write!(out, " fragment {}: {}", or_none(damage.fragment), damage.error)
        }
        other => write!(out, "{other:?}"),
    }
}

fn or_none(value: Option<impl Display>) -> String {
    value.map_or("-".to_owned(), |value| value.to_string())
}

/// A tag; its value escaped, and capped, since a damaged body may have a long one.
fn shown(tag: &SimpleTag) -> String {
    match &tag.value {
        TagValue::String(text) => {
            let start: String = text.chars().take(100).collect();
            format!("{:?} = {start:?} of {}", tag.name, text.len())
        }
        TagValue::Binary(bytes) => format!("{:?} = {} bytes {:016x}", tag.name, bytes.len(), fnv(bytes)),
        TagValue::Absent => format!("{:?}", tag.name),
    }
}

/// FNV-1a, enough to see that bytes changed.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xCBF2_9CE4_8422_2325, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x100_0000_01B3))
}

/// The bodies below a folder of the test data, with their paths relative to it.
fn bodies(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of the test data") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            bodies(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "mkv") {
            found.push(path);
        }
    }
}

#[test]
fn traces_are_as_they_were() {
    let bless = std::env::var_os("UPDATE_EXPECT").is_some();
    let mut found = Vec::new();
    for folder in ["captures", "fixtures", "malformed"] {
        bodies(&testdata().join(folder), &mut found);
    }
    found.sort();
    assert!(found.len() > 50, "{} bodies", found.len());
    let mut changed = Vec::new();
    for path in &found {
        let fresh = trace(fs::read(path).expect("a body"));
        let name = path.strip_prefix(testdata()).expect("below it").with_extension("events");
        let golden = testdata().join("golden").join(&name);
        if bless {
            fs::create_dir_all(golden.parent().expect("a folder")).expect("a folder to write to");
            fs::write(&golden, fresh).expect("a trace to write");
            continue;
        }
        let stored = fs::read_to_string(&golden).unwrap_or_default();
        if stored != fresh {
            let at = stored.lines().zip(fresh.lines()).take_while(|(a, b)| a == b).count();
            let (was, is) = (stored.lines().nth(at).unwrap_or("-"), fresh.lines().nth(at).unwrap_or("-"));
            changed.push(format!("{} line {}\n  was {was}\n  is  {is}", name.display(), at + 1));
        }
    }
    assert!(changed.is_empty(), "`cargo xtask golden --bless` if this is meant:\n{}", changed.join("\n"));
}
