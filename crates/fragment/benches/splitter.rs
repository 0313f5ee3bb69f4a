//! Splitting speed: a real capture in memory and from small pieces, and whether the size of fragments matters.

use std::hint::black_box;
use std::path::Path;

use bytes::Bytes;
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use kineframe_fragment::{Event, Options, Splitter};
use kineframe_testkit::{Fragment, Frame, body};

/// Splits what comes in these pieces; the payload bytes are the answer.
fn split(pieces: impl IntoIterator<Item = Bytes>) -> u64 {
    let mut splitter = Splitter::new(Options::default());
    let mut bytes = 0;
    let mut drain = |splitter: &mut Splitter| {
        while let Some(event) = splitter.next_event().expect("damage is skipped") {
            if let Event::Frame(frame) = &event {
                bytes += frame.stored_len;
            }
            black_box(&event);
        }
    };
    for piece in pieces {
        splitter.push(piece);
        drain(&mut splitter);
    }
    splitter.finish();
    drain(&mut splitter);
    bytes
}

/// Pieces with memory of their own, as they come from a socket.
fn owned(body: &[u8], size: usize) -> Vec<Bytes> {
    body.chunks(size).map(Bytes::copy_from_slice).collect()
}

/// A body of 16 MiB in fragments of this many bytes, frames of 16 KiB each.
fn synthetic(fragment_bytes: usize) -> Bytes {
    let frames = fragment_bytes / (16 << 10);
    let fragment = |index| {
        let mut fragment = Fragment::new(index);
        fragment.frames = (0..frames).map(|n| Frame::new(1, n as i16, n == 0, vec![0x55; (16 << 10) - 8])).collect();
        fragment
    };
    let fragments: Vec<_> = (0..(16 << 20) / fragment_bytes as u64).map(fragment).collect();
    body(&fragments).bytes.into()
}

fn capture(c: &mut Criterion) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/captures/output_get_media.mkv");
    let body = Bytes::from(std::fs::read(path).expect("the capture lies in testdata"));
    let mut group = c.benchmark_group("capture of 2.5 MB");
    group.throughput(Throughput::Bytes(body.len() as u64));
    group.bench_function("in memory", |b| b.iter(|| split([body.clone()])));
    for size in [1 << 10, 16 << 10, 256 << 10] {
        let pieces = owned(&body, size);
        group.bench_function(BenchmarkId::new("pieces", size), |b| {
            b.iter_batched(|| pieces.clone(), split, BatchSize::SmallInput);
        });
    }
    group.bench_function("memcpy, for comparison", |b| b.iter(|| black_box(body.to_vec())));
    group.finish();
}

fn fragment_size(c: &mut Criterion) {
    let mut group = c.benchmark_group("16 MiB in fragments, pieces of 16 KiB");
    for size in [1 << 20, 8 << 20] {
        let body = synthetic(size);
        let pieces = owned(&body, 16 << 10);
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function(BenchmarkId::new("fragment bytes", size), |b| {
            b.iter_batched(|| pieces.clone(), split, BatchSize::SmallInput);
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(30).warm_up_time(std::time::Duration::from_millis(500));
    targets = capture, fragment_size
}
criterion_main!(benches);
