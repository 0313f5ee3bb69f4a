//! Without payload: the same events but for the bytes of frames, and little held however long the frames are.

mod common;

use std::path::Path;

use bytes::Bytes;
use common::{events_whole, events_with, files, testdata};
use kineframe_matroska::{DemuxOptions, Demuxer, Event, Payload, Recover};
use kineframe_testkit::{Fragment, Frame, KvsBody, PIECE_SIZES, assert_items_eq, bit_flips, body};

fn is_media(path: &Path) -> bool {
    path.extension().is_some_and(|extension| ["mkv", "webm", "mka"].iter().any(|known| extension == *known))
}

/// Events as they are without payload: frames are empty, but for those that cannot be had.
fn emptied(mut events: Vec<Event>) -> Vec<Event> {
    for event in &mut events {
        let Event::Block(block) = event else { continue };
        for frame in block.frames.iter_mut() {
            if let Ok(data) = &mut frame.data {
                *data = Bytes::new();
            }
        }
    }
    events
}

fn skimmed<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Event> {
    let options = DemuxOptions::default().recover(Recover::Resync).payload(Payload::Skip);
    // Laced frames and those with zlib are gathered all the same.
    emptied(events_with(options, pieces))
}

#[test]
fn all_but_the_payload_is_the_same() {
    for path in files(&testdata(), is_media) {
        let data = std::fs::read(&path).unwrap();
        let whole = emptied(events_whole(&data));
        let sizes = if data.len() < 30_000 { &PIECE_SIZES[..] } else { &[1021, 65_536] };
        for size in sizes {
            assert_items_eq(&whole, &skimmed(data.chunks(*size)), &format!("{}, pieces of {size}", path.display()));
        }
    }
}

#[test]
fn frames_that_are_not_whole_zlib_streams_are_noticed() {
    let data = std::fs::read(testdata().join("malformed/values/027-encoding-zlib-not-zlib.mkv")).unwrap();
    let refused = skimmed(data.chunks(100)).into_iter().filter_map(|event| match event {
        Event::Block(block) => Some(block.frames.iter().filter(|frame| frame.data.is_err()).count()),
        _ => None,
    });
    assert!(refused.sum::<usize>() > 2);
}

fn long(frame: usize, group: bool) -> KvsBody {
    let fragment = |index| {
        let mut fragment = Fragment::new(index);
        let frames = (0..6).map(|n| Frame::new(1, 40 * n, n == 0, vec![0x11; frame]));
        fragment.frames = frames.map(|frame| if group { frame.grouped(Some(40)) } else { frame }).collect();
        fragment
    };
    body(&[fragment(0), fragment(1)])
}

#[test]
fn damaged_structure_is_found_alike() {
    for group in [false, true] {
        let body = long(40, group);
        for (at, bit, data) in bit_flips(&body.bytes, body.structure()).step_by(7) {
            let whole = emptied(events_whole(&data));
            assert_items_eq(&whole, &skimmed([&data[..]]), &format!("byte {at}, bit {bit}, whole"));
            assert_items_eq(&whole, &skimmed(data.chunks(5)), &format!("byte {at}, bit {bit}, pieces of 5"));
        }
        for end in (0..body.bytes.len()).step_by(3) {
            let data = &body.bytes[..end];
            assert_items_eq(&emptied(events_whole(data)), &skimmed(data.chunks(11)), &format!("cut at {end}"));
        }
    }
}

/// The most that is held while a body with long frames comes in as from a socket.
fn held(group: bool, payload: Payload) -> u64 {
    const FRAME: usize = 3 << 20;
    let data = long(FRAME, group).bytes;
    let mut options = DemuxOptions::default().payload(payload);
    options.keep = 1 << 20;
    let mut demuxer = Demuxer::new(options);
    let (mut most, mut stored) = (0, 0);
    for piece in data.chunks(64 << 10) {
        demuxer.push(Bytes::copy_from_slice(piece));
        while let Some(event) = demuxer.next_event().unwrap() {
            if let Event::Block(block) = event {
                stored += block.frames.iter().map(|frame| frame.stored_len).sum::<u64>();
            }
        }
        most = most.max(demuxer.held_bytes());
    }
    assert_eq!(stored, 12 * FRAME as u64);
    most
}

#[test]
fn no_frame_is_held() {
    assert!(held(false, Payload::Keep) > 3 << 20);
    assert!(held(false, Payload::Skip) < 2 << 20);
    assert!(held(true, Payload::Skip) < 4 << 20, "the group, and nothing beside it");
}
