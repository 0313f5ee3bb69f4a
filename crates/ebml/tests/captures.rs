//! Real and damaged files, against what an independent walk over their element sizes found.

use std::fs;
use std::path::{Path, PathBuf};

use kineframe_ebml::fuzzing::{MiniSchema, walk};
use kineframe_ebml::{DataMode, Element, Item, Recovery, Tree};

fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata")
}

fn files(below: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = fs::read_dir(below).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|ext| ext == "mkv" || ext == "webm" || ext == "mka") {
            found.push(path);
        }
    }
}

/// A count from `ebmlwalk`, which comes first in a truth file.
fn truth(text: &str, name: &str) -> Option<u64> {
    let value = text.split_once(&format!("\"{name}\": "))?.1;
    value[..value.find(|c: char| !c.is_ascii_digit())?].parse().ok()
}

fn count(items: &[Item], wanted: impl Fn(&Element) -> bool) -> u64 {
    items.iter().filter(|item| matches!(item, Item::Start(element) if wanted(element))).count() as u64
}

/// Compares one file with its truth, whole and cut.
fn compare(path: &Path) -> bool {
    let truth_path = PathBuf::from(format!("{}.truth.json", path.display()));
    let Ok(text) = fs::read_to_string(&truth_path) else { return false };
    if !text.contains("\"error\": null") || !text.contains("\"ebmlwalk\"") {
        return false;
    }
    let bytes = fs::read(path).expect("readable");
    let (items, error) = walk(&[&bytes], Recovery::Stop, DataMode::Skip);
    assert_eq!(error, None, "{}", path.display());
    let named = |name: &'static str| move |element: &Element| element.name() == Some(name);
    for (key, found) in [
        ("ebml_headers", count(&items, named("EBML"))),
        ("segments", count(&items, named("Segment"))),
        ("clusters", count(&items, named("Cluster"))),
        ("blocks", count(&items, |element| matches!(element.name(), Some("SimpleBlock" | "Block")))),
    ] {
        assert_eq!(Some(found), truth(&text, key), "{key} of {}", path.display());
    }
    let (scanned, _) = walk(&[&bytes], Recovery::Scan, DataMode::Skip);
    assert!(scanned == items, "recovery changes nothing in a sound file: {}", path.display());
    for size in [1, 188, 8192] {
        let pieces: Vec<_> = bytes.chunks(size).collect();
        let (cut, _) = walk(&pieces, Recovery::Stop, DataMode::Skip);
        assert!(cut == items, "pieces of {size}: {}", path.display());
    }
    let places = items.iter().filter(|item| matches!(item, Item::Start(_))).count();
    let limits = {
        let mut limits = kineframe_ebml::Limits::default();
        limits.elements = usize::MAX;
        limits
    };
    assert_eq!(Tree::parse(bytes, 0, MiniSchema, &limits).len(), places, "{}", path.display());
    true
}

#[test]
fn captures_agree_with_the_truth() {
    let mut found = Vec::new();
    files(&testdata().join("captures"), &mut found);
    files(&testdata().join("generated"), &mut found);
    let compared = found.iter().filter(|path| compare(path)).count();
    assert!(compared >= 20, "only {compared} of {} files have a truth without damage", found.len());
}

/// Gets through every damaged file, the same however it is cut, and gives its number of EBML headers.
fn survive(path: &Path) -> u64 {
    let bytes = fs::read(path).expect("readable");
    let (items, error) = walk(&[&bytes], Recovery::Scan, DataMode::Gather);
    assert_eq!(error, None, "{}", path.display());
    let pieces: Vec<_> = bytes.chunks(97).collect();
    assert!(walk(&pieces, Recovery::Scan, DataMode::Gather).0 == items, "{}", path.display());
    let damage: Vec<_> =
        items.iter().filter_map(|item| if let Item::Damage(d) = item { Some(d) } else { None }).collect();
    assert!(damage.iter().all(|damage| damage.resume <= bytes.len() as u64), "{}", path.display());
    // Where reading stops without recovery, recovery gets further, or has as little to read.
    let starts = |items: &[Item]| count(items, |_| true);
    let (before, stopped) = walk(&[&bytes], Recovery::Stop, DataMode::Gather);
    assert!(starts(&items) >= starts(&before), "{}", path.display());
    assert!(stopped.is_some() || damage.is_empty() || starts(&items) == starts(&before), "{}", path.display());
    count(&items, |element| element.name() == Some("EBML"))
}

#[test]
fn damaged_files_are_got_through() {
    let mut found = Vec::new();
    files(&testdata().join("malformed"), &mut found);
    assert!(found.len() >= 20, "{} files", found.len());
    let index = fs::read_to_string(testdata().join("malformed/INDEX.tsv")).expect("the list of damaged files");
    let column = index.lines().next().and_then(|row| row.split('\t').position(|name| name == "ebml_headers"));
    let column = column.expect("the list says how many documents there are");
    let mut compared = 0;
    for path in &found {
        let documents = survive(path);
        let name = path.strip_prefix(testdata().join("malformed")).expect("below").to_string_lossy().into_owned();
        let Some(row) = index.lines().find(|line| line.split('\t').next() == Some(&name)) else { continue };
        // What a walk by sizes counts before the damage.
        let Some(counted) = row.split('\t').nth(column).and_then(|cell| cell.parse::<u64>().ok()) else { continue };
        assert!(documents >= counted, "{name}: {documents} of {counted} documents");
        compared += 1;
    }
    assert!(compared >= 20, "{compared} files compared");
}

/// The same for a whole collection of media, where one is at hand.
#[test]
fn a_collection_of_media() {
    let Some(folder) = std::env::var_os("KINEFRAME_MEDIA") else {
        println!("skipped: KINEFRAME_MEDIA does not name a folder of media");
        return;
    };
    let mut found = Vec::new();
    files(Path::new(&folder), &mut found);
    let mut compared = 0;
    for path in &found {
        compared += usize::from(compare(path));
        survive(path);
    }
    println!("{} files, {compared} compared with a truth", found.len());
}
