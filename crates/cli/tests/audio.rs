//! `kineframe audio`: sample for sample what FFmpeg makes of the same tracks, from files, pipes and MP4.

mod common;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use common::{code, kineframe, objects, run, start, testdata};
use md5::{Digest, Md5};
use serde_json::Value;

fn recorded(input: &Path, folder: &Path, flags: &[&str]) -> Output {
    let (input, folder) = (input.to_str().expect("UTF-8"), folder.to_str().expect("UTF-8"));
    run(&[&["audio", input, "-o", folder, "--json"], flags].concat())
}

fn md5(bytes: &[u8]) -> String {
    Md5::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What stands in the `data` chunk of a WAV file, found as any reader does.
fn samples(wav: &[u8]) -> &[u8] {
    assert_eq!((&wav[..4], &wav[8..12]), (&b"RIFF"[..], &b"WAVE"[..]));
    let len = |at: usize| u32::from_le_bytes(wav[at..][..4].try_into().expect("four bytes")) as usize;
    assert_eq!(len(4) + 8, wav.len());
    let mut at = 12;
    while &wav[at..][..4] != b"data" {
        at += 8 + len(at + 4).next_multiple_of(2);
    }
    &wav[at + 8..][..len(at + 4)]
}

fn only_file(folder: &Path) -> Vec<u8> {
    let files: Vec<_> = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("a file").path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    fs::read(&files[0]).expect("a file")
}

#[test]
fn every_coding_is_what_ffmpeg_makes_of_it() {
    let truth = fs::read_to_string(testdata("audio/truth.tsv")).expect("a truth");
    let mut seen = 0;
    for row in truth.lines().skip(1) {
        let [name, format, sum] = row.split('\t').collect::<Vec<_>>()[..] else { panic!("{row}") };
        let folder = tempfile::tempdir().expect("a folder");
        let input = testdata(&format!("audio/{name}"));
        let output = recorded(&input, folder.path(), &[]);
        assert_eq!(code(&output), 0, "{name}: {}", String::from_utf8_lossy(&output.stderr));
        let file = only_file(folder.path());
        let found = if format == "adts" { md5(&file) } else { md5(samples(&file)) };
        assert_eq!(found, sum, "{name}");

        // The same bytes, while they arrive.
        let piped = tempfile::tempdir().expect("a folder");
        let mut child = start(&["audio", "-", "-o", piped.path().to_str().expect("UTF-8")]);
        let bytes = fs::read(&input).expect("it is there");
        child.stdin.take().expect("a pipe").write_all(&bytes).expect("taken");
        assert_eq!(code(&child.wait_with_output().expect("it ends")), 0, "{name} piped");
        assert!(only_file(piped.path()) == file, "{name} piped");
        seen += 1;
    }
    assert_eq!(seen, 22);
}

#[test]
fn connect_tracks_are_whole_and_under_their_names_though_their_numbers_swap() {
    let folder = tempfile::tempdir().expect("a folder");
    let input = testdata("generated/connect-like-audio.mkv");
    let output = recorded(&input, folder.path(), &["--no-fill"]);
    let (items, _) = objects(&output);
    let names: Vec<&str> = items.iter().filter_map(|item| item["name"].as_str()).collect();
    assert_eq!(names, ["AUDIO_FROM_CUSTOMER", "AUDIO_TO_CUSTOMER"]);
    for item in &items {
        let file = fs::read(item["file"].as_str().expect("a path")).expect("a file");
        assert_eq!((item["sample_rate"].as_u64(), item["channels"].as_u64()), (Some(8_000), Some(1)));
        assert_eq!(samples(&file), by_name(&input, item["name"].as_str().expect("named")));
    }
    assert!(folder.path().join("track-1-AUDIO_FROM_CUSTOMER.wav").is_file());
    assert!(folder.path().join("track-2-AUDIO_TO_CUSTOMER.wav").is_file());
}

/// The frames of a track, by its name, from the library's front door.
fn by_name(input: &Path, name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for fragment in kineframe::consumer::Consumer::open(&kineframe::source::File::new(input)).fragments() {
        let fragment = fragment.expect("read");
        let entries = fragment.head().tracks.iter().flat_map(|tracks| &tracks.entries);
        let number = entries.filter(|entry| entry.name.as_deref() == Some(name)).map(|entry| entry.number).next();
        bytes.extend(number.map_or_else(Vec::new, |number| fragment.track_bytes(number)));
    }
    bytes
}

#[test]
fn a_gap_is_silence_unless_it_is_not_to_be_filled() {
    let input = testdata("fixtures/gap.mkv");
    // 12 samples each, at 0 s, 1.024 s and 4.096 s.
    for (flags, expected) in [(&[][..], 4_096 * 8 + 12), (&["--no-fill"][..], 36)] {
        let folder = tempfile::tempdir().expect("a folder");
        let (items, summary) = objects(&recorded(&input, folder.path(), flags));
        assert_eq!(items[0]["samples"], expected, "{flags:?}");
        assert_eq!(summary["files"], 1);
        assert_eq!(samples(&only_file(folder.path())).len() as u64, expected * 2);
    }
}

#[test]
fn a_range_is_cut_at_samples() {
    let whole = tempfile::tempdir().expect("a folder");
    let input = testdata("audio/pcm-s16le.mka");
    recorded(&input, whole.path(), &[]);
    let whole = only_file(whole.path());
    let part = tempfile::tempdir().expect("a folder");
    let output = recorded(&input, part.path(), &["--from", "25ms", "--to", "+50ms"]);
    assert_eq!(code(&output), 0, "{}", String::from_utf8_lossy(&output.stderr));
    // 8 kHz, two channels of two bytes.
    assert_eq!(samples(&only_file(part.path())), &samples(&whole)[25 * 32..75 * 32]);
}

#[test]
fn files_are_kept_and_what_gives_none_is_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let input = testdata("audio/pcm-u8.mka");
    assert_eq!(code(&recorded(&input, folder.path(), &[])), 0);
    let before = only_file(folder.path());
    let again = recorded(&input, folder.path(), &[]);
    assert_eq!(code(&again), 1);
    assert!(String::from_utf8_lossy(&again.stderr).contains("is there already"));
    assert!(only_file(folder.path()) == before, "and no temporary file stays");
    assert_eq!(code(&recorded(&input, folder.path(), &["--overwrite"])), 0);

    let none = tempfile::tempdir().expect("a folder");
    let silent = recorded(&testdata("generated/h265-main.mkv"), none.path(), &[]);
    assert_eq!(code(&silent), 1);
    assert!(String::from_utf8_lossy(&silent.stderr).contains("no audio track"), "{silent:?}");
    let wrong = kineframe().args(["audio", "x.mkv"]).output().expect("it runs");
    assert_eq!(code(&wrong), 2);
}

#[test]
fn damage_leaves_what_is_sound_and_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let bytes = fs::read(testdata("generated/connect-like-audio.mkv")).expect("it is there");
    let cut = folder.path().join("cut.mkv");
    fs::write(&cut, &bytes[..bytes.len() * 2 / 3]).expect("written");
    let out = folder.path().join("out");
    let output = recorded(&cut, &out, &[]);
    assert_eq!(code(&output), 3, "{}", String::from_utf8_lossy(&output.stderr));
    let (items, _) = objects(&output);
    assert_eq!(items.len(), 2);
    assert!(items.iter().all(|item: &Value| item["samples"].as_u64() > Some(20_000)), "{items:?}");
}

#[test]
fn aac_decodes_to_the_samples_of_the_original() {
    let ffmpeg = |input: &str| {
        let done =
            Command::new("ffmpeg").args(["-v", "error", "-i", input, "-f", "s16le", "-"]).stdin(Stdio::null()).output();
        done.ok().filter(|done| done.status.success()).map(|done| done.stdout)
    };
    for name in ["generated/h264-high-bframes-aac.mkv", "generated/lacing-xiph.mkv", "audio/aac-5.1.mka"] {
        let folder = tempfile::tempdir().expect("a folder");
        let (items, _) = objects(&recorded(&testdata(name), folder.path(), &["--no-fill"]));
        let Some(ours) = ffmpeg(items[0]["file"].as_str().expect("a path")) else {
            println!("skipped: ffmpeg is not installed");
            return;
        };
        let channels = items[0]["channels"].as_u64().expect("counted");
        assert_eq!(
            Some(ours.len() as u64),
            items[0]["samples"].as_u64().map(|samples| samples * 2 * channels),
            "{name}"
        );
        // Of a body of several documents FFmpeg reads what it takes for one file.
        if name.starts_with("audio/") {
            // The container names samples to be dropped at the start, ADTS cannot.
            let theirs = ffmpeg(testdata(name).to_str().expect("UTF-8")).expect("ffmpeg");
            assert!(ours.windows(theirs.len()).any(|part| part == theirs), "{name}");
        }
    }
}
