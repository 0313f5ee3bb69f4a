//! Pictures per second: CPU of the back end and its checks.

use std::ops::ControlFlow;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kineframe_codec::{DecodeOptions, DecoderFactory, Packet, PacketId, Picture};
use kineframe_codec_conformance::Kit;
use kineframe_codec_vpx::{Factory, NAME};

fn decode(c: &mut Criterion) {
    let stream = Kit::inside().only("vp9_gen_p2_10").streams.swap_remove(0);
    let params = stream.packets[0].params.clone().expect("parameters at the first packet");
    let mut group = c.benchmark_group(stream.name.clone());
    group.throughput(Throughput::Elements(stream.truth.len() as u64));
    group.sample_size(10);
    group.bench_function(NAME, |b| {
        b.iter(|| {
            let mut decoder = Factory.open(&params, &DecodeOptions::default()).expect("a decoder");
            let mut shown = 0;
            let mut sink = |_: Picture<'_>| {
                shown += 1;
                ControlFlow::Continue(())
            };
            for (id, packet) in (0..).zip(&stream.packets) {
                let data = packet.data.clone();
                let packet = Packet { id: PacketId(id), data, random_access: id == 0, wanted: true };
                decoder.decode(packet, &mut sink).expect("a sound stream");
            }
            decoder.flush(&mut sink).expect("a sound stream");
            assert_eq!(shown, stream.truth.len());
        });
    });
    group.finish();
}

criterion_group!(benches, decode);
criterion_main!(benches);
