//! The whole way: a capture to JPEG files in memory, with one thread and with two.

use std::hint::black_box;
use std::num::NonZeroUsize;
use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kineframe::codec::Picture;
use kineframe::consumer::{Options, PictureInfo, Pictures};
use kineframe::image_export::{ExportOptions, Exporter, ImageFormat};
use kineframe::source::Memory;

fn jpeg(criterion: &mut Criterion) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/captures/output_get_media.mkv");
    // Eight times end to end: forty groups of pictures, so that the last one does not count.
    let body = Memory::new("capture", std::fs::read(path).expect("the capture is in the repository").repeat(8));
    let mut group = criterion.benchmark_group("whole");
    group.sample_size(10).throughput(Throughput::Elements(8 * 300));
    for threads in [1, 2] {
        group.bench_function(format!("jpeg/{threads}"), |bencher| {
            bencher.iter(|| {
                let mut options = Options::new(kineframe::decoders::default_list());
                options.threads = NonZeroUsize::new(threads).expect("not zero");
                let work = || {
                    let mut exporter = Exporter::new(ExportOptions::new(ImageFormat::Jpeg));
                    move |_: &PictureInfo, picture: Picture<'_>| {
                        let mut jpeg = Vec::new();
                        exporter.encode(&picture, &mut jpeg).expect("a sound picture");
                        jpeg.len()
                    }
                };
                black_box(Pictures::open(&body, options, work).expect("threads").count())
            });
        });
    }
    group.finish();
}

criterion_group!(benches, jpeg);
criterion_main!(benches);
