//! What is done with bodies on their way: list bodies taken apart, acknowledgements read.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kineframe_source_aws::foreign;
use kineframe_testkit::{Fragment, body};

fn bodies(criterion: &mut Criterion) {
    let fragments: Vec<Fragment> = (0..50).map(Fragment::new).collect();
    let bytes = body(&fragments).bytes;
    let mut group = criterion.benchmark_group("source-aws");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("list body", |bencher| bencher.iter(|| foreign::list_body(black_box(&bytes))));
    let ack = br#"{"EventType":"PERSISTED","FragmentTimecode":1612524911136,"FragmentNumber":"9134385233318143"}"#;
    let acks = ack.repeat(100);
    group.throughput(Throughput::Bytes(acks.len() as u64));
    group.bench_function("acknowledgements", |bencher| bencher.iter(|| foreign::acknowledgements(black_box(&acks))));
    group.finish();
}

criterion_group!(benches, bodies);
criterion_main!(benches);
