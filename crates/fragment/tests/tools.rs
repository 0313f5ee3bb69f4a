//! What ffprobe, ffmpeg and mkvinfo say of the files made here. Where a tool is not installed, a line says so.

mod common;

use std::path::{Path, PathBuf};
use std::process::{Command, Output as Ran};

use common::{files, fragments, made, read, split_whole, testdata};
use kineframe_fragment::{Event, FragmentFiles, Merger, RemuxOptions};

/// The tools, where all of them are there.
fn tools() -> bool {
    let missing = ["ffprobe", "ffmpeg", "mkvinfo"].iter().find(|tool| {
        let flag = if **tool == "mkvinfo" { "--version" } else { "-version" };
        Command::new(tool).arg(flag).output().is_err()
    });
    if let Some(tool) = missing {
        eprintln!("skipped: {tool} is not installed");
    }
    missing.is_none()
}

fn run(tool: &str, arguments: &[&str], file: &Path) -> Ran {
    Command::new(tool).args(arguments).arg(file).output().unwrap()
}

/// Packets that ffprobe finds; it must have nothing to say.
fn packets(file: &Path) -> u64 {
    let arguments =
        ["-v", "warning", "-count_packets", "-show_entries", "stream=nb_read_packets", "-of", "csv=p=0", "-i"];
    let ran = run("ffprobe", &arguments, file);
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success() && said.is_empty(), "{}: {said}", file.display());
    String::from_utf8_lossy(&ran.stdout).lines().filter_map(|line| line.trim_matches(',').parse::<u64>().ok()).sum()
}

fn format(file: &Path, entry: &str) -> f64 {
    let entry = format!("format={entry}");
    let ran = run("ffprobe", &["-v", "error", "-show_entries", &entry, "-of", "csv=p=0", "-i"], file);
    let text = String::from_utf8_lossy(&ran.stdout);
    text.trim().parse().unwrap_or_else(|_| panic!("{}: {text}", file.display()))
}

fn mkvinfo_is_content(file: &Path) {
    let ran = run("mkvinfo", &["--ui-language", "en_US", "-v"], file);
    let said = [&ran.stdout[..], &ran.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let complaints = ["Error", "Warning", "warning", "(invalid", "Unknown element", "unknown element"];
    let complaint = said.lines().find(|line| complaints.iter().any(|word| line.contains(word)));
    assert_eq!(complaint, None, "{}", file.display());
    assert!(said.contains("Cluster"), "{}: {said}", file.display());
}

/// Writes files that were made into a folder of this test.
fn write(folder: &str, name: &str, made: Vec<Vec<u8>>) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder);
    std::fs::create_dir_all(&folder).unwrap();
    let path = |(index, bytes): (usize, Vec<u8>)| {
        let path = folder.join(format!("{name}-{index}.mkv"));
        std::fs::write(&path, bytes).unwrap();
        path
    };
    made.into_iter().enumerate().map(path).collect()
}

/// Bodies of each kind, or every body of the collection. Not among them: PCM that says that it is AAC, and a
/// fragment without a frame of its video track, of which ffprobe cannot tell the pixel format, fragments that begin
/// within a group of pictures, and elements that mkvinfo does not know.
fn bodies() -> Vec<PathBuf> {
    if let Some(media) = common::media("the files made of every body") {
        let mut bodies = files(&media.join("generated/kvs"));
        bodies.extend(files(&media.join("kvs/getmedia")));
        bodies.retain(|path| {
            !["connect-like", "lacing-xiph", "not-at-key-frame", "unknown-elements"]
                .iter()
                .any(|name| path.to_string_lossy().contains(name))
        });
        return bodies;
    }
    let names = ["h264-high-bframes-aac", "resolution-change", "timestampscale-90khz"].into_iter();
    names.map(|name| testdata().join(format!("generated/{name}.mkv"))).collect()
}

fn merge(events: &[Event], options: RemuxOptions) -> Vec<Vec<u8>> {
    let mut merger = Merger::new(options);
    events.iter().for_each(|event| merger.push(event));
    merger.finish();
    made(std::iter::from_fn(|| merger.next_output()))
}

#[test]
fn split_files_play_alone() {
    if !tools() {
        return;
    }
    for path in bodies() {
        let events = split_whole(&read(&path));
        let mut maker = FragmentFiles::new(RemuxOptions::default());
        events.iter().for_each(|event| maker.push(event));
        maker.finish();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let files = write("split", &name, made(std::iter::from_fn(|| maker.next_output())));
        let told: Vec<_> = fragments(&events).into_iter().filter(|told| !told.frames.is_empty()).collect();
        assert_eq!(files.len(), told.len(), "{name}");
        for (file, told) in files.iter().zip(&told) {
            assert_eq!(packets(file), told.tail.frames, "{}", file.display());
            mkvinfo_is_content(file);
            let duration = told.tail.duration.unwrap() as f64 / 1e9;
            assert!((format(file, "duration") - duration).abs() < 0.2, "{}: {duration}", file.display());
        }
    }
}

#[test]
fn merged_files_play_and_seek() {
    if !tools() {
        return;
    }
    for path in bodies() {
        let events = split_whole(&read(&path));
        let told = fragments(&events);
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let frames: u64 = told.iter().map(|told| told.tail.frames).sum();
        let files = write("merge", &name, merge(&events, RemuxOptions::default()));
        assert_eq!(files.iter().map(|file| packets(file)).sum::<u64>(), frames, "{name}");
        let mut options = RemuxOptions::default();
        options.patches = false;
        let streamed = write("merge-stream", &name, merge(&events, options));
        assert_eq!(streamed.iter().map(|file| packets(file)).sum::<u64>(), frames, "{name}");
        for file in files.iter().chain(&streamed) {
            mkvinfo_is_content(file);
        }
    }
}

/// The pictures of a merged capture are those of the capture, and a seek finds a place near its end.
#[test]
fn merged_captures_decode_without_a_word() {
    if !tools() {
        return;
    }
    for (name, pictures, seconds) in
        [("output_get_media", 300, 10.0), ("kinesis_video_renderer_example_output", 444, 15.0)]
    {
        let events = split_whole(&read(&testdata().join(format!("captures/{name}.mkv"))));
        let files = write("decode", name, merge(&events, RemuxOptions::default()));
        let duration = format(&files[0], "duration");
        assert!((duration - seconds).abs() < 1.0, "{name}: {duration}");
        let decode = |from: &str| {
            let arguments = ["-v", "warning", "-ss", from, "-i"];
            let mut command = Command::new("ffmpeg");
            command.args(arguments).arg(&files[0]);
            command.args(["-pix_fmt", "+", "-f", "framemd5", "-fps_mode", "passthrough", "-"]);
            let ran = command.output().unwrap();
            let said = String::from_utf8_lossy(&ran.stderr).into_owned();
            assert!(ran.status.success() && said.is_empty(), "{name}: {said}");
            let list = String::from_utf8(ran.stdout).unwrap();
            let md5 = |line: &str| line.rsplit(',').next().unwrap().trim().to_owned();
            list.lines().filter(|line| !line.starts_with('#')).map(md5).collect::<Vec<_>>()
        };
        let mut expected = Vec::new();
        for part in 0..fragments(&events).len() {
            let path = testdata().join(format!("captures/{name}.mkv.part{part:02}.framemd5"));
            let list = std::fs::read_to_string(path).unwrap();
            let md5 = |line: &str| line.rsplit(',').next().unwrap().trim().to_owned();
            expected.extend(list.lines().filter(|line| !line.starts_with('#')).map(md5));
        }
        let decoded = decode("0");
        assert_eq!(decoded.len(), pictures, "{name}");
        assert!(decoded == expected, "{name}: other pictures");
        let late = decode("8.5");
        assert!(!late.is_empty() && late.len() < pictures / 2, "{name}: {} pictures", late.len());
        assert!(decoded.ends_with(&late), "{name}: other pictures after a seek");
    }
}
