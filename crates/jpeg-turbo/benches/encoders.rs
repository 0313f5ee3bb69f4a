//! Both JPEG encoders on the same 720p picture, 4:2:0, limited range BT.709: conversion and all.

#[path = "../../image-export/tests/common/mod.rs"]
mod common;

use common::{Shape, TestPicture};
use criterion::{Criterion, criterion_group, criterion_main};
use kineframe_codec::{ChromaSampling, ColorRange, MatrixCoefficients};
use kineframe_image_export::{BuiltinJpegEncoder, ExportOptions, Exporter, JpegEncoder};
use kineframe_jpeg_turbo::TurboJpegEncoder;

fn encoders(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("720p jpeg");
    group.sample_size(20);
    for (name, matrix, range) in [
        ("709 limited", MatrixCoefficients::Bt709, ColorRange::Limited),
        ("601 limited", MatrixCoefficients::Bt601, ColorRange::Limited),
        ("601 full", MatrixCoefficients::Bt601, ColorRange::Full),
    ] {
        let mut shape = Shape::new(1280, 720, ChromaSampling::Yuv420, 8);
        (shape.matrix, shape.range) = (Some(matrix), Some(range));
        let picture = TestPicture::grainy(shape);
        let turbo = TurboJpegEncoder::new().expect("libjpeg-turbo starts");
        let encoders: [Box<dyn JpegEncoder>; 2] = [Box::new(BuiltinJpegEncoder::new()), Box::new(turbo)];
        for encoder in encoders {
            let id = format!("{}/{name}", encoder.name());
            let mut exporter = Exporter::with_jpeg_encoder(ExportOptions::default(), encoder);
            let mut out = Vec::new();
            group.bench_function(id, |bencher| {
                bencher.iter(|| picture.with(|picture| exporter.encode(picture, &mut out).expect("a sound picture")));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, encoders);
criterion_main!(benches);
