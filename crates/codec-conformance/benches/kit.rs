//! What the kit itself costs: cutting its streams, and a run against a back end that does nothing.

use criterion::{Criterion, criterion_group, criterion_main};
use kineframe_codec::fake::FakeFactory;
use kineframe_codec_conformance::{Kit, run};

fn kit(c: &mut Criterion) {
    let mut group = c.benchmark_group("kit");
    group.sample_size(10);
    group.bench_function("inside", |b| b.iter(|| Kit::inside().streams.len()));
    let kit = Kit::inside().only("oh_");
    let fake = FakeFactory::new("fake");
    group.bench_function("run_fake", |b| b.iter(|| run(&fake, &kit).rows.len()));
    group.finish();
}

criterion_group!(benches, kit);
criterion_main!(benches);
