//! What the demuxer tells of real and made files, against their truths.

mod common;

use std::path::Path;

use common::{differences, events_whole, media, summary, testdata, with_truth};
use serde_json::Value;

fn check(folder: &Path) {
    let files = with_truth(folder);
    assert!(!files.is_empty(), "no files in {}", folder.display());
    let mut wrong = Vec::new();
    for (path, truth) in &files {
        let events = events_whole(&std::fs::read(path).unwrap());
        let sum = summary(&events);
        let mut found = differences(&sum, truth);
        match (&truth["ebmlwalk"]["error_offset"], sum.damage.as_slice()) {
            (Value::Null, []) => {}
            // Of a header that is cut off after its ID the truth names the byte where the size should be.
            (Value::Number(at), [(offset, _)]) if at.as_u64().is_some_and(|at| (*offset..offset + 5).contains(&at)) => {
            }
            (at, damage) => found.push(format!("damage {damage:?}, truth {at}")),
        }
        wrong.extend(found.into_iter().map(|line| format!("{}: {line}", path.display())));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn files_kept_with_the_sources() {
    for folder in ["captures", "fixtures", "generated"] {
        check(&testdata().join(folder));
    }
}

#[test]
fn every_file_of_the_collection() {
    let Some(media) = media() else { return };
    for folder in ["kvs", "generated/kvs", "matroska"] {
        check(&media.join(folder));
    }
}
