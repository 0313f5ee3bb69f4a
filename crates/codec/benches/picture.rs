//! How fast a lent picture becomes packed bytes and an owned copy.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kineframe_codec::{BitDepth, ChromaSampling, PacketId, Picture, PixelFormat, Plane, Rect, Samples};

fn copies(c: &mut Criterion) {
    // A 720p picture in planes padded as decoders pad them.
    let (luma, chroma) = (vec![90_u8; 1344 * 768], vec![128_u8; 672 * 384]);
    let planes = [
        Plane { samples: Samples::U8(&luma), stride: 1344 },
        Plane { samples: Samples::U8(&chroma), stride: 672 },
        Plane { samples: Samples::U8(&chroma), stride: 672 },
    ];
    let format = PixelFormat { chroma: ChromaSampling::Yuv420, depth: BitDepth::EIGHT };
    let visible = Rect { left: 0, top: 0, width: 1280, height: 720 };
    let picture = Picture::new(PacketId(0), visible, format, &planes).expect("the planes are large enough");

    let mut group = c.benchmark_group("picture_720p");
    group.throughput(Throughput::Bytes(1280 * 720 * 3 / 2));
    let mut out = Vec::new();
    group.bench_function("write_packed", |b| {
        b.iter(|| {
            out.clear();
            picture.write_packed(&mut out).expect("checked");
            black_box(out.len())
        });
    });
    group.bench_function("to_owned", |b| b.iter(|| black_box(picture.to_owned().expect("checked"))));
    group.finish();
}

criterion_group!(benches, copies);
criterion_main!(benches);
