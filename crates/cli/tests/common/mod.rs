//! What the tests of the command share.
#![allow(dead_code)] // Each test file uses a part of it.

pub mod browser;
pub mod local;
pub mod mp4;
pub mod served;
pub mod shown;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

/// The command, to be given arguments.
pub fn kineframe() -> Command {
    Command::new(env!("CARGO_BIN_EXE_kineframe"))
}

/// Runs the command.
pub fn run(args: &[&str]) -> Output {
    kineframe().args(args).output().expect("the command starts")
}

/// Starts the command with pipes for standard input, output and error.
pub fn start(args: &[&str]) -> Child {
    let mut command = kineframe();
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("the command starts")
}

/// The exit code of a command that was not killed.
pub fn code(output: &Output) -> i32 {
    output.status.code().expect("an exit code")
}

/// The JSON objects of its standard output: the items, and the summary.
pub fn objects(output: &Output) -> (Vec<Value>, Value) {
    let text = std::str::from_utf8(&output.stdout).expect("JSON is UTF-8");
    let mut items: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("one JSON object a line")).collect();
    let last = items.pop().expect("a summary at the end");
    let summary = last.get("summary").expect("the last object is the summary").clone();
    (items, summary)
}

/// A file of the repository's test data.
pub fn testdata(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata").join(path)
}

/// Every stored body with a truth beside it; those of the media folder too, where KINEFRAME_MEDIA names one.
pub fn bodies() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = ["captures", "fixtures", "generated"].iter().map(|name| testdata(name)).collect();
    if let Some(media) = std::env::var_os("KINEFRAME_MEDIA") {
        let media = PathBuf::from(media);
        let more = ["kvs/getmedia", "kvs/fixtures", "kvs/putmedia", "generated/kvs", "matroska"];
        folders.extend(more.iter().map(|name| media.join(name)));
    }
    let mut found = Vec::new();
    for folder in folders {
        for entry in fs::read_dir(&folder).expect("a folder of bodies") {
            let path = entry.expect("a file").path();
            if truth_path(&path).is_file() {
                found.push(path);
            }
        }
    }
    found.sort();
    assert!(found.len() > 40, "only {} bodies", found.len());
    found
}

fn truth_path(body: &Path) -> PathBuf {
    let mut name = body.as_os_str().to_owned();
    name.push(".truth.json");
    name.into()
}

/// What a correct reader finds in a body.
pub fn truth(body: &Path) -> Value {
    let text = fs::read_to_string(truth_path(body)).expect("a truth");
    serde_json::from_str(&text).expect("a truth in JSON")
}

/// The MD5 of each picture that a truth lists: of the parts in order, or of the whole.
pub fn picture_sums(body: &Path) -> Vec<String> {
    let mut sums = Vec::new();
    let beside = |suffix: &str| {
        let mut name = body.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    let whole = beside(".framemd5");
    if whole.is_file() {
        sums.extend(framemd5(&whole));
        return sums;
    }
    for part in 0..1000 {
        // A document without pictures has no list.
        let list = beside(&format!(".part{part:02}.framemd5"));
        if list.is_file() {
            sums.extend(framemd5(&list));
        }
    }
    sums
}

/// The last column of each line of a framemd5 list.
pub fn framemd5(list: &Path) -> Vec<String> {
    let text = fs::read_to_string(list).expect("a list of checksums");
    let rows = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    rows.map(|line| line.rsplit(',').next().expect("a last column").trim().to_owned()).collect()
}
