//! When a wrapped decoder is made anew.

use std::cell::Cell;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use kineframe_bitstream::h264::backend::{CodedPicture, Decoded, Driver, Engine, EngineError};
use kineframe_bitstream::h264::{AccessUnits, RandomAccess, Stream};
use kineframe_codec::{
    Codec, CodecParameters, DecodeOptions, NalFraming, Packet, PacketId, Picture, PictureBuffer, Plane, Samples,
    VideoDecoder,
};

thread_local! {
    static MADE: Cell<usize> = const { Cell::new(0) };
    static FAIL: Cell<bool> = const { Cell::new(false) };
}

/// Gray pictures, whatever comes.
struct Gray<const IDR_FORGETS: bool>;

impl<const IDR_FORGETS: bool> Gray<IDR_FORGETS> {
    fn make() -> Self {
        MADE.set(MADE.get() + 1);
        Gray
    }
}

struct Planes(Vec<u8>);

impl PictureBuffer for Planes {
    fn planes(&self) -> Vec<Plane<'_>> {
        let plane = |stride| Plane { samples: Samples::U8(&self.0), stride };
        vec![plane(320), plane(160), plane(160)]
    }
}

impl<const IDR_FORGETS: bool> Engine for Gray<IDR_FORGETS> {
    const IDR_FORGETS: bool = IDR_FORGETS;

    fn parameter_set(&mut self, _: &[u8]) -> Result<(), EngineError> {
        Ok(())
    }

    fn picture(&mut self, _: &[u8], _: &CodedPicture) -> Result<Option<Decoded>, EngineError> {
        if FAIL.get() {
            return Err(EngineError::Stuck("as told".to_owned()));
        }
        Ok(Some(Decoded { buffer: Arc::new(Planes(vec![128; 320 * 192])), damaged: false }))
    }
}

/// The IDR picture at the start of a stream, with its parameter sets.
fn idr(name: &str) -> Packet {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/codec/h264").join(name);
    let data = std::fs::read(path).expect("a file of the test data");
    let mut stream = Stream::new(&bytes::Bytes::new());
    let data = AccessUnits::new(data.into()).next().expect("a picture");
    assert_eq!(stream.packet(&data).random_access, RandomAccess::Idr);
    Packet { id: PacketId(0), data, random_access: true, wanted: true }
}

struct Player<const IDR_FORGETS: bool> {
    driver: Driver<Gray<IDR_FORGETS>>,
    shown: usize,
}

impl<const IDR_FORGETS: bool> Player<IDR_FORGETS> {
    fn new() -> Self {
        MADE.set(0);
        FAIL.set(false);
        let mut params = CodecParameters::new(Codec::H264);
        params.framing = NalFraming::StartCodes;
        let driver = Driver::open("gray", &params, &DecodeOptions::default(), Gray::make).expect("it opens");
        Player { driver, shown: 0 }
    }

    /// Decodes a packet and flushes.
    fn play(&mut self, packet: &Packet) {
        let mut sink = |_: Picture<'_>| {
            self.shown += 1;
            ControlFlow::Continue(())
        };
        let _ = self.driver.decode(packet.clone(), &mut sink);
        self.driver.flush(&mut sink).expect("it flushes");
    }
}

#[test]
fn an_engine_whose_idr_pictures_forget_is_kept_for_them() {
    let idr = idr("gen_baseline_cavlc.264");
    let mut player = Player::<true>::new();
    player.play(&idr);
    player.play(&idr);
    player.play(&idr);
    assert_eq!((MADE.get(), player.shown), (1, 3));
    // Buffers of another size, or another depth of them, are no use.
    player.play(&self::idr("gen_high_direct_temporal.264"));
    assert_eq!(MADE.get(), 2);
    player.driver.reset().expect("it resets");
    assert_eq!(MADE.get(), 3);
}

#[test]
fn an_engine_that_failed_is_not_kept() {
    let idr = idr("gen_baseline_cavlc.264");
    let mut player = Player::<true>::new();
    FAIL.set(true);
    player.play(&idr);
    FAIL.set(false);
    player.play(&idr);
    assert_eq!((MADE.get(), player.shown), (2, 1));
}

#[test]
fn other_engines_are_made_anew_at_each_flush() {
    let idr = idr("gen_baseline_cavlc.264");
    let mut player = Player::<false>::new();
    player.play(&idr);
    player.play(&idr);
    assert_eq!((MADE.get(), player.shown), (3, 2));
}
