//! What looking at packets and changing their framing costs, on a conformance stream.

use std::hint::black_box;

use bytes::Bytes;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use kineframe_bitstream::h264::{AccessUnits, NalHeader, NalType, ParameterSets, SliceData, SliceTail, Stream};
use kineframe_bitstream::{StartCodeUnits, lengths_to_start_codes, start_codes_to_lengths, vp8, vp9};

fn bitstream(c: &mut Criterion) {
    let stream = Bytes::from_static(include_bytes!("../../../testdata/codec/h264/oh_MR1_BT_A.264"));
    let codes: Vec<Bytes> = AccessUnits::new(stream.clone()).collect();
    let lengths: Vec<Bytes> = codes.iter().map(|unit| start_codes_to_lengths(unit.clone()).data).collect();

    let mut group = c.benchmark_group("oh_MR1_BT_A");
    group.throughput(Throughput::Bytes(stream.len() as u64));
    group.bench_function("start_codes", |b| b.iter(|| StartCodeUnits::new(black_box(&stream)).count()));
    group.bench_function("access_units", |b| b.iter(|| AccessUnits::new(black_box(stream.clone())).count()));
    let scan = |packets: &[Bytes]| {
        let mut stream = Stream::new(&Bytes::new());
        packets.iter().map(|packet| stream.packet(packet).slices).sum::<usize>()
    };
    group.bench_function("scan_start_codes", |b| b.iter(|| scan(black_box(&codes))));
    group.bench_function("scan_lengths", |b| b.iter(|| scan(black_box(&lengths))));
    group.bench_function("lengths_in_place", |b| {
        let owned = || lengths.iter().map(|packet| Bytes::from(packet.to_vec())).collect::<Vec<_>>();
        b.iter_batched(
            owned,
            |packets| packets.into_iter().map(|packet| lengths_to_start_codes(packet, 4)).collect::<Vec<_>>(),
            BatchSize::SmallInput,
        );
    });
    group.bench_function("lengths_by_copy", |b| {
        b.iter(|| lengths.iter().map(|packet| lengths_to_start_codes(packet.clone(), 4).copied).sum::<usize>());
    });
    group.finish();

    for (name, stream) in [
        ("cabac", &include_bytes!("../../../testdata/codec/h264/gen_high_8x8_cqm_jvt.264")[..]),
        ("cavlc", &include_bytes!("../../../testdata/codec/h264/gen_baseline_cavlc.264")[..]),
    ] {
        let mut group = c.benchmark_group("slice_data");
        group.throughput(Throughput::Bytes(stream.len() as u64));
        group.bench_function(name, |b| b.iter(|| slice_data(black_box(stream))));
        group.finish();
    }

    let mut group = c.benchmark_group("frame_data");
    let vp8 = include_bytes!("../../../testdata/codec/vp8/gen_two_temporal_layers.ivf");
    let packets = ivf(vp8);
    group.throughput(Throughput::Bytes(vp8.len() as u64));
    group.bench_function("vp8", |b| {
        b.iter(|| sound(black_box(&packets), |check: &mut vp8::DataCheck, packet| check.check(packet).is_ok()));
    });
    let vp9 = include_bytes!("../../../testdata/codec/vp9/gen_p0_altref.ivf");
    let packets = ivf(vp9);
    group.throughput(Throughput::Bytes(vp9.len() as u64));
    group.bench_function("vp9", |b| {
        b.iter(|| sound(black_box(&packets), |check: &mut vp9::DataCheck, packet| check.check(packet).is_ok()));
    });
    group.finish();
}

/// The packets of an IVF file.
fn ivf(file: &[u8]) -> Vec<&[u8]> {
    let mut rest = file.get(32..).unwrap_or_default();
    let mut packets = Vec::new();
    while let Some((size, behind)) = rest.split_first_chunk::<4>() {
        let (_, behind) = behind.split_at(8);
        let (packet, behind) = behind.split_at(u32::from_le_bytes(*size) as usize);
        packets.push(packet);
        rest = behind;
    }
    packets
}

/// Reads the data of all packets of a stream; how many are sound.
fn sound<C: Default>(packets: &[&[u8]], mut check: impl FnMut(&mut C, &[u8]) -> bool) -> usize {
    let mut state = C::default();
    packets.iter().filter(|packet| check(&mut state, packet)).count()
}

/// Reads the macroblocks of all slices; how many slices are sound.
fn slice_data(stream: &[u8]) -> usize {
    let (mut sets, mut check) = (ParameterSets::default(), SliceData::default());
    let units = StartCodeUnits::new(stream).filter(|nal| {
        let kind = NalHeader::of(nal).map(|header| header.kind);
        if !kind.is_some_and(NalType::begins_slice) {
            let _ = sets.insert(nal);
            return false;
        }
        let Ok((header, tail)) = SliceTail::parse(nal, &sets) else { return false };
        let (Some(sps), Some(pps)) = (sets.sps(header.sps_id), sets.pps(header.pps_id)) else { return false };
        check.check(nal, (sps, pps), (&header, &tail), None).is_ok()
    });
    units.count()
}

criterion_group!(benches, bitstream);
criterion_main!(benches);
