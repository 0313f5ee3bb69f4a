//! MP4 as an input of every command, by path and on standard input: the same frames and pictures as from Matroska.

mod common;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use common::browser::{Player, play};
use common::mp4::{BODY, made};
use common::{code, objects, run, start, testdata};

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

fn piped(args: &[&str], path: &Path) -> Output {
    let mut child = start(args);
    let mut stdin = child.stdin.take().expect("a pipe");
    // A command that gives up early closes it.
    let _ = stdin.write_all(&fs::read(path).expect("it is there"));
    drop(stdin);
    child.wait_with_output().expect("it ends")
}

/// The pictures of a folder in the order of their names.
fn pictures(folder: &Path) -> Vec<Vec<u8>> {
    let mut names: Vec<PathBuf> =
        fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("a file").path()).collect();
    names.sort();
    names.into_iter().map(|path| fs::read(path).expect("a picture")).collect()
}

#[test]
fn pictures_are_those_of_the_matroska_body() {
    let folder = tempfile::tempdir().expect("a folder");
    let frames = |input: &str, name: &str, pipe: Option<&Path>| {
        let out = folder.path().join(name);
        let args = ["frames", input, "-o", text(&out), "--name", "{index:06}", "--json"];
        let output = pipe.map_or_else(|| run(&args), |path| piped(&args, path));
        assert_eq!(code(&output), 0, "{name}: {}", String::from_utf8_lossy(&output.stderr));
        pictures(&out)
    };
    let wanted = frames(text(&testdata(BODY)), "matroska", None);
    assert_eq!(wanted.len(), 60);
    for path in made(folder.path()) {
        let name = path.file_stem().expect("a name").to_str().expect("UTF-8").to_owned();
        assert!(frames(text(&path), &name, None) == wanted, "{name}");
        assert!(frames("-", &format!("{name}-piped"), Some(&path)) == wanted, "{name} on standard input");
        let picture = folder.path().join(format!("{name}.jpg"));
        let output = run(&["frame", text(&path), "--at", "1s", "-o", text(&picture)]);
        assert_eq!(code(&output), 0, "{}", String::from_utf8_lossy(&output.stderr));
        assert!(wanted.contains(&fs::read(&picture).expect("a picture")), "{name}");
    }
}

#[test]
fn a_description_behind_too_much_media_is_an_error_that_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let [last, first, _] = made(folder.path());
    let args = ["fragments", "-", "--max-memory", "50KiB"];
    let output = piped(&args, &last);
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!((code(&output), error.lines().count()), (1, 1), "{error}");
    assert!(error.contains("by its path") && error.contains("--max-memory"), "{error}");
    assert_eq!(code(&piped(&args, &first)), 0);
    assert_eq!(code(&run(&["fragments", text(&last), "--max-memory", "50KiB"])), 0);
}

#[test]
fn fragments_and_inspect_tell_what_is_there() {
    let folder = tempfile::tempdir().expect("a folder");
    for path in made(folder.path()) {
        let output = run(&["fragments", text(&path), "--json"]);
        assert_eq!(code(&output), 0);
        let (items, summary) = objects(&output);
        assert_eq!((items.len(), &summary["frames_seen"]), (1, &124.into()));
        let item = &items[0];
        assert_eq!((&item["frames"], &item["complete"], &item["offset"]), (&124.into(), &true.into(), &0.into()));
        assert_eq!(item["length"].as_u64(), Some(fs::metadata(&path).expect("a file").len()));
        assert_eq!(item["tracks"][0]["codec_id"], "V_MPEG4/ISO/AVC");
        assert_eq!(item["tracks"][1]["frames"], 64);
        let output = run(&["inspect", text(&path), "--json"]);
        assert_eq!(code(&output), 0);
        let found: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one object");
        assert_eq!(
            (&found["documents"][0]["doc_type"], &found["documents"][0]["frames"]),
            (&"mp4".into(), &124.into())
        );
        assert_eq!(
            (found["tracks"][0]["width"].as_u64(), found["problems"].as_array().map(Vec::len)),
            (Some(320), Some(0))
        );
    }
}

#[test]
fn split_and_merge_make_matroska_of_it() {
    if Command::new("ffprobe").arg("-version").stdout(Stdio::null()).status().is_err() {
        println!("skipped: ffprobe is not installed");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let sums = |path: &Path| {
        let wish = [
            "-v",
            "error",
            "-show_data_hash",
            "sha256",
            "-show_entries",
            "packet=stream_index,data_hash",
            "-of",
            "csv",
        ];
        let output = Command::new("ffprobe").args(wish).arg(path).output().expect("it runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let whole = folder.path().join("matroska.mkv");
    assert_eq!(code(&run(&["merge", text(&testdata(BODY)), "-o", text(&whole)])), 0);
    let wanted = sums(&whole);
    assert_eq!(wanted.len(), 124);
    for path in made(folder.path()) {
        let merged = path.with_extension("mkv");
        assert_eq!(code(&run(&["merge", text(&path), "-o", text(&merged)])), 0);
        assert_eq!(sums(&merged), wanted, "{}", path.display());
        let parts = path.with_extension("parts");
        assert_eq!(code(&run(&["split", text(&path), "-o", text(&parts)])), 0);
        let files: Vec<PathBuf> =
            fs::read_dir(&parts).expect("a folder").map(|part| part.expect("a file").path()).collect();
        assert_eq!(files.len(), 1);
        assert_eq!(sums(&files[0]), wanted, "{}", path.display());
    }
}

#[test]
fn chromium_plays_what_is_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let [_, first, fragmented] = made(folder.path());
    for path in [first, fragmented] {
        match play(&fs::read(&path).expect("written"), Duration::from_secs(60)) {
            Player::Missing => return println!("skipped: chromium is not installed"),
            Player::Said(report) => {
                println!("{}: {report}", path.display());
                let report: serde_json::Value = serde_json::from_str(&report).expect("a report in JSON");
                assert_eq!(report["error"], serde_json::Value::Null, "{report}");
                let number = |field: &str| report[field].as_f64().unwrap_or_else(|| panic!("{field}: {report}"));
                assert!(number("ready") >= 2.0 && number("played") > 0.0, "{report}");
            }
        }
    }
}
