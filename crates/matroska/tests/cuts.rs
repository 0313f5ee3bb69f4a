//! The same events however the bytes are cut, and how often a byte is copied.

mod common;

use std::path::Path;

use bytes::Bytes;
use common::{events, events_whole, files, media, testdata};
use kineframe_matroska::{DemuxOptions, Demuxer, Event, Recover};
use kineframe_testkit::{PIECE_SIZES, assert_items_eq, cuttings, pieces};

fn same_events(path: &Path, random: usize) {
    let data = std::fs::read(path).unwrap();
    let whole = events_whole(&data);
    for (label, pieces) in cuttings(&data, random, 1) {
        assert_items_eq(&whole, &events(pieces), &format!("{}, {label}", path.display()));
    }
}

fn is_media(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| ["mkv", "webm", "mka", "mks", "mk3d"].iter().any(|known| extension == *known))
}

#[test]
fn files_kept_with_the_sources() {
    let all = files(&testdata(), is_media);
    assert!(all.len() > 100, "{}", all.len());
    for path in all {
        let data = std::fs::read(&path).unwrap();
        if data.len() < 30_000 {
            same_events(&path, 3);
        } else {
            // The long ones in fewer ways.
            let whole = events_whole(&data);
            for size in [7, 1024, 65_536] {
                assert_items_eq(&whole, &events(data.chunks(size)), &format!("{}, pieces of {size}", path.display()));
            }
        }
    }
}

#[test]
fn a_thousand_random_cuts_of_the_collection() {
    let Some(media) = media() else { return };
    for folder in ["kvs", "generated/kvs", "matroska", "malformed"] {
        for path in files(&media.join(folder), is_media) {
            let size = path.metadata().unwrap().len();
            same_events(&path, if size > 1 << 20 { 50 } else { 1000 });
        }
    }
}

#[test]
fn a_byte_is_copied_once_at_most() {
    for name in ["captures/output_get_media.mkv", "generated/h264-baseline-known-cluster.mkv"] {
        let data = Bytes::from(std::fs::read(testdata().join(name)).unwrap());
        let whole = counted(&data, data.len());
        assert_eq!(whole.copied, 0, "{name}");
        for size in PIECE_SIZES {
            let counts = counted(&data, size);
            assert!(counts.copied <= data.len() as u64, "{name}, pieces of {size}: {}", counts.copied);
            assert!(counts.owned + counts.shared == counts.frames, "{name}, pieces of {size}");
            if size == 1 {
                assert_eq!(counts.shared, 0, "{name}: a gathered frame has one owner");
            }
        }
    }
}

#[derive(Default)]
struct Counts {
    copied: u64,
    frames: u64,
    owned: u64,
    shared: u64,
}

fn counted(data: &Bytes, size: usize) -> Counts {
    let mut demuxer = Demuxer::new(DemuxOptions::default());
    let mut counts = Counts::default();
    for piece in pieces(data, size) {
        demuxer.push(data.slice_ref(piece));
        while let Some(event) = demuxer.next_event().unwrap() {
            let Event::Block(block) = event else { continue };
            for frame in block.frames {
                counts.frames += 1;
                match frame.data.unwrap().try_into_mut() {
                    Ok(_) => counts.owned += 1,
                    Err(_) => counts.shared += 1,
                }
            }
        }
        assert!(demuxer.held_bytes() < (1 << 20) + piece.len() as u64, "{}", demuxer.held_bytes());
    }
    counts.copied = demuxer.copied_bytes();
    counts
}

#[test]
fn stopping_at_damage_and_going_on_tells_the_same() {
    for path in files(&testdata().join("malformed"), is_media) {
        let data = Bytes::from(std::fs::read(&path).unwrap());
        let mut demuxer = Demuxer::new(DemuxOptions::default().recover(Recover::Stop));
        let (mut found, mut errors) = (Vec::new(), Vec::new());
        let mut read = |demuxer: &mut Demuxer| {
            loop {
                match demuxer.next_event() {
                    Ok(Some(event)) => found.push(event),
                    Ok(None) => break,
                    Err(error) => {
                        // It refuses until it is told to go on.
                        assert!(demuxer.next_event().is_err());
                        errors.push(error);
                        demuxer.resync();
                    }
                }
            }
        };
        demuxer.push(data.clone());
        read(&mut demuxer);
        demuxer.finish();
        read(&mut demuxer);
        assert_items_eq(&events_whole(&data), &found, &path.display().to_string());
        let told: Vec<_> = found
            .into_iter()
            .filter_map(|event| match event {
                Event::Damage { error, .. } => Some(error),
                _ => None,
            })
            .collect();
        assert_eq!(told, errors);
    }
}

#[test]
fn an_element_longer_than_what_is_kept_is_passed_over() {
    let mut data = std::fs::read(testdata().join("fixtures/multi-cluster.mkv")).unwrap();
    let whole = events_whole(&data);
    let at = whole.iter().find_map(|event| match event {
        Event::ClusterStart { offset, .. } => Some(*offset as usize),
        _ => None,
    });
    let void = [&[0xEC, 0x10, 0x03, 0x00, 0x00][..], &[0; 0x3_0000]].concat();
    data.splice(at.unwrap()..at.unwrap(), void);
    let mut options = DemuxOptions::default();
    options.keep = 1 << 10;
    let mut demuxer = Demuxer::new(options);
    let mut blocks = 0;
    for piece in data.chunks(500) {
        demuxer.push(Bytes::copy_from_slice(piece));
        while let Some(event) = demuxer.next_event().unwrap() {
            blocks += u64::from(matches!(event, Event::Block(_)));
        }
        assert!(demuxer.held_bytes() < 4 << 10);
    }
    demuxer.finish();
    while let Some(event) = demuxer.next_event().unwrap() {
        assert!(!matches!(event, Event::Damage { .. }));
    }
    assert_eq!(blocks, 4);
}
