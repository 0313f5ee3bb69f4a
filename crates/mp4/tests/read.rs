//! What other programs write is read frame by frame: bytes, times, flags, as ffprobe tells them; and what we write
//! comes back.

mod common;

use std::io::Cursor;
use std::path::Path;
use std::process::Command;

use bytes::Bytes;
use common::{ffmpeg_is_there, file_of, hash, packets, stretch, testdata};
use kineframe_fragment::{Event, Frame, Options};
use kineframe_matroska::{TrackEntry, TrackType, Tracks, Video};
use kineframe_mp4::{AnySplitter, FragmentedWriter, Layout, ReadError, WriteFrame, Writer, find_movie};
use proptest::prelude::*;

/// The events of a file in pieces.
fn read(file: &[u8], piece: usize) -> Vec<Event> {
    try_read(file, piece, AnySplitter::new(Options::default())).expect("within memory")
}

fn try_read(file: &[u8], piece: usize, mut splitter: AnySplitter) -> Result<Vec<Event>, ReadError> {
    let mut events = Vec::new();
    for piece in file.chunks(piece) {
        splitter.push(Bytes::copy_from_slice(piece));
        while let Some(event) = splitter.next_event()? {
            events.push(event);
        }
    }
    splitter.finish();
    while let Some(event) = splitter.next_event()? {
        events.push(event);
    }
    Ok(events)
}

fn frames(events: &[Event]) -> Vec<&Frame> {
    let mut found = Vec::new();
    for event in events {
        if let Event::Frame(frame) = event {
            found.push(frame);
        }
    }
    found
}

fn damage(events: &[Event]) -> Vec<String> {
    let damage = |event: &Event| match event {
        Event::Damage(damage) => Some(damage.error.to_string()),
        _ => None,
    };
    events.iter().filter_map(damage).collect()
}

fn tracks(events: &[Event]) -> std::sync::Arc<Tracks> {
    let tracks = events.iter().find_map(|event| match event {
        Event::Started(head) => head.tracks.clone(),
        _ => None,
    });
    tracks.expect("tracks")
}

/// Nanoseconds on the movie's timeline.
fn time(frame: &Frame) -> i64 {
    let origin = frame.fragment.first_cluster.expect("told").to_nanos(frame.fragment.timestamp_scale);
    frame.offset.expect("told") + i64::try_from(origin).expect("within years")
}

/// Holds what is read against ffprobe's word.
fn check(path: &Path) -> Vec<Event> {
    let file = std::fs::read(path).expect("it is there");
    let events = read(&file, 1000);
    assert_eq!(damage(&events), Vec::<String>::new(), "{}", path.display());
    assert_eq!(events, read(&file, file.len()), "{}", path.display());
    let (found, _) = packets(path);
    let tracks = tracks(&events);
    for (stream, entry) in (0..).zip(&tracks.entries) {
        let own: Vec<&Frame> = frames(&events).into_iter().filter(|f| f.track_number == entry.number).collect();
        let told: Vec<_> = found.iter().filter(|packet| packet.stream == stream).collect();
        assert_eq!(own.len(), told.len(), "{}: track {}", path.display(), entry.number);
        for (place, (frame, packet)) in own.iter().zip(&told).enumerate() {
            let what = format!("{}: track {}, frame {place}", path.display(), entry.number);
            assert_eq!((frame.stored_len, &hash(&frame.data)), (packet.size, &packet.hash), "{what}");
            assert!((time(frame) - packet.time).abs() < 150_000, "{what}: {} for {}", time(frame), packet.time);
            assert_eq!(frame.keyframe, packet.key, "{what}");
            assert_eq!(frame.index, place as u64, "{what}");
        }
    }
    events
}

#[test]
fn what_ffmpeg_writes_is_read_as_ffprobe_does() {
    if !ffmpeg_is_there() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let bodies = ["h264-high-bframes-aac", "h265-main", "av1-svt", "vp9", "mjpeg"];
    let kinds: &[(&str, &[&str])] = &[
        ("plain.mp4", &[]),
        ("faststart.mp4", &["-movflags", "+faststart"]),
        ("fragmented.mp4", &["-movflags", "+frag_keyframe+empty_moov+default_base_moof"]),
        ("edited.mp4", &["-movflags", "+frag_keyframe+delay_moov"]),
        ("odd.mp4", &["-video_track_timescale", "12345", "-movflags", "+faststart"]),
        ("rtp.mov", &["-movflags", "+faststart"]),
    ];
    for body in bodies {
        // Times from 0, in one document, so that ffmpeg has nothing to say.
        let stretch = stretch(&format!("generated/{body}.mkv"));
        let mut writer = Writer::new(Layout::MoovFirst, &stretch.tracks.entries).expect("tracks");
        stretch.frames().for_each(|frame| writer.frame(frame.clone()).expect("a frame"));
        let source = folder.path().join(format!("{body}-source.mp4"));
        std::fs::write(&source, file_of(&[], &writer.finish().expect("an end"))).expect("written");
        let ours = check(&source);
        for (name, flags) in kinds {
            if name.ends_with(".mov") && matches!(body, "av1-svt" | "vp9") {
                continue;
            }
            let path = folder.path().join(format!("{body}-{name}"));
            let mut command = Command::new("ffmpeg");
            command.args(["-v", "error", "-y", "-i"]).arg(&source).args(["-c", "copy"]).args(*flags).arg(&path);
            assert!(command.status().expect("ffmpeg runs").success(), "{}", path.display());
            let events = check(&path);
            // The same bytes as in the Matroska body, track by track.
            for entry in &stretch.tracks.entries {
                let of = |events: &[Event]| -> Vec<Bytes> {
                    let own = frames(events).into_iter().filter(|frame| frame.track_number == entry.number);
                    own.map(|frame| frame.data.clone()).collect()
                };
                let body: Vec<Bytes> =
                    stretch.frames().filter(|f| f.track_number == entry.number).map(|f| f.data.clone()).collect();
                assert_eq!(of(&events).len(), body.len());
                assert!(of(&events) == body && of(&ours) == body, "{}", path.display());
                let read = tracks(&events);
                let read = read.entries.iter().find(|read| read.number == entry.number).expect("the track");
                assert_eq!(read.codec_id, entry.codec_id.trim_end_matches('\0'), "{}", path.display());
                if !matches!(body.len(), 0) && entry.codec_id.contains("ISO") {
                    assert_eq!(read.codec_private, entry.codec_private, "{}", path.display());
                }
            }
        }
    }
}

#[test]
fn pictures_that_are_turned_and_stretched_say_so() {
    let mut entry = TrackEntry::new(1, TrackType::VIDEO, "V_MJPEG");
    for (roll, aspect) in [(-90.0, None), (180.0, Some((4, 3))), (90.0, Some((16, 11)))] {
        let (display_width, display_height) = aspect.map_or((None, None), |(w, h)| (Some(64 * w), Some(48 * h)));
        let video = Video { pixel_width: 64, pixel_height: 48, display_width, display_height, ..Video::default() };
        entry.video = Some(Video { pose_roll: roll, ..video });
        let mut writer = Writer::new(Layout::MoovFirst, &[entry.clone()]).expect("a track");
        writer.frame(WriteFrame::new(1, 0, true, Bytes::from_static(b"\xff\xd8"))).expect("a frame");
        let file = writer.finish().expect("an end").chunks.concat();
        let read = tracks(&read(&file, 100)).entries[0].video.clone().expect("video");
        assert_eq!(read.pose_roll, roll);
        let ratio = read.display_width.zip(read.display_height).map(|(w, h)| (w * 48, h * 64));
        assert_eq!(ratio.map(|(w, h)| w * aspect.unwrap().1 == h * aspect.unwrap().0), aspect.map(|_| true));
    }
}

fn plain(layout: Layout, frames: &[WriteFrame], entries: &[TrackEntry]) -> Vec<u8> {
    let mut writer = Writer::new(layout, entries).expect("tracks");
    let mut chunks = Vec::new();
    for frame in frames {
        writer.frame(frame.clone()).expect("a frame");
        chunks.extend(writer.take_chunks());
    }
    file_of(&chunks, &writer.finish().expect("an end"))
}

#[test]
fn media_before_its_description() {
    let stretch = stretch("generated/h264-high-bframes-aac.mkv");
    let all: Vec<WriteFrame> = stretch.frames().cloned().collect();
    let file = plain(Layout::MoovLast, &all, &stretch.tracks.entries);
    let held = read(&file, 777);
    assert_eq!((frames(&held).len(), damage(&held).len()), (all.len(), 0));
    // Not within little memory, unless the description is there beforehand.
    let little = || AnySplitter::new(Options::default()).with_memory(20_000);
    let error = try_read(&file, 777, little()).expect_err("too much to hold");
    assert!(error.to_string().contains("by its path"), "{error}");
    let movie = find_movie(&mut Cursor::new(&file), 1 << 20).expect("readable");
    assert!(movie.is_some());
    let ahead = try_read(&file, 777, little().with_movie(movie)).expect("nothing is held");
    assert_eq!(frames(&ahead).len(), all.len());
    let first = plain(Layout::MoovFirst, &all, &stretch.tracks.entries);
    assert_eq!(find_movie(&mut Cursor::new(&first), 1 << 20).expect("readable"), None);
    assert_eq!(try_read(&first, 777, little()).map(|events| frames(&events).len()), Ok(all.len()));
}

#[test]
fn changed_descriptions_begin_another_fragment() {
    let stretch = stretch("generated/h264-high-bframes-aac.mkv");
    let mut video = stretch.tracks.entries[0].clone();
    let mut writer = Writer::new(Layout::MoovFirst, &[video.clone()]).expect("a track");
    for (place, fragment) in stretch.fragments.iter().take(2).enumerate() {
        if place == 1 {
            video.video.as_mut().expect("video").pixel_width += 2;
            writer.describe(&[video.clone()]).expect("a description");
        }
        for frame in fragment.iter().filter(|frame| frame.track_number == video.number) {
            writer.frame(frame.clone()).expect("a frame");
        }
    }
    let events = read(&writer.finish().expect("an end").chunks.concat(), 5000);
    let heads: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::Started(head) => head.tracks.as_ref()?.entries[0].video.as_ref().map(|video| video.pixel_width),
            _ => None,
        })
        .collect();
    let width = video.video.expect("video").pixel_width;
    assert_eq!((heads, damage(&events).len()), (vec![width - 2, width], 0));
}

/// Whether a file that is cut there ends between two boxes.
fn segments_end(file: &[u8], cut: usize) -> bool {
    let mut at = 0;
    while let Some(size) = file.get(at..at + 4).filter(|_| at < cut) {
        at += u32::from_be_bytes(size.try_into().expect("four bytes")) as usize;
    }
    at == cut
}

#[test]
fn cut_files_give_what_is_whole() {
    let stretch = stretch("generated/h264-high-bframes-aac.mkv");
    let all: Vec<WriteFrame> = stretch.frames().cloned().collect();
    let mut segments = FragmentedWriter::new(&stretch.tracks.entries).expect("tracks");
    let mut fragmented = segments.init_segment().expect("it fits").to_vec();
    for fragment in &stretch.fragments {
        fragmented.extend(segments.media_segment(fragment, None).expect("it fits"));
    }
    for file in [plain(Layout::MoovFirst, &all, &stretch.tracks.entries), fragmented] {
        let whole = read(&file, file.len());
        let whole = frames(&whole);
        for cut in (0..file.len()).step_by(997) {
            let events = read(&file[..cut], 4096);
            let found = frames(&events);
            let there = whole.iter().filter(|frame| frame.position + frame.stored_len <= cut as u64);
            // Of a fragmented file what no description has come for is not told.
            assert!(found.len() <= there.clone().count(), "{cut}");
            let same = found.iter().zip(&whole).all(|(a, b)| (a.index, &a.data) == (b.index, &b.data));
            assert!(same, "{cut}");
            let told = events.iter().any(|event| matches!(event, Event::Finished(tail) if tail.truncated));
            let told = told || !damage(&events).is_empty();
            // Before anything is described, and between two segments, nothing is known to be missing.
            assert!(found.len() == whole.len() || told || cut < 40 || segments_end(&file, cut), "{cut}");
        }
    }
}

#[test]
fn what_is_copied_is_counted() {
    let stretch = stretch("generated/h264-high-bframes-aac.mkv");
    let written: Vec<WriteFrame> = stretch.frames().cloned().collect();
    let file = plain(Layout::MoovFirst, &written, &stretch.tracks.entries);
    let read = |size: usize| {
        let mut splitter = AnySplitter::new(Options::default());
        let mut events = Vec::new();
        for piece in file.chunks(size).map(Bytes::copy_from_slice).chain([Bytes::new()]) {
            if piece.is_empty() {
                splitter.finish();
            }
            splitter.push(piece);
            while let Some(event) = splitter.next_event().expect("within memory") {
                events.push(event);
            }
        }
        assert_eq!(frames(&events).len(), written.len());
        (splitter.bytes_copied(), events)
    };
    assert_eq!(read(file.len()).0, 0, "all in one piece");
    let movie = file.windows(4).position(|kind| kind == b"moov").expect("a movie box");
    let movie_len = u32::from_be_bytes(*file[movie - 4..].first_chunk().expect("a size")) as usize - 8;
    for wanted in [2_000, 8_192, 65_536] {
        // The last piece is not so short that it is joined to the one before.
        let size = (wanted..).find(|size| file.len() % size >= 1024).expect("a size");
        let (copied, events) = read(size);
        let across = |start: usize, len: usize| if start / size == (start + len - 1) / size { 0 } else { len };
        let of_frames = frames(&events).into_iter().map(|frame| across(frame.position as usize, frame.data.len()));
        assert_eq!(copied as usize, of_frames.sum::<usize>() + across(movie + 4, movie_len), "pieces of {size}");
    }
    for size in [1, 7, 188, 1000] {
        let (copied, _) = read(size);
        // All but the pieces that begin a buffer are joined; what then lies across two buffers is gathered.
        let bounds = file.len() * 7 / 8..=2 * file.len();
        assert!(bounds.contains(&(copied as usize)), "{copied} of {} in pieces of {size}", file.len());
    }
}

#[test]
fn spoilt_files_are_no_danger() {
    let mut rng = kineframe_testkit::Rng::new(11);
    for name in ["plain.mp4", "faststart.mp4", "fragmented.mp4", "frames.mp4", "quicktime.mov"] {
        let path = testdata("../fuzz/corpus/mp4_pieces").join(name);
        let file = std::fs::read(path).expect("a seed");
        for _ in 0..300 {
            let mut spoilt = file.clone();
            for _ in 0..=rng.below(6) {
                let at = rng.below(spoilt.len());
                spoilt[at] = [0, 1, 0x7f, 0xff, rng.below(256) as u8][rng.below(5)];
            }
            kineframe_mp4::fuzzing::pieces(&spoilt);
        }
    }
}

/// Counts of four thousand million, for which the file has no bytes, cost neither time nor memory.
#[test]
fn counts_without_bytes_behind_them_end_at_once() {
    let mut entry = TrackEntry::new(1, TrackType::VIDEO, "V_MJPEG");
    entry.video = Some(Video { pixel_width: 64, pixel_height: 48, ..Video::default() });
    let frames: Vec<WriteFrame> =
        (0..3).map(|place| WriteFrame::new(1, place * 40_000_000, true, Bytes::from_static(b"\xff\xd8x"))).collect();
    let began = std::time::Instant::now();

    // `stsz`: all samples of one byte, and as many as 32 bits hold; `stsc`: all of them in the first chunk.
    let mut file = plain(Layout::MoovFirst, &frames, &[entry.clone()]);
    let place = |file: &[u8], kind: &[u8]| file.windows(4).position(|found| found == kind).expect("the box");
    let stsz = place(&file, b"stsz");
    file[stsz + 8..stsz + 16].copy_from_slice(&[0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff]);
    let stsc = place(&file, b"stsc");
    file[stsc + 16..stsc + 20].copy_from_slice(&[0xff; 4]);
    let events = read(&file, 64);
    assert_eq!((self::frames(&events).len(), damage(&events).len()), (9, 1), "{:?}", damage(&events));

    // Chunks that stand before everything.
    let stco = place(&file, b"stco");
    file[stco + 12..stco + 16].copy_from_slice(&[0; 4]);
    assert!(!damage(&read(&file, 64)).is_empty());

    // `trun`: no field of its own for a sample, and as many as 32 bits hold.
    let mut writer = FragmentedWriter::new(&[entry]).expect("a track");
    let mut file = writer.init_segment().expect("it fits").to_vec();
    file.extend(writer.media_segment(&frames, None).expect("it fits"));
    let trun = place(&file, b"trun");
    file[trun + 5..trun + 8].copy_from_slice(&[0, 0, 1]);
    file[trun + 8..trun + 12].copy_from_slice(&[0xff; 4]);
    assert!(!damage(&read(&file, 64)).is_empty());

    assert!(began.elapsed().as_secs() < 10, "{:?}", began.elapsed());
}

fn any_frames() -> impl Strategy<Value = Vec<WriteFrame>> {
    let frame = (1u64..3, 0i64..5_000, any::<bool>(), proptest::collection::vec(any::<u8>(), 0..50));
    let frame = frame.prop_map(|(track, millis, key, data)| {
        WriteFrame::new(track, millis * 1_000_000, key || track == 2, data.into())
    });
    proptest::collection::vec(frame, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_read_again(written in any_frames(), piece in 1usize..3000) {
        let mut video = TrackEntry::new(1, TrackType::VIDEO, "V_MJPEG");
        video.video = Some(Video { pixel_width: 64, pixel_height: 48, ..Video::default() });
        let mut sound = TrackEntry::new(2, TrackType::AUDIO, "A_MPEG/L3");
        sound.audio = Some(kineframe_matroska::Audio { sampling_frequency: 44_100.0, channels: 2, bit_depth: None });
        let entries = [video, sound];
        let mut segments = FragmentedWriter::new(&entries).expect("tracks");
        let mut fragmented = segments.init_segment().expect("it fits").to_vec();
        fragmented.extend(segments.media_segment(&written, None).expect("it fits"));
        let files = [
            plain(Layout::MoovFirst, &written, &entries),
            plain(Layout::MoovLast, &written, &entries),
            fragmented,
        ];
        for file in files {
            let events = read(&file, piece);
            prop_assert_eq!(damage(&events), Vec::<String>::new());
            for number in [1, 2] {
                let found: Vec<&Frame> =
                    frames(&events).into_iter().filter(|frame| frame.track_number == number).collect();
                let own: Vec<&WriteFrame> = written.iter().filter(|frame| frame.track_number == number).collect();
                prop_assert_eq!(found.len(), own.len());
                for (found, own) in found.iter().zip(&own) {
                    prop_assert_eq!(&found.data, &own.data);
                    prop_assert_eq!(found.keyframe, own.keyframe);
                    prop_assert!((time(found) - own.time).abs() <= 12_000, "{} for {}", time(found), own.time);
                }
            }
        }
    }
}
