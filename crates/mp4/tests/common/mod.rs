//! What the tests have in common: bodies as frames, and what ffprobe says of a file.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use bytes::Bytes;
use kineframe_fragment::{Event, Options, Splitter};
use kineframe_matroska::Tracks;
use kineframe_mp4::{Finished, WriteFrame};

pub fn testdata(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata").join(name)
}

/// Whether ffmpeg and ffprobe are there; says so where they are not.
pub fn ffmpeg_is_there() -> bool {
    let there = |tool| Command::new(tool).arg("-version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    let found = there("ffmpeg") && there("ffprobe");
    if !found {
        println!("skipped: ffmpeg is not installed");
    }
    found
}

/// A stretch of a body with the same tracks.
pub struct Stretch {
    pub tracks: Arc<Tracks>,
    /// Each fragment's frames, at producer time from the first fragment on.
    pub fragments: Vec<Vec<WriteFrame>>,
}

impl Stretch {
    pub fn frames(&self) -> impl Iterator<Item = &WriteFrame> {
        self.fragments.iter().flatten()
    }
}

/// The first tracks of a Matroska body and all fragments that have them.
pub fn stretch(name: &str) -> Stretch {
    let body = std::fs::read(testdata(name)).expect("it is there");
    let mut splitter = Splitter::new(Options::default());
    splitter.push(body.into());
    splitter.finish();
    let mut tracks: Option<Arc<Tracks>> = None;
    let mut fragments: Vec<Vec<WriteFrame>> = Vec::new();
    let mut origin = None;
    let mut start = 0;
    let mut takes = false;
    while let Some(event) = splitter.next_event().expect("not strict") {
        match event {
            Event::Started(head) => {
                let Some(own) = &head.tracks else { continue };
                let known = tracks.get_or_insert_with(|| Arc::clone(own));
                takes = known.raw == own.raw;
                let producer = head.producer_timestamp.map_or(0, |time| time.0);
                start = i64::try_from(producer - *origin.get_or_insert(producer)).expect("within years");
                fragments.push(Vec::new());
            }
            Event::Frame(frame) if takes => {
                let frame = WriteFrame::of(&frame, start).expect("it has a time");
                fragments.last_mut().expect("it has started").push(frame);
            }
            _ => {}
        }
    }
    fragments.retain(|frames| !frames.is_empty());
    Stretch { tracks: tracks.expect("tracks"), fragments }
}

/// The file that the end of a plain writer and the chunks before it make.
pub fn file_of(chunks: &[Bytes], end: &Finished) -> Vec<u8> {
    let mut file = chunks.concat();
    file.extend(end.chunks.concat());
    for patch in &end.patches {
        let at = usize::try_from(patch.offset).expect("short");
        file[at..at + patch.bytes.len()].copy_from_slice(&patch.bytes);
    }
    assert_eq!(file.len() as u64, end.length);
    file
}

/// A packet as ffprobe tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    pub stream: u64,
    /// Nanoseconds.
    pub time: i64,
    pub size: u64,
    pub key: bool,
    pub hash: String,
}

/// Every packet of a file in stored order, and what ffprobe complains about.
pub fn packets(path: &Path) -> (Vec<Packet>, String) {
    let wish = ["-v", "warning", "-show_data_hash", "sha256", "-show_packets", "-show_streams", "-of", "json"];
    let output = Command::new("ffprobe").args(wish).arg(path).output().expect("ffprobe runs");
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let base = |stream: u64| {
        let streams = told["streams"].as_array().expect("streams");
        let stream = streams.iter().find(|known| known["index"] == stream).expect("known");
        let (n, d) = stream["time_base"].as_str().expect("a base").split_once('/').expect("a ratio");
        (n.parse::<i128>().expect("a number"), d.parse::<i128>().expect("a number"))
    };
    let packet = |packet: &serde_json::Value| {
        let stream = packet["stream_index"].as_u64().expect("a stream");
        let (n, d) = base(stream);
        let pts = i128::from(packet["pts"].as_i64().expect("a time"));
        Packet {
            stream,
            time: i64::try_from((pts * n * 1_000_000_000 + d / 2).div_euclid(d)).expect("within years"),
            size: packet["size"].as_str().expect("a size").parse().expect("a number"),
            key: packet["flags"].as_str().expect("flags").contains('K'),
            hash: packet["data_hash"].as_str().expect("a hash").to_lowercase(),
        }
    };
    let packets = told["packets"].as_array().expect("packets").iter().map(packet).collect();
    (packets, String::from_utf8_lossy(&output.stderr).into_owned())
}

/// The checksum as ffprobe writes it.
pub fn hash(data: &[u8]) -> String {
    use sha2::Digest;
    let sum = sha2::Sha256::digest(data);
    let hex: String = sum.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// What ffmpeg has to say while it decodes everything.
pub fn decodes(path: &Path) -> String {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "warning", "-xerror", "-i"]).arg(path).args(["-map", "0", "-f", "null", "-"]);
    let output = command.output().expect("ffmpeg runs");
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { words } else { format!("{}: {words}", output.status) }
}
