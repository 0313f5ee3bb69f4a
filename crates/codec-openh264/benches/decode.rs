//! Pictures per second on a capture from a camera: CPU of the back end, its order and its checks.

use std::ops::ControlFlow;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kineframe_bitstream::h264::{AccessUnits, Stream};
use kineframe_codec::{DecodeOptions, DecoderFactory, Packet, PacketId, Picture};
use kineframe_codec_openh264::Factory;

fn decode(c: &mut Criterion) {
    let stream = Bytes::from_static(include_bytes!("../../../testdata/codec/h264/gen_baseline_slices4.264"));
    let packets: Vec<Bytes> = AccessUnits::new(stream).collect();
    let mut follow = Stream::new(&Bytes::new());
    if let Some(first) = packets.first() {
        follow.packet(first);
    }
    let params = follow.parameters();
    let mut group = c.benchmark_group("gen_baseline_slices4");
    group.throughput(Throughput::Elements(packets.len() as u64));
    group.sample_size(10);
    group.bench_function("openh264", |b| {
        b.iter(|| {
            let mut decoder = Factory.open(&params, &DecodeOptions::default()).expect("a decoder");
            let mut shown = 0;
            let mut sink = |_: Picture<'_>| {
                shown += 1;
                ControlFlow::Continue(())
            };
            for (id, data) in (0..).zip(&packets) {
                let packet = Packet { id: PacketId(id), data: data.clone(), random_access: id == 0, wanted: true };
                decoder.decode(packet, &mut sink).expect("a sound stream");
            }
            decoder.flush(&mut sink).expect("a sound stream");
            assert_eq!(shown, packets.len());
        });
    });
    group.finish();
}

criterion_group!(benches, decode);
criterion_main!(benches);
