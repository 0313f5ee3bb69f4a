//! What other programs make of the files of `split` and `merge`: ffprobe, ffmpeg, mkvinfo, mkvmerge and Chromium.
//! Where one is not installed, a line says so.

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use common::browser::{Player, play};
use common::{bodies, code, objects, run, testdata, truth};
use serde_json::Value;

/// Whether a program is there; says so where it is not.
fn there(tool: &str) -> bool {
    let flag = if tool.starts_with("ff") { "-version" } else { "--version" };
    let found = Command::new(tool).arg(flag).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !found {
        println!("skipped: {tool} is not installed");
    }
    found
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}

fn frames(body: &Path) -> u64 {
    let counts = truth(body)["ebmlwalk"]["frames_per_track"].clone();
    counts.as_object().expect("counts").values().filter_map(Value::as_u64).sum()
}

/// The files that a command made of a body.
fn made(command: &str, body: &Path, out: &Path) -> Vec<PathBuf> {
    let (body, out) = (body.to_str().expect("UTF-8"), out.to_str().expect("UTF-8"));
    let (files, _) = objects(&run(&[command, body, "-o", out, "--json"]));
    files.iter().map(|file| file["file"].as_str().expect("a name").into()).collect()
}

/// Packets that ffprobe finds, and what it has to say.
fn packets(file: &Path) -> (u64, String) {
    let wish = ["-v", "warning", "-count_packets", "-show_entries", "stream=nb_read_packets", "-of", "csv=p=0"];
    let output = Command::new("ffprobe").args(wish).arg(file).output().expect("ffprobe runs");
    let text = String::from_utf8_lossy(&output.stdout);
    let count = text.lines().filter_map(|line| line.trim_end_matches(',').parse::<u64>().ok()).sum();
    (count, String::from_utf8_lossy(&output.stderr).into_owned())
}

/// What players say of the media in a body, whatever it is wrapped in: these words are not about the files.
fn of_the_media(body: &Path, word: &str) -> bool {
    let name = body.file_name().unwrap_or_default().to_string_lossy();
    // Codecs and payloads that are made up, no picture at all to tell the pixel format from, or fragments that begin
    // within a group of pictures.
    let odd = ["connect", "lacing", "not-at-key-frame", "unknown-elements", "ebml-magic", "multi-", "mismatch"];
    let about = ["Could not find codec parameters", "Consider increasing", "unspecified size", "unknown codec"];
    odd.iter().any(|odd| name.contains(odd)) || about.iter().any(|about| word.contains(about))
}

#[test]
fn files_of_every_body_open_everywhere() {
    if !(there("ffprobe") && there("mkvinfo") && there("mkvmerge")) {
        return;
    }
    let mut complaints = Vec::new();
    // The payloads of the fixtures are made up: players look into them and drop what they find.
    let real = |body: &PathBuf| !body.parent().is_some_and(|folder| folder.ends_with("fixtures"));
    // All of them take a minute: they are for long runs.
    let all = std::env::var_os("KINEFRAME_MEDIA").is_some() || std::env::var_os("KINEFRAME_SLOW").is_some();
    let some = ["output_get_media", "h264-high-bframes-aac", "resolution-change", "two-video-tracks", "h265"];
    let named = |body: &PathBuf| all || some.iter().any(|name| body.file_stem().is_some_and(|stem| stem == *name));
    for body in bodies().into_iter().filter(|body| real(body) && named(body) && frames(body) > 0) {
        let folder = tempfile::tempdir().expect("a folder");
        let merged = made("merge", &body, &folder.path().join("whole.mkv"));
        let parts = made("split", &body, &folder.path().join("parts"));
        for files in [&merged, &parts] {
            let mut found = 0;
            for file in files {
                let (count, words) = packets(file);
                found += count;
                let words = words.lines().filter(|line| !of_the_media(&body, line));
                complaints.extend(words.map(|line| format!("{}: ffprobe: {line}", body.display())));
            }
            assert_eq!(found, frames(&body), "{}", body.display());
        }
        for file in &merged {
            let told = Command::new("mkvmerge").args(["--identify"]).arg(file).output().expect("mkvmerge runs");
            let words = said(&told);
            if !told.status.success() || words.contains("Warning") || words.contains("Error") {
                complaints.push(format!("{}: mkvmerge: {words}", body.display()));
            }
            let told = Command::new("mkvinfo").args(["--ui-language", "en_US"]).arg(file).output().expect("it runs");
            let words = said(&told);
            if !told.status.success() || ["Error", "Warning", "(invalid"].iter().any(|word| words.contains(word)) {
                complaints.push(format!("{}: mkvinfo: {words}", body.display()));
            }
            assert_eq!(words.matches("+ Segment:").count(), 1, "{words}");
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

/// Checksums of pictures as ffmpeg decodes them, from `seconds` on.
fn pictures(file: &Path, seconds: Option<&str>) -> Vec<String> {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "warning"]);
    if let Some(seconds) = seconds {
        command.args(["-ss", seconds]);
    }
    let output = command.arg("-i").arg(file).args(["-map", "0:v:0", "-f", "framemd5", "-"]).output().expect("it runs");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{}", file.display());
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let rows = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    rows.map(|line| line.rsplit(',').next().expect("a last column").trim().to_owned()).collect()
}

#[test]
fn merged_captures_decode_and_seek() {
    if !there("ffmpeg") {
        return;
    }
    for (name, count) in [("output_get_media", 300), ("kinesis_video_renderer_example_output", 444)] {
        let folder = tempfile::tempdir().expect("a folder");
        let body = testdata(&format!("captures/{name}.mkv"));
        let files = made("merge", &body, &folder.path().join("whole.mkv"));
        let all = pictures(&files[0], None);
        assert_eq!((files.len(), all.len()), (1, count), "{name}");
        assert_eq!(all, common::picture_sums(&body), "{name}");
        let tail = pictures(&files[0], Some("5"));
        assert!((1..count).contains(&tail.len()), "{name}: {}", tail.len());
        assert_eq!(all[count - tail.len()..], tail[..], "{name}: a seek finds the pictures that belong there");
    }
}

#[test]
fn chromium_plays_and_seeks_merged_files() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["output_get_media", "kinesis_video_renderer_example_output"] {
        let body = testdata(&format!("captures/{name}.mkv"));
        let files = made("merge", &body, &folder.path().join(format!("{name}.mkv")));
        let inspected = run(&["inspect", "--json", files[0].to_str().expect("UTF-8")]);
        assert_eq!(code(&inspected), 0);
        let inspected: Value = serde_json::from_slice(&inspected.stdout).expect("JSON");
        let duration = inspected["documents"][0]["duration_ms"].as_f64().expect("a duration") / 1000.0;
        let film = fs::read(&files[0]).expect("read");
        match play(&film, Duration::from_secs(60)) {
            Player::Missing => {
                println!("skipped: chromium is not installed");
                return;
            }
            Player::Said(report) => {
                println!("{name}: {report}");
                let report: Value = serde_json::from_str(&report).expect("a report in JSON");
                assert_eq!(report["error"], Value::Null, "{name}: {report}");
                let number = |field: &str| report[field].as_f64().unwrap_or_else(|| panic!("{field}: {report}"));
                assert!((number("duration") - duration).abs() < 0.05, "{name}: {report}");
                assert!(number("ready") >= 2.0 && number("played") > 0.0, "{name}: {report}");
                assert!((number("seeked") - duration / 2.0).abs() < 0.1, "{name}: {report}");
                assert_eq!(report["seekable"].as_f64(), report["duration"].as_f64(), "{name}: {report}");
                let (width, height) = (number("width"), number("height"));
                assert!(width >= 320.0 && height >= 180.0, "{name}: {report}");
                assert!(number("shades") > 16.0, "{name}: a picture is shown: {report}");
            }
        }
    }
}
