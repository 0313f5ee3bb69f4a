//! How fast a capture becomes MP4.

use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kineframe_fragment::{Event, Options, Splitter};
use kineframe_matroska::TrackEntry;
use kineframe_mp4::{FragmentedWriter, Layout, WriteFrame, Writer};

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

criterion_group!(benches, write);
criterion_main!(benches);
