//! `fragments --json` against what a walk by the specifications' rules finds in each body.

mod common;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;

use common::{bodies, code, objects, run, start, testdata, truth};
use serde_json::Value;

#[test]
fn every_body_is_told_as_its_truth_has_it() {
    for body in bodies() {
        check(&body);
    }
}

fn check(body: &Path) {
    let (name, truth) = (body.display(), truth(body));
    let output = run(&["fragments", "--json", body.to_str().expect("a path in UTF-8")]);
    let (fragments, summary) = objects(&output);
    let walk = &truth["ebmlwalk"];
    if walk["error"].is_string() {
        assert_eq!(code(&output), 3, "{name}: damage ends with 3");
    }
    let wanted = truth["fragments"].as_array().expect("fragments");
    assert_eq!(fragments.len(), wanted.len(), "{name}: one object per EBML header");
    let mut payload = 0;
    for (found, wanted) in fragments.iter().zip(wanted) {
        let at = &wanted["offset"];
        assert_eq!(&found["offset"], at, "{name}");
        assert_eq!(found["length"], wanted["length"], "{name} at {at}");
        assert_eq!(tracks(&found["tracks"]), tracks(&wanted["tracks"]), "{name} at {at}");
        assert_eq!(tags(&found["tags"]), tags(&wanted["tags"]), "{name} at {at}");
        let number = tag(wanted, "AWS_KINESISVIDEO_FRAGMENT_NUMBER");
        let is_number = |text: &&str| !text.is_empty() && text.len() <= 128 && text.bytes().all(|b| b.is_ascii_digit());
        if found["error"].is_null() {
            assert_eq!(found["fragment_number"].as_str(), number.filter(is_number), "{name} at {at}");
        }
        payload += found["payload_bytes"].as_u64().expect("a count");
    }
    assert_eq!(payload, walk["payload_bytes"].as_u64().expect("a count"), "{name}");
    let frames = walk["frames_per_track"].as_object().expect("counts").values();
    assert_eq!(summary["frames_seen"].as_u64(), Some(frames.filter_map(Value::as_u64).sum()), "{name}");
}

/// Number, type, codec and frames of each track; those of a track without frames count too.
fn tracks(tracks: &Value) -> Vec<(u64, String, String, u64)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let number = |value: &Value| value.as_u64().expect("a number");
    let tracks = tracks.as_array().expect("tracks").iter();
    tracks.map(|t| (number(&t["number"]), text(&t["type"]), text(&t["codec_id"]), number(&t["frames"]))).collect()
}

/// Name and text of each tag; a binary one has no text.
fn tags(tags: &Value) -> Vec<(Option<String>, Option<String>)> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    tags.as_array().expect("tags").iter().map(|tag| (text(&tag["name"]), text(&tag["value"]))).collect()
}

fn tag<'a>(fragment: &'a Value, name: &str) -> Option<&'a str> {
    let mut tags = fragment["tags"].as_array().expect("tags").iter();
    tags.rfind(|tag| tag["name"] == name)?["value"].as_str()
}

#[test]
fn a_fragment_is_told_while_the_pipe_is_open() {
    let body = std::fs::read(testdata("captures/output_get_media.mkv")).expect("a capture");
    let first = truth(&testdata("captures/output_get_media.mkv"))["fragments"][0]["length"].as_u64().expect("a length");
    let mut child = start(&["fragments", "--json", "-"]);
    let mut stdin = child.stdin.take().expect("a pipe");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    // Exactly the first fragment: nothing of the second, not even its header.
    stdin.write_all(&body[..first as usize]).expect("written");
    stdin.flush().expect("flushed");
    let line: Value = serde_json::from_str(&lines.next().expect("a line").expect("text")).expect("JSON");
    assert_eq!(line["complete"], true);
    assert_eq!(line["length"], first);
    drop(stdin);
    let rest: Vec<_> = lines.collect();
    assert_eq!(rest.len(), 1, "nothing follows but the summary");
    assert!(child.wait().expect("it ends").success());
}

#[test]
fn a_range_keeps_the_fragments_that_overlap_it() {
    let body = testdata("captures/output_get_media.mkv");
    let body = body.to_str().expect("a path in UTF-8");
    // Fragments of two seconds start at 06:55:08.513 and every two seconds from there.
    let kept = |flags: &[&str]| {
        let (fragments, _) = objects(&run(&[&["fragments", "--json", body], flags].concat()));
        fragments.iter().map(|fragment| fragment["index"].as_u64().expect("an index")).collect::<Vec<_>>()
    };
    assert_eq!(kept(&["--from", "2017-11-28T06:55:11Z"]), [1, 2, 3, 4]);
    assert_eq!(kept(&["--from", "2017-11-28T06:55:10.513Z", "--to", "2017-11-28T06:55:12.513Z"]), [1]);
    assert_eq!(kept(&["--from", "3s", "--to", "5s"]), [1, 2]);
    assert_eq!(kept(&["--to", "+4s"]), [0, 1]);
    let second = "91343852333181432397633822764885441725874549018";
    assert_eq!(kept(&["--from", &format!("fragment:{second}")]), [1, 2, 3, 4]);
    assert_eq!(kept(&["--from", &format!("after:{second}"), "--to", "+1s"]), [2]);
}
