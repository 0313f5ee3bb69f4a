//! `inspect --tree` beside `mkvinfo`: the same elements where that reads a file, and elements where it gives up.
//! Where mkvinfo is not installed, a line says so.

mod common;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::{objects, run, testdata};
use serde_json::Value;

/// An element: depth, offset, size with its header, where that is known.
type Row = (usize, u64, Option<u64>);

/// What mkvinfo calls the elements whose names are compared too.
const NAMES: [(&str, &str); 14] = [
    ("EBML head", "EBML"),
    ("Segment", "Segment"),
    ("Segment information", "Info"),
    ("Tracks", "Tracks"),
    ("Track", "TrackEntry"),
    ("Codec ID", "CodecID"),
    ("Pixel width", "PixelWidth"),
    ("Cluster", "Cluster"),
    ("Cluster timestamp", "Timestamp"),
    ("Simple block", "SimpleBlock"),
    ("Block group", "BlockGroup"),
    ("Tags", "Tags"),
    ("Simple", "SimpleTag"),
    ("Cues", "Cues"),
];

fn there() -> bool {
    let found = Command::new("mkvinfo").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !found {
        println!("skipped: mkvinfo is not installed");
    }
    found
}

/// The elements that mkvinfo lists; `None` where it complains, or finds nothing that it knows.
fn theirs(file: &Path) -> Option<Vec<(Row, String)>> {
    let flags = ["--ui-language", "en_US", "-a", "-P", "-z", "-v", "-v"];
    let output = Command::new("mkvinfo").args(flags).arg(file).output().expect("mkvinfo runs");
    let text = String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned();
    let complaints = ["Warning", "Error", "No EBML head", "invalid at this position", "(Unknown"];
    if !output.status.success() || complaints.iter().any(|word| text.contains(word)) {
        return None;
    }
    // `| + Name: value at 12 size 7 data size 5`; the plus stands as deep as the element.
    let row = |line: &str| {
        let depth = line.find('+')?;
        let (words, sizes) = line[depth + 1..].rsplit_once(" at ")?;
        let mut sizes = sizes.split(' ');
        let offset = sizes.next()?.parse().ok()?;
        let size = sizes.nth(1)?.parse().ok();
        let name = words.trim().split(':').next()?.to_owned();
        // A frame is a part of its block and no element.
        (!name.starts_with("Frame")).then_some(((depth, offset, size), name))
    };
    Some(text.lines().filter_map(row).collect())
}

/// The elements that the command lists, the damage that its summary names, and its exit code.
fn ours(file: &Path) -> (Vec<(Row, String)>, Vec<Value>, Option<i32>) {
    let output = run(&["inspect", "--tree", "--json", file.to_str().expect("UTF-8")]);
    let (items, summary) = objects(&output);
    let row = |item: &Value| {
        let number = |field: &str| item[field].as_u64().expect("a number");
        let size = item["data_size"].as_u64().map(|size| size + number("header_size"));
        let name = item["name"].as_str().unwrap_or_default().to_owned();
        ((number("depth") as usize, number("offset"), size), name)
    };
    let damage = summary["damage"].as_array().expect("a list").clone();
    (items.iter().map(row).collect(), damage, output.status.code())
}

/// Files up to this length are compared: a longer one only repeats what is in it.
const LONGEST: u64 = 300_000;

/// Every Matroska file of the repository that is not very long, short ones first. Those damaged on purpose
/// are left out: mkvinfo passes over what it cannot read, and over what follows, and says nothing, or never ends.
fn files() -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![testdata("")]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("a file").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ["mkv", "webm", "mka"].iter().any(|known| ending == *known))
            {
                found.push((path.metadata().expect("a file").len(), path));
            }
        }
    }
    found.retain(|(len, path)| *len <= LONGEST && !path.iter().any(|part| part == "malformed"));
    found.sort();
    found.into_iter().map(|(_, path)| path).collect()
}

#[test]
fn the_elements_that_mkvinfo_lists() {
    if !there() {
        return;
    }
    let mut compared = 0;
    for file in files() {
        let Some(theirs) = theirs(&file) else { continue };
        compared += 1;
        // mkvinfo does not list CRC-32.
        let ours: Vec<_> = ours(&file).0.into_iter().filter(|(_, name)| name != "CRC-32").collect();
        for (row, name) in &theirs {
            if let Some((_, name)) = NAMES.iter().find(|(known, _)| known == name) {
                let mine = ours.iter().find(|(mine, _)| mine.1 == row.1).map(|(_, name)| &name[..]);
                assert_eq!(mine, Some(*name), "{} at {}", file.display(), row.1);
            }
        }
        let rows = |list: Vec<(Row, String)>| list.into_iter().map(|(row, _)| row).collect::<BTreeSet<_>>();
        let (ours, theirs) = (rows(ours), rows(theirs));
        assert_eq!(ours, theirs, "{}", file.display());
    }
    println!("{compared} files compared");
    assert!(compared >= 20, "mkvinfo read only {compared} files");
}

#[test]
fn files_that_mkvinfo_gives_up_on() {
    let sound = std::fs::read(testdata("fixtures/known-size-cluster.mkv")).expect("a fixture");
    let garbage: Vec<u8> = (0..997u32).map(|index| (index * 37 % 251) as u8 | 1).collect();
    let mut huge = sound.clone();
    // The EBML Header says that it is 10 GB long.
    huge.splice(4..5, [0x01, 0x00, 0x00, 0x02, 0x54, 0x0B, 0xE4, 0x00]);
    let folder = tempfile::tempdir().expect("a folder");
    let mut files = Vec::new();
    for (name, bytes) in [("lead.mkv", [&garbage[..], &sound].concat()), ("huge.mkv", huge)] {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).expect("written");
        files.push(path);
    }
    match std::env::var_os("KINEFRAME_MEDIA") {
        Some(media) => {
            let names =
                ["garbage/064-groups-lead.mkv", "garbage/037-rich-lead.mkv", "huge/023-h265-ebml-10000000000.mkv"];
            files.extend(names.iter().map(|name| Path::new(&media).join("malformed/mkv").join(name)));
        }
        None => println!("skipped: the files of the collection; KINEFRAME_MEDIA is to name its folder"),
    }
    let there = there();
    for file in files {
        let (ours, damage, code) = ours(&file);
        let blocks = ours.iter().filter(|(_, name)| name == "SimpleBlock" || name == "BlockGroup").count();
        assert!(blocks > 0 && ours.len() > 20, "{}: {} elements, {blocks} blocks", file.display(), ours.len());
        // All of them are damaged: the exit code and the summary say so.
        assert_eq!(code, Some(3), "{}", file.display());
        assert!(!damage.is_empty(), "{}: no damage is named", file.display());
        assert!(!there || theirs(&file).is_none(), "{}: mkvinfo reads it", file.display());
    }
}

/// Sizes that nothing fulfils: of an EBML Header, of a Segment and of a Cluster, by 10 GB.
#[test]
fn sizes_beyond_what_is_there_are_damage() {
    let sound = std::fs::read(testdata("fixtures/known-size-cluster.mkv")).expect("a fixture");
    let folder = tempfile::tempdir().expect("a folder");
    let (elements, damage, code) = ours(&testdata("fixtures/known-size-cluster.mkv"));
    assert_eq!((damage.len(), code), (0, Some(0)));
    for name in ["EBML", "Segment", "Cluster"] {
        let ((_, offset, _), _) = elements.iter().find(|(_, found)| found == name).expect("it is there").clone();
        let at = usize::try_from(offset).expect("in memory") + 4;
        let width = sound[at].leading_zeros() as usize + 1;
        let mut bytes = sound.clone();
        bytes.splice(at..at + width, [0x01, 0x00, 0x00, 0x02, 0x54, 0x0B, 0xE4, 0x00]);
        let path = folder.path().join(format!("{name}.mkv"));
        std::fs::write(&path, &bytes).expect("written");
        let (found, damage, code) = ours(&path);
        assert_eq!(found.len(), elements.len(), "{name}: all elements are listed");
        assert_eq!(code, Some(3), "{name}");
        assert!(damage.iter().any(|one| one["offset"] == offset && one["path"] == name), "{name}: {damage:?}");
        let path = path.to_str().expect("UTF-8");
        assert_eq!(run(&["inspect", "--tree", "--strict", path]).status.code(), Some(1), "{name}");
        let survey = run(&["inspect", "--json", path]);
        assert_eq!(survey.status.code(), Some(3), "{name}");
        let survey: Value = serde_json::from_slice(&survey.stdout).expect("JSON");
        let problems = survey["problems"].as_array().expect("a list");
        assert!(problems.iter().any(|one| one["offset"] == offset), "{name}: {problems:?}");
    }
}
