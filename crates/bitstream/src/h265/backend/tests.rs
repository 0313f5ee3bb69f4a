//! The driver, over an engine that paints grey and fails when asked.

use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::Bytes;
use kineframe_codec::{
    Codec, CodecParameters, DecodeOptions, NalFraming, Packet, PacketId, Picture, PictureBuffer, Plane, Recovery,
    Samples, VideoDecoder,
};

use super::{CodedPicture, Decoded, Driver, Engine, EngineError};
use crate::h265::{AccessUnits, NalHeader, NalType, Stream};

const STREAM: &[u8] = include_bytes!("../../../../../testdata/codec/h265/gen_main_bpyramid.265");

/// A picture of 320×180.
struct Grey;

impl PictureBuffer for Grey {
    fn planes(&self) -> Vec<Plane<'_>> {
        static SAMPLES: [u8; 320 * 180] = [128; 320 * 180];
        let plane = |stride| Plane { samples: Samples::U8(&SAMPLES), stride };
        vec![plane(320), plane(160), plane(160)]
    }
}

/// Counts parameter sets; what goes wrong is said by a filler NAL unit at the end.
#[derive(Default)]
struct Painter {
    sets: usize,
}

const FAIL: u8 = 0x11;
const PANIC: u8 = 0x22;

impl Engine for Painter {
    fn parameter_set(&mut self, nal: &[u8]) -> Result<(), EngineError> {
        assert!(NalHeader::base_kind(nal).is_some_and(|kind| kind.is_parameter_set()));
        self.sets += 1;
        Ok(())
    }

    fn end_of_sequence(&mut self) {}

    fn picture(&mut self, packet: &[u8], picture: &CodedPicture) -> Result<Option<Decoded>, EngineError> {
        assert!(self.sets >= 2 && !picture.segments.is_empty());
        assert!(!packet.ends_with(&filler(PANIC)), "as asked");
        if packet.ends_with(&filler(FAIL)) {
            return Err(EngineError::Damaged("as asked".to_owned()));
        }
        Ok(Some(Decoded { buffer: Arc::new(Grey), damaged: false }))
    }
}

fn units() -> Vec<Bytes> {
    AccessUnits::new(Bytes::from_static(STREAM)).collect()
}

fn filler(what: u8) -> [u8; 6] {
    [0, 0, 1, NalType::FILLER.0 << 1, 1, what]
}

/// The packet with a filler NAL unit that asks for this.
fn asking(unit: &Bytes, what: u8) -> Bytes {
    [&unit[..], &filler(what)].concat().into()
}

fn open() -> Driver<Painter> {
    let params = CodecParameters { framing: NalFraming::StartCodes, ..CodecParameters::new(Codec::H265) };
    Driver::open("painter", &params, &DecodeOptions::default(), Painter::default).unwrap()
}

/// Packets and whether their pictures are damaged.
type Shown = Vec<(u64, bool)>;

/// What comes out, and which packets failed how.
fn play(driver: &mut Driver<Painter>, packets: &[Bytes]) -> (Shown, Vec<(u64, Recovery)>) {
    let (mut shown, mut failed) = (Vec::new(), Vec::new());
    let mut sink = |picture: Picture<'_>| {
        shown.push((picture.id.0, picture.damaged));
        ControlFlow::Continue(())
    };
    for (id, data) in (0..).zip(packets) {
        let packet = Packet { id: PacketId(id), data: data.clone(), random_access: id == 0, wanted: true };
        if let Err(error) = driver.decode(packet, &mut sink) {
            failed.push((id, error.recovery));
        }
    }
    driver.flush(&mut sink).unwrap();
    (shown, failed)
}

/// The packets in output order.
fn expected(units: &[Bytes]) -> Vec<u64> {
    let mut stream = Stream::new(&Bytes::new());
    let mut order: Vec<_> = (0..).zip(units).map(|(id, unit)| (stream.packet(unit).order, id)).collect();
    order.sort();
    order.into_iter().map(|(_, id)| id).collect()
}

#[test]
fn pictures_come_out_in_output_order_each_once() {
    let units = units();
    let mut driver = open();
    for _ in 0..2 {
        let (shown, failed) = play(&mut driver, &units);
        assert_eq!(failed, []);
        assert_eq!(shown.iter().map(|(id, _)| *id).collect::<Vec<_>>(), expected(&units));
        assert!(shown.iter().all(|(_, damaged)| !damaged));
    }
}

#[test]
fn what_is_built_on_a_picture_that_fails_is_marked() {
    let mut units = units();
    let wanted = expected(&units);
    units[1] = asking(&units[1], FAIL);
    let (shown, failed) = play(&mut open(), &units);
    assert_eq!(failed, [(1, Recovery::NextPacket)]);
    assert_eq!(shown.len(), wanted.len() - 1);
    let damaged = shown.iter().filter(|(_, damaged)| *damaged).count();
    assert!(damaged > 3, "{damaged}");
    assert!(!shown[0].1, "the first picture needs no other");
    // Up to the next clean random access, and not beyond what leads it.
    assert!(shown.iter().rev().take(20).all(|(_, damaged)| !damaged));
}

#[test]
fn a_panic_is_an_error_and_a_reset_begins_anew() {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let sound = units();
    let mut units = sound.clone();
    units[4] = asking(&units[4], PANIC);
    let mut driver = open();
    let (shown, failed) = play(&mut driver, &units);
    std::panic::set_hook(hook);
    assert!(shown.len() <= 4);
    assert_eq!(failed.first(), Some(&(4, Recovery::Reopen)));
    assert_eq!(failed.len(), units.len() - 4);
    driver.reset().unwrap();
    assert_eq!(play(&mut driver, &sound).0.len(), sound.len());
}
