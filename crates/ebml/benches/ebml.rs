//! Headers per second, and bytes per second of the walker and the tree, on a real capture.

use std::hint::black_box;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kineframe_ebml::fuzzing::MiniSchema;
use kineframe_ebml::{DataMode, ElementId, Limits, Recovery, SizeWidth, Tree, Walker, Writer, children, parse_header};

fn capture() -> Bytes {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/captures/output_get_media.mkv");
    Bytes::from(std::fs::read(path).expect("the capture is part of the repository"))
}

fn headers(c: &mut Criterion) {
    let limits = Limits::default();
    let all: [&[u8]; 4] = [
        &[0xA3, 0x53, 0x2A],
        &[0xE7, 0x88],
        &[0x45, 0xA3, 0x10, 0x00, 0x00, 0x20],
        &[0x18, 0x53, 0x80, 0x67, 0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
    ];
    let mut group = c.benchmark_group("headers");
    group.throughput(Throughput::Elements(all.len() as u64));
    group.bench_function("parse", |b| {
        b.iter(|| all.iter().for_each(|bytes| drop(black_box(parse_header(black_box(bytes), 0, &limits)))))
    });
    group.finish();
}

fn walk(pieces: &[Bytes], mode: DataMode) -> usize {
    let mut walker = Walker::new(MiniSchema, Limits::default(), Recovery::Scan).with_data(mode);
    let mut items = 0;
    for piece in pieces {
        walker.push(piece.clone()).expect("not finished");
        while walker.next().expect("recovery").is_some() {
            items += 1;
        }
    }
    walker.finish();
    while walker.next().expect("recovery").is_some() {
        items += 1;
    }
    items
}

fn walker(c: &mut Criterion) {
    let capture = capture();
    let cut = |size: usize| -> Vec<Bytes> {
        (0..capture.len()).step_by(size).map(|at| capture.slice(at..(at + size).min(capture.len()))).collect()
    };
    let mut group = c.benchmark_group("walker");
    group.throughput(Throughput::Bytes(capture.len() as u64));
    for (name, pieces) in [("whole", vec![capture.clone()]), ("16 KiB", cut(16 << 10)), ("188 B", cut(188))] {
        group.bench_function(format!("skip, {name}"), |b| b.iter(|| walk(black_box(&pieces), DataMode::Skip)));
        group.bench_function(format!("gather, {name}"), |b| b.iter(|| walk(black_box(&pieces), DataMode::Gather)));
    }
    let noise = Bytes::from(capture.iter().map(|byte| byte.rotate_left(1) ^ 0x18).collect::<Vec<_>>());
    group.bench_function("scan of noise", |b| b.iter(|| walk(black_box(std::slice::from_ref(&noise)), DataMode::Skip)));
    group.bench_function("tree", |b| {
        b.iter(|| Tree::parse(black_box(capture.clone()), 0, MiniSchema, &Limits::default()).len())
    });
    group.finish();
}

fn written() -> Vec<u8> {
    let mut out = Vec::with_capacity(4096);
    let mut writer = Writer::new(&mut out);
    for index in 0..16 {
        let tag = writer.master(ElementId(0x67C8), SizeWidth::Minimal, |tag| {
            tag.utf8(ElementId(0x45A3), "AWS_KINESISVIDEO_FRAGMENT_NUMBER")?;
            tag.unsigned(ElementId(0x4487), black_box(index))
        });
        tag.expect("legal");
    }
    out
}

fn gathered(c: &mut Criterion) {
    let tags = Bytes::from(written());
    let mut group = c.benchmark_group("gathered");
    group.throughput(Throughput::Elements(48));
    group.bench_function("children", |b| {
        b.iter(|| {
            let kids = children(black_box(tags.clone()), 0, &Limits::default());
            kids.flat_map(|tag| tag.and_then(|tag| tag.children()).expect("legal")).count()
        })
    });
    group.bench_function("write", |b| b.iter(written));
    group.finish();
}

criterion_group!(benches, headers, walker, gathered);
criterion_main!(benches);
