//! Decoding that begins in the middle: at a clean random access point that a choice of pictures makes enough, and where a
//! recording happens to begin. Each picture equals the truth at its time, or is marked.

mod common;

use bytes::Bytes;
use common::{Run, options, run};
use kineframe_bitstream::h264::RandomAccess;
use kineframe_codec::NalFraming;
use kineframe_codec_conformance::TestStream;
use kineframe_consumer::{At, MediaTime, Selection};
use kineframe_source::Memory;
use kineframe_testkit::{Fragment, Frame, Track, body};

/// Between two pictures.
const STEP_MS: i64 = 40;

/// A stream as a body of one fragment from its packet `first` on, each frame at the time of its picture.
struct Recording {
    stream: TestStream,
    first: usize,
    memory: Memory,
}

impl Recording {
    fn new(name: &str, first: usize) -> Recording {
        let stream = TestStream::inside(name).unwrap_or_else(|| panic!("no stream {name}"));
        // As a container has it: parameter sets in CodecPrivate, wherever the recording begins.
        let stored = stream.out_of_band().unwrap_or_else(|| stream.clone());
        let private = stored.packets[0].params.as_ref().map_or(Bytes::new(), |params| params.private.clone());
        let codec = if name.starts_with("h265") { "V_MPEGH/ISO/HEVC" } else { "V_MPEG4/ISO/AVC" };
        let mut track = Track::h264(1);
        track.codec_id = codec.to_owned();
        track.codec_private = Some(private.to_vec()).filter(|private| !private.is_empty());
        let mut fragment = Fragment::new(0);
        fragment.tracks = vec![track];
        fragment.cluster_timestamp = Some(0);
        let packets = stored.packets.iter().enumerate().skip(first);
        fragment.frames = packets
            .map(|(index, packet)| {
                let place = stored.order.iter().position(|packet| *packet == index).expect("each packet has a picture");
                let at = i16::try_from(place as i64 * STEP_MS).expect("a short stream");
                Frame::new(1, at, packet.random_access != RandomAccess::None, packet.data.to_vec())
            })
            .collect();
        assert!(stored.packets.iter().all(|packet| packet.framing == stored.packets[0].framing));
        assert!(matches!(stored.packets[0].framing, NalFraming::LengthPrefixed(4) | NalFraming::StartCodes));
        let memory = Memory::new(name, body(&[fragment]).bytes);
        Recording { stream, first, memory }
    }

    fn run(&self, selection: Selection, threads: usize) -> Run<String> {
        let mut options = options(kineframe_decoders::default_list(), threads);
        options.selection = selection;
        run(&self.memory, options)
    }

    /// Each picture that came: its place in the stream, and whether it is marked. Unmarked ones are equal to the truth.
    fn check(&self, found: &Run<String>) -> Vec<(usize, bool)> {
        let name = &self.stream.name;
        let places = found.items.iter().map(|item| {
            let at = item.info.offset.expect("a time") / 1_000_000;
            let place = usize::try_from(at / STEP_MS).expect("behind the beginning");
            let truth: String = self.stream.truth[place].md5.iter().map(|byte| format!("{byte:02x}")).collect();
            assert!(item.damaged || item.output == truth, "{name} from {}: picture {place} is wrong", self.first);
            (place, item.damaged)
        });
        places.collect()
    }
}

/// The packets at which a clean random access point lies within the sequence.
fn entries(stream: &TestStream) -> Vec<usize> {
    let entry = |access| access == RandomAccess::RecoveryPoint { frames: 0 };
    (0..stream.packets.len()).filter(|index| entry(stream.packets[*index].random_access)).collect()
}

#[test]
fn a_choice_begins_to_decode_at_clean_random_access_within_a_sequence() {
    let recording = Recording::new("h265_gen_main_open_gop", 0);
    let (pictures, entries) = (recording.stream.truth.len(), entries(&recording.stream));
    assert_eq!(entries.len(), 2, "{entries:?}");

    for threads in [1, 2] {
        let found = recording.run(Selection::keyframes(), threads);
        assert_eq!((recording.check(&found).len(), found.summary.frames_decoded), (3, 3), "key frames alone");
        let found = recording.run(Selection::all(), threads);
        let all: Vec<(usize, bool)> = (0..pictures).map(|place| (place, false)).collect();
        assert_eq!(recording.check(&found), all);
    }
    // Each picture by itself: from the last point that it does not refer past.
    let leading = |entry: usize| {
        let order = &recording.stream.order;
        let place = |packet| order.iter().position(|other| *other == packet).expect("a picture");
        (entry + 1..pictures).take_while(|packet| place(*packet) < place(entry)).count()
    };
    for place in 0..pictures {
        let time = MediaTime::Elapsed(i128::from(STEP_MS) * place as i128 * 1_000_000);
        let found = recording.run(Selection { at: vec![At::Time(time)], ..Selection::all() }, 1);
        assert_eq!(recording.check(&found), [(place, false)]);
        let packet = recording.stream.order[place];
        let is_free = |entry: &&usize| **entry == packet || **entry + leading(**entry) < packet;
        let start = entries.iter().rfind(is_free).copied().unwrap_or(0);
        let decoded = usize::try_from(found.summary.frames_decoded).expect("few");
        assert!(
            (1..=packet - start + 1).contains(&decoded),
            "picture {place}: {decoded} decoded, from {start} to {packet}"
        );
    }
    for n in [2, 7, 24, 25, 26, 40] {
        let found = recording.run(Selection::one_in(n), 2);
        let wanted: Vec<(usize, bool)> = (0..pictures).step_by(n as usize).map(|place| (place, false)).collect();
        assert_eq!(recording.check(&found), wanted, "one in {n}");
    }
}

#[test]
fn a_recording_that_begins_anywhere_shows_no_wrong_picture_unmarked() {
    // How many pictures at the end are sound, wherever the recording begins up to here.
    for (name, upto, sound) in [
        ("h265_gen_main_open_gop", 40, 25),
        ("h265_gen_main_bpyramid", 20, 25),
        ("h265_gen_main_intra_refresh", 40, 0),
        ("gen_high_open_gop", 40, 25),
        ("gen_high_intra_refresh", 40, 0),
    ] {
        for first in (1..upto).step_by(4) {
            let recording = Recording::new(name, first);
            let found = recording.run(Selection::all(), 1);
            let shown = recording.check(&found);
            let tail = shown.iter().rev().take_while(|(_, damaged)| !damaged).count();
            let (marked, last) = (shown.iter().filter(|one| one.1).count(), shown.last());
            println!("{name} from {first}: {} shown, {marked} marked, {tail} sound at the end", shown.len());
            assert!(tail >= sound, "{name} from {first}: {tail} sound at the end, {last:?}");
            // What is chosen of it is as sound.
            for selection in [Selection::keyframes(), Selection::one_in(5)] {
                recording.check(&recording.run(selection, 1));
            }
        }
    }
}
