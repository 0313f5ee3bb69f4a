//! Every command of the guides and of the README runs as it stands, against a local service with a stream of the names and
//! the times that they speak of; every program in Python too.

#![cfg(unix)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use common::local::{Local, stderr};
use common::shown::{blocks, python, shell};
use common::{code, mp4, objects, testdata};

/// Fragment numbers as the guides write them: the first is spelled out once.
const NUMBERS: [&str; 3] = ["91343852333181432392682062658249485133423434402", "9134…4402", "9134…4417"];
/// How long a command may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a page is run against.
struct Stage {
    local: Local,
    body: PathBuf,
    film: PathBuf,
    /// The fragments of the front door.
    numbers: Vec<String>,
    /// One of the other door's.
    other: String,
    folder: tempfile::TempDir,
}

impl Stage {
    /// Forty seconds of media from 08:15 on, which is the time that the guides speak of.
    fn new() -> Stage {
        let (local, folder) = (Local::start(), tempfile::tempdir().expect("a folder"));
        let body = testdata("captures/output_get_media.mkv");
        let film = mp4::made(folder.path())[0].clone();
        for stream in ["kvs://front-door", "kvs://door"] {
            let file = body.to_str().expect("UTF-8");
            let put = ["put", file, stream, "--create", "--start", "2026-03-01T08:15:00Z", "--loop", "4", "-q"];
            let output = local.run(&put);
            assert_eq!(code(&output), 0, "{}", stderr(&output));
        }
        let numbers = |stream| {
            let listed = local.run(&["fragments", stream, "--via", "fragments", "--from", "earliest", "--json"]);
            let number = |item: &serde_json::Value| item["fragment_number"].as_str().expect("a number").to_owned();
            objects(&listed).0.iter().map(number).collect::<Vec<_>>()
        };
        let (numbers, other) = (numbers("kvs://front-door"), numbers("kvs://door")[1].clone());
        Stage { local, body, film, numbers, other, folder }
    }

    /// A folder with the files that the commands speak of, and the command in it.
    fn command(&self, line: &str) -> (Command, PathBuf) {
        let folder = tempfile::tempdir_in(self.folder.path()).expect("a folder").keep();
        fs::hard_link(&self.film, folder.join("film.mp4")).expect("a file");
        // The capture has no sound.
        let body = if line.contains("kineframe audio") { testdata(mp4::BODY) } else { self.body.clone() };
        fs::copy(body, folder.join("body.mkv")).expect("a file");
        let mut line = line.replace(NUMBERS[0], &self.numbers[0]);
        for (shown, meant) in NUMBERS[1..].iter().zip(&self.numbers) {
            line = line.replace(shown, meant);
        }
        let mut command = shell(&self.local, &folder, &format!("exec 2>&1\n{line}"));
        command.env("NUMBER", &self.other).env("XDG_DATA_HOME", &folder);
        (command, folder)
    }

    fn run(&self, line: &str) {
        let started = Instant::now();
        let (mut command, folder) = self.command(line);
        let output = command.output().expect("a shell");
        assert_good(line, &output);
        assert!(started.elapsed() < PATIENCE, "{line}: {:?}", started.elapsed());
        // What it was to write is there.
        if let Some((_, target)) = line.split_once(" -o ") {
            let target = folder.join(target.split_whitespace().next().expect("a name"));
            let there = target.ends_with("-")
                || target.is_file()
                || fs::read_dir(&target).is_ok_and(|mut all| all.next().is_some());
            assert!(there, "{line}: {}", String::from_utf8_lossy(&output.stdout));
        }
    }

    /// A command that goes on until it is stopped: once `seen` is true of its folder, or of its first line, it is.
    fn run_until(&self, line: &str, signal: &str, wanted: i32, seen: impl Fn(&Path) -> bool) {
        // No shell in between, which would get the signal.
        let (mut command, folder) = self.command(&format!("exec {line}"));
        let mut child = Ended(command.stdout(Stdio::piped()).spawn().expect("a shell"));
        let started = Instant::now();
        while !seen(&folder) {
            assert!(started.elapsed() < PATIENCE, "{line}: nothing comes");
            if let Some(status) = child.0.try_wait().expect("a child") {
                panic!("{line}: {status} {:?}", BufReader::new(child.0.stdout.take().expect("piped")).lines().next());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        if line.contains("serve") {
            let mut first = String::new();
            BufReader::new(child.0.stdout.as_mut().expect("piped")).read_line(&mut first).expect("a line");
            assert!(first.starts_with("export AWS_ENDPOINT_URL=http://127.0.0.1:"), "{line}: {first}");
        }
        let id = child.0.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().expect("kill").success());
        assert_eq!(child.0.wait().expect("its end").code(), Some(wanted), "{line}");
    }

    /// One line of a page.
    fn line(&self, line: &str) {
        let words: Vec<&str> = line.split('#').next().expect("a part").split_whitespace().collect();
        let text = words.join(" ");
        let live = text.starts_with("kineframe frames kvs://")
            && !["--from", "--fragment", "--at"].iter().any(|flag| text.contains(flag));
        println!("  {text}");
        match words.as_slice() {
            // How this project is built; `.ci/run` does so.
            [] | ["cargo", ..] => {}
            ["kineframe", "serve", ..] => self.run_until(&text, "-TERM", 0, |_| true),
            _ if live => {
                let stream = words[2];
                // A camera, for as long as it takes.
                let (mut camera, _) = self
                    .command(&format!("exec kineframe put body.mkv {stream} --start now --loop --pace realtime -q"));
                let _camera = Ended(camera.stdout(Stdio::null()).spawn().expect("a shell"));
                let pictures = |folder: &Path| {
                    let target =
                        text.split(" -o ").nth(1).and_then(|rest| rest.split_whitespace().next()).expect("a target");
                    fs::read_dir(folder.join(target)).is_ok_and(|files| {
                        files.filter_map(Result::ok).any(|file| file.path().extension().is_some_and(|end| end == "jpg"))
                    })
                };
                self.run_until(&text, "-INT", 130, pictures);
            }
            _ => self.run(&text),
        }
    }
}

struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn assert_good(line: &str, output: &Output) {
    assert!(output.status.success(), "{line}: {} {}", output.status, String::from_utf8_lossy(&output.stdout));
}

/// The commands of a page: lines of its blocks, and what stands in its tables and sentences with a stream in it.
fn commands(page: &str) -> Vec<String> {
    let mut commands = Vec::new();
    for block in blocks(page).iter().filter(|block| block.language == "sh") {
        commands.extend(block.text.replace("\\\n", " ").lines().map(ToOwned::to_owned));
    }
    for span in page.lines().flat_map(|line| line.split('`').skip(1).step_by(2)) {
        if span.starts_with("kineframe ") && span.contains(" kvs://front-door ") {
            commands.push(span.to_owned());
        }
    }
    commands
}

fn page(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)).expect("a page")
}

fn run(path: &str, least: usize) {
    let page = page(path);
    let stage = Stage::new();
    let commands = commands(&page);
    assert!(commands.len() >= least, "{path}: {commands:?}");
    commands.iter().for_each(|line| stage.line(line));
    for block in blocks(&page).iter().filter(|block| block.language == "python") {
        if python("boto3").is_none() {
            println!("skipped: no boto3 for {path}:{}; `cargo xtask setup` installs it", block.line);
            continue;
        }
        let empty; // for a program that makes its stream itself
        let local = if block.text.contains("create_stream") {
            empty = Local::start();
            &empty
        } else {
            &stage.local
        };
        let folder = tempfile::tempdir().expect("a folder");
        fs::copy(&stage.body, folder.path().join("body.mkv")).expect("a file");
        fs::write(folder.path().join("program.py"), &block.text).expect("a file");
        assert_good(
            &format!("{path}:{}", block.line),
            &shell(local, folder.path(), "exec 2>&1; python program.py").output().expect("a shell"),
        );
    }
}

#[test]
fn readme() {
    run("README.md", 15);
}

#[test]
fn a_fragment_number() {
    run("docs/guides/fragment-number.md", 3);
}

#[test]
fn a_time() {
    run("docs/guides/time.md", 4);
}

#[test]
fn every_n_seconds() {
    run("docs/guides/every-n-seconds.md", 4);
}

#[test]
fn months() {
    run("docs/guides/months.md", 1);
}

#[test]
fn without_an_account() {
    run("docs/guides/test-without-an-account.md", 5);
}

#[test]
fn from_another_library() {
    run("docs/guides/from-java-or-python.md", 7);
}

#[test]
fn each_guide_is_run() {
    let own = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/guides.rs")).expect("this file");
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guides")).expect("guides") {
        let name = entry.expect("a guide").file_name().into_string().expect("UTF-8");
        let quiet = commands(&page(&format!("docs/guides/{name}"))).is_empty();
        assert!(quiet || own.contains(&format!("run(\"docs/guides/{name}\"")), "{name}");
    }
}

/// What the service was asked for, by the name of the call.
fn asked(stage: &Stage, stream: &str) -> BTreeMap<&'static str, u64> {
    let usage = stage.local.server.as_ref().and_then(|server| server.usage(stream)).unwrap_or_default();
    usage.calls.into_iter().map(|(name, call)| (name, call.made)).collect()
}

#[test]
fn what_a_command_asks_for_is_what_the_page_says() {
    let stage = Stage::new();
    let past = "--from 2026-03-01T08:15:00Z --to +5s";
    let number = &stage.numbers[0];
    let runs = [
        ("`describe`", "kineframe describe kvs://front-door".to_owned()),
        (
            "any input `kvs://…`, live (`--via get-media`)",
            "kineframe fragments kvs://front-door --via get-media --from earliest --to +5s".to_owned(),
        ),
        (
            "`--from fragment:N`, live",
            format!("kineframe fragments kvs://front-door --via get-media --from fragment:{number} --to +5s"),
        ),
        ("a range that is past (`--via fragments`)", format!("kineframe merge kvs://front-door {past} -o range.mkv")),
        ("`frame --at`", "kineframe frame kvs://front-door --at 2026-03-01T08:15:07Z -o then.jpg".to_owned()),
        ("`--fragment N`", format!("kineframe frame kvs://front-door --fragment {number} -o alarm.jpg")),
        (
            "`frames` and `frame` with `--via images`",
            format!("kineframe frames kvs://front-door --via images {past} --every 1s -o pictures"),
        ),
        ("a range with `--via clip`", format!("kineframe frames kvs://front-door --via clip {past} -o pictures")),
        ("`put`", "kineframe put body.mkv kvs://front-door --start now -q".to_owned()),
        ("`serve --upstream`", "kineframe serve --no-auth --data :memory: --upstream kvs://front-door".to_owned()),
    ];
    // Those are about no stream, or about one that is not there yet.
    let others = ["`streams`", "`put --create`"];
    let page = page("docs/guides/permissions.md");
    let rows: Vec<(&str, &str)> = page
        .lines()
        .skip_while(|line| !line.starts_with("| command |"))
        .skip(2)
        .map_while(|line| line.strip_prefix("| ")?.strip_suffix(" |")?.split_once(" | "))
        .collect();
    for (row, actions) in &rows {
        let Some((_, line)) = runs.iter().find(|(name, _)| name == row) else {
            assert!(others.contains(row), "nothing runs {row}");
            continue;
        };
        let before = asked(&stage, "front-door");
        let seen = || {
            let now = asked(&stage, "front-door");
            let made = |name: &&'static str| before.get(name).copied().unwrap_or(0);
            now.into_iter().filter(|(name, count)| *count > made(name)).map(|(name, _)| name).collect::<BTreeSet<_>>()
        };
        let told: BTreeSet<&str> = actions.split('`').skip(1).step_by(2).collect();
        if line.contains("serve") {
            stage.run_until(line, "-TERM", 0, |_| seen() == told);
        } else {
            stage.run(line);
        }
        assert_eq!(seen(), told, "{row}: {line}");
    }
    assert_eq!(rows.len(), runs.len() + others.len(), "{rows:?}");
}

/// Rust in a page is a documentation test of a crate that includes the page, and none that is left out.
#[test]
fn each_program_in_rust_is_compiled() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let listed =
        |folder: &str| fs::read_dir(root.join(folder)).expect("a folder").map(|entry| entry.expect("a file").path());
    let crates: String =
        listed("crates").filter_map(|folder| fs::read_to_string(folder.join("src/lib.rs")).ok()).collect();
    let pages = listed("").chain(listed("docs")).chain(listed("docs/guides"));
    let mut programs = 0;
    for path in pages.filter(|path| path.extension().is_some_and(|end| end == "md")) {
        let name = path.strip_prefix(&root).expect("a page of ours").to_str().expect("UTF-8").to_owned();
        let (all, include) = (page(&name), format!("include_str!(\"../../../{name}\")"));
        for block in blocks(&all).iter().filter(|block| block.language.starts_with("rust")) {
            programs += 1;
            assert!(["rust", "rust,no_run"].contains(&block.language.as_str()), "{name}:{}", block.line);
            assert!(crates.contains(&include), "{name}:{}: no crate has {include}", block.line);
        }
    }
    assert!(programs >= 6, "{programs}");
}
