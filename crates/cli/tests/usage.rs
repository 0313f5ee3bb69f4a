//! Bad use: each ends with the exit code of the contract, one line that says why, and nothing half-written.

mod common;

use std::fs;
use std::process::Stdio;

use common::{code, kineframe, run, start, testdata};

fn capture() -> String {
    testdata("captures/output_get_media.mkv").display().to_string()
}

/// Exit code and standard error, which must be one line where the command itself speaks.
fn refused(args: &[&str]) -> (i32, String) {
    let output = run(args);
    let error = String::from_utf8(output.stderr.clone()).expect("text");
    assert!(!error.contains("panicked"), "{args:?}: {error}");
    (code(&output), error)
}

#[test]
fn wrong_usage_is_2() {
    for args in [
        &["fragments", "--bogus", "x"][..],
        &["frames", "x"],
        &["nothing"],
        &["frames", "x", "-o", "y", "--every", "ten"],
        &["frames", "x", "-o", "y", "--quality", "0"],
        &["frame", "x", "-o", "y.png"],
        &["frames", "x", "-o", "y", "--decoder", "nobody"],
        &["fragments", "kvs://"],
        &["fragments", "kvs://no such name"],
        &["frames", "x", "-o", "y", "--size", "0x0"],
        &["frames", "x", "-o", "y", "--every", "0s"],
        &["frame", "x", "--at", "1s", "-o", "y.gif"],
        &["frame", "x", "--at", "1s", "-o", "-", "--json"],
        &["merge", &capture(), "--overwrite", "-o", &capture()],
        &["frames", "x", "-o", "y", "--name", "{nobody}"],
    ] {
        let (code, error) = refused(args);
        assert_eq!(code, 2, "{args:?}: {error}");
        assert!(!error.is_empty());
    }
}

#[test]
fn an_input_that_cannot_be_read_is_1() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path().to_str().expect("UTF-8");
    for command in ["fragments", "inspect"] {
        let (code, error) = refused(&[command, folder]);
        assert_eq!((code, error.lines().count()), (1, 1), "{error}");
        assert!(error.contains("directory"), "{error}");
        let (code, error) = refused(&[command, "no-such-file.mkv"]);
        assert_eq!((code, error.lines().count()), (1, 1), "{error}");
        assert!(error.contains("no-such-file.mkv"), "{error}");
    }
}

#[test]
fn mp4_is_named_for_what_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("clip.bin");
    fs::write(&path, b"\0\0\0\x18ftypisom\0\0\0\0isommp42").expect("written");
    let (code, error) = refused(&["inspect", "--tree", path.to_str().expect("UTF-8")]);
    assert_eq!(code, 1);
    assert!(error.contains("MP4"), "{error}");
}

#[test]
fn a_picture_can_go_to_standard_output() {
    let output = run(&["frame", &capture(), "--at", "1s", "--format", "png", "-o", "-"]);
    assert_eq!(code(&output), 0, "{}", String::from_utf8_lossy(&output.stderr));
    let picture = image::load_from_memory(&output.stdout).expect("one PNG file and nothing else");
    assert_eq!((picture.width(), picture.height()), (640, 360));
}

#[test]
fn where_no_file_can_be_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("missing").join("picture.png");
    let (exit, error) = refused(&["frame", &capture(), "--at", "1s", "-o", file.to_str().expect("UTF-8")]);
    assert_eq!((exit, error.lines().count()), (1, 1), "{error}");
    assert!(error.contains("there is no folder"), "{error}");
}

#[test]
fn what_is_there_stays() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("picture.png");
    fs::write(&file, b"mine").expect("written");
    let file_name = file.to_str().expect("UTF-8");
    let args = ["frame", &capture(), "--at", "1s", "-o", file_name];
    let (exit, error) = refused(&args);
    assert_eq!(exit, 1, "{error}");
    assert_eq!(fs::read(&file).expect("read"), b"mine");
    assert_eq!(code(&run(&[&args[..], &["--overwrite"]].concat())), 0);
    assert!(fs::read(&file).expect("read").starts_with(b"\x89PNG"));
    assert_eq!(fs::read_dir(folder.path()).expect("listed").count(), 1, "no temporary file is left");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let mut child = kineframe()
        .args(["inspect", "--tree", &capture()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!((code(&output), output.stderr.len()), (0, 0));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_device_is_1() {
    let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("the device that is always full");
    let output = kineframe().args(["fragments", &capture()]).stdout(full).output().expect("the command starts");
    assert_eq!(code(&output), 1);
    let error = String::from_utf8(output.stderr).expect("text");
    assert!(error.contains("standard output"), "{error}");
}

#[cfg(unix)]
#[test]
fn a_signal_ends_a_read_that_waits() {
    use std::io::{BufRead, BufReader, Write};

    for (name, wanted) in [("INT", 130), ("TERM", 143)] {
        let folder = tempfile::tempdir().expect("a folder");
        let whole = folder.path().join("whole.mkv");
        let mut child = start(&["merge", "-", "--json", "-o", whole.to_str().expect("UTF-8")]);
        let mut stdin = child.stdin.take().expect("a pipe");
        let body = fs::read(testdata("captures/output_get_media.mkv")).expect("a capture");
        stdin.write_all(&body[..1 << 20]).expect("written");
        // The pipe took it all, so that the command is running and has its handlers; now it waits for more.
        let killed = std::process::Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status();
        assert!(killed.expect("kill runs").success());
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("read");
        assert_eq!(line, "", "no summary of a read that did not end");
        assert_eq!(child.wait().expect("it ends").code(), Some(wanted));
        assert_eq!(fs::read_dir(folder.path()).expect("listed").count(), 0, "nothing half-written");
        drop(stdin);
    }
}

#[test]
fn completions_and_version_come_at_once() {
    for shell in ["bash", "zsh", "fish"] {
        let output = run(&["completions", shell]);
        assert!(output.status.success() && String::from_utf8_lossy(&output.stdout).contains("fragments"));
    }
    let output = run(&["--version"]);
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("kineframe "));
}

#[test]
fn what_is_no_media_is_called_that() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out").display().to_string();
    let text = folder.path().join("notes.txt");
    fs::write(&text, "a shopping list\n".repeat(40)).expect("a file");
    let empty = folder.path().join("empty.mkv");
    fs::write(&empty, "").expect("a file");
    for (path, words) in [(&text, "Matroska, WebM, MP4"), (&empty, "it is empty")] {
        let path = path.to_str().expect("UTF-8");
        let (exit, error) = refused(&["frames", path, "-o", &out]);
        assert!(exit == 1 && error.contains(words), "{exit}: {error}");
        let (_, error) = refused(&["fragments", path]);
        assert!(error.contains(words), "{error}");
    }
    // A capture from which nothing was chosen is media all the same.
    let (exit, error) = refused(&["frames", &capture(), "-o", &out, "--fragment", "7"]);
    assert!(exit == 1 && error.contains("no picture matched"), "{exit}: {error}");
}

#[test]
fn a_picture_from_long_before_the_time_asked_for_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("picture.jpg").display().to_string();
    for (flags, told) in [
        (&["--at", "1s"][..], false),
        (&["--at", "99s"], true),
        (&["--at", "2099-01-01T00:00:00Z"], true),
        (&["--at", "99s", "-q"], false),
    ] {
        let (exit, error) = refused(&[&["frame", &capture(), "-o", &file, "--overwrite"], flags].concat());
        assert_eq!((exit, error.contains("older than the time asked for")), (0, told), "{flags:?}: {error}");
    }
}
