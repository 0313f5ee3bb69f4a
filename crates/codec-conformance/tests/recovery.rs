//! Streams that begin at a recovery point which is reached step by step: all pictures come, those in front of it marked,
//! those from it on equal to the truth.

use std::ops::ControlFlow;

use kineframe_bitstream::h264::RandomAccess;
use kineframe_codec::{DecodeOptions, DecoderFactory, Packet, PacketId, Picture};
use kineframe_codec_conformance::TestStream;
use md5::{Digest, Md5};

/// What comes of the packets from this one on, in order: the packet, whether the picture is marked, and its sum.
fn play(factory: &dyn DecoderFactory, stream: &TestStream, first: usize) -> Vec<(usize, bool, [u8; 16])> {
    let params = stream.packets.iter().take(first + 1).rev().find_map(|packet| packet.params.clone());
    let options = DecodeOptions::default();
    let mut decoder = factory.open(&params.expect("parameter sets"), &options).expect("a decoder");
    let mut shown = Vec::new();
    let mut sink = |picture: Picture<'_>| {
        let mut samples = Vec::new();
        picture.write_packed(&mut samples).expect("planes that hold the picture");
        shown.push((picture.id.0 as usize, picture.damaged, Md5::digest(&samples).into()));
        ControlFlow::Continue(())
    };
    for (at, packet) in stream.packets.iter().enumerate().skip(first) {
        let random_access = packet.random_access != RandomAccess::None;
        let packet = Packet { id: PacketId(at as u64), data: packet.data.clone(), random_access, wanted: true };
        decoder.decode(packet, &mut sink).expect("no error");
    }
    decoder.flush(&mut sink).expect("no error");
    shown
}

/// The back ends in Rust, which conceal nothing by themselves.
fn each(f: impl Fn(&dyn DecoderFactory)) {
    let list = kineframe_decoders::default_list().0;
    for name in ["rusty_h264", "rust_h264"] {
        f(list.iter().find(|factory| factory.name() == name).expect("a back end").as_ref());
    }
}

#[test]
fn a_stream_without_an_idr_picture_is_shown() {
    let stream = TestStream::inside("gen_start_recovery_point").expect("carried");
    assert_eq!(stream.packets[0].random_access, RandomAccess::RecoveryPoint { frames: 18 });
    // The truth has the pictures from the recovery point on.
    let hidden = stream.packets.len() - stream.truth.len();
    assert_eq!(hidden, 18);
    each(|factory| {
        let shown = play(factory, &stream, 0);
        assert_eq!(shown.len(), stream.packets.len(), "{}", factory.name());
        for (at, (packet, marked, sum)) in shown.into_iter().enumerate() {
            assert_eq!((packet, marked), (at, at < hidden), "{}", factory.name());
            let equal = at.checked_sub(hidden).is_none_or(|place| stream.truth[place].md5 == sum);
            assert!(equal, "{}: picture {at}", factory.name());
        }
    });
}

#[test]
fn a_start_at_any_recovery_point_gives_the_pictures_of_the_whole_stream() {
    let stream = TestStream::inside("gen_high_intra_refresh").expect("carried");
    let points = stream.packets.iter().enumerate().filter_map(|(at, packet)| match packet.random_access {
        RandomAccess::RecoveryPoint { frames } => Some((at, usize::from(frames))),
        _ => None,
    });
    let points: Vec<_> = points.collect();
    assert!(points.len() > 1 && points.iter().all(|(_, frames)| *frames > 0), "{points:?}");
    each(|factory| {
        for &(first, frames) in &points {
            let mut marked = 0;
            for (place, (_, damaged, sum)) in (first..).zip(play(factory, &stream, first)) {
                assert!(damaged || sum == stream.truth[place].md5, "{}: {place} from {first}", factory.name());
                marked += usize::from(damaged);
            }
            assert_eq!(marked, frames.min(stream.packets.len() - first), "{} from {first}", factory.name());
        }
    });
}
