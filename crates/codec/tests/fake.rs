//! The fake back end keeps the contract, and the list picks by it.

use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::Bytes;
use kineframe_codec::fake::FakeFactory;
use kineframe_codec::{
    Codec, CodecParameters, DecodeErrorKind, DecodeOptions, DecoderFactory, Decoders, Packet, PacketId, Picture,
    Recovery, Size,
};

fn packet(id: u64) -> Packet {
    Packet { id: PacketId(id), data: Bytes::from(vec![id as u8; 4]), random_access: id == 0, wanted: true }
}

fn params() -> CodecParameters {
    CodecParameters::new(Codec::H264)
}

#[test]
fn pictures_held_back_come_at_the_flush_and_go_at_a_reset() {
    let factory = FakeFactory::new("fake").holding_back(2);
    let mut decoder = factory.open(&params(), &DecodeOptions::default()).unwrap();
    let mut shown = Vec::new();
    let mut sink = |picture: Picture<'_>| {
        shown.push(picture.id.0);
        ControlFlow::Continue(())
    };
    for id in 0..4 {
        decoder.decode(packet(id), &mut sink).unwrap();
    }
    decoder.flush(&mut sink).unwrap();
    decoder.decode(packet(4), &mut sink).unwrap();
    decoder.reset().unwrap();
    decoder.flush(&mut sink).unwrap();
    assert_eq!(shown, [0, 1, 2, 3]);
    assert_eq!(factory.counts().resets(), 1);
    assert_eq!(factory.counts().decoded().len(), 5);
}

#[test]
fn errors_and_panics_come_where_they_were_ordered() {
    let failure = DecodeErrorKind::Damaged("slice".to_owned());
    let factory = FakeFactory::new("fake")
        .failing_at(PacketId(1), failure.clone(), Recovery::NextPacket)
        .panicking_at(PacketId(2));
    let mut decoder = factory.open(&params(), &DecodeOptions::default()).unwrap();
    let mut sink = |_: Picture<'_>| ControlFlow::Continue(());
    assert!(decoder.decode(packet(0), &mut sink).is_ok());
    let error = decoder.decode(packet(1), &mut sink).unwrap_err();
    assert_eq!((error.kind, error.recovery), (failure, Recovery::NextPacket));
    let error = decoder.decode(packet(2), &mut sink).unwrap_err();
    assert_eq!(error.kind, DecodeErrorKind::Panicked("told to panic at packet 2".to_owned()));
    assert_eq!(error.to_string(), "fake: the decoder panicked: told to panic at packet 2");
}

#[test]
fn the_first_exact_factory_wins_and_refusals_are_told() {
    let decoders = Decoders(vec![
        Arc::new(FakeFactory::new("a").refusing("interlaced")),
        Arc::new(FakeFactory::new("b")),
        Arc::new(FakeFactory::new("c")),
    ]);
    assert_eq!(decoders.choose(&params()).unwrap().name(), "b");
    let names: Vec<String> = decoders.exact(&params()).iter().map(|f| f.name().to_owned()).collect();
    assert_eq!(names, ["b", "c"]);
    let refusals = decoders.only("a").unwrap().choose(&params()).unwrap_err();
    assert_eq!((refusals[0].factory.as_str(), refusals[0].reason.as_str()), ("a", "interlaced"));
    assert!(decoders.only("d").is_none());
}

#[test]
fn limits_are_held_before_anything_is_opened() {
    let factory = FakeFactory::new("fake");
    let mut options = DecodeOptions::default();
    options.limits.side = 100;
    options.limits.packet_bytes = 3;
    let mut large = params();
    large.size = Some(Size { width: 101, height: 16 });
    let error = factory.open(&large, &options).map(drop).unwrap_err();
    assert!(matches!(error.kind, DecodeErrorKind::Limit(_)), "{error}");
    assert_eq!(factory.counts().opened(), 0);

    let mut decoder = factory.open(&params(), &options).unwrap();
    let error = decoder.decode(packet(0), &mut |_: Picture<'_>| ControlFlow::Continue(())).unwrap_err();
    assert!(matches!(error.kind, DecodeErrorKind::Limit(_)), "{error}");
}

#[test]
fn a_sink_that_breaks_sees_nothing_more_in_the_call() {
    let factory = FakeFactory::new("fake").holding_back(9);
    let mut decoder = factory.open(&params(), &DecodeOptions::default()).unwrap();
    let mut shown = 0;
    let mut sink = |_: Picture<'_>| {
        shown += 1;
        ControlFlow::Break(())
    };
    for id in 0..4 {
        decoder.decode(packet(id), &mut sink).unwrap();
    }
    decoder.flush(&mut sink).unwrap();
    assert_eq!(shown, 1);
}
