//! What the way from bytes to a decoder costs without the decoder: reading, choosing, handing over.

use std::hint::black_box;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kineframe_codec::fake::FakeFactory;
use kineframe_codec::{Decoders, Picture};
use kineframe_consumer::{Consumer, Options, PictureInfo, Pictures, Selection};
use kineframe_source::Memory;

fn ways(criterion: &mut Criterion) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/captures/output_get_media.mkv");
    let data = std::fs::read(path).expect("the capture is in the repository");
    let mut group = criterion.benchmark_group("consumer");
    group.throughput(Throughput::Bytes(data.len() as u64));
    let body = Memory::new("capture", data);
    for (name, selection) in
        [("all", Selection::all()), ("keyframes", Selection::keyframes()), ("one_in_30", Selection::one_in(30))]
    {
        for threads in [1, 2] {
            group.bench_function(format!("pictures/{name}/{threads}"), |bencher| {
                bencher.iter(|| {
                    let mut options = Options::new(Decoders(vec![Arc::new(FakeFactory::new("fake"))]));
                    options.selection = selection.clone();
                    options.threads = NonZeroUsize::new(threads).expect("not zero");
                    let work = || |info: &PictureInfo, _: Picture<'_>| info.frame;
                    black_box(Pictures::open(&body, options, work).expect("threads").count())
                });
            });
        }
    }
    group.bench_function("fragments", |bencher| {
        bencher.iter(|| black_box(Consumer::open(&body).fragments().count()));
    });
    group.finish();
}

criterion_group!(benches, ways);
criterion_main!(benches);
