//! Split and merged files, read again by the splitter.

mod common;

use bytes::Bytes;
use common::{Told, files, fragments, made, read, split_whole, testdata};
use kineframe_fragment::{
    Dialect, Event, FragmentFiles, Merger, Options, Output, ProducerTimestamp, RemuxOptions, Splitter,
};
use kineframe_matroska::TagValue;
use kineframe_testkit::{Fragment, Frame, Track, body};

/// A frame without its time: track, key frame, bytes.
fn contents(told: &Told) -> Vec<(u64, bool, Bytes)> {
    told.frames.iter().map(|frame| (frame.track_number, frame.keyframe, frame.data.clone())).collect()
}

/// Frames that a file can hold: of declared tracks, with a time.
fn playable(told: &Told) -> Vec<(u64, bool, Bytes)> {
    let mut told = told.clone();
    let declared = |number| told.head.tracks.iter().any(|tracks| tracks.entries.iter().any(|e| e.number == number));
    let frames = told.frames.iter().filter(|frame| frame.offset.is_some() && declared(frame.track_number));
    told.frames = frames.cloned().collect();
    contents(&told)
}

fn split_files(events: &[Event], options: RemuxOptions) -> Vec<Vec<u8>> {
    let mut maker = FragmentFiles::new(options);
    let mut outputs = Vec::new();
    for event in events {
        maker.push(event);
        outputs.extend(std::iter::from_fn(|| maker.next_output()));
    }
    maker.finish();
    outputs.extend(std::iter::from_fn(|| maker.next_output()));
    made(outputs)
}

fn merge_files(events: &[Event], options: RemuxOptions) -> Vec<Vec<u8>> {
    let mut merger = Merger::new(options);
    events.iter().for_each(|event| merger.push(event));
    merger.finish();
    made(std::iter::from_fn(|| merger.next_output()))
}

fn both_sinks() -> [RemuxOptions; 2] {
    let mut stream = RemuxOptions::default();
    stream.patches = false;
    [RemuxOptions::default(), stream]
}

/// Reads a file that was made: one fragment, nothing wrong with it.
fn reread(file: Vec<u8>, what: &str) -> Told {
    let events = split_whole(&Bytes::from(file));
    let damage = events.iter().find(|event| matches!(event, Event::Damage(_)));
    assert_eq!(damage, None, "{what}");
    let mut told = fragments(&events);
    assert_eq!(told.len(), 1, "{what}");
    let told = told.remove(0);
    assert!(told.tail.complete && !told.tail.truncated, "{what}");
    told
}

#[test]
fn split_files_hold_what_the_fragments_hold() {
    for folder in ["captures", "fixtures", "generated"] {
        for path in files(&testdata().join(folder)) {
            let events = split_whole(&read(&path));
            let expected: Vec<_> = fragments(&events).into_iter().filter(|told| !playable(told).is_empty()).collect();
            for options in both_sinks() {
                let files = split_files(&events, options);
                assert_eq!(files.len(), expected.len(), "{}", path.display());
                for (file, expected) in files.into_iter().zip(&expected) {
                    let what = format!("{}, fragment {}", path.display(), expected.head.index);
                    let told = reread(file, &what);
                    assert!(contents(&told) == playable(expected), "{what}");
                    check_split(&told, expected, &what);
                }
            }
        }
    }
}

/// Times, tags and tracks of a file against the fragment that it was made of.
fn check_split(told: &Told, expected: &Told, what: &str) {
    assert_eq!(told.tail.head.number, expected.tail.head.number, "{what}");
    assert_eq!(told.tail.head.producer_timestamp, expected.tail.head.producer_timestamp, "{what}");
    let text = |told: &Told| {
        let tags = told.tail.tags.iter().filter(|tag| matches!(tag.value, TagValue::String(_) | TagValue::Binary(_)));
        tags.cloned().collect::<Vec<_>>()
    };
    assert_eq!(text(told), text(expected), "{what}");
    let [tracks, expected_tracks] = [told, expected].map(|told| told.head.tracks.as_ref().unwrap().entries.clone());
    for (track, expected) in tracks.iter().zip(&expected_tracks) {
        assert_eq!((track.number, &track.codec_id), (expected.number, &expected.codec_id), "{what}");
        assert_eq!((&track.codec_private, &track.name), (&expected.codec_private, &expected.name), "{what}");
    }
    // Time goes on from 0, at the distances of the fragment.
    let scale = i64::try_from(told.head.timestamp_scale.0.get()).unwrap();
    assert_eq!(told.head.timestamp_scale, expected.head.timestamp_scale, "{what}");
    let time = |told: &Told, index: usize| {
        let frame = &told.frames[index];
        frame.timestamp.unwrap().0 * scale
    };
    let first = time(expected, 0) - time(told, 0);
    for index in 0..told.frames.len() {
        assert_eq!(time(expected, index) - time(told, index), first, "{what}, frame {index}");
    }
    assert!((0..told.frames.len()).map(|index| time(told, index)).min().unwrap() >= 0, "{what}");
}

#[test]
fn merged_files_hold_all_frames() {
    for folder in ["captures", "fixtures", "generated"] {
        for path in files(&testdata().join(folder)) {
            let events = split_whole(&read(&path));
            let expected: Vec<_> = fragments(&events).iter().flat_map(playable).collect();
            for options in both_sinks() {
                let what = path.display().to_string();
                let files = merge_files(&events, options);
                let told: Vec<_> = files.into_iter().map(|file| reread(file, &what)).collect();
                assert!(told.iter().flat_map(contents).collect::<Vec<_>>() == expected, "{what}");
                let changes = what.contains("resolution-change") || what.contains("connect-like");
                let parts = if changes { 3 } else { usize::from(!expected.is_empty()) };
                assert_eq!(told.len(), parts, "{what}: parts");
            }
        }
    }
}

/// Flags of RFC 9559 §10.1 and §10.2: invisible, and discardable, which only a SimpleBlock has.
#[test]
fn flags_survive() {
    const INVISIBLE: u8 = 0x08;
    const DISCARDABLE: u8 = 0x01;
    let flags = [0, INVISIBLE, DISCARDABLE, INVISIBLE | DISCARDABLE, INVISIBLE, 0];
    let fragment = |index| {
        let mut fragment = Fragment::new(index);
        let frame = |at: i16| Frame::new(1, at * 40, at == 0, vec![at as u8; 9]);
        fragment.frames = (0..6).map(frame).collect();
        // The last two are in BlockGroups.
        for frame in &mut fragment.frames[4..] {
            *frame = frame.clone().grouped(Some(40));
        }
        fragment
    };
    let mut body = body(&[fragment(0), fragment(1)]);
    for (index, frame) in body.frames.iter().enumerate() {
        // The flags are the last byte of a block's header.
        body.bytes[frame.payload.start - 1] |= flags[index % 6];
    }
    let events = split_whole(&Bytes::from(body.bytes));
    let of = |told: &Told| told.frames.iter().map(|frame| (frame.invisible, frame.discardable)).collect::<Vec<_>>();
    let expected = flags.map(|flags| (flags & INVISIBLE != 0, flags & DISCARDABLE != 0)).to_vec();
    assert_eq!(fragments(&events).iter().map(of).collect::<Vec<_>>(), [&expected[..]; 2]);
    for options in both_sinks() {
        for file in split_files(&events, options) {
            assert_eq!(of(&reread(file, "split")), expected);
        }
        let files = merge_files(&events, options);
        let [file] = files.try_into().expect("one file");
        assert_eq!(of(&reread(file, "merged")), expected.repeat(2));
    }
}

/// Milliseconds at which the fragments of one frame each come to lie.
fn starts(producer: &[Option<&str>]) -> Vec<i64> {
    let fragment = |(index, producer): (usize, &Option<&str>)| {
        let mut fragment = Fragment::new(index as u64);
        fragment.frames = vec![Frame::new(1, 0, true, vec![index as u8; 9]), Frame::new(1, 500, false, vec![9; 9])];
        fragment.tags_before.retain(|(name, _)| !name.ends_with("PRODUCER_TIMESTAMP"));
        if let Some(producer) = producer {
            fragment.tags_before.push((String::from("AWS_KINESISVIDEO_PRODUCER_TIMESTAMP"), String::from(*producer)));
        }
        fragment
    };
    let fragments: Vec<_> = producer.iter().enumerate().map(fragment).collect();
    let events = split_whole(&Bytes::from(body(&fragments).bytes));
    let mut files = merge_files(&events, RemuxOptions::default());
    assert_eq!(files.len(), 1);
    let told = reread(files.remove(0), "made");
    told.frames.iter().step_by(2).map(|frame| frame.timestamp.unwrap().0).collect()
}

#[test]
fn fragments_lie_at_producer_time_or_after_the_end() {
    assert_eq!(starts(&[Some("100.000"), Some("101.250"), Some("109.000")]), [0, 1_250, 9_000]);
    // A fragment ends a frame's length after its second frame: a second after it began.
    assert_eq!(starts(&[Some("100.000"), Some("100.000"), Some("90.0"), Some("91.5")]), [0, 1_000, 2_000, 3_500]);
    assert_eq!(starts(&[None, None, Some("0.000"), Some("4.000")]), [0, 1_000, 2_000, 6_000]);
}

#[test]
fn frames_shown_before_the_first_one_move_the_start() {
    let mut fragment = Fragment::new(0);
    let frame = |relative| Frame::new(1, relative, relative == 0, vec![1; 9]);
    fragment.frames = [0, -80, -40, 40].map(frame).to_vec();
    let events = split_whole(&Bytes::from(body(&[fragment]).bytes));
    for files in [split_files(&events, RemuxOptions::default()), merge_files(&events, RemuxOptions::default())] {
        let told = reread(files[0].clone(), "made");
        let times: Vec<_> = told.frames.iter().map(|frame| frame.timestamp.unwrap().0).collect();
        assert_eq!(times, [80, 0, 40, 120]);
        // The date is that of time 0 all the same.
        let date = told.head.info.date_utc.unwrap();
        let wall = ProducerTimestamp(i128::from(date) + 978_307_200_000_000_000);
        assert_eq!(wall.to_rfc3339().as_deref(), Some("2023-11-14T22:13:19.920Z"));
    }
}

#[test]
fn a_change_of_tracks_begins_a_new_part() {
    let with = |index, number| {
        let mut fragment = Fragment::new(index);
        fragment.tracks = vec![Track::h264(number)];
        fragment.frames.iter_mut().for_each(|frame| frame.track = number);
        fragment
    };
    let events = split_whole(&Bytes::from(body(&[with(0, 1), with(1, 1), with(2, 2), with(3, 1)]).bytes));
    let files = merge_files(&events, RemuxOptions::default());
    let counts: Vec<_> = files.into_iter().map(|file| reread(file, "part").frames.len()).collect();
    assert_eq!(counts, [10, 5, 5]);
}

#[test]
fn nothing_playable_gives_no_file() {
    for name in ["captures/empty-mkv-with-tags.mkv", "generated/error-only-4000.mkv"] {
        let events = split_whole(&read(&testdata().join(name)));
        assert!(split_files(&events, RemuxOptions::default()).is_empty());
        assert!(merge_files(&events, RemuxOptions::default()).is_empty());
    }
}

#[test]
fn payload_is_passed_on_and_not_copied() {
    let bytes = read(&testdata().join("captures/output_get_media.mkv"));
    let range = bytes.as_ptr_range();
    let mut splitter = Splitter::new(Options::default());
    let mut merger = Merger::new(RemuxOptions::default());
    splitter.push(bytes.clone());
    splitter.finish();
    while let Some(event) = splitter.next_event().unwrap() {
        merger.push(&event);
    }
    merger.finish();
    let outputs = std::iter::from_fn(|| merger.next_output());
    let shared: usize = outputs
        .filter_map(|output| if let Output::Data(data) = output { Some(data) } else { None })
        .filter(|data| range.contains(&data.as_ptr()))
        .map(|data| data.len())
        .sum();
    assert_eq!(shared, 2_494_505);
}

#[test]
fn put_media_splits_by_cluster() {
    let fragment = |index| {
        let mut fragment = Fragment::new(index);
        fragment.tags_before.clear();
        fragment.tags_after.clear();
        fragment.user_tag("n", &index.to_string())
    };
    let first = fragment(0);
    let mut elements = first.elements();
    for index in 1..3 {
        let other = fragment(index).elements();
        let (kineframe_testkit::Body::Children(of), kineframe_testkit::Body::Children(from)) =
            (&mut elements[1].body, &other[1].body)
        else {
            unreachable!()
        };
        of.extend(from.iter().filter(|e| [0x1F43_B675, 0x1254_C367].contains(&e.id)).cloned());
    }
    let mut options = Options::default();
    options.dialect = Dialect::PutMedia;
    let events = common::split_with(options, [Bytes::from(kineframe_testkit::encode(&elements))]);
    let told = fragments(&events);
    assert_eq!(told.iter().map(|told| told.frames.len()).collect::<Vec<_>>(), [5, 5, 5]);
    let tag = |told: &Told| told.tail.tags.iter().map(|tag| tag.value.clone()).collect::<Vec<_>>();
    assert_eq!(told.iter().map(tag).collect::<Vec<_>>(), ["0", "1", "2"].map(|n| vec![TagValue::String(n.into())]));
    assert_eq!(split_files(&events, RemuxOptions::default()).len(), 3);
}
