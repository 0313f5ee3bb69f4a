//! Real bodies through the whole way, with a back end that decodes nothing: order, choice, counts, copies.

mod common;

use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use common::{fake, list, options, read, run, testdata};
use kineframe_codec::fake::FakeFactory;
use kineframe_codec::{DecodeErrorKind, Decoders, Framing, PacketId, Picture, Recovery};
use kineframe_consumer::{
    At, ConsumerError, DropReason, FragmentRef, MediaTime, Notice, Options, PictureInfo, Pictures, Range, Selection,
    TrackChoice,
};
use kineframe_source::{Chopped, FaultKind, Faulty, File, Memory, SourceErrorKind, Trigger};

const CAPTURE: &str = "captures/output_get_media.mkv";
const SIZES: [usize; 8] = [1, 2, 3, 7, 188, 1024, 8192, 65_536];

#[test]
fn the_same_comes_out_however_it_is_cut_and_decoded() {
    for name in ["generated/h264-high-bframes-aac.mkv", "generated/not-at-key-frame.mkv", "generated/ends-in-block.mkv"]
    {
        let body = Memory::new(name, read(name));
        let expected = run(&body, options(fake(), 1));
        assert!(expected.items.len() > 50, "{name}: {:?}", expected.summary);
        for threads in [1, 2, 4] {
            for size in SIZES {
                let found = run(&Chopped::every(body.clone(), size), options(fake(), threads));
                assert_eq!(found.items, expected.items, "{name}, {threads} threads, pieces of {size}");
                assert_eq!(found.notices, expected.notices);
                let copied = found.summary.bytes_copied;
                assert_eq!(
                    found.summary,
                    kineframe_consumer::Summary { bytes_copied: copied, ..expected.summary.clone() }
                );
            }
        }
    }
}

#[test]
fn a_real_capture_is_counted() {
    let run = run(&File::new(testdata(CAPTURE)), options(fake(), 3));
    let summary = &run.summary;
    assert_eq!((summary.pictures, summary.frames_seen, summary.frames_decoded), (300, 300, 300));
    assert_eq!((summary.fragments, summary.bytes_read, summary.bytes_skipped), (5, 2_503_485, 0));
    assert_eq!((summary.frames_dropped.len(), summary.damage.len()), (0, 0));
    assert_eq!(run.error, None);
    let first = &run.items[0].info;
    assert_eq!(first.fragment.number.as_ref().map(|number| number.as_str().len()), Some(47));
    assert_eq!(first.producer_time.and_then(|time| time.to_rfc3339()).as_deref(), Some("2017-11-28T06:55:08.513Z"));
    let keys: Vec<u64> = run.items.iter().filter(|item| item.info.keyframe).map(|item| item.info.frame).collect();
    assert!(keys.len() >= 5 && keys[0] == 0, "{keys:?}");
}

#[test]
fn only_what_is_needed_is_decoded() {
    let body = Memory::new(CAPTURE, read(CAPTURE));
    let keyframes = run(&body, options_with(Selection::keyframes(), 2));
    assert_eq!(keyframes.summary.frames_decoded, keyframes.summary.pictures);
    assert!(keyframes.items.iter().all(|item| item.info.keyframe));

    let all = run(&body, options(fake(), 1));
    let third = run(&body, options_with(Selection::one_in(3), 1));
    let expected: Vec<_> = all.items.iter().step_by(3).map(|item| item.info.clone()).collect();
    assert_eq!(third.items.iter().map(|item| item.info.clone()).collect::<Vec<_>>(), expected);

    let limited = run(&body, options_with(Selection::one_in(3).limit(4), 2));
    assert_eq!(limited.items[..], third.items[..4]);
    assert!(limited.summary.bytes_read <= all.summary.bytes_read && limited.summary.frames_decoded < 20);
}

fn options_with(selection: Selection, threads: usize) -> Options {
    let mut options = options(fake(), threads);
    options.selection = selection;
    options
}

#[test]
fn pictures_are_chosen_by_time_and_fragment() {
    let body = Memory::new(CAPTURE, read(CAPTURE));
    let all = run(&body, options(fake(), 1));
    let number = all.items[130].info.fragment.number.clone().unwrap();
    let fragment = FragmentRef::Number(number.clone());
    let chosen = run(&body, options_with(Selection { fragments: vec![fragment.clone()], ..Selection::all() }, 2));
    assert!(chosen.items.iter().all(|item| item.info.fragment.number.as_ref() == Some(&number)));
    assert_eq!(chosen.items.len(), 60);
    assert!(chosen.summary.frames_seen < 300, "reading ends behind the fragment");

    let wall = all.items[77].info.producer_time.unwrap().0;
    let selection = Selection {
        at: vec![
            At::Time(MediaTime::Wall(wall + 1)),
            At::Offset { fragment: fragment.clone(), offset: i64::MAX },
            At::First(fragment),
        ],
        ..Selection::all()
    };
    let chosen = run(&body, options_with(selection, 2));
    let places: Vec<(u64, u64)> = chosen.items.iter().map(|item| (item.info.fragment.index, item.info.frame)).collect();
    assert_eq!(places, [(1, 17), (2, 0), (2, 59)]);

    let mut ranged = options(fake(), 1);
    ranged.range =
        Range { from: Some(MediaTime::Elapsed(1_000_000_000)), to: Some(MediaTime::Wall(wall)), ..Range::default() };
    let ranged = run(&body, ranged);
    assert!(ranged.items.iter().all(|item| item.info.elapsed.unwrap() >= 1_000_000_000));
    assert_eq!(ranged.items.last().unwrap().info, all.items[76].info, "half open");
    let every = run(&body, options_with(Selection::every(Duration::from_secs(1)), 1));
    assert_eq!(every.items.len(), 10, "a capture of ten seconds");
}

#[test]
fn b_frames_are_counted_in_presentation_order() {
    let body = Memory::new("b", read("generated/h264-main-bframes.mkv"));
    let chosen = run(&body, options_with(Selection { one_in: NonZeroU64::new(4), ..Selection::all() }, 1));
    let times: Vec<i128> = chosen.items.iter().map(|item| item.info.elapsed.unwrap()).collect();
    assert_eq!(times.len(), 15);
    // The fake hands pictures out in stored order; sorted, their times are every fourth of an even grid.
    let mut sorted = times;
    sorted.sort_unstable();
    let steps: Vec<i128> = sorted.windows(2).map(|pair| (pair[1] - pair[0] + 500_000) / 1_000_000).collect();
    assert!(steps.iter().all(|step| step.abs_diff(steps[0]) <= 1), "{steps:?}");
}

/// Streams with lengths of four bytes, which become start codes: in place where the frame was gathered, else into a
/// buffer of their own. And one with start codes, which the decoder takes as they are.
#[test]
fn each_compressed_byte_is_copied_once_at_most() {
    for (name, frames, threads, lengths) in [
        (CAPTURE, 300, 1..=1, true),
        ("generated/h264-baseline-known-cluster.mkv", 60, 1..=2, true),
        ("generated/h264-annexb-private.mkv", 60, 1..=2, false),
    ] {
        let data = read(name);
        for size in SIZES.into_iter().chain([1 << 20, data.len()]) {
            let what = format!("{name}, pieces of {size}");
            let expected = split(&data, size);
            let body = Chopped::every(Memory::new(name, data.clone()), size);
            for threads in threads.clone() {
                let list = list(FakeFactory::new("annex-b").framing_of(Framing::StartCodes));
                let found = run(&body, options(list, threads));
                assert_eq!((found.items.len(), expected.frames), (frames, frames), "{what}");
                let copied = found.summary.bytes_copied;
                let in_decoding = copied.checked_sub(expected.copied).expect("what was gathered is counted");
                let shared = expected.payload - expected.gathered;
                assert_eq!(in_decoding, if lengths { shared } else { 0 }, "{what}, {threads} threads");
                // What else is gathered, headers of blocks and tags, is no more than what there is of it.
                assert!(expected.copied - expected.gathered <= data.len() as u64 - expected.payload, "{what}");
                assert!(copied <= data.len() as u64, "{what}: {copied} bytes copied");
            }
        }
    }
}

/// The same of MP4: what lies across pieces is gathered, the rest rewritten into a buffer of its own.
#[test]
fn what_is_copied_of_mp4_is_counted() {
    let file = mp4("generated/h264-baseline-known-cluster.mkv");
    for wanted in [2_000, 8_192, file.len()] {
        // The last piece is not so short that it is joined to the one before.
        let size = (wanted..=file.len()).find(|size| !(1..1024).contains(&(file.len() % size))).expect("a size");
        let expected = split(&file, size);
        assert_eq!(expected.gathered > 0, size < file.len());
        for threads in 1..=2 {
            let list = list(FakeFactory::new("annex-b").framing_of(Framing::StartCodes));
            let found = run(&Chopped::every(Memory::new("mp4", file.clone()), size), options(list, threads));
            let rewritten = expected.payload - expected.gathered;
            assert_eq!((found.items.len(), found.summary.bytes_copied), (60, expected.copied + rewritten), "{size}");
            assert!(expected.copied >= expected.gathered);
        }
    }
}

/// The frames of a body in an MP4 file.
fn mp4(name: &str) -> Vec<u8> {
    use kineframe_fragment::Event;
    use kineframe_mp4::{Layout, WriteFrame, Writer};

    let mut splitter = kineframe_mp4::AnySplitter::new(kineframe_fragment::Options::default());
    splitter.push(read(name).into());
    splitter.finish();
    let (mut writer, mut origin) = (None, None);
    while let Some(event) = splitter.next_event().unwrap() {
        match event {
            Event::Started(head) if writer.is_none() => {
                let tracks = head.tracks.as_ref().expect("tracks");
                writer = Some(Writer::new(Layout::MoovFirst, &tracks.entries).expect("tracks"));
            }
            Event::Frame(frame) => {
                let writer = writer.as_mut().expect("begun");
                let time = frame.producer_time.expect("a time").0;
                let time = i64::try_from(time - *origin.get_or_insert(time)).expect("within years");
                writer.frame(WriteFrame::new(frame.track_number, time, frame.keyframe, frame.data)).expect("a frame");
            }
            _ => {}
        }
    }
    writer.expect("begun").finish().expect("an end").chunks.concat()
}

/// What the splitter makes of a body in pieces of one size.
struct Cut {
    frames: usize,
    /// Bytes of all frames.
    payload: u64,
    /// Bytes of the frames that lie across pieces: those that are no slice of a piece.
    gathered: u64,
    /// Bytes that were gathered by the splitter's own count.
    copied: u64,
}

fn split(data: &[u8], size: usize) -> Cut {
    let mut splitter = kineframe_mp4::AnySplitter::new(kineframe_fragment::Options::default());
    let mut cut = Cut { frames: 0, payload: 0, gathered: 0, copied: 0 };
    for piece in data.chunks(size).map(bytes::Bytes::copy_from_slice).chain([bytes::Bytes::new()]) {
        splitter.push(piece.clone());
        if piece.is_empty() {
            splitter.finish();
        }
        while let Some(event) = splitter.next_event().unwrap() {
            if let kineframe_fragment::Event::Frame(frame) = event {
                cut.frames += 1;
                cut.payload += frame.data.len() as u64;
                if !piece.as_ptr_range().contains(&frame.data.as_ptr()) {
                    cut.gathered += frame.data.len() as u64;
                }
            }
        }
    }
    cut.copied = splitter.bytes_copied();
    cut
}

#[test]
fn a_back_end_that_gives_up_in_the_middle_of_a_body_costs_no_picture() {
    let body = Memory::new(CAPTURE, read(CAPTURE));
    let expected = run(&body, options(fake(), 1));
    for threads in [1, 2, 3] {
        // Packet numbers are each worker's own: this one fails somewhere in the first groups of each.
        let shaky = FakeFactory::new("shaky").holding_back(3).failing_at(
            PacketId(40),
            DecodeErrorKind::Internal("tired".to_owned()),
            Recovery::Reopen,
        );
        let decoders = Decoders(vec![Arc::new(shaky), Arc::new(FakeFactory::new("steady"))]);
        let found = run(&body, options(decoders, threads));
        let infos = |run: &common::Run<String>| run.items.iter().map(|item| item.info.clone()).collect::<Vec<_>>();
        assert_eq!(infos(&found), infos(&expected), "{threads} threads");
        let switches = found.notices.iter().filter(|notice| matches!(notice, Notice::Switched { .. })).count();
        assert!((1..=threads).contains(&switches), "{:?}", found.notices);
    }
}

#[test]
fn what_cannot_be_decoded_says_why() {
    let refusing = || list(FakeFactory::new("picky").refusing("not on a Tuesday"));
    let found = run(&Memory::new("m", read(CAPTURE)), options(refusing(), 2));
    assert!(found.items.is_empty());
    assert_eq!(found.summary.frames_dropped.get(&DropReason::NoDecoder), Some(&300));
    let text = found.notices.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    assert!(text.contains("no back end decodes this h264 exactly: picky: not on a Tuesday"), "{text}");
    let found = run(&Memory::new("m", read("generated/vp9.mkv")), options(Decoders::default(), 1));
    assert_eq!(found.summary.frames_dropped.get(&DropReason::NoDecoder), Some(&60));
    assert!(found.notices[0].to_string().contains("vp9"), "{:?}", found.notices);
}

#[test]
fn tracks_are_chosen_and_the_others_named() {
    let body = Memory::new("two", read("generated/two-video-tracks.mkv"));
    let first = run(&body, options(fake(), 2));
    assert_eq!(first.items.len(), 60);
    assert!(matches!(&first.notices[0], Notice::Tracks { chosen, others } if chosen.len() == 1 && others.len() == 2));
    for threads in [1, 2, 4] {
        let mut all = options(fake(), threads);
        all.track = TrackChoice::AllVideo;
        let all = run(&body, all);
        assert_eq!(all.items.len(), 120, "{threads} threads");
        let own =
            |track: u64| all.items.iter().filter(move |item| item.info.track == track).map(|item| item.info.clone());
        let track = first.items[0].info.track;
        assert!(own(track).eq(first.items.iter().map(|item| item.info.clone())));
    }
    let mut third = options(fake(), 1);
    third.track = TrackChoice::Number(99);
    assert_eq!(run(&body, third).summary.frames_seen, 0);
}

#[test]
fn what_was_read_before_an_error_comes_out_first() {
    let body = Memory::new("m", read(CAPTURE));
    for threads in [1, 3] {
        let broken =
            Faulty::new(body.clone(), 1).with(FaultKind::Error("reset by peer".into()), Trigger::Bytes(1_300_000));
        let found = run(&broken, options(fake(), threads));
        assert!(found.items.len() > 120 && found.items.len() < 200, "{}", found.items.len());
        assert!(
            matches!(found.error, Some(ConsumerError::Source(ref error)) if matches!(error.kind, SourceErrorKind::Injected(_)))
        );
        assert!(found.notices.iter().any(|notice| matches!(notice, Notice::Truncated(_))));
    }
}

#[test]
fn damage_is_counted_and_what_follows_is_marked_up_to_the_next_key_frame() {
    // Four Clusters to a group of pictures: reading goes on at the next Cluster, without what was lost.
    let data = read("generated/multi-cluster-unknown.mkv");
    let clean = run(&Memory::new("m", data.clone()), options(fake(), 1));
    let at = clean.items[20].info.position;
    let lost = Faulty::new(Memory::new("m", data), 1).with(FaultKind::Lose(300), Trigger::Bytes(at));
    let found = run(&lost, options(fake(), 2));
    assert!(!found.summary.damage.is_empty() && found.summary.bytes_skipped > 0);
    assert!(found.items.len() < 60 && found.items.len() > 50, "{}", found.items.len());
    let marked: Vec<u64> =
        found.items.iter().filter(|item| item.damaged).map(|item| item.info.fragment.index).collect();
    assert!(!marked.is_empty() && marked.iter().all(|fragment| *fragment == 1), "{marked:?}");

    let mut strict = options(fake(), 2);
    strict.strict = true;
    let found = run(&lost, strict);
    assert!(matches!(found.error, Some(ConsumerError::Damaged(_) | ConsumerError::Strict(_))), "{:?}", found.error);
}

#[test]
fn dropping_the_pictures_ends_the_threads() {
    let body = Memory::new("m", read(CAPTURE));
    for threads in [1, 2, 4] {
        let seen = Arc::new(());
        let token = seen.clone();
        let work = move || {
            let token = token.clone();
            move |_: &PictureInfo, _: Picture<'_>| Arc::strong_count(&token)
        };
        let mut pictures = Pictures::open(&body, options(fake(), threads), work).unwrap();
        assert!(pictures.next().is_some());
        drop(pictures);
        assert_eq!(Arc::strong_count(&seen), 1, "all workers are gone");
    }
}

#[test]
fn a_panic_of_the_work_goes_on_in_the_caller() {
    let body = Memory::new("m", read(CAPTURE));
    for threads in [1, 2] {
        let work = || |info: &PictureInfo, _: Picture<'_>| assert!(info.frame < 30, "frame 30 is too much");
        let pictures = Pictures::open(&body, options(fake(), threads), work).unwrap();
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| pictures.count()));
        let text = panicked.unwrap_err().downcast_ref::<String>().cloned().unwrap_or_default();
        assert!(text.is_empty() || text.contains("too much"), "{text}");
    }
}

#[test]
fn little_memory_is_enough() {
    let body = Memory::new("m", read(CAPTURE));
    let expected = run(&body, options(fake(), 1));
    for (threads, memory) in [(1, 0), (2, 0), (3, 100_000), (4, 1_000_000)] {
        for selection in [Selection::all(), Selection::one_in(7)] {
            let mut tight = options(fake(), threads);
            (tight.memory, tight.selection) = (memory, selection.clone());
            let found = run(&body, tight);
            let step = selection.one_in.map_or(1, |n| n.get() as usize);
            let infos = expected.items.iter().step_by(step).map(|item| &item.info);
            assert!(found.items.iter().map(|item| &item.info).eq(infos), "{threads} threads, {memory} bytes");
        }
    }
}

#[test]
fn pictures_come_as_a_stream_too() {
    let body = Memory::new("m", read(CAPTURE));
    let work = || |info: &PictureInfo, _: Picture<'_>| info.frame;
    let mut stream = Pictures::open(&body, options(fake(), 2), work).unwrap().into_stream().unwrap();
    let count = kineframe_source::block_on(async {
        let mut count = 0;
        while let Some(item) = stream.next().await {
            assert_eq!(item.unwrap().index, count);
            count += 1;
        }
        count
    });
    assert_eq!((count, stream.summary().pictures), (300, 300));
    // A stream that is dropped ends its thread.
    let stream = Pictures::open(&body, options(fake(), 2), work).unwrap().into_stream().unwrap();
    drop(stream);
}

/// A live input that is silent holds back nothing that can be shown.
#[test]
fn pictures_come_out_while_the_input_is_silent() {
    let data = read(CAPTURE);
    for threads in [1, 2, 3] {
        let (sender, pieces) = std::sync::mpsc::channel();
        // Two fragments and a part of the third.
        for piece in data[..1 << 20].chunks(8192) {
            sender.send(Ok(bytes::Bytes::copy_from_slice(piece))).unwrap();
        }
        let index = || |_: &PictureInfo, _: Picture<'_>| ();
        let mut pictures = Pictures::of_pieces(Box::new(pieces.into_iter()), options(fake(), threads), index).unwrap();
        for shown in 0..100 {
            assert_eq!(pictures.next().unwrap().unwrap().index, shown);
        }
        drop(sender);
        assert!(pictures.by_ref().count() > 0);
        assert_eq!(pictures.summary().bytes_read, 1 << 20);
    }
}
