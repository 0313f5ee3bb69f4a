//! Taking a real capture apart: from memory, where no payload is touched, and from pieces of a network's size, where
//! each byte is copied once, beside one `memcpy` of the same bytes.

use std::hint::black_box;
use std::path::Path;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kineframe_matroska::{
    DemuxOptions, Demuxer, Event, MuxFrame, MuxOptions, Muxer, SegmentTicks, TrackEntry, TrackType,
};

/// A real GetMedia body (H.264 720p in fragments of some 500 KB), end to end until it is 20 MB long.
fn capture() -> Bytes {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/captures/output_get_media.mkv");
    Bytes::from(std::fs::read(path).expect("in the repository").repeat(8))
}

/// Documents of about `size` bytes with frames of 16 KiB, 32 MiB in all.
fn fragments(size: usize) -> Bytes {
    let frame = Bytes::from(vec![0x5A; 16 << 10]);
    let mut muxer =
        Muxer::new(MuxOptions::default(), &[TrackEntry::new(1, TrackType::VIDEO, "V_VP9")]).expect("a track");
    for index in 0..size / frame.len() {
        muxer.frame(MuxFrame::new(1, SegmentTicks(index as i64 * 4), index == 0, frame.clone())).expect("in order");
    }
    let mut document = muxer.take_chunks().concat();
    document.extend(muxer.finish().expect("short").chunks.concat());
    Bytes::from(document.repeat((32 << 20) / size))
}

fn run(demuxer: &mut Demuxer) -> u64 {
    let mut frames = 0;
    while let Some(event) = demuxer.next_event().expect("undamaged") {
        if let Event::Block(block) = &event {
            frames += black_box(block).frames.len() as u64;
        }
    }
    frames
}

fn whole(data: &Bytes) -> u64 {
    let mut demuxer = Demuxer::new(DemuxOptions::default());
    demuxer.push(data.clone());
    demuxer.finish();
    run(&mut demuxer)
}

/// As from a socket: each piece a buffer of its own, let go of when it is used up.
fn pieces(data: &Bytes, size: usize) -> u64 {
    let mut demuxer = Demuxer::new(DemuxOptions::default());
    let mut frames = 0;
    for start in (0..data.len()).step_by(size) {
        demuxer.push(data.slice(start..data.len().min(start + size)));
        frames += run(&mut demuxer);
    }
    demuxer.finish();
    frames + run(&mut demuxer)
}

fn benches(c: &mut Criterion) {
    let data = capture();
    let mut group = c.benchmark_group("capture");
    group.throughput(Throughput::Bytes(data.len() as u64)).sample_size(20);
    group.bench_function("memcpy", |b| {
        let mut copy = vec![0; data.len()];
        b.iter(|| copy.copy_from_slice(black_box(&data)));
    });
    group.bench_function("in memory", |b| b.iter(|| whole(&data)));
    for size in [1 << 10, 16 << 10, 64 << 10] {
        group.bench_function(format!("pieces of {size}"), |b| b.iter(|| pieces(&data, size)));
    }
    group.finish();

    let mut group = c.benchmark_group("fragment size");
    group.throughput(Throughput::Bytes(32 << 20)).sample_size(20);
    for (name, size) in [("1 MiB", 1 << 20), ("8 MiB", 8 << 20)] {
        let data = fragments(size);
        group.bench_function(format!("{name} in memory"), |b| b.iter(|| whole(&data)));
        group.bench_function(format!("{name} in pieces"), |b| b.iter(|| pieces(&data, 16 << 10)));
    }
    group.finish();
}

criterion_group!(demux, benches);
criterion_main!(demux);
