//! Every H.264 stream and body of a media folder through the default list. Runs where KINEFRAME_MEDIA names the
//! folder; `cargo test --release -p kineframe-decoders --test media -- --nocapture` prints the table.

mod common;

use std::path::{Path, PathBuf};

use common::{Played, Track, documents, elementary, play, truth};
use kineframe_codec::Decoders;
use kineframe_codec_conformance::DISPUTED;
use kineframe_decoders::default_list;
use kineframe_testkit::media;

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect();
    files.sort();
    let only = std::env::var("KINEFRAME_ONLY").unwrap_or_default();
    files.retain(|path| path.to_string_lossy().contains(&only));
    files
}

fn name(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// How pictures compare with the truth, in a few words.
fn verdict(played: &Played, truth: &[String]) -> String {
    let sums = played.sums();
    if sums == *truth {
        let damaged = played.shown.iter().filter(|shown| shown.damaged).count();
        return if damaged == 0 { "exact".to_owned() } else { format!("exact, {damaged} marked") };
    }
    let equal = truth.iter().filter(|sum| sums.contains(&sum.as_str())).count();
    let wrong = |shown: &&common::Shown| !shown.damaged && !truth.contains(&shown.md5);
    let unmarked = played.shown.iter().filter(wrong).count();
    format!("{} of {} shown, {equal} equal, {unmarked} wrong and not marked", sums.len(), truth.len())
}

#[test]
fn every_stream_is_exact_or_refused_for_a_reason() {
    let Some(media) = media() else { return };
    let list = default_list();
    let mut failures = Vec::new();
    for path in files(&media.join("codec/h264"), "264") {
        let name = name(&path);
        let truth = common::planes_truth(&path);
        for (kind, tracks) in [
            ("264", vec![elementary(std::fs::read(&path).unwrap())]),
            ("mkv", documents(std::fs::read(path.with_extension("mkv")).unwrap())),
        ] {
            let [track] = &tracks[..] else { panic!("{name}: {} documents", tracks.len()) };
            let played = play(&list, track, false);
            let verdict = verdict(&played, &truth);
            let mut by: Vec<_> = played.shown.iter().map(|shown| shown.by.as_str()).collect();
            by.dedup();
            println!(
                "{name}.{kind}\t{verdict}\t{}\t{}",
                by.join("+"),
                played.notes.iter().take(2).cloned().collect::<Vec<_>>().join(" | ")
            );
            let refused = played.shown.is_empty() && played.notes.iter().any(|note| note.starts_with("nobody"));
            if !verdict.starts_with("exact") && !refused && !DISPUTED.contains(&name.as_str()) {
                failures.push(format!("{name}.{kind}: {verdict}"));
            }
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn every_body_is_exact() {
    let Some(media) = media() else { return };
    let list = default_list();
    let mut failures = Vec::new();
    for folder in ["kvs/getmedia", "kvs/putmedia", "generated/kvs"] {
        for path in files(&media.join(folder), "mkv") {
            check_body(&list, &path, &mut failures);
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

fn check_body(list: &Decoders, path: &Path, failures: &mut Vec<String>) {
    let name = name(path);
    let tracks = documents(std::fs::read(path).unwrap());
    let whole = PathBuf::from(format!("{}.framemd5", path.display()));
    let pairs: Vec<(Track, Vec<String>)> = if whole.exists() {
        let private = tracks.iter().map(|track| track.private.clone()).find(|private| !private.is_empty());
        let packets = tracks.iter().flat_map(|track| track.packets.clone()).collect();
        vec![(Track { private: private.unwrap_or_default(), packets }, truth(&whole))]
    } else {
        let part = |index| PathBuf::from(format!("{}.part{index:02}.framemd5", path.display()));
        let tracks =
            tracks.into_iter().enumerate().filter(|(index, track)| !track.packets.is_empty() && part(*index).exists());
        tracks.map(|(index, track)| (track, truth(&part(index)))).collect()
    };
    for (index, (track, truth)) in pairs.iter().enumerate() {
        let played = play(list, track, false);
        let verdict = verdict(&played, truth);
        let mut by: Vec<_> = played.shown.iter().map(|shown| shown.by.as_str()).collect();
        by.dedup();
        println!(
            "{name} {index}\t{verdict}\t{}\t{}",
            by.join("+"),
            played.notes.iter().take(2).cloned().collect::<Vec<_>>().join(" | ")
        );
        if verdict != "exact" {
            failures.push(format!("{name} {index}: {verdict}"));
        }
    }
}

/// Each back end alone, forced: what it makes of every stream, and what it says of it.
#[test]
fn table_of_back_ends() {
    let Some(media) = media() else { return };
    let mut failures = Vec::new();
    for path in files(&media.join("codec/h264"), "264") {
        let truth = common::planes_truth(&path);
        let track = elementary(std::fs::read(&path).unwrap());
        let mut row = name(&path);
        for factory in default_list().0 {
            let list = Decoders(vec![factory.clone()]);
            let promised = !play(&list, &track, false).notes.iter().any(|note| note.starts_with("nobody"));
            let played = play(&list, &track, true);
            let verdict = verdict(&played, &truth);
            row += &format!(
                "\t{}{}",
                if promised { "" } else { "no: " },
                if verdict.starts_with("exact") {
                    verdict.clone()
                } else {
                    format!("{verdict} ({})", played.notes.first().cloned().unwrap_or_default())
                }
            );
            let gave_up = !played.notes.is_empty();
            if promised && !verdict.starts_with("exact") && !gave_up && !DISPUTED.contains(&name(&path).as_str()) {
                failures.push(format!("{} {}: {verdict}", factory.name(), name(&path)));
            }
        }
        println!("{row}");
    }
    assert!(failures.is_empty(), "{failures:#?}");
}
