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

/// Packets that ffprobe finds, and what it has to say, line by line without addresses.
fn packets(file: &Path) -> (u64, Vec<String>) {
    let wish = ["-v", "warning", "-count_packets", "-show_entries", "stream=nb_read_packets", "-of", "csv=p=0"];
    let output = Command::new("ffprobe").args(wish).arg(file).output().expect("ffprobe runs");
    let text = String::from_utf8_lossy(&output.stdout);
    let count = text.lines().filter_map(|line| line.trim_end_matches(',').parse::<u64>().ok()).sum();
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    // `[aac @ 0x5581e70c] Reserved bit set.`; a line of advice follows the one on codec parameters.
    let name = |line: &str| match line.strip_prefix('[').and_then(|line| line.split_once("] ")) {
        Some((from, line)) => format!("{}: {line}", from.split(' ').next().unwrap_or_default()),
        None => line.to_owned(),
    };
    let more = |line: &&str| !line.trim().starts_with("Last message repeated") && !line.starts_with("Consider incr");
    (count, words.lines().filter(more).map(name).collect())
}

/// What ffprobe says of a made file because it says so of the fragment from which that was made.
struct Excuse {
    /// The inputs, by name without ending.
    inputs: &'static [&'static str],
    /// How the lines begin.
    words: &'static [&'static str],
    /// Why it is the input's.
    why: &'static str,
}

/// All that is excused, and it is only where [`sent`] shows that ffprobe says the same words of the input.
const EXCUSES: [Excuse; 8] = [
    Excuse {
        inputs: &["not-at-key-frame"],
        words: &["h264: co located POCs unavailable"],
        why: "fragments that begin within a group of pictures: their first frames need those of the fragment before",
    },
    Excuse {
        inputs: &["lacing-xiph"],
        words: &[
            "matroska,webm: Could not find codec parameters for stream 0 (Video: h264, none, 320x180): unspecified",
        ],
        why: "a fragment with a track of video and no frame of it, so that nothing tells the format of its pixels",
    },
    Excuse {
        inputs: &[
            "false-ebml-magic-in-pcm",
            "filter-mismatch",
            "gap",
            "multi-cluster",
            "multi-segment",
            "partial-tags",
            "scaled-timestamps",
            "tagless-consecutive",
            "tagless-single",
            "tail-last-fragment",
            "unknown-elements",
        ],
        words: &[
            "pcm_s16le: Decoder requires channel count but channels not set",
            "matroska,webm: Failed to open codec in avformat_find_stream_info",
            "matroska,webm: Could not find codec parameters for stream 0 (Audio: pcm_s16le, 0 channels)",
            "matroska,webm: Could not find codec parameters for stream 1 (Audio: pcm_s16le, 0 channels)",
            "Could not open codec for input stream 0",
        ],
        why: "audio tracks without an Audio element: nothing tells the channels and the rate, and none are made up",
    },
    Excuse {
        inputs: &[
            "connect-like-audio",
            "connect-real-shape",
            "short-block-mid-track",
            "stream-reuse",
            "tagless-tail",
            "track-order-swapped",
        ],
        words: &[
            "aac: ",
            "matroska,webm: Could not find codec parameters for stream 0 (Audio: aac (LC), stereo, fltp): unspecified",
            "matroska,webm: Could not find codec parameters for stream 1 (Audio: aac (LC), stereo, fltp): unspecified",
        ],
        why: "the tracks say A_AAC and hold samples of PCM, as streams of Amazon Connect do",
    },
    Excuse {
        inputs: &[
            "libwebm-accurate-cluster-duration",
            "libwebm-accurate-cluster-duration-last-frame",
            "libwebm-block-with-additional",
            "libwebm-chapters",
            "libwebm-colour",
            "libwebm-cues-before-clusters",
            "libwebm-fixed-size-cluster-timecode",
            "libwebm-force-new-cluster",
            "libwebm-long-tag-string",
            "libwebm-max-cluster-duration",
            "libwebm-max-cluster-size",
            "libwebm-segment-info",
            "libwebm-set-cues-track-number",
            "libwebm-tracks",
        ],
        words: &["vp8: Invalid sync code 000000."],
        why: "frames of zeros",
    },
    Excuse {
        inputs: &["libwebm-tracks"],
        words: &[
            "vorbis: Extradata missing.",
            "matroska,webm: Failed to open codec in avformat_find_stream_info",
            "matroska,webm: Could not find codec parameters for stream 1 (Audio: vorbis, 30 Hz, 0 channels, fltp)",
            "Could not open codec for input stream 1",
        ],
        why: "a track of Vorbis without CodecPrivate",
    },
    Excuse {
        inputs: &["libwebm-webm-doctype"],
        words: &[
            "vp9: Invalid frame marker",
            "matroska,webm: Could not find codec parameters for stream 0 (Video: vp9 (Profile 0), none, 320x180)",
        ],
        why: "a frame of zeros",
    },
    Excuse {
        inputs: &["libwebm-matroska-doctype"],
        words: &[
            "matroska,webm: Could not find codec parameters for stream 0 (Video: none, none, 320x180): unknown codec",
            "Unsupported codec with id 0 for input stream 0",
        ],
        why: "a codec ID that is made up",
    },
];

/// Why a line about a file made of this input is excused.
fn excuse(body: &Path, line: &str) -> Option<&'static str> {
    let name = body.file_stem()?.to_str()?;
    let fits = |one: &&Excuse| one.inputs.contains(&name) && one.words.iter().any(|words| line.starts_with(words));
    EXCUSES.iter().find(fits).map(|one| one.why)
}

/// What ffprobe finds in the fragments of a body, each as it was sent, and says of them.
fn sent(body: &Path, folder: &Path) -> (u64, Vec<String>) {
    let bytes = fs::read(body).expect("a body");
    let (fragments, _) = objects(&run(&["fragments", "--json", body.to_str().expect("UTF-8")]));
    let (mut count, mut words) = (0, Vec::new());
    for fragment in fragments {
        let number = |field: &str| fragment[field].as_u64().expect("a number") as usize;
        let file = folder.join("sent.mkv");
        fs::write(&file, &bytes[number("offset")..][..number("length")]).expect("written");
        let (packets, lines) = packets(&file);
        count += packets;
        words.extend(lines);
    }
    (count, words)
}

/// Whether a program of mkvtoolnix took a file without complaint, else its words.
fn complaint(tool: &str, flags: &[&str], file: &Path) -> (Option<String>, String) {
    let told = Command::new(tool).args(flags).arg(file).output().expect("it runs");
    let words = said(&told);
    let bad = !told.status.success() || ["Error", "Warning", "(invalid"].iter().any(|word| words.contains(word));
    (bad.then(|| format!("{tool}: {words}")), words)
}

#[test]
fn files_of_every_body_open_everywhere() {
    if !(there("ffprobe") && there("mkvinfo") && there("mkvmerge")) {
        return;
    }
    let mut complaints = Vec::new();
    // All of them take a minute: they are for long runs.
    let all = std::env::var_os("KINEFRAME_MEDIA").is_some() || std::env::var_os("KINEFRAME_SLOW").is_some();
    let some = [
        "output_get_media",
        "h264-high-bframes-aac",
        "resolution-change",
        "two-video-tracks",
        "h265",
        "not-at-key-frame",
        "gap",
        "connect-like-audio",
    ];
    let named = |body: &PathBuf| all || some.iter().any(|name| body.file_stem().is_some_and(|stem| stem == *name));
    for body in bodies().into_iter().filter(|body| named(body) && frames(body) > 0) {
        let folder = tempfile::tempdir().expect("a folder");
        let merged = made("merge", &body, &folder.path().join("whole.mkv"));
        let parts = made("split", &body, &folder.path().join("parts"));
        let mut of_input = None;
        for files in [&merged, &parts] {
            let (mut found, mut words) = (0, Vec::new());
            for file in files {
                let (count, lines) = packets(file);
                found += count;
                words.extend(lines);
            }
            let mut expected = frames(&body);
            if !words.is_empty() {
                let (count, of_input) = of_input.get_or_insert_with(|| sent(&body, folder.path()));
                for line in words {
                    match excuse(&body, &line) {
                        Some(_) if of_input.contains(&line) => {}
                        Some(why) => complaints.push(format!("{}: not of the input ({why}): {line}", body.display())),
                        None => complaints.push(format!("{}: ffprobe: {line}", body.display())),
                    }
                }
                // A codec that it cannot open keeps ffprobe from counting, in the input as well.
                expected = expected.min(*count);
            }
            assert_eq!(found, expected, "{}", body.display());
        }
        for file in &merged {
            let (bad, _) = complaint("mkvmerge", &["--identify"], file);
            complaints.extend(bad.map(|words| format!("{}: {words}", body.display())));
            let (bad, words) = complaint("mkvinfo", &["--ui-language", "en_US"], file);
            complaints.extend(bad.map(|words| format!("{}: {words}", body.display())));
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
