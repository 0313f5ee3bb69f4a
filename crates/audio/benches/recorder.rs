//! Speed of a recording, without a file: samples that pass through, samples that are decoded, AAC that gets headers.

use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kineframe_audio::{Law, RecordOptions, Recorder};
use kineframe_fragment::{Event, Options, Splitter};

fn events(name: &str) -> Vec<Event> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/generated").join(name);
    let mut splitter = Splitter::new(Options::default());
    splitter.push(std::fs::read(path).expect("test data").into());
    splitter.finish();
    std::iter::from_fn(|| splitter.next_event().expect("damage is skipped")).collect()
}

fn record(c: &mut Criterion) {
    let mut group = c.benchmark_group("record");
    for name in ["connect-like-audio.mkv", "h264-mulaw-acm.mkv", "h264-high-bframes-aac.mkv"] {
        let events = events(name);
        group.bench_function(name, |b| {
            b.iter(|| {
                let mut recorder = Recorder::new(RecordOptions::default());
                events.iter().for_each(|event| recorder.push(event));
                recorder.finish();
                while let Some(output) = recorder.next_output() {
                    black_box(&output);
                }
            });
        });
    }
    group.finish();
}

fn g711(c: &mut Criterion) {
    let codes: Vec<u8> = (0..=255).cycle().take(1 << 16).collect();
    let mut group = c.benchmark_group("g711");
    group.throughput(Throughput::Bytes(codes.len() as u64));
    group.bench_function("mu-law", |b| b.iter(|| black_box(Law::Mu.decode(black_box(&codes)))));
    group.finish();
}

criterion_group!(benches, record, g711);
criterion_main!(benches);
