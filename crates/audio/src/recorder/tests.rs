//! Recordings of made bodies, byte by byte.

use std::io::Cursor;

use kineframe_fragment::{Options, Splitter};
use kineframe_testkit::{Element, Fragment, Frame as Made, Track as MadeTrack, body, ids};
use proptest::prelude::*;

use super::*;

/// 160 samples of 16 bits: 20 ms at 8 kHz.
fn block(value: u8) -> Vec<u8> {
    [value; 320].to_vec()
}

fn pcm(number: u64, name: Option<&str>) -> MadeTrack {
    MadeTrack {
        number,
        kind: 2,
        codec_id: "A_PCM/INT/LIT".to_owned(),
        codec_private: None,
        name: name.map(ToOwned::to_owned),
        more: vec![Element::master(
            ids::AUDIO,
            [Element::float(ids::SAMPLING_FREQUENCY, 8_000.0), Element::uint(ids::CHANNELS, 1)],
        )],
    }
}

/// A fragment of two seconds' distance to the next, with these frames of (track, milliseconds, payload).
fn fragment(index: u64, tracks: &[MadeTrack], frames: &[(u64, i16, Vec<u8>)]) -> Fragment {
    let mut fragment = Fragment::new(index);
    fragment.tracks = tracks.to_vec();
    fragment.frames = frames.iter().map(|(track, at, data)| Made::new(*track, *at, true, data.clone())).collect();
    fragment
}

struct Done {
    ends: Vec<RecordingEnd>,
    files: HashMap<u64, Vec<u8>>,
    problems: Vec<Problem>,
}

fn recorded(options: RecordOptions, fragments: &[Fragment]) -> Done {
    let mut splitter = Splitter::new(Options::default());
    splitter.push(body(fragments).bytes.into());
    splitter.finish();
    let mut recorder = Recorder::new(options);
    while let Some(event) = splitter.next_event().expect("not strict") {
        recorder.push(&event);
    }
    recorder.finish();
    let mut files: HashMap<u64, Cursor<Vec<u8>>> = HashMap::new();
    let (mut ends, mut problems) = (Vec::new(), Vec::new());
    while let Some(output) = recorder.next_output() {
        if let Some(index) = output.recording() {
            output.write_to(files.entry(index).or_default()).expect("memory");
        }
        match output {
            Output::End(end) => ends.push(end),
            Output::Problem(problem) => problems.push(problem),
            _ => {}
        }
    }
    let files: HashMap<u64, Vec<u8>> = files.into_iter().map(|(index, file)| (index, file.into_inner())).collect();
    for end in &ends {
        assert_eq!(files[&end.start.index].len() as u64, end.len);
    }
    Done { ends, files, problems }
}

fn filled(fragments: &[Fragment]) -> Done {
    recorded(RecordOptions::default(), fragments)
}

/// The samples of a WAV file of 16 bits with a header of 80 bytes.
fn data(file: &[u8]) -> &[u8] {
    assert_eq!(&file[72..76], b"data");
    let len = u32::from_le_bytes(file[76..80].try_into().expect("four")) as usize;
    assert_eq!(u32::from_le_bytes(file[4..8].try_into().expect("four")) as usize, file.len() - 8);
    &file[80..][..len]
}

#[test]
fn a_track_is_known_by_its_name_when_numbers_swap() {
    let (from, to) = ("AUDIO_FROM_CUSTOMER", "AUDIO_TO_CUSTOMER");
    let one = fragment(0, &[pcm(1, Some(from)), pcm(2, Some(to))], &[(1, 0, block(1)), (2, 0, block(2))]);
    let two = fragment(1, &[pcm(2, Some(from)), pcm(1, Some(to))], &[(2, 0, block(1)), (1, 0, block(2))]);
    let options = RecordOptions { fill: false, ..RecordOptions::default() };
    let done = recorded(options, &[one, two]);
    for (index, name, number, value) in [(0, from, 1, 1), (1, to, 2, 2)] {
        let start = &done.ends[index].start;
        assert_eq!((start.name.as_deref(), start.track), (Some(name), number));
        assert_eq!(data(&done.files[&(index as u64)]), [value; 640]);
    }
}

#[test]
fn gaps_are_silent_by_timestamps_or_left_out() {
    let tracks = [pcm(1, None)];
    let fragments = [0, 1, 3].map(|index| fragment(index, &tracks, &[(1, 0, block(7)), (1, 20, block(8))]));
    let done = filled(&fragments);
    let mut expected = Vec::new();
    for silence in [2_000 - 40, 4_000 - 40, 0] {
        expected.extend(block(7));
        expected.extend(block(8));
        expected.resize(expected.len() + silence * 16, 0);
    }
    assert!(data(&done.files[&0]) == expected);
    let end = &done.ends[0];
    assert_eq!((end.frames, end.gaps, end.silence, end.samples), (6, 2, (2_000 + 4_000 - 80) * 8, 48_320));
    assert_eq!((end.duration(), end.silent_duration()), (6_040_000_000, 5_920_000_000));
    let plain = recorded(RecordOptions { fill: false, ..RecordOptions::default() }, &fragments);
    assert_eq!((data(&plain.files[&0]).len(), plain.ends[0].gaps), (6 * 320, 0));
}

#[test]
fn a_gap_of_days_is_told_and_not_filled() {
    let tracks = [pcm(1, None)];
    let fragments = [0, 100_000, 100_001].map(|index| fragment(index, &tracks, &[(1, 0, block(7))]));
    let done = filled(&fragments);
    assert_eq!(done.ends[0].samples, 160 * 2 + 16_000);
    assert_eq!(done.problems[0].kind, ProblemKind::LongGap { seconds: 199_999 });
}

#[test]
fn aac_gets_headers_and_silent_frames() {
    let tracks = [MadeTrack::aac(1)];
    let frame = vec![0x21; 50];
    let done = filled(&[0, 1].map(|index| fragment(index, &tracks, &[(1, 0, frame.clone())])));
    let file = &done.files[&0];
    let found = adts_frames(file).expect("nothing but frames");
    // Two seconds are 93.75 frames, one of which is there; then the other.
    assert_eq!((found.blocks, found.config.rate(), found.config.channels()), (1 + 93 + 1, 48_000, 1));
    assert!(file[7..].starts_with(&frame) && file.ends_with(&frame));
    assert_eq!((done.ends[0].frames, done.ends[0].gaps), (2, 1));
}

#[test]
fn a_change_of_format_begins_another_file() {
    let stereo = |number| {
        let audio = [Element::float(ids::SAMPLING_FREQUENCY, 8_000.0), Element::uint(ids::CHANNELS, 2)];
        MadeTrack { more: vec![Element::master(ids::AUDIO, audio)], ..pcm(number, None) }
    };
    let one = fragment(0, &[pcm(1, None)], &[(1, 0, block(1))]);
    let two = fragment(1, &[stereo(1)], &[(1, 0, block(2))]);
    let done = filled(&[one, two]);
    let channels: Vec<u16> = done.ends.iter().map(|end| end.start.channels()).collect();
    assert_eq!((channels, done.ends[1].samples), (vec![1, 2], 80));
}

#[test]
fn what_cannot_be_written_is_told_once() {
    let mut opus = pcm(1, None);
    opus.codec_id = "A_OPUS".to_owned();
    let fragments =
        [0, 1].map(|index| fragment(index, &[opus.clone(), pcm(2, None)], &[(1, 0, block(1)), (2, 0, vec![1; 321])]));
    let done = filled(&fragments);
    let kinds: Vec<&ProblemKind> = done.problems.iter().map(|problem| &problem.kind).collect();
    assert!(matches!(kinds[..], [ProblemKind::Format(_), ProblemKind::PartOfSample { len: 321, .. }]), "{kinds:?}");
    assert!(done.problems.iter().all(|problem| problem.kind.is_loss()));
    assert_eq!((done.ends.len(), done.ends[0].start.track), (1, 2));
    // A track without a name keeps its number; one of the same name twice is told apart by number.
    let twins = fragment(0, &[pcm(1, Some("x")), pcm(2, Some("x"))], &[(1, 0, block(1)), (2, 0, block(2))]);
    assert_eq!(filled(&[twins]).ends.len(), 2);
    // A track without a frame gives nothing.
    assert!(filled(&[fragment(0, &[pcm(1, None)], &[])]).ends.is_empty());
}

#[test]
fn parts_are_cut_at_samples() {
    let format = PcmFormat { coding: Coding::Integer, rate: 8_000, channels: 1, bits: 16 };
    let bytes: Bytes = (0..=255).collect::<Vec<u8>>().into();
    let cut = |from, to| samples(&format, &bytes, Part { from, to });
    // A sample lasts 125 µs; one that begins before the part is not in it.
    let part = cut(125_001, Some(500_000));
    assert_eq!((&part.data[..], part.samples, part.later), (&[4, 5, 6, 7][..], 2, 250_000));
    assert_eq!(cut(0, None).samples, 128);
    assert_eq!((cut(u64::MAX, None).samples, cut(0, Some(0)).samples, cut(5, Some(3)).samples), (0, 0, 0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn frames_come_out_in_order_whatever_their_times(
        frames in proptest::collection::vec((0u64..4, -300i16..2_000, 0usize..5), 1..20),
        fill: bool,
    ) {
        let mut made: Vec<Vec<(u64, i16, Vec<u8>)>> = vec![Vec::new(); 4];
        let mut expected = Vec::new();
        let mut next = 1u8;
        let mut sorted = frames.clone();
        sorted.sort_by_key(|(fragment, ..)| *fragment);
        for (fragment, at, len) in sorted {
            // No zero in it, so that silence can be taken out again.
            let data = vec![next; len * 2];
            next = next.wrapping_add(1).max(1);
            expected.extend_from_slice(&data);
            made[fragment as usize].push((1, at, data));
        }
        let tracks = [pcm(1, None)];
        let fragments: Vec<Fragment> = (0..4u64).map(|index| fragment(index, &tracks, &made[index as usize])).collect();
        let done = recorded(RecordOptions { fill, ..RecordOptions::default() }, &fragments);
        let sound: Vec<u8> = done.files.get(&0).map_or(Vec::new(), |file| data(file).iter().copied().filter(|byte| *byte != 0).collect());
        prop_assert_eq!(sound, expected);
        prop_assert!(done.problems.is_empty());
    }
}
