//! Damaged input: the command ends in order and in bounds, and never shows a wrong picture as a sound one.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use common::{code, framemd5, objects, testdata};
use md5::{Digest, Md5};
use serde_json::Value;

/// Address space that the command gets here, in KiB: that of its threads' stacks included.
const ADDRESS_SPACE: &str = "2000000";

/// Runs the command with bounds on its memory and its time, where there is a shell to set them.
fn bounded(args: &[&str]) -> Output {
    if !cfg!(target_os = "linux") {
        return common::run(args);
    }
    let script = format!("ulimit -v {ADDRESS_SPACE}; exec timeout 20 \"$@\"");
    let mut command = Command::new("sh");
    command.args(["-c", &script, "sh", env!("CARGO_BIN_EXE_kineframe")]).args(args);
    command.output().expect("a shell")
}

/// A folder of the repository's test data, and of the media folder where KINEFRAME_MEDIA names one.
fn folders(own: &str, more: &str) -> Vec<PathBuf> {
    let media = std::env::var_os("KINEFRAME_MEDIA").map(|media| Path::new(&media).join(more));
    if media.is_none() {
        println!("KINEFRAME_MEDIA does not name a media folder: only the files of the repository");
    }
    std::iter::once(testdata(own)).chain(media).collect()
}

fn matroska(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(matroska(&path));
        } else if path.extension().is_some_and(|ending| ending == "mkv") {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn malformed_files_end_in_order() {
    let mut count = BTreeMap::<(String, i32), u64>::new();
    for path in folders("malformed", "malformed/mkv").iter().flat_map(|folder| matroska(folder)) {
        let out = tempfile::tempdir().expect("a folder");
        let path = path.display().to_string();
        let (path, out) = (path.as_str(), out.path().to_str().expect("UTF-8"));
        for args in [&["fragments", path, "--json"][..], &["inspect", path], &["frames", path, "-o", out, "--json"]] {
            let output = bounded(args);
            let error = String::from_utf8_lossy(&output.stderr);
            assert!([0, 1, 3].contains(&code(&output)), "{args:?}: {}: {error}", code(&output));
            assert!(!error.contains("panicked"), "{args:?}: {error}");
            *count.entry((args[0].to_owned(), code(&output))).or_default() += 1;
        }
    }
    println!("{count:?}");
    assert!(count.values().sum::<u64>() > 100);
}

/// One picture: its place in the sound stream, its sum, whether it was marked, whether decoding can start at it.
struct Shown {
    place: usize,
    sum: String,
    marked: bool,
    keyframe: bool,
}

/// All pictures of a file with 25 of them a second; the first frame of the input has this place.
fn shown(path: &Path, first: usize, more: &[&str]) -> (i32, Vec<Shown>) {
    let out = tempfile::tempdir().expect("a folder");
    let (input, folder) = (path.to_str().expect("UTF-8"), out.path().to_str().expect("UTF-8"));
    let output = bounded(&[&["frames", input, "-o", folder, "--format", "yuv", "--json"], more].concat());
    assert!([0, 3].contains(&code(&output)), "{input}: {}", String::from_utf8_lossy(&output.stderr));
    let picture = |item: &Value| Shown {
        place: first + usize::try_from(item["offset_ms"].as_u64().expect("not before the start") / 40).expect("small"),
        sum: format!("{:x}", Md5::digest(fs::read(item["file"].as_str().expect("a name")).expect("a file"))),
        marked: item["damaged"].as_bool().expect("marked or not"),
        keyframe: item["keyframe"].as_bool().expect("one or not"),
    };
    (code(&output), objects(&output).0.iter().map(picture).collect())
}

#[test]
fn no_wrong_picture_goes_unmarked() {
    let (mut files, mut sound, mut marked, mut missing) = (0, 0, 0, 0);
    for path in folders("codec/damaged", "codec/damaged").iter().flat_map(|folder| matroska(folder)) {
        let name = path.file_stem().and_then(|name| name.to_str()?.split_once("__")).expect("a codec");
        let (codec @ ("h264" | "h265" | "av1" | "vp9"), name) = name else { continue };
        let (base, damage) = name.split_once("__").expect("a base and its damage");
        if (codec, damage) == ("av1", "swap") {
            // Two packets in each other's place, both decodable: right pictures at wrong times.
            continue;
        }
        let folder = path.parent().expect("a folder").with_file_name(codec);
        let truth = framemd5(&folder.join(format!("gen_{base}.framemd5")));
        let reference: Value =
            serde_json::from_slice(&fs::read(path.with_extension("truth.json")).expect("a truth")).expect("JSON");
        let (exit, pictures) = shown(&path, usize::from(damage == "drop_first_key"), &[]);

        let equal = |picture: &&Shown| truth.get(picture.place) == Some(&picture.sum);
        let wrong: Vec<usize> =
            pictures.iter().filter(|picture| !picture.marked && !equal(picture)).map(|picture| picture.place).collect();
        assert!(wrong.is_empty(), "{name}: wrong and not marked: {wrong:?}");

        // Up to the damage, which the reference decoder's first loss shows, everything is there and equal.
        let lost = ["shown_differing_ms", "not_shown_ms"].iter().filter_map(|list| reference[list].as_array());
        let first = lost.flatten().filter_map(Value::as_u64).min().map_or(truth.len(), |first| first as usize);
        let places: BTreeSet<usize> = pictures.iter().filter(equal).map(|picture| picture.place).collect();
        let before: Vec<usize> = (0..first).filter(|place| !places.contains(place)).collect();
        assert!(before.is_empty(), "{name}: lost before the damage at {first}: {before:?}");

        // Where only frame 5 is hit, the next random access point ends it.
        if ["flip_one_p", "swap", "twice", "empty", "length_prefix"].contains(&damage) {
            let clean = pictures.iter().find(|picture| picture.keyframe && picture.place > 5);
            let clean = clean.unwrap_or_else(|| panic!("{name}: no second key frame")).place;
            let after = pictures.iter().filter(|picture| picture.place >= clean);
            assert_eq!(after.filter(equal).filter(|picture| !picture.marked).count(), truth.len() - clean, "{name}");
        }

        let all_sound = places.len() == truth.len() && pictures.iter().all(|picture| !picture.marked);
        let left_out = damage.starts_with("drop_");
        assert!(exit == if all_sound { 0 } else { 3 } || left_out, "{name}: {exit}");
        let (equals, marks) = (places.len(), pictures.iter().filter(|picture| picture.marked).count());
        println!("{name}\t{exit}\t{equals} equal of {}, {marks} marked", truth.len());
        (files, sound, marked) = (files + 1, sound + equals, marked + marks);
        missing += truth.len() - pictures.iter().map(|picture| picture.place).collect::<BTreeSet<_>>().len();
    }
    println!("{files} files: {sound} pictures equal, {marked} marked, {missing} missing");
    assert!(files >= 4 && sound > 80);
}

/// What `--trust-slices` gives up, as its help says.
#[test]
fn slices_on_trust_are_shown_as_they_come() {
    let path = testdata("codec/damaged").join("h265__main_bpyramid__flip_key.mkv");
    let truth = framemd5(&testdata("codec/h265").join("gen_main_bpyramid.framemd5"));
    let wrong = |pictures: &[Shown]| pictures.iter().filter(|shown| truth.get(shown.place) != Some(&shown.sum)).count();
    let marked = |pictures: &[Shown]| pictures.iter().filter(|shown| shown.marked).count();
    let (exit, checked) = shown(&path, 0, &[]);
    assert!(exit == 3 && marked(&checked) >= wrong(&checked) && wrong(&checked) > 0, "{exit}, {}", marked(&checked));
    let (exit, trusted) = shown(&path, 0, &["--trust-slices"]);
    assert_eq!((exit, marked(&trusted), wrong(&trusted)), (0, 0, wrong(&checked)));
}
