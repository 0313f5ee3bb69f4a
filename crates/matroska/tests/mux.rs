//! What the muxer writes, read again by the demuxer.

mod common;

use std::sync::Arc;

use bytes::Bytes;
use common::{events, events_whole, testdata};
use kineframe_matroska::{
    BlockOrigin, ElementId, ElementSize, ErrorKind, Event, Info, Limits, MuxFrame, MuxOptions, Muxer, SegmentTicks,
    SimpleTag, Sink, TagValue, TimestampScale, TrackEntry, TrackType, Tracks, ids,
};

/// All that a muxer wrote, patches in place.
fn written(mut muxer: Muxer) -> Vec<u8> {
    let mut file = muxer.take_chunks().concat();
    let end = muxer.finish().unwrap();
    file.extend(end.chunks.concat());
    assert_eq!(file.len() as u64, end.length);
    for patch in end.patches {
        let place = &mut file[patch.offset as usize..][..patch.bytes.len()];
        place.copy_from_slice(&patch.bytes);
    }
    file
}

fn clean(file: &[u8]) -> Vec<Event> {
    let events = events_whole(file);
    for event in &events {
        let wrong = match event {
            Event::Damage { .. } => true,
            Event::Skipped { reason, .. } => reason.is_some(),
            Event::ClusterEnd { complete, .. } | Event::SegmentEnd { complete, .. } => !complete,
            _ => false,
        };
        assert!(!wrong, "{event:?}");
    }
    events
}

fn frames(events: &[Event]) -> Vec<(u64, i64, bool, Bytes)> {
    let blocks = events.iter().filter_map(|event| match event {
        Event::Block(block) => Some(block),
        _ => None,
    });
    let frames = blocks.flat_map(|block| {
        let time = block.timestamp.unwrap().0;
        block.frames.iter().map(move |frame| (block.track_number, time, block.keyframe, frame.data.clone().unwrap()))
    });
    frames.collect()
}

fn find<'a, T>(events: &'a [Event], pick: impl Fn(&'a Event) -> Option<T>) -> T {
    events.iter().find_map(pick).unwrap()
}

fn tracks(events: &[Event]) -> &Arc<Tracks> {
    find(events, |event| if let Event::Tracks(tracks) = event { Some(tracks) } else { None })
}

fn info(events: &[Event]) -> &Arc<Info> {
    find(events, |event| if let Event::Info(info) = event { Some(info) } else { None })
}

/// The documents of a body, each with its events.
fn documents(events: Vec<Event>) -> Vec<Vec<Event>> {
    let mut documents: Vec<Vec<Event>> = Vec::new();
    for event in events {
        if matches!(event, Event::EbmlHeader(_)) {
            documents.push(Vec::new());
        }
        documents.last_mut().unwrap().push(event);
    }
    documents
}

#[test]
fn documents_of_captures_written_again() {
    for name in [
        "captures/output_get_media.mkv",
        "captures/output-get-media-non-increasing-timecode.mkv",
        "generated/h264-high-bframes-aac.mkv",
        "generated/lacing-xiph.mkv",
        "generated/nul-padded-strings.mkv",
        "generated/timestampscale-90khz.mkv",
    ] {
        for sink in [Sink::Seekable, Sink::Stream] {
            for document in documents(events_whole(&std::fs::read(testdata().join(name)).unwrap())) {
                let expected = frames(&document);
                let mut options = MuxOptions::default();
                options.sink = sink;
                options.timestamp_scale = info(&document).timestamp_scale;
                let entries = &tracks(&document).entries;
                let mut muxer = Muxer::new(options, entries).unwrap();
                for (track, time, key, data) in &expected {
                    muxer.frame(MuxFrame::new(*track, SegmentTicks(*time), *key, data.clone())).unwrap();
                }
                let again = clean(&written(muxer));
                assert_eq!(frames(&again), expected, "{name}");
                let other = &tracks(&again).entries;
                for (entry, other) in entries.iter().zip(other) {
                    assert_eq!(other.codec_id, entry.codec_id);
                    assert_eq!(other.codec_private, entry.codec_private);
                    assert_eq!((&other.video, &other.audio, &other.name), (&entry.video, &entry.audio, &entry.name));
                    assert!(other.encodings.is_empty() && other.uid.is_some());
                }
                let size = find(&again, |event| match event {
                    Event::SegmentStart { size, .. } => Some(*size),
                    _ => None,
                });
                assert_eq!(size == ElementSize::Unknown, sink == Sink::Stream);
                assert_eq!(info(&again).duration.is_some(), sink == Sink::Seekable && expected.len() > 1);
            }
        }
    }
}

#[test]
fn payloads_are_the_callers_handles() {
    let mut muxer = Muxer::new(MuxOptions::default(), &[TrackEntry::new(1, TrackType::VIDEO, "V_VP9")]).unwrap();
    let data = Bytes::from(vec![7; 100_000]);
    muxer.frame(MuxFrame::new(1, SegmentTicks(0), true, data.clone())).unwrap();
    let chunks = muxer.finish().unwrap().chunks;
    assert!(chunks.iter().any(|chunk| chunk.as_ptr() == data.as_ptr() && chunk.len() == data.len()));
}

#[test]
fn times_in_any_order_over_many_clusters() {
    let mut options = MuxOptions::default();
    options.timestamp_scale = TimestampScale(100_000.try_into().unwrap());
    let mut muxer = Muxer::new(options, &[TrackEntry::new(1, TrackType::VIDEO, "V_VP9")]).unwrap();
    let mut expected = Vec::new();
    for index in 0..600i64 {
        // As with B frames: 0 3 1 2 6 4 5 …
        let time = 333 * (index / 3 * 3 + [2, 0, 1][index as usize % 3]);
        let data = Bytes::from(index.to_be_bytes().to_vec());
        expected.push((1, time, index % 30 == 0, data.clone()));
        muxer.frame(MuxFrame::new(1, SegmentTicks(time), index % 30 == 0, data)).unwrap();
    }
    let file = written(muxer);
    let events = clean(&file);
    assert_eq!(frames(&events), expected);
    assert_eq!(info(&events).duration, Some(333.0 * 600.0));
    let clusters = events.iter().filter(|event| matches!(event, Event::ClusterStart { .. })).count();
    assert!(clusters > 10, "{clusters}");
    assert_eq!(cues(&file), (20, 20));
}

/// The number of cues, and of those that point at a block of that time which is a key frame.
fn cues(file: &[u8]) -> (usize, usize) {
    let events = clean(file);
    let segment = find(&events, |event| match event {
        Event::SegmentStart { offset, .. } => Some(*offset + 12),
        _ => None,
    });
    let skipped = |wanted: ElementId| {
        find(&events, |event| match event {
            Event::Skipped { id, offset, size, .. } if *id == wanted => Some((*offset, size.known().unwrap())),
            _ => None,
        })
    };
    // The SeekHead tells where the Cues are.
    let (at, _) = skipped(ids::CUES);
    let (seek_head, _) = skipped(ids::SEEK_HEAD);
    assert_eq!(seek_head, segment);
    let head = &file[seek_head as usize..][..200];
    let place = head.windows(7).position(|bytes| bytes == [0x53, 0xAB, 0x84, 0x1C, 0x53, 0xBB, 0x6B]).unwrap();
    let position = u64::from_be_bytes(head[place + 10..place + 18].try_into().unwrap());
    assert_eq!(segment + position, at);

    let header = kineframe_ebml::parse_header(&file[at as usize..], at, &Limits::default()).unwrap().unwrap();
    let data = &file[header.data_offset() as usize..header.end_offset().unwrap() as usize];
    let (mut all, mut right) = (0, 0);
    for point in kineframe_ebml::children(data, 0, &Limits::default()) {
        let (mut time, mut cluster, mut relative) = (0, 0, 0);
        for child in point.unwrap().children().unwrap() {
            let child = child.unwrap();
            if child.id() == ids::CUE_TIME {
                time = child.unsigned().unwrap();
                continue;
            }
            for child in child.children().unwrap() {
                let child = child.unwrap();
                match child.id() {
                    ids::CUE_CLUSTER_POSITION => cluster = child.unsigned().unwrap(),
                    ids::CUE_RELATIVE_POSITION => relative = child.unsigned().unwrap(),
                    _ => assert_eq!((child.id(), child.unsigned().unwrap()), (ids::CUE_TRACK, 1)),
                }
            }
        }
        all += 1;
        let at = segment + cluster;
        let header = kineframe_ebml::parse_header(&file[at as usize..], at, &Limits::default()).unwrap().unwrap();
        assert_eq!(header.id, ids::CLUSTER);
        let target = header.data_offset() + relative;
        right += usize::from(events.iter().any(|event| match event {
            Event::Block(block) => {
                block.offset == target && block.keyframe && block.timestamp == Some(SegmentTicks(time as i64))
            }
            _ => false,
        }));
    }
    (all, right)
}

#[test]
fn tags_with_their_nesting() {
    let tag = |name: &str, value| SimpleTag { name: name.into(), value };
    let list = vec![
        tag("A", TagValue::String("one".into())),
        tag("A/B", TagValue::Absent),
        tag("A/B/C", TagValue::String("ünï".into())),
        tag("A/D", TagValue::Binary(Bytes::from_static(b"\0\x01"))),
        tag("A", TagValue::String(String::new())),
    ];
    let mut muxer = Muxer::new(MuxOptions::default(), &[TrackEntry::new(3, TrackType::AUDIO, "A_OPUS")]).unwrap();
    muxer.tags(&list).unwrap();
    muxer.frame(MuxFrame::new(3, SegmentTicks(5), true, Bytes::from_static(b"x"))).unwrap();
    muxer.tags(&list[..1]).unwrap();
    let file = written(muxer);
    let found: Vec<_> = clean(&file)
        .into_iter()
        .filter_map(|event| match event {
            Event::Tags(tags) => Some(tags.tags),
            _ => None,
        })
        .collect();
    assert_eq!(found, [list.clone(), list[..1].to_vec()]);
    // However it is cut, of course.
    assert_eq!(events(file.chunks(3)), events_whole(&file));
}

#[test]
fn groups_for_what_a_simple_block_cannot_say() {
    let mut muxer = Muxer::new(MuxOptions::default(), &[TrackEntry::new(200, TrackType::VIDEO, "V_VP8")]).unwrap();
    for (index, key) in [true, false].into_iter().enumerate() {
        let mut frame = MuxFrame::new(200, SegmentTicks(index as i64 * 40), key, Bytes::from_static(b"frame"));
        frame.duration = Some(40);
        muxer.frame(frame).unwrap();
    }
    let events = clean(&written(muxer));
    let origins: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::Block(block) => Some((block.keyframe, block.origin.clone())),
            _ => None,
        })
        .collect();
    let group = |references: Vec<i64>| BlockOrigin::Group { duration: Some(40), references, discard_padding: None };
    assert_eq!(origins, [(true, group(vec![])), (false, group(vec![-40]))]);
    assert_eq!(info(&events).duration, Some(80.0));
}

#[test]
fn misuse_is_said() {
    let kind = |result: Result<Muxer, kineframe_matroska::Error>| result.err().map(|error| error.kind);
    assert!(matches!(kind(Muxer::new(MuxOptions::default(), &[])), Some(ErrorKind::Misuse(_))));
    let twice = [TrackEntry::new(1, TrackType::VIDEO, "V_VP8"), TrackEntry::new(1, TrackType::AUDIO, "A_OPUS")];
    assert!(matches!(kind(Muxer::new(MuxOptions::default(), &twice)), Some(ErrorKind::Misuse(_))));
    let mut muxer = Muxer::new(MuxOptions::default(), &twice[..1]).unwrap();
    assert!(muxer.frame(MuxFrame::new(2, SegmentTicks(0), true, Bytes::new())).is_err());
    assert!(muxer.frame(MuxFrame::new(1, SegmentTicks(-1), true, Bytes::new())).is_err());
    // Nothing but the head: legal, and without a Duration.
    assert_eq!(info(&clean(&written(muxer))).duration, None);
}
