//! The words that all codecs of whole frames share.

use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::Bytes;
use kineframe_codec::{
    BitDepth, ChromaSampling, Codec, CodecParameters, DecodeOptions, Limits, Packet, PacketId, Picture, PictureBuffer,
    PixelFormat, Plane, Recovery, Rect, Samples, VideoDecoder,
};

use super::backend::{Decoded, Driver, Engine, EngineError};
use super::*;
use crate::Identified;
use crate::h264::RandomAccess;

#[test]
fn of_a_codec_that_is_not_looked_into_the_containers_word_is_taken() {
    let mut stream = FrameStream::new(&Identified { codec: Codec::new("other"), private: Bytes::new() });
    let look = stream.packet(&[1, 2, 3], true);
    assert_eq!((look.random_access, look.picture, look.reference), (RandomAccess::Idr, true, true));
    assert_eq!(stream.packet(&[1, 2, 3], false).random_access, RandomAccess::None);
}

/// A VP8 key frame of this size whose data is zero.
fn key(width: u16, height: u16) -> Bytes {
    let [width_low, width_high] = width.to_le_bytes();
    let [height_low, height_high] = height.to_le_bytes();
    let head = [0x10, 0x02, 0, 0x9d, 0x01, 0x2a, width_low, width_high, height_low, height_high];
    [&head[..], &[0; 24]].concat().into()
}

/// A VP8 inter frame that takes every slot, with this byte at its end.
fn inter(last: u8) -> Bytes {
    [&[0x11, 0x01, 0][..], &[0xff; 8], &[0; 24], &[last]].concat().into()
}

/// Grey pictures of 16×16; the last byte of a packet says what goes wrong.
struct Grey;

const FAIL: u8 = 1;
const PANIC: u8 = 2;

impl PictureBuffer for Grey {
    fn planes(&self) -> Vec<Plane<'_>> {
        vec![Plane { samples: Samples::U8(&[128; 256]), stride: 16 }]
    }
}

impl Engine for Grey {
    fn packet(&mut self, packet: &Bytes, shown: &mut Vec<Decoded>) -> Result<(), EngineError> {
        match packet.last() {
            Some(&FAIL) => return Err(EngineError::Damaged("as asked".to_owned())),
            Some(&PANIC) => panic!("as asked"),
            _ => {}
        }
        let format = PixelFormat { chroma: ChromaSampling::Monochrome, depth: BitDepth::EIGHT };
        let visible = Rect { left: 0, top: 0, width: 16, height: 16 };
        shown.push(Decoded { visible, format, buffer: Arc::new(Grey), damaged: false });
        Ok(())
    }
}

fn open(limits: Limits) -> Driver<Grey> {
    // Most packets here are headers alone.
    let options = DecodeOptions { limits, check_slices: false, ..DecodeOptions::default() };
    Driver::open("grey", &CodecParameters::new(Codec::VP8), &options, |_| Ok(Grey)).unwrap()
}

/// Whether each packet gave a sound picture (`Some(false)`), a damaged one, or an error.
fn play(driver: &mut Driver<Grey>, packets: &[Bytes]) -> Vec<Result<bool, Recovery>> {
    let mut found = Vec::new();
    for (id, data) in (0..).zip(packets) {
        let mut damaged = None;
        let packet = Packet { id: PacketId(id), data: data.clone(), random_access: id == 0, wanted: true };
        let mut sink = |picture: Picture<'_>| {
            assert_eq!(picture.id, PacketId(id));
            damaged = Some(picture.damaged);
            ControlFlow::Continue(())
        };
        let result = driver.decode(packet, &mut sink);
        found.push(result.map(|()| damaged.expect("a picture")).map_err(|error| error.recovery));
    }
    found
}

#[test]
fn pictures_on_a_lost_reference_are_marked_until_a_key_frame() {
    let mut driver = open(Limits::default());
    let packets = [key(16, 16), inter(0), inter(FAIL), inter(0), key(16, 16), inter(0)];
    let expected = [Ok(false), Ok(false), Err(Recovery::NextPacket), Ok(true), Ok(false), Ok(false)];
    assert_eq!(play(&mut driver, &packets), expected);
    // A header that cannot be read may have taken any slot.
    let packets = [inter(0), Bytes::from_static(&[0x11]), inter(0)];
    assert_eq!(play(&mut driver, &packets), [Ok(false), Err(Recovery::NextPacket), Ok(true)]);
    driver.reset().unwrap();
    assert_eq!(play(&mut driver, &[inter(0), key(16, 16)]), [Ok(true), Ok(false)]);
}

#[test]
fn damaged_data_are_marked_with_what_is_built_on_them() {
    let params = CodecParameters::new(Codec::VP8);
    let open = |check_slices| {
        let options = DecodeOptions { check_slices, ..DecodeOptions::default() };
        Driver::<Grey>::open("grey", &params, &options, |_| Ok(Grey)).unwrap()
    };
    let mut damaged = key(16, 16).to_vec();
    damaged[20] = 0x55;
    let sound = Bytes::from([&[0x11, 0x02, 0][..], &[0; 33]].concat());
    let packets = [key(16, 16), sound.clone(), damaged.into(), sound.clone(), key(16, 16), sound];
    let expected = [false, false, true, true, false, false];
    assert_eq!(play(&mut open(true), &packets), expected.map(Ok));
    assert_eq!(play(&mut open(false), &packets), [Ok(false); 6], "nobody looked");
}

#[test]
fn a_panic_is_an_error_and_a_reset_begins_anew() {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let mut driver = open(Limits::default());
    let found = play(&mut driver, &[key(16, 16), inter(PANIC), inter(0)]);
    std::panic::set_hook(hook);
    assert_eq!(found, [Ok(false), Err(Recovery::Reopen), Err(Recovery::Reopen)]);
    driver.reset().unwrap();
    assert_eq!(play(&mut driver, &[key(16, 16)]), [Ok(false)]);
}

#[test]
fn sizes_beyond_the_limits_never_reach_the_decoder() {
    // The decoder would panic at it.
    let mut driver = open(Limits::default());
    let mut large = key(16383, 16383).to_vec();
    large.push(PANIC);
    assert_eq!(play(&mut driver, &[large.into()]), [Err(Recovery::Reopen)]);
    let mut limits = Limits::default();
    limits.packet_bytes = 30;
    assert_eq!(play(&mut open(limits), &[key(16, 16)]), [Err(Recovery::NextPacket)]);
}
