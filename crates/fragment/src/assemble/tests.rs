//! The state machine over hand-made Matroska events.

use std::num::NonZeroU64;

use bytes::Bytes;
use kineframe_matroska::{
    Block, BlockFrame, BlockOrigin, EbmlHeader, ElementSize, Lacing, SegmentTicks, SimpleTag, TagValue, TimestampScale,
    TrackEntry, TrackType,
};

use super::*;
use crate::{Frame, ProducerTimestamp, ServiceError, tag as name};

fn header(offset: u64) -> Element {
    Element::EbmlHeader(EbmlHeader {
        offset,
        len: 40,
        max_id_length: 4,
        max_size_length: 8,
        doc_type: String::from("matroska"),
        doc_type_version: 4,
        doc_type_read_version: 2,
    })
}

fn tags(offset: u64, list: &[(&str, &str)]) -> Element {
    let tag = |&(name, value): &(&str, &str)| SimpleTag { name: name.into(), value: TagValue::String(value.into()) };
    Element::Tags(Tags { offset, end: offset + 50, tags: list.iter().map(tag).collect() })
}

fn tracks(raw: &'static [u8], default_duration: u64) -> Element {
    let entry = |number| TrackEntry {
        number,
        uid: None,
        track_type: TrackType::VIDEO,
        codec_id: String::from("V_TEST"),
        codec_private: None,
        name: None,
        language: None,
        enabled: true,
        default: true,
        default_duration: NonZeroU64::new(default_duration),
        codec_delay: 0,
        video: None,
        audio: None,
        encodings: Vec::new(),
        raw: Bytes::new(),
    };
    Element::Tracks(Arc::new(Tracks { entries: vec![entry(1), entry(2)], raw: Bytes::from_static(raw) }))
}

fn cluster(offset: u64) -> Element {
    Element::ClusterStart { offset, size: ElementSize::Unknown }
}

fn time(ticks: i64) -> Element {
    Element::ClusterTimestamp(SegmentTicks(ticks))
}

fn make_block(offset: u64, track: u64, ticks: i64, frames: usize) -> Block {
    let frame = |place: usize| BlockFrame {
        offset: offset + 4 + 10 * place as u64,
        stored_len: 10,
        data: Ok(Bytes::from_static(&[7; 10])),
    };
    Block {
        offset,
        origin: BlockOrigin::Simple,
        track_number: track,
        relative: 0,
        timestamp: Some(SegmentTicks(ticks)),
        keyframe: true,
        invisible: false,
        discardable: false,
        lacing: if frames == 1 { Lacing::None } else { Lacing::Xiph },
        frames: (0..frames).map(frame).collect(),
    }
}

fn block(offset: u64, track: u64, ticks: i64) -> Element {
    Element::Block(make_block(offset, track, ticks, 1))
}

fn cluster_end(offset: u64) -> Element {
    Element::ClusterEnd { offset, complete: true }
}

fn lost(offset: u64, length: u64) -> Element {
    Element::Damage { offset, length, error: Error::new(offset, ErrorKind::InvalidId(0)) }
}

fn run_with(options: Options, elements: Vec<Element>, end: Option<u64>) -> Vec<Event> {
    let mut assembler = Assembler::new(options);
    for element in elements {
        assembler.take(element);
    }
    if let Some(end) = end {
        assembler.finish(end);
    }
    std::iter::from_fn(|| assembler.pop()).collect()
}

fn run(elements: Vec<Element>, end: Option<u64>) -> Vec<Event> {
    run_with(Options::default(), elements, end)
}

/// One letter an event: S, F(rame), T(ag), ! for Finished, A(mended), E(rror), D(amage).
fn shape(events: &[Event]) -> String {
    let letter = |event: &Event| match event {
        Event::Started(_) => 'S',
        Event::Frame(_) => 'F',
        Event::Tag(_) => 'T',
        Event::Finished(_) => '!',
        Event::Amended(_) => 'A',
        Event::ServiceError(_) => 'E',
        Event::Damage(_) => 'D',
    };
    events.iter().map(letter).collect()
}

fn tails(events: &[Event]) -> Vec<Arc<crate::FragmentTail>> {
    let tail = |event: &Event| match event {
        Event::Finished(tail) => Some(Arc::clone(tail)),
        _ => None,
    };
    events.iter().filter_map(tail).collect()
}

fn frames(events: &[Event]) -> Vec<&Frame> {
    events.iter().filter_map(|event| if let Event::Frame(frame) = event { Some(frame) } else { None }).collect()
}

/// A fragment of GetMedia: 1,000 bytes from `offset`, closing tags at its end.
fn get_media(offset: u64, number: &str) -> Vec<Element> {
    vec![
        header(offset),
        Element::SegmentStart { offset: offset + 40, size: ElementSize::Unknown },
        Element::Info(Arc::default()),
        tracks(b"same", 40_000_000),
        tags(
            offset + 200,
            &[
                (name::FRAGMENT_NUMBER, number),
                (name::SERVER_TIMESTAMP, "1511852109.126"),
                (name::PRODUCER_TIMESTAMP, "1511852108.513"),
            ],
        ),
        cluster(offset + 300),
        time(5_000),
        block(offset + 310, 1, 5_000),
        block(offset + 330, 1, 5_040),
        cluster_end(offset + 900),
        tags(offset + 900, &[("camera", "door")]),
        tags(offset + 950, &[(name::MILLIS_BEHIND_NOW, "12"), (name::CONTINUATION_TOKEN, "tok")]),
    ]
}

#[test]
fn a_fragment_is_whole_at_its_closing_tags() {
    let events = run(get_media(0, "91"), None);
    assert_eq!(shape(&events), "STTTFFTTT!");
    let tail = &tails(&events)[0];
    assert_eq!(tail.head.number.as_ref().map(FragmentNumber::as_str), Some("91"));
    assert_eq!(tail.head.first_cluster, Some(SegmentTicks(5_000)));
    assert_eq!(tail.head.server_timestamp.unwrap().to_string(), "2017-11-28T06:55:09.126Z");
    assert_eq!(tail.continuation_token.as_ref().unwrap().as_str(), "tok");
    assert_eq!(tail.millis_behind_now, Some(12));
    assert_eq!((tail.length, tail.frames, tail.payload_bytes), (1_000, 2, 20));
    assert_eq!(tail.duration, Some(80_000_000));
    assert_eq!((tail.complete, tail.truncated), (true, false));
    assert_eq!(tail.tags.len(), 6);
    assert_eq!((tail.tracks[0].frames, tail.tracks[0].keyframes, tail.tracks[1].frames), (2, 2, 0));
}

#[test]
fn the_next_fragment_changes_nothing_of_one_that_was_told() {
    let mut elements = get_media(0, "91");
    elements.extend(get_media(1_000, "92"));
    let events = run(elements, Some(2_000));
    assert_eq!(shape(&events), "STTTFFTTT!STTTFFTTT!");
    let tails = tails(&events);
    assert_eq!((tails[1].head.index, tails[1].head.offset, tails[1].length), (1, 1_000, 1_000));
    // Equal Tracks are told as the same object.
    assert!(Arc::ptr_eq(tails[0].head.tracks.as_ref().unwrap(), tails[1].head.tracks.as_ref().unwrap()));
}

#[test]
fn changed_tracks_are_not_shared() {
    let mut elements = get_media(0, "91");
    elements.extend(get_media(1_000, "92"));
    elements[15] = tracks(b"other", 1);
    let tails = tails(&run(elements, Some(2_000)));
    assert!(!Arc::ptr_eq(tails[0].head.tracks.as_ref().unwrap(), tails[1].head.tracks.as_ref().unwrap()));
    assert_eq!(tails[1].duration, Some(40_000_001));
}

#[test]
fn frames_have_wall_times_from_the_first_cluster_of_the_fragment() {
    let mut elements = get_media(0, "91");
    elements.truncate(9);
    elements.extend([cluster_end(400), cluster(400), time(6_000), block(410, 1, 6_000), block(430, 2, 4_990)]);
    let events = run(elements, Some(500));
    let told: Vec<_> =
        frames(&events).iter().map(|f| (f.track_number, f.index, f.timestamp.unwrap().0, f.offset.unwrap())).collect();
    let expected =
        [(1, 0, 5_000, 0), (1, 1, 5_040, 40_000_000), (1, 2, 6_000, 1_000_000_000), (2, 0, 4_990, -10_000_000)];
    assert_eq!(told, expected);
    assert_eq!(frames(&events)[3].producer_time, ProducerTimestamp::from_decimal("1511852108.503"));
    assert_eq!(frames(&events)[0].duration, Some(40_000_000));
    assert_eq!(frames(&events)[0].position, 314);
}

#[test]
fn without_closing_tags_the_next_header_or_the_end_closes() {
    let mut elements = get_media(0, "91");
    elements.truncate(10);
    elements.extend(get_media(1_000, "92").into_iter().take(10));
    let events = run(elements, Some(1_900));
    assert_eq!(shape(&events), "STTTFF!STTTFF!");
    let tails = tails(&events);
    assert_eq!((tails[0].length, tails[1].length), (1_000, 900));
    assert!(tails.iter().all(|tail| tail.complete && !tail.truncated));
}

#[test]
fn closing_tags_are_due_once_one_fragment_had_them() {
    let mut elements = get_media(0, "91");
    elements.extend(get_media(1_000, "92").into_iter().take(10));
    elements.extend(get_media(1_900, "93").into_iter().take(5));
    let told = tails(&run(elements, Some(2_150)));
    let ends: Vec<_> = told.iter().map(|tail| (tail.complete, tail.truncated)).collect();
    // The second ends in order all the same; the last may have been longer.
    assert_eq!(ends, [(true, false), (false, false), (false, true)]);
    assert_eq!(told[2].head.number.as_ref().unwrap().as_str(), "93");
}

#[test]
fn a_token_before_the_cluster_closes_nothing() {
    let mut elements = get_media(0, "91");
    elements[4] = tags(200, &[(name::FRAGMENT_NUMBER, "91"), (name::CONTINUATION_TOKEN, "early")]);
    elements.truncate(10);
    let mut second = get_media(1_000, "92");
    second.truncate(10);
    second.remove(4);
    elements.extend(second);
    let events = run(elements, Some(2_000));
    assert_eq!(shape(&events), "STTFF!SFF!");
    assert!(tails(&events).iter().all(|tail| tail.complete && !tail.truncated));
    assert_eq!(tails(&events)[0].continuation_token.as_ref().unwrap().as_str(), "early");
}

#[test]
fn a_fragment_without_a_cluster_ends_with_the_next() {
    let mut elements: Vec<_> = get_media(0, "91").into_iter().take(5).collect();
    elements.push(tags(250, &[(name::MILLIS_BEHIND_NOW, "1"), (name::CONTINUATION_TOKEN, "t")]));
    elements.extend(get_media(300, "92"));
    let events = run(elements, None);
    assert_eq!(shape(&events), "STTTTT!STTTFFTTT!");
    let told = tails(&events);
    assert_eq!((told[0].length, told[0].frames, told[0].duration), (300, 0, None));
    assert_eq!(told[0].head.first_cluster, None);
    assert!(told[0].complete);
}

#[test]
fn closing_values_may_stand_in_elements_of_their_own() {
    let mut elements = get_media(0, "91");
    elements.pop();
    elements.push(tags(950, &[(name::MILLIS_BEHIND_NOW, "12")]));
    assert_eq!(shape(&run(elements.clone(), None)), "STTTFFTT");
    elements.push(tags(1_000, &[(name::CONTINUATION_TOKEN, "tok")]));
    let events = run(elements, None);
    assert_eq!(shape(&events), "STTTFFTTT!");
    assert_eq!((tails(&events)[0].millis_behind_now, tails(&events)[0].length), (Some(12), 1_050));
}

#[test]
fn what_follows_the_closing_tags_is_told_and_amends() {
    let mut elements = get_media(0, "91");
    elements.extend([tags(1_000, &[("late", "1")]), cluster(1_050), time(6_000), block(1_060, 1, 6_000)]);
    elements.extend(get_media(1_100, "92"));
    let events = run(elements, None);
    assert_eq!(shape(&events), "STTTFFTTT!TFASTTTFFTTT!");
    let Event::Amended(tail) = &events[12] else { panic!("{:?}", events[12]) };
    assert_eq!((tail.length, tail.frames, tail.tags.len()), (1_100, 3, 7));
    assert!(tail.complete);
    let Event::Frame(frame) = &events[11] else { panic!("{:?}", events[11]) };
    assert_eq!((frame.index, frame.offset), (2, Some(1_000_000_000)));
}

#[test]
fn errors_in_band_are_typed() {
    let error = |list: &[(&str, &str)]| {
        let events = run(vec![header(0), tags(50, list)], Some(100));
        assert_eq!(shape(&events), format!("S{}E!", "T".repeat(list.len())));
        let Event::ServiceError(error) = &events[list.len() + 1] else { unreachable!() };
        let tail = &tails(&events)[0];
        assert_eq!(tail.error.as_ref(), Some(error));
        assert!(!tail.truncated);
        error.clone()
    };
    let text = |text: &str| Some(String::from(text));
    assert_eq!(
        error(&[(name::ERROR_CODE, "FRAGMENT_NOT_FOUND"), (name::ERROR_ID, "3000"), (name::FRAGMENT_NUMBER, "42")]),
        ServiceError {
            id: Some(3000),
            code: text("FRAGMENT_NOT_FOUND"),
            message: None,
            fragment_number: FragmentNumber::new("42"),
        }
    );
    assert_eq!(
        error(&[(name::EXCEPTION_ERROR_CODE, "3000"), (name::EXCEPTION_MESSAGE, "not found")]),
        ServiceError { id: Some(3000), code: text("3000"), message: text("not found"), fragment_number: None }
    );
    assert_eq!(error(&[(name::ERROR_ID, "a few")]).id, None);
}

#[test]
fn an_error_after_whole_fragments_is_no_truncation() {
    let mut elements = get_media(0, "91");
    elements.extend([header(1_000), tags(1_050, &[(name::ERROR_CODE, "KMSKeyDisabled"), (name::ERROR_ID, "4500")])]);
    let told = tails(&run(elements, Some(1_100)));
    assert_eq!((told[1].complete, told[1].truncated), (false, false));
}

#[test]
fn values_that_are_none_stay_as_tags() {
    let list = [
        (name::FRAGMENT_NUMBER, "not-a-number"),
        (name::PRODUCER_TIMESTAMP, "1,5"),
        (name::SERVER_TIMESTAMP, "NaN"),
        (name::MILLIS_BEHIND_NOW, "soon"),
    ];
    let told = tails(&run(vec![header(0), tags(50, &list)], Some(100)));
    let head = &told[0].head;
    assert_eq!((&head.number, head.producer_timestamp, head.server_timestamp), (&None, None, None));
    assert_eq!(told[0].millis_behind_now, None);
    assert_eq!(told[0].tags.len(), 4);
}

#[test]
fn a_number_told_late_completes_the_tail() {
    let mut elements = get_media(0, "91");
    elements.remove(4);
    elements.insert(10, tags(930, &[(name::FRAGMENT_NUMBER, "7"), (name::FRAGMENT_NUMBER, "8")]));
    let events = run(elements, None);
    let Event::Started(head) = &events[0] else { panic!() };
    assert_eq!(head.number, None);
    assert_eq!(tails(&events)[0].head.number.as_ref().unwrap().as_str(), "7");
}

#[test]
fn laces_spread_over_default_or_block_duration() {
    let lace = |default: u64, duration: Option<u64>| {
        let mut block = make_block(310, 1, 5_000, 3);
        block.origin = BlockOrigin::Group { duration, references: Vec::new(), discard_padding: None };
        let elements = vec![header(0), tracks(b"", default), cluster(300), time(5_000), Element::Block(block)];
        let events = run(elements, Some(400));
        let told: Vec<_> =
            frames(&events).iter().map(|f| (f.timestamp.unwrap().0, f.offset.unwrap(), f.duration)).collect();
        (told, tails(&events)[0].duration)
    };
    let half = Some(2_500_000);
    assert_eq!(
        lace(2_500_000, None),
        (vec![(5_000, 0, half), (5_002, 2_500_000, half), (5_005, 5_000_000, half)], Some(7_500_000))
    );
    let third = Some(10_000_000);
    assert_eq!(
        lace(0, Some(30)),
        (vec![(5_000, 0, third), (5_010, 10_000_000, third), (5_020, 20_000_000, third)], Some(30_000_000))
    );
    assert_eq!(lace(0, None), (vec![(5_000, 0, None); 3], Some(0)));
}

#[test]
fn the_duration_is_of_the_longest_track_and_of_presentation_order() {
    let elements = vec![
        header(0),
        Element::Info(Arc::new(Info {
            timestamp_scale: TimestampScale(NonZeroU64::new(11_111).unwrap()),
            ..Info::default()
        })),
        cluster(300),
        time(0),
        block(310, 1, 0),
        block(320, 1, 90),
        block(330, 1, 30),
        block(340, 1, 60),
        block(350, 9, 10),
    ];
    let told = tails(&run(elements, Some(400)));
    assert_eq!(told[0].duration, Some(4 * 30 * 11_111));
    assert_eq!(told[0].tracks.iter().map(|track| (track.number, track.frames)).collect::<Vec<_>>(), [(1, 4), (9, 1)]);
}

#[test]
fn a_cluster_without_timestamp_gives_frames_without_time() {
    let mut untimed = make_block(310, 1, 0, 1);
    untimed.timestamp = None;
    let elements = vec![header(0), cluster(300), Element::Block(untimed), time(77), block(330, 1, 80)];
    let events = run(elements, Some(400));
    assert_eq!(shape(&events), "SFF!");
    let told: Vec<_> = frames(&events).iter().map(|f| (f.timestamp, f.offset)).collect();
    assert_eq!(told, [(None, None), (Some(SegmentTicks(80)), None)]);
}

#[test]
fn extreme_times_give_none_and_no_panic() {
    let info = Info { timestamp_scale: TimestampScale(NonZeroU64::MAX), ..Info::default() };
    let elements = vec![
        header(0),
        Element::Info(Arc::new(info)),
        tracks(b"", u64::MAX),
        cluster(300),
        time(i64::MIN),
        block(310, 1, i64::MAX),
        Element::Block(make_block(340, 1, i64::MAX, 200)),
        block(350, 1, i64::MIN),
    ];
    let events = run(elements, Some(400));
    assert_eq!(frames(&events)[0].offset, None);
    assert_eq!(frames(&events)[0].producer_time, None);
    assert_eq!(tails(&events)[0].duration, None);
}

#[test]
fn damage_truncates_the_fragment_that_it_hits() {
    let mut elements = get_media(0, "91");
    elements.insert(8, lost(330, 20));
    elements.extend([lost(1_000, 30)]);
    elements.extend(get_media(1_030, "92"));
    let events = run(elements, Some(2_030));
    assert_eq!(shape(&events), "STTTFDFTTT!DSTTTFFTTT!");
    let told = tails(&events);
    assert_eq!((told[0].complete, told[0].truncated, told[0].length), (false, true, 1_000));
    assert_eq!((told[1].complete, told[1].truncated), (true, false));
    let of: Vec<_> =
        events.iter().filter_map(|e| if let Event::Damage(d) = e { Some(d.fragment) } else { None }).collect();
    assert_eq!(of, [Some(0), None]);
}

#[test]
fn a_cut_element_truncates() {
    let mut elements = get_media(0, "91");
    elements[9] = Element::ClusterEnd { offset: 800, complete: false };
    elements.truncate(10);
    let told = tails(&run(elements, Some(800)));
    assert_eq!((told[0].complete, told[0].truncated, told[0].frames), (false, true, 2));
}

#[test]
fn an_unusable_element_is_reported_but_cuts_nothing() {
    let skipped = Element::Skipped {
        id: kineframe_matroska::ElementId(0xA3),
        offset: 340,
        size: ElementSize::Known(9),
        reason: Some(Error::new(340, ErrorKind::InvalidValue("lacing"))),
    };
    let mut elements = get_media(0, "91");
    elements.insert(9, skipped);
    let events = run(elements, None);
    assert_eq!(shape(&events), "STTTFFDTTT!");
    assert!(tails(&events)[0].complete);
}

#[test]
fn a_frame_that_cannot_be_undone_is_counted_and_reported() {
    let mut bad = make_block(340, 1, 5_080, 1);
    bad.frames[0].data = Err(Error::new(340, ErrorKind::Unsupported("bzlib")));
    let mut elements = get_media(0, "91");
    elements.insert(9, block(360, 1, 5_120));
    elements.insert(9, Element::Block(bad));
    let events = run(elements, None);
    assert_eq!(shape(&events), "STTTFFDFTTT!");
    assert_eq!(frames(&events)[2].index, 3);
    assert_eq!(tails(&events)[0].frames, 4);
}

#[test]
fn tags_are_bounded_and_the_service_is_heard_all_the_same() {
    let options = Options { tags: 2, ..Options::default() };
    let events = run_with(options, get_media(0, "91"), None);
    assert_eq!(shape(&events), "DSTTFF!");
    let tail = &tails(&events)[0];
    assert_eq!((tail.tags.len(), tail.tags_omitted), (2, 4));
    assert_eq!(tail.continuation_token.as_ref().unwrap().as_str(), "tok");
    let options = Options { tag_bytes: 40, ..Options::default() };
    let tail = &tails(&run_with(options, get_media(0, "91"), None))[0];
    assert_eq!((tail.tags.len(), tail.tags_omitted), (1, 5));
    assert_eq!(tail.head.number.as_ref().unwrap().as_str(), "91");
}

#[test]
fn tracks_are_bounded() {
    let options = Options { tracks: 1, ..Options::default() };
    let mut elements = get_media(0, "91");
    elements.insert(9, block(350, 2, 5_000));
    let events = run_with(options, elements, None);
    assert_eq!(shape(&events), "STTTFFDTTT!");
    assert_eq!(tails(&events)[0].tracks.len(), 1);
}

#[test]
fn a_segment_or_block_without_a_header_is_a_fragment_too() {
    let start = Element::SegmentStart { offset: 10, size: ElementSize::Unknown };
    let events = run(vec![lost(0, 10), start, cluster(20), time(1), block(30, 1, 1)], Some(50));
    assert_eq!(shape(&events), "DSF!");
    assert_eq!((tails(&events)[0].head.offset, tails(&events)[0].length), (10, 40));
    assert_eq!(shape(&run(vec![block(30, 1, 1)], Some(50))), "SF!");
    assert_eq!(shape(&run(vec![lost(0, 50)], Some(50))), "D");
    assert_eq!(shape(&run(vec![], Some(0))), "");
}

#[test]
fn put_media_makes_a_fragment_of_each_cluster() {
    let options = Options { dialect: Dialect::PutMedia, ..Options::default() };
    let elements = vec![
        header(0),
        Element::Info(Arc::default()),
        tracks(b"same", 0),
        tags(100, &[("first", "1")]),
        cluster(200),
        time(5_000),
        block(210, 1, 5_000),
        cluster_end(300),
        tags(300, &[("still first", "2")]),
        cluster(350),
        time(7_000),
        block(360, 1, 7_010),
        cluster_end(400),
        tags(400, &[(name::END_OF_FRAGMENT, "")]),
    ];
    let events = run_with(options, elements, Some(450));
    assert_eq!(shape(&events), "STFT!SFT!");
    let told = tails(&events);
    assert_eq!((told[0].length, told[1].head.offset, told[1].length), (350, 350, 100));
    assert!(Arc::ptr_eq(told[0].head.tracks.as_ref().unwrap(), told[1].head.tracks.as_ref().unwrap()));
    assert_eq!(frames(&events)[1].offset, Some(10_000_000));
    assert_eq!((frames(&events)[1].index, told[1].complete), (0, true));
}
