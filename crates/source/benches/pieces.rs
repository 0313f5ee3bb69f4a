//! How fast a file becomes pieces.

use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kineframe_source::{File, MediaSource, StartSelector};

fn pieces(criterion: &mut Criterion) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/captures/output_get_media.mkv");
    let bytes = std::fs::metadata(&path).expect("the capture is in the repository").len();
    let mut group = criterion.benchmark_group("source");
    group.throughput(Throughput::Bytes(bytes));
    for size in [64 << 10, 256 << 10, 1 << 20] {
        let file = File::new(&path).with_piece_size(size);
        group.bench_function(format!("file/{}KiB", size >> 10), |bencher| {
            bencher.iter(|| {
                for piece in file.open_blocking(&StartSelector::Earliest) {
                    black_box(piece.expect("the capture can be read").len());
                }
            });
        });
    }
    group.finish();
}

criterion_group!(benches, pieces);
criterion_main!(benches);
