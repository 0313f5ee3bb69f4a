//! What is not decoded is refused, and what is missing is told.

use std::ops::ControlFlow;

use bytes::Bytes;
use kineframe_codec::{
    Codec, CodecParameters, DecodeError, DecodeErrorKind, DecodeOptions, DecoderFactory, Packet, PacketId, Picture,
    Recovery,
};
use kineframe_codec_conformance::TestStream;
use kineframe_codec_oxideav_vp8::Factory;
use kineframe_testkit::Rng;

fn stream(name: &str) -> Vec<Bytes> {
    TestStream::inside(name).expect("carried").packets.into_iter().map(|packet| packet.data).collect()
}

/// Decodes these packets: what came of each, its samples and whether they are marked as damaged.
fn all(packets: &[Bytes], options: &DecodeOptions) -> Vec<Option<(Vec<u8>, bool)>> {
    let mut decoder = Factory.open(&CodecParameters::new(Codec::VP8), options).expect("a decoder");
    let mut pictures = Vec::new();
    for (id, data) in (0..).zip(packets) {
        let mut shown = None;
        let mut sink = |picture: Picture<'_>| {
            let mut samples = Vec::new();
            picture.write_packed(&mut samples).expect("planes that hold the picture");
            shown = Some((samples, picture.damaged));
            ControlFlow::Continue(())
        };
        let packet = Packet { id: PacketId(id), data: data.clone(), random_access: id == 0, wanted: true };
        if decoder.decode(packet, &mut sink).is_err_and(|error| error.recovery == Recovery::Reopen) {
            decoder.reset().expect("a new beginning");
        }
        pictures.push(shown);
    }
    pictures
}

/// Decodes these packets: what came of the last one, its samples and whether they are marked as damaged.
fn last(packets: &[Bytes]) -> Result<Option<(Vec<u8>, bool)>, DecodeError> {
    let mut decoder = Factory.open(&CodecParameters::new(Codec::VP8), &DecodeOptions::default()).expect("a decoder");
    let mut outcome = Ok(None);
    for (id, data) in (0..).zip(packets) {
        let mut shown = None;
        let mut sink = |picture: Picture<'_>| {
            let mut samples = Vec::new();
            picture.write_packed(&mut samples).expect("planes that hold the picture");
            shown = Some((samples, picture.damaged));
            ControlFlow::Continue(())
        };
        let packet = Packet { id: PacketId(id), data: data.clone(), random_access: id == 0, wanted: true };
        outcome = decoder.decode(packet, &mut sink).map(|()| shown);
    }
    outcome
}

#[test]
fn a_packet_that_is_cut_anywhere_gives_its_picture_or_an_error() {
    let packets = &stream("vp8_gen_size_16x16")[..8];
    let (mut errors, mut cuts) = (0, 0);
    for count in 1..=packets.len() {
        let sound = last(&packets[..count]).unwrap().expect("a picture");
        for length in 0..packets[count - 1].len() {
            let mut cut = packets[..count].to_vec();
            cut[count - 1].truncate(length);
            match last(&cut) {
                Ok(picture) => assert_eq!(picture.as_ref(), Some(&sound), "packet {count} of {length} bytes"),
                Err(error) => {
                    assert_eq!(error.recovery, Recovery::NextPacket);
                    errors += 1;
                }
            }
            cuts += 1;
        }
    }
    assert!(errors * 10 > cuts * 9, "{errors} of {cuts}: an encoder leaves a few bytes at the end that nobody reads");
}

#[test]
fn segments_of_an_earlier_frame_are_refused() {
    let key = stream("vp8_gen_size_16x16").swap_remove(0);
    let inter = |header: [u8; 2]| Bytes::from([&[0x11, 0x10, 0][..], &header, &[0; 160]].concat());
    // Odds are even, so that the first bits are the flags: segments off; on, with neither a map nor values.
    assert!(last(&[key.clone(), inter([0, 0])]).is_ok());
    let error = last(&[key, inter([0x80, 0])]).expect_err("segments");
    assert_eq!(error.kind, DecodeErrorKind::Unsupported("segments of an earlier frame".to_owned()));
    assert_eq!(error.recovery, Recovery::Reopen, "another back end takes over");
}

/// Streams of 12 packets, in one of which one to three bits are flipped: wrong pictures that are not marked, and all
/// that are wrong.
fn wrong(name: &str, options: &DecodeOptions, runs: usize) -> (usize, usize) {
    let packets = &stream(name)[..12];
    let truth = all(packets, options);
    assert!(truth.iter().flatten().all(|(_, damaged)| !damaged), "{name}: a sound stream");
    let mut rng = Rng::new(1);
    let (mut unmarked, mut wrong) = (0, 0);
    for _ in 0..runs {
        let mut packets = packets.to_vec();
        let at = rng.below(packets.len());
        let mut flipped = packets[at].to_vec();
        for _ in 0..=rng.below(3) {
            let bit = rng.below(flipped.len() * 8);
            flipped[bit / 8] ^= 1 << (bit % 8);
        }
        packets[at] = flipped.into();
        for (picture, truth) in all(&packets, options).iter().zip(&truth) {
            let (Some((samples, damaged)), Some((sound, _))) = (picture, truth) else { continue };
            wrong += usize::from(samples != sound);
            unmarked += usize::from(samples != sound && !damaged);
        }
    }
    (unmarked, wrong)
}

#[test]
fn pictures_of_flipped_bits_are_marked() {
    let checked = DecodeOptions::default();
    let blind = DecodeOptions { check_slices: false, ..DecodeOptions::default() };
    // Packets of twenty bytes have many of their bits in the header: levels and steps, of which any value is sound.
    for (name, runs, most) in [
        ("vp8_gen_size_16x16", 200, 8),
        ("vp8_gen_dropped_frames", 40, 1),
        ("vp8_gen_odd_321x181", 40, 1),
        ("vp8_gen_two_temporal_layers", 40, 1),
    ] {
        let (unmarked, wrong_pictures) = wrong(name, &checked, runs);
        println!("{name}: {unmarked} of {wrong_pictures} wrong pictures not marked");
        assert!(wrong_pictures > runs, "{name}: {wrong_pictures}");
        assert!(unmarked * 100 <= wrong_pictures * most, "{name}: {unmarked} of {wrong_pictures}");
        let (before, _) = wrong(name, &blind, runs);
        assert!(before > wrong_pictures / 10, "{name}: {before} without the check");
    }
}
