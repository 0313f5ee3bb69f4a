//! What ends a command in the middle: signals, a closed pipe, a full disk, a file that may not be read. What was
//! finished stays, and nothing is half-written.
#![cfg(target_os = "linux")]

mod common;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use common::{code, kineframe, run, start, testdata};

fn capture() -> Vec<u8> {
    fs::read(testdata("captures/output_get_media.mkv")).expect("a capture")
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .expect("listed")
        .map(|file| file.expect("a file").file_name().into_string().expect("UTF-8"))
        .collect();
    names.sort();
    names
}

/// Starts a command whose input never ends, feeds it this much, and waits until so many files are finished.
fn feed(args: &[&str], folder: &Path, ending: &str, bytes: &[u8], files: usize) -> (Child, impl Drop + use<>) {
    let mut child = start(args);
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(bytes).expect("written");
    let began = Instant::now();
    while names(folder).iter().filter(|name| name.ends_with(ending)).count() < files {
        assert!(began.elapsed() < Duration::from_secs(60), "{args:?}: {:?}", names(folder));
        assert_eq!(child.try_wait().expect("asked"), None, "it reads on");
        std::thread::sleep(Duration::from_millis(2));
    }
    (child, Held(Some(stdin)))
}

/// Standard input, open until this is dropped.
struct Held(Option<std::process::ChildStdin>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.take();
    }
}

fn signal(child: &Child, name: &str) {
    let killed = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status();
    assert!(killed.expect("kill runs").success());
}

#[test]
fn pictures_finished_before_a_signal_stay() {
    let body = capture();
    for (name, wanted, threads) in [("INT", 130, "1"), ("TERM", 143, "2")] {
        let folder = tempfile::tempdir().expect("a folder");
        let out = folder.path().to_str().expect("UTF-8");
        // Little enough that what it says of it fits into the pipe, which is read at the end.
        let args = ["frames", "-", "--json", "--threads", threads, "-o", out];
        let (mut child, held) = feed(&args, folder.path(), ".jpg", &body[..1 << 20], 3);
        signal(&child, name);
        let mut text = String::new();
        child.stdout.take().expect("a pipe").read_to_string(&mut text).expect("read");
        let mut error = String::new();
        child.stderr.take().expect("a pipe").read_to_string(&mut error).expect("read");
        assert_eq!(child.wait().expect("it ends").code(), Some(wanted), "{error}");
        drop(held);
        let files = names(folder.path());
        assert!((3..200).contains(&files.len()), "{} files", files.len());
        for file in &files {
            let bytes = fs::read(folder.path().join(file)).expect("read");
            assert!(bytes.starts_with(b"\xFF\xD8") && bytes.ends_with(b"\xFF\xD9"), "{file} is not whole");
        }
        // Each finished file was told of, and there is no summary of a read that did not end.
        assert_eq!(text.lines().count(), files.len());
        assert!(!text.contains("\"summary\"") && !error.contains("panicked"), "{error}");
    }
}

#[test]
fn parts_finished_before_a_signal_stay() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().to_str().expect("UTF-8");
    let body = capture();
    let (mut child, held) = feed(&["split", "-", "-o", out], folder.path(), ".mkv", &body[..2_000_000], 3);
    signal(&child, "INT");
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    drop(held);
    let files = names(folder.path());
    assert!(files.iter().all(|name| name.ends_with(".mkv") && !name.starts_with('.')), "{files:?}");
    for file in files {
        let path = folder.path().join(file);
        assert_eq!(code(&run(&["fragments", path.to_str().expect("UTF-8")])), 0);
    }
}

#[test]
fn a_second_signal_ends_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().to_str().expect("UTF-8");
    let (mut child, held) = feed(&["frames", "-", "-o", out], folder.path(), ".jpg", &capture()[..1 << 20], 1);
    signal(&child, "INT");
    signal(&child, "INT");
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    drop(held);
}

/// As `| head -1`: one line is read, then nobody reads any more.
#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().to_str().expect("UTF-8");
    let body = capture().repeat(8);
    for args in [
        &["fragments", "-", "--json"][..],
        &["fragments", "-"],
        &["inspect", "-", "--tree"],
        &["inspect", "-", "--tree", "--json"],
        &["merge", "-", "-o", "-"],
        &["frames", "-", "--keyframes", "--size", "160x", "--json", "-o", out],
        &["split", "-", "--json", "--overwrite", "-o", out],
    ] {
        let mut child = start(args);
        let mut stdin = child.stdin.take().expect("a pipe");
        let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        std::thread::scope(|scope| {
            let body = &body;
            // It may go away before it has read all.
            scope.spawn(move || drop(stdin.write_all(body)));
            let mut line = Vec::new();
            stdout.read_until(b'\n', &mut line).expect("read");
            assert!(!line.is_empty(), "{args:?}");
            drop(stdout);
            let output = child.wait_with_output().expect("it ends");
            assert_eq!((code(&output), String::from_utf8_lossy(&output.stderr).as_ref()), (0, ""), "{args:?}");
        });
        assert!(names(folder.path()).iter().all(|name| !name.starts_with('.')), "{args:?}");
    }
}

/// Runs a script in a mount namespace of its own, where `$1` is a disk of 512 KiB; `None` where none may be made.
fn on_a_small_disk(script: &str, arguments: &[&str]) -> Option<std::process::Output> {
    let disk = tempfile::tempdir().expect("a folder");
    let whole = format!("mount -t tmpfs -o size=512k none \"$1\" || exit 99; {script}");
    for namespace in [&["--mount"][..], &["--user", "--map-root-user", "--mount"]] {
        let mut command = Command::new("unshare");
        command.args(namespace).args(["sh", "-c", &whole, "sh"]).arg(disk.path());
        let output = command.arg(env!("CARGO_BIN_EXE_kineframe")).args(arguments).output().ok()?;
        // 1 is what unshare says where it may not.
        let refused = output.status.code() == Some(99) || output.stderr.starts_with(b"unshare:");
        if !refused {
            return Some(output);
        }
    }
    None
}

#[test]
fn a_full_disk_is_1_and_leaves_whole_files() {
    let body = testdata("captures/output_get_media.mkv");
    let body = body.to_str().expect("UTF-8");
    // Both end with what is on the disk, after the exit code.
    let list = "echo \"exit $?\"; ls -A \"$1\"; exit 0";
    for command in [
        "frames \"$3\" -o \"$1\"",
        "frames \"$3\" --threads 1 --format yuv -o \"$1\"",
        "split \"$3\" -o \"$1\"",
        "merge \"$3\" -o \"$1/whole.mkv\"",
    ] {
        let Some(output) = on_a_small_disk(&format!("\"$2\" {command}; {list}"), &[body]) else {
            println!("skipped: no small disk may be mounted here");
            return;
        };
        let (text, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(text.contains("exit 1\n"), "{command}: {text}{error}");
        assert_eq!(error.lines().count(), 1, "{command}: {error}");
        assert!(error.contains("make room") && !error.contains("panicked"), "{command}: {error}");
        assert!(!text.contains(".kineframe-") && !text.contains("whole.mkv"), "{command}: {text}");
    }
}

#[test]
fn a_file_that_may_not_be_read_is_1() {
    // Memory that is not mapped cannot be read, whoever asks.
    let output = run(&["fragments", "/proc/self/mem"]);
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!((code(&output), error.lines().count()), (1, 1), "{error}");
    assert!(error.contains("/proc/self/mem"), "{error}");

    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("closed.mkv");
    fs::write(&file, capture()).expect("written");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o000)).expect("closed");
    for command in ["fragments", "inspect"] {
        let mut run = if fs::read(&file).is_ok() {
            // The superuser reads everything, unless told not to.
            let mut run = Command::new("setpriv");
            run.args(["--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search"]);
            run.arg(env!("CARGO_BIN_EXE_kineframe"));
            run
        } else {
            kineframe()
        };
        let Ok(output) = run.arg(command).arg(&file).output() else {
            println!("skipped: this is the superuser, and there is no setpriv");
            return;
        };
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!((code(&output), error.lines().count()), (1, 1), "{error}");
        assert!(error.contains("closed.mkv") && error.contains("ermission"), "{error}");
    }
}
