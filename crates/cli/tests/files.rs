//! `split` and `merge`: files that play, with every frame in them.

mod common;

use std::fs;
use std::path::Path;
use std::process::Command;

use common::{bodies, code, objects, run, testdata, truth};
use serde_json::Value;

/// Packets that ffprobe finds in a file, without a complaint; `None` where there is no ffprobe.
fn packets(file: &Path) -> Option<u64> {
    let output = Command::new("ffprobe")
        .args(["-v", "warning", "-count_packets", "-show_entries", "stream=nb_read_packets", "-of", "csv=p=0"])
        .arg(file)
        .output()
        .ok()?;
    let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(errors, "", "{}", file.display());
    Some(text.lines().filter_map(|line| line.trim().trim_end_matches(',').parse::<u64>().ok()).sum())
}

fn frames(body: &Path) -> u64 {
    let counts = truth(body)["ebmlwalk"]["frames_per_track"].clone();
    counts.as_object().expect("counts").values().filter_map(Value::as_u64).sum()
}

#[test]
fn parts_hold_every_frame_and_play_alone() {
    let mut probed = false;
    for body in bodies() {
        let folder = tempfile::tempdir().expect("a folder");
        let out = folder.path().to_str().expect("UTF-8");
        let output = run(&["split", body.to_str().expect("UTF-8"), "-o", out, "--json"]);
        if frames(&body) == 0 {
            assert_eq!(code(&output), 1, "{}", body.display());
            continue;
        }
        let (files, _) = objects(&output);
        let written: u64 = files.iter().map(|file| file["frames"].as_u64().expect("a count")).sum();
        assert_eq!(written, frames(&body), "{}", body.display());
        // What is in the files is what went in: read back, they hold the same payload.
        let mut payload = 0;
        for file in &files {
            let (fragments, _) = objects(&run(&["fragments", "--json", file["file"].as_str().expect("a name")]));
            payload += fragments.iter().filter_map(|fragment| fragment["payload_bytes"].as_u64()).sum::<u64>();
        }
        assert!(payload > 0);
        let video = ["output_get_media.mkv", "h264-high-bframes-aac.mkv", "two-video-tracks.mkv"];
        if video.iter().any(|name| body.ends_with(name)) {
            let found: Option<u64> =
                files.iter().map(|f| packets(Path::new(f["file"].as_str().expect("a name")))).sum();
            probed |= found.is_some();
            assert!(found.is_none_or(|found| found == written), "{}", body.display());
        }
    }
    if !probed {
        println!("ffprobe is not here: parts were not played by another program");
    }
}

#[test]
fn merged_it_is_one_segment_with_the_right_duration() {
    let folder = tempfile::tempdir().expect("a folder");
    let whole = folder.path().join("whole.mkv");
    let body = testdata("captures/output_get_media.mkv");
    let name = whole.to_str().expect("UTF-8");
    let output = run(&["merge", body.to_str().expect("UTF-8"), "-o", name, "--json"]);
    let (files, _) = objects(&output);
    assert_eq!((code(&output), files.len()), (0, 1));
    assert_eq!((files[0]["frames"].as_u64(), files[0]["duration_ms"].as_u64()), (Some(300), Some(10_000)));
    let inspected: Value = serde_json::from_slice(&run(&["inspect", "--json", name]).stdout).expect("JSON");
    assert_eq!(inspected["segments"].as_u64(), Some(1));
    assert_eq!(inspected["documents"][0]["duration_ms"].as_u64(), Some(10_000));
    assert_eq!(inspected["problems"].as_array().map(Vec::len), Some(0));
    if let Some(found) = packets(&whole) {
        assert_eq!(found, 300);
    }
}

#[test]
fn a_change_of_tracks_starts_a_new_part_and_ends_a_pipe() {
    let folder = tempfile::tempdir().expect("a folder");
    let whole = folder.path().join("x.mkv");
    let body = testdata("generated/resolution-change.mkv");
    let body = body.to_str().expect("UTF-8");
    let merged = run(&["merge", body, "-o", whole.to_str().expect("UTF-8")]);
    assert_eq!(code(&merged), 0);
    let said = String::from_utf8_lossy(&merged.stderr).into_owned();
    assert!(said.lines().count() == 2 && said.contains("the tracks change") && said.contains("x-3.mkv"), "{said}");
    let mut names: Vec<String> = fs::read_dir(folder.path())
        .expect("listed")
        .map(|file| file.expect("a file").file_name().into_string().expect("UTF-8"))
        .collect();
    names.sort();
    assert_eq!(names, ["x-2.mkv", "x-3.mkv", "x.mkv"]);
    let piped = run(&["merge", body, "-o", "-"]);
    assert_eq!(code(&piped), 3);
    assert!(piped.stdout.starts_with(b"\x1A\x45\xDF\xA3"));
}
