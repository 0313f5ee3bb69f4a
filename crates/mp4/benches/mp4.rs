//! How fast a capture becomes MP4.

use std::hint::black_box;
use std::path::Path;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kineframe_fragment::{Event, Options, Splitter};
use kineframe_matroska::TrackEntry;
use kineframe_mp4::{AnySplitter, FragmentedWriter, Layout, WriteFrame, Writer};

fn body() -> (Vec<TrackEntry>, Vec<WriteFrame>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/captures/output_get_media.mkv");
    let mut splitter = Splitter::new(Options::default());
    splitter.push(std::fs::read(path).expect("the capture is there").into());
    splitter.finish();
    let (mut tracks, mut frames) = (Vec::new(), Vec::new());
    let mut start = 0;
    while let Some(event) = splitter.next_event().expect("not strict") {
        match event {
            Event::Started(head) => {
                start = i64::try_from(head.index).expect("few") * 2_000_000_000;
                tracks = head.tracks.as_ref().expect("tracks").entries.clone();
            }
            Event::Frame(frame) => frames.extend(WriteFrame::of(&frame, start)),
            _ => {}
        }
    }
    (tracks, frames)
}

fn write(criterion: &mut Criterion) {
    let (tracks, frames) = body();
    let bytes = frames.iter().map(|frame| frame.data.len() as u64).sum();
    let mut group = criterion.benchmark_group("write");
    group.throughput(Throughput::Bytes(bytes));
    group.bench_function("plain", |bencher| {
        bencher.iter(|| {
            let mut writer = Writer::new(Layout::MoovFirst, &tracks).expect("tracks");
            for frame in &frames {
                writer.frame(frame.clone()).expect("a frame");
            }
            black_box(writer.finish().expect("an end"))
        });
    });
    group.bench_function("segment", |bencher| {
        let mut writer = FragmentedWriter::new(&tracks).expect("tracks");
        bencher.iter(|| black_box(writer.media_chunks(&frames, None).expect("a segment")));
    });
    group.finish();
}

/// Reading, which is to cost little beside the bytes: plain and fragmented, in pieces of 256 KiB.
fn read(criterion: &mut Criterion) {
    let (tracks, frames) = body();
    let mut writer = Writer::new(Layout::MoovFirst, &tracks).expect("tracks");
    for frame in &frames {
        writer.frame(frame.clone()).expect("a frame");
    }
    let plain = writer.finish().expect("an end").chunks.concat();
    let mut writer = FragmentedWriter::new(&tracks).expect("tracks");
    let mut fragmented = writer.init_segment().expect("it fits").to_vec();
    for frames in frames.chunks(60) {
        fragmented.extend(writer.media_segment(frames, None).expect("a segment"));
    }
    let mut group = criterion.benchmark_group("read");
    for (name, file) in [("plain", plain), ("fragmented", fragmented)] {
        let file = Bytes::from(file);
        group.throughput(Throughput::Bytes(file.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let mut splitter = AnySplitter::new(Options::default());
                let mut found = 0;
                for at in (0..file.len()).step_by(256 << 10) {
                    splitter.push(file.slice(at..file.len().min(at + (256 << 10))));
                    while let Some(event) = splitter.next_event().expect("no limit") {
                        found += usize::from(matches!(event, Event::Frame(_)));
                    }
                }
                assert_eq!(found, frames.len());
                black_box(found)
            });
        });
    }
    group.finish();
}

criterion_group!(benches, write, read);
criterion_main!(benches);
