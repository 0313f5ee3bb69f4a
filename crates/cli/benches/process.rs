//! The process, from its start to its end: what a script pays for each call.

use std::path::Path;
use std::process::{Command, Stdio};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};

fn process(criterion: &mut Criterion) {
    let capture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/captures/output_get_media.mkv");
    let size = std::fs::metadata(&capture).expect("the capture is in the repository").len();
    let capture = capture.to_str().expect("UTF-8");
    let mut group = criterion.benchmark_group("process");
    group.sample_size(20);
    let run = |args: &[&str]| {
        let status = Command::new(env!("CARGO_BIN_EXE_kineframe")).args(args).stdout(Stdio::null()).status();
        assert!(status.expect("the command starts").success(), "{args:?}");
    };
    group.bench_function("version", |bencher| bencher.iter(|| run(&["--version"])));
    group.throughput(Throughput::Bytes(size));
    group.bench_function("fragments", |bencher| bencher.iter(|| run(&["fragments", capture, "--json"])));
    group.bench_function("inspect", |bencher| bencher.iter(|| run(&["inspect", capture, "--json"])));
    group.finish();
}

criterion_group!(benches, process);
criterion_main!(benches);
