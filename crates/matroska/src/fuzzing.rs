//! Bodies of the fuzz targets: what must hold for any bytes. Compiled and tested with the crate.

use bytes::Bytes;

use crate::{
    DemuxOptions, Demuxer, Event, Limits, MuxFrame, MuxOptions, Muxer, Recover, SegmentTicks, Sink, TrackEntry,
    TrackType,
};

/// Bounds that short inputs reach.
fn options() -> DemuxOptions {
    let mut limits = Limits::default();
    limits.element = 256 << 10;
    limits.elements = 4096;
    let mut options = DemuxOptions::from(limits).recover(Recover::Resync);
    options.master = 64 << 10;
    options.keep = 1 << 10;
    options
}

/// All events of `data` in these pieces, with what must hold after each call.
fn events<'a>(data: &Bytes, pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Event>, u64) {
    let mut demuxer = Demuxer::new(options());
    let mut events = Vec::new();
    let mut pushed = 0;
    for piece in pieces {
        demuxer.push(data.slice_ref(piece));
        pushed += piece.len() as u64;
        drain(&mut demuxer, &mut events);
        assert_eq!(demuxer.pushed_bytes(), pushed);
        assert!(demuxer.position() <= pushed);
        assert!(demuxer.held_bytes() <= pushed);
    }
    demuxer.finish();
    drain(&mut demuxer, &mut events);
    assert!(demuxer.is_done());
    assert_eq!(demuxer.next_event(), Ok(None));
    assert_eq!(demuxer.position(), data.len() as u64, "all input is accounted for");
    (events, demuxer.position())
}

fn drain(demuxer: &mut Demuxer, events: &mut Vec<Event>) {
    while let Some(event) = demuxer.next_event().expect("damage is told as an event") {
        events.push(event);
    }
}

/// The same events, and the same last position, however the bytes are cut; levels open and close in order; nothing
/// is told twice or lies outside the input. The first two bytes choose a cutting.
pub fn demux_pieces(data: &[u8]) {
    let Some((seed, data)) = data.split_first_chunk::<2>() else { return };
    let data = Bytes::copy_from_slice(data);
    let whole = events(&data, [&data[..]]);
    check_order(&whole.0, data.len() as u64);
    assert_eq!(events(&data, data.chunks(1)), whole, "a byte at a time");
    let mut state = u32::from(u16::from_le_bytes(*seed)) | 1;
    let mut rest = &data[..];
    let mut random = Vec::new();
    while !rest.is_empty() {
        // A generator by Marsaglia (xorshift32); any would do.
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        let len = (state as usize >> 8) % (1 << (state % 10)).min(rest.len()).max(1);
        let (piece, others) = rest.split_at(len);
        random.push(piece);
        rest = others;
        if len == 0 {
            random.push(&rest[..1]);
            rest = &rest[1..];
        }
    }
    assert_eq!(events(&data, random), whole, "random pieces");
    if data.len() <= 128 {
        for at in 0..=data.len() {
            let (first, second) = data.split_at(at);
            assert_eq!(events(&data, [first, second]), whole, "cut at {at}");
        }
    }
}

fn check_order(events: &[Event], len: u64) {
    let (mut segment, mut cluster) = (false, false);
    for event in events {
        match event {
            Event::EbmlHeader(header) => assert!(!segment && header.offset + header.len <= len),
            Event::SegmentStart { .. } => assert!(!std::mem::replace(&mut segment, true)),
            Event::ClusterStart { .. } => assert!(segment && !std::mem::replace(&mut cluster, true)),
            Event::ClusterEnd { offset, .. } => assert!(std::mem::take(&mut cluster) && *offset <= len),
            Event::SegmentEnd { offset, .. } => assert!(!cluster && std::mem::take(&mut segment) && *offset <= len),
            Event::Info(_) | Event::Tracks(_) | Event::Tags(_) => assert!(segment && !cluster),
            Event::ClusterTimestamp(_) => assert!(cluster),
            Event::Block(block) => {
                assert!(cluster && !block.frames.is_empty());
                for frame in &block.frames {
                    assert!(frame.offset > block.offset && frame.offset + frame.stored_len <= len);
                }
            }
            Event::Damage { offset, length, .. } => assert!(offset + length <= len),
            Event::Skipped { offset, .. } => assert!(*offset < len),
        }
    }
    assert!(!segment && !cluster, "what opens closes");
}

/// Frames that the bytes describe, written and read again: the same frames, nothing damaged, the same from a
/// file and a stream. Tracks that the bytes hold as a Matroska stream are written again too.
pub fn mux_round_trip(data: &[u8]) {
    let Some((&choice, rest)) = data.split_first() else { return };
    let sink = if choice & 1 == 0 { Sink::Seekable } else { Sink::Stream };
    let mut tracks =
        vec![TrackEntry::new(1, TrackType::VIDEO, "V_TEST"), TrackEntry::new(130, TrackType::AUDIO, "A_TEST")];
    let stream = Bytes::copy_from_slice(rest);
    for event in events(&stream, [&stream[..]]).0 {
        if let Event::Tracks(found) = event
            && let Ok(_) = Muxer::new(MuxOptions::default(), &found.entries)
        {
            tracks = found.entries.clone();
            break;
        }
    }
    let options = MuxOptions { sink, cluster_bytes: 1 << (choice % 12), ..MuxOptions::default() };
    let mut muxer = Muxer::new(options, &tracks).expect("checked above, or two tracks with numbers");
    let mut time = 0i64;
    let mut expected = Vec::new();
    for description in rest.chunks_exact(4).take(512) {
        let [flags, step, jump, len] = [description[0], description[1], description[2], description[3]];
        time = (time + i64::from(step as i8) + (i64::from(jump) << (jump % 12))).max(0);
        let number = tracks[usize::from(flags >> 4) % tracks.len()].number;
        let mut frame =
            MuxFrame::new(number, SegmentTicks(time), flags & 1 != 0, Bytes::from(vec![flags; usize::from(len)]));
        frame.invisible = flags & 2 != 0;
        frame.duration = (flags & 4 != 0).then_some(u64::from(step));
        frame.discardable = flags & 8 != 0 && frame.duration.is_none();
        expected.push(frame.clone());
        muxer.frame(frame).expect("a known track and a time that is not negative");
    }
    let mut file = muxer.take_chunks().concat();
    let end = muxer.finish().expect("a short file");
    file.extend(end.chunks.concat());
    assert_eq!(file.len() as u64, end.length);
    for patch in end.patches {
        file[patch.offset as usize..][..patch.bytes.len()].copy_from_slice(&patch.bytes);
    }
    let mut expected = expected.into_iter();
    let mut demuxer = Demuxer::new(DemuxOptions::default());
    demuxer.push(Bytes::from(file));
    demuxer.finish();
    while let Some(event) = demuxer.next_event().expect("what the muxer writes is sound") {
        match event {
            Event::Block(block) => {
                let frame = expected.next().expect("no more frames than were written");
                assert_eq!(block.track_number, frame.track_number);
                assert_eq!(block.timestamp, Some(frame.timestamp));
                assert_eq!((block.keyframe, block.invisible), (frame.keyframe, frame.invisible));
                assert_eq!(block.discardable, frame.discardable);
                assert_eq!(block.frames.len(), 1);
                assert_eq!(block.frames[0].data, Ok(frame.data));
            }
            Event::Tracks(found) => {
                let numbers = |entries: &[TrackEntry]| entries.iter().map(|entry| entry.number).collect::<Vec<_>>();
                assert_eq!(numbers(&found.entries), numbers(&tracks));
            }
            Event::ClusterEnd { complete, .. } | Event::SegmentEnd { complete, .. } => assert!(complete),
            _ => {}
        }
    }
    assert_eq!(expected.next(), None, "every frame was read");
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn nothing_and_little() {
        for len in 0..40 {
            for byte in [0, 0x1A, 0x80, 0xEC, 0xFF] {
                demux_pieces(&vec![byte; len]);
                mux_round_trip(&vec![byte; len]);
            }
        }
    }

    #[test]
    fn damaged_files_and_the_corpus() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let folders = ["testdata/malformed/flipped", "testdata/malformed/huge", "testdata/malformed/nesting"];
        let corpus = ["fuzz/corpus/matroska_demux_pieces", "fuzz/corpus/matroska_mux_round_trip"];
        let mut count = 0;
        for folder in folders.into_iter().chain(corpus) {
            let Ok(entries) = std::fs::read_dir(root.join(folder)) else { continue };
            for entry in entries {
                let path = entry.unwrap().path();
                if path.is_file() {
                    let mut data = std::fs::read(path).unwrap();
                    data.truncate(20_000);
                    demux_pieces(&data);
                    mux_round_trip(&data);
                    data.splice(..0, [7, 9]);
                    demux_pieces(&data);
                    count += 1;
                }
            }
        }
        assert!(count > 5);
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

        #[test]
        fn changed_fixtures(
            cut in 100usize..3000,
            changes in proptest::collection::vec((proptest::prelude::any::<proptest::sample::Index>(), proptest::prelude::any::<u8>()), 0..8),
        ) {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/fixtures/tail-last-fragment.mkv");
            let mut data = std::fs::read(path).unwrap();
            data.truncate(cut);
            for (at, byte) in changes {
                let at = at.index(data.len());
                data[at] ^= byte;
            }
            demux_pieces(&data);
        }

        #[test]
        fn any_bytes(data in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..600)) {
            demux_pieces(&data);
            mux_round_trip(&data);
        }
    }
}
