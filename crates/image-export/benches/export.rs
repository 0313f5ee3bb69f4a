//! A 720p picture to each format, and scaled down, per picture and thread.
//!
//! The picture is made, not decoded: slow waves with some grain, about as costly to compress as a camera's.

#[path = "../tests/common/mod.rs"]
mod common;

use common::{Shape, TestPicture};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kineframe_codec::{ChromaSampling, ColorRange, MatrixCoefficients};
use kineframe_image_export::{Depth, ExportOptions, Exporter, ImageFormat};

fn picture(chroma: ChromaSampling, bits: u8, matrix: MatrixCoefficients, range: ColorRange) -> TestPicture {
    let mut shape = Shape::new(1280, 720, chroma, bits);
    (shape.matrix, shape.range) = (Some(matrix), Some(range));
    TestPicture::grainy(shape)
}

fn export(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("720p");
    group.throughput(Throughput::Elements(1)).sample_size(20);
    let limited709 = picture(ChromaSampling::Yuv420, 8, MatrixCoefficients::Bt709, ColorRange::Limited);
    let limited601 = picture(ChromaSampling::Yuv420, 8, MatrixCoefficients::Bt601, ColorRange::Limited);
    let full601 = picture(ChromaSampling::Yuv420, 8, MatrixCoefficients::Bt601, ColorRange::Full);
    let deep = picture(ChromaSampling::Yuv420, 10, MatrixCoefficients::Bt2020, ColorRange::Limited);
    let mut run = |name: &str, picture: &TestPicture, options: ExportOptions| {
        let mut exporter = Exporter::new(options);
        let mut out = Vec::new();
        group.bench_function(name, |bencher| {
            bencher.iter(|| picture.with(|picture| exporter.encode(picture, &mut out).expect("the picture is sound")));
        });
    };
    run("jpeg/709 limited", &limited709, ExportOptions::new(ImageFormat::Jpeg));
    run("jpeg/601 limited", &limited601, ExportOptions::new(ImageFormat::Jpeg));
    run("jpeg/601 full", &full601, ExportOptions::new(ImageFormat::Jpeg));
    run("jpeg/2020 10 bits", &deep, ExportOptions::new(ImageFormat::Jpeg));
    let mut small = ExportOptions::new(ImageFormat::Jpeg);
    small.resize = "160x".parse().expect("a size");
    run("jpeg at 160x", &limited709, small);
    run("png", &limited709, ExportOptions::new(ImageFormat::Png));
    let mut sixteen = ExportOptions::new(ImageFormat::Png);
    sixteen.depth = Depth::Sixteen;
    run("png 16 bits", &deep, sixteen);
    run("webp", &limited709, ExportOptions::new(ImageFormat::WebP));
    run("npy", &limited709, ExportOptions::new(ImageFormat::Npy));
    run("yuv", &limited709, ExportOptions::new(ImageFormat::Yuv));
    let mut exporter = Exporter::new(ExportOptions::default());
    let mut rgb = Vec::new();
    group.bench_function("rgb8", |bencher| {
        bencher.iter(|| limited709.with(|picture| exporter.rgb8(picture, &mut rgb).expect("the picture is sound")));
    });
    group.finish();
}

criterion_group!(benches, export);
criterion_main!(benches);
