//! Cut, flipped and otherwise damaged input.

mod common;

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;

use bytes::Bytes;
use common::{events, events_whole, files, media, testdata};
use kineframe_matroska::{ErrorKind, Event};
use kineframe_testkit::{Fragment, KvsBody, Size, bit_flips, body, ids};

/// Frames by document: where the document starts, then track and bytes of each frame.
fn frames(events: &[Event]) -> Vec<(u64, Vec<(u64, Bytes)>)> {
    let mut documents: Vec<(u64, Vec<(u64, Bytes)>)> = Vec::new();
    let mut fresh = false;
    for event in events {
        match event {
            Event::EbmlHeader(header) => {
                documents.push((header.offset, Vec::new()));
                fresh = true;
            }
            // A document whose header was lost.
            Event::SegmentStart { offset, .. } if !std::mem::take(&mut fresh) => documents.push((*offset, Vec::new())),
            Event::Block(block) => {
                let document = &mut documents.last_mut().unwrap().1;
                document.extend(
                    block.frames.iter().map(|frame| (block.track_number, frame.data.clone().unwrap_or_default())),
                );
            }
            _ => {}
        }
    }
    documents
}

/// Three fragments in each of the shapes that the service's producers give them.
fn bodies() -> Vec<KvsBody> {
    let unknown: Vec<_> = (1..4).map(Fragment::new).collect();
    let known: Vec<_> = unknown
        .iter()
        .cloned()
        .map(|mut fragment| {
            fragment.cluster_size = Size::Minimal;
            fragment
        })
        .collect();
    vec![body(&unknown), body(&known)]
}

fn expected(body: &KvsBody) -> Vec<(u64, Vec<(u64, Bytes)>)> {
    let whole = frames(&events_whole(&body.bytes));
    assert_eq!(whole.len(), 3);
    assert!(whole.iter().all(|(_, frames)| frames.len() == 5));
    assert!(whole.iter().zip(&body.fragments).all(|((at, _), range)| *at == range.start as u64));
    whole
}

#[test]
fn cut_at_every_byte() {
    for body in bodies() {
        let whole: Vec<Event> = events_whole(&body.bytes);
        let boundaries = boundaries(&body);
        for cut in 0..body.bytes.len() {
            let data = &body.bytes[..cut];
            let found = events_whole(data);
            let blocks = |events: &[Event], until: u64| -> Vec<Event> {
                let inside = |event: &&Event| match event {
                    Event::Block(block) => {
                        let last = block.frames.last().unwrap();
                        last.offset + last.stored_len <= until
                    }
                    _ => false,
                };
                events.iter().filter(inside).cloned().collect()
            };
            // Every block that lies whole before the cut, and nothing else.
            assert_eq!(blocks(&found, u64::MAX), blocks(&whole, cut as u64), "cut at {cut}");
            // What is cut off is named, to the last byte.
            let damage: Vec<_> = found
                .iter()
                .filter_map(|event| match event {
                    Event::Damage { offset, length, error } => Some((*offset, *length, error.kind)),
                    _ => None,
                })
                .collect();
            let boundary = cut == 0 || boundaries.contains(&cut);
            match damage[..] {
                [] => assert!(boundary, "cut at {cut}"),
                [(offset, length, kind)] => {
                    assert_eq!((offset + length, kind), (cut as u64, ErrorKind::Truncated), "cut at {cut}");
                    assert!(!boundary, "cut at {cut}");
                }
                _ => panic!("cut at {cut}: {damage:?}"),
            }
            if cut % 37 == 0 {
                assert_eq!(events(data.chunks(5)), found);
            }
        }
    }
}

/// Where an element may end without anything being cut: around the children of Segments and Clusters.
fn boundaries(body: &KvsBody) -> BTreeSet<usize> {
    let mut around = Vec::new();
    let mut found = BTreeSet::new();
    for at in &body.elements {
        around.truncate(at.depth);
        if around.last().is_none_or(|parent| [ids::SEGMENT, ids::CLUSTER].contains(parent)) {
            let open = [ids::SEGMENT, ids::CLUSTER].contains(&at.id);
            found.insert(if open { at.offset + at.header_len } else { at.end });
        }
        around.push(at.id);
    }
    found
}

fn fragment_of(body: &KvsBody, at: usize) -> usize {
    body.fragments.iter().position(|range: &Range<usize>| range.contains(&at)).unwrap()
}

#[test]
fn each_bit_of_the_structure_flipped() {
    for body in bodies() {
        let whole = expected(&body);
        for (at, bit, data) in bit_flips(&body.bytes, body.structure()) {
            let damaged = fragment_of(&body, at);
            let found = frames(&events_whole(&data));
            for (index, document) in whole.iter().enumerate() {
                if index != damaged {
                    let place = found.iter().find(|(offset, _)| *offset == document.0);
                    assert_eq!(place, Some(document), "byte {at} bit {bit}: fragment {index}");
                }
            }
            if bit == 3 && at % 5 == 0 {
                assert_eq!(frames(&events(data.chunks(7))), found, "byte {at} bit {bit}");
            }
        }
    }
}

/// Real bodies: the first three fragments of each, every bit that is not a frame's. Some minutes.
#[test]
fn each_bit_of_the_structure_of_the_collection_flipped() {
    let Some(media) = media() else { return };
    let mut wrong = Vec::new();
    for folder in ["kvs/fixtures", "generated/kvs", "kvs/getmedia"] {
        for path in files(&media.join(folder), |path| path.extension().is_some_and(|extension| extension == "mkv")) {
            let mut data = std::fs::read(&path).unwrap();
            let starts: Vec<u64> = frames(&events_whole(&data)).iter().map(|(at, _)| *at).collect();
            if let Some(end) = starts.get(3) {
                data.truncate(*end as usize);
            }
            if data.len() > 300_000 || starts.len() < 2 {
                continue;
            }
            let whole = events_whole(&data);
            if whole.iter().any(|event| matches!(event, Event::Damage { .. })) {
                continue;
            }
            let mut payload = vec![false; data.len()];
            for event in &whole {
                let Event::Block(block) = event else { continue };
                for frame in &block.frames {
                    payload[frame.offset as usize..][..frame.stored_len as usize].fill(true);
                }
            }
            let whole = frames(&whole);
            let structure = (0..data.len()).filter(|at| !payload[*at]).map(|at| at..at + 1).collect::<Vec<_>>();
            let mut count = 0;
            for (at, bit, data) in bit_flips(&data, structure) {
                count += 1;
                let found = frames(&events_whole(&data));
                let damaged = whole.iter().rposition(|(offset, _)| *offset <= at as u64).unwrap();
                for (index, document) in whole.iter().enumerate() {
                    if index != damaged && found.iter().find(|(offset, _)| *offset == document.0) != Some(document) {
                        wrong.push(format!("{} byte {at} bit {bit}: fragment {index}", path.display()));
                    }
                }
            }
            println!("{}: {count} flips", path.display());
        }
    }
    assert!(wrong.is_empty(), "{} wrong, such as {:#?}", wrong.len(), &wrong[..wrong.len().min(40)]);
}

#[test]
fn no_damage_brings_it_down() {
    damaged_files(&testdata().join("malformed"));
}

#[test]
fn no_damage_of_the_collection_brings_it_down() {
    if let Some(media) = media() {
        damaged_files(&media.join("malformed"));
    }
}

fn damaged_files(folder: &Path) {
    let all = files(folder, |path| path.extension().is_some_and(|extension| extension != "tsv"));
    assert!(!all.is_empty());
    for path in all {
        let data = std::fs::read(&path).unwrap();
        let found = events_whole(&data);
        // Each byte is either told or lost, none twice: places go up, but where an element turned out to be none.
        let made: u64 = found.iter().map(made).sum();
        assert!(made <= 64 << 20, "{}: {made}", path.display());
        assert!(found.len() <= data.len() / 2 + 16, "{}: {} events", path.display(), found.len());
    }
}

/// Bytes of frames that an event holds.
fn made(event: &Event) -> u64 {
    match event {
        Event::Block(block) => {
            block.frames.iter().filter_map(|frame| frame.data.as_ref().ok()).map(|data| data.len() as u64).sum()
        }
        _ => 0,
    }
}
