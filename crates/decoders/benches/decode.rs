//! What the list costs: choosing for the parameters of a stream, and the whole stream by whom it chose.

use std::hint::black_box;
use std::ops::ControlFlow;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kineframe_bitstream::h264::{AccessUnits, Stream};
use kineframe_codec::{CodecParameters, DecodeOptions, Packet, PacketId, Picture};
use kineframe_decoders::default_list;

/// A stream that the first of the list takes, and one that falls to a later one.
const STREAMS: [(&str, &[u8]); 2] = [
    ("gen_main_cabac_b2", include_bytes!("../../../testdata/codec/h264/gen_main_cabac_b2.264")),
    ("gen_mbaff_tff", include_bytes!("../../../testdata/codec/h264/gen_mbaff_tff.264")),
];

fn opened(stream: &'static [u8]) -> (CodecParameters, Vec<Bytes>) {
    let packets: Vec<Bytes> = AccessUnits::new(Bytes::from_static(stream)).collect();
    let mut follow = Stream::new(&Bytes::new());
    follow.packet(&packets[0]);
    (follow.parameters(), packets)
}

fn decode(criterion: &mut Criterion) {
    let list = default_list();
    for (name, stream) in STREAMS {
        let (params, packets) = opened(stream);
        let mut group = criterion.benchmark_group(name);
        group.bench_function("choose", |bencher| {
            bencher.iter(|| black_box(list.choose(black_box(&params)).expect("a back end").name().len()));
        });
        group.throughput(Throughput::Elements(packets.len() as u64)).sample_size(10);
        group.bench_function("decode", |bencher| {
            bencher.iter(|| {
                let factory = list.choose(&params).expect("a back end");
                let mut decoder = factory.open(&params, &DecodeOptions::default()).expect("a decoder");
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
}

criterion_group!(benches, decode);
criterion_main!(benches);
