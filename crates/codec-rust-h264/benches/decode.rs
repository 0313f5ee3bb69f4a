//! Pictures per second on a made stream: CPU of the back end, its order and its checks.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kineframe_codec_conformance::Playback;
use kineframe_codec_rust_h264::Factory;

fn decode(c: &mut Criterion) {
    let playback = Playback::h264(include_bytes!("../../../testdata/codec/h264/gen_baseline_slices4.264"));
    let mut group = c.benchmark_group("gen_baseline_slices4");
    group.throughput(Throughput::Elements(playback.packets() as u64));
    group.sample_size(10);
    group.bench_function("rust_h264", |b| b.iter(|| assert_eq!(playback.run(&Factory), playback.packets())));
    group.finish();
}

criterion_group!(benches, decode);
criterion_main!(benches);
