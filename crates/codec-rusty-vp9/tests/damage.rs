//! What is missing or changed is told.

use std::ops::ControlFlow;

use bytes::Bytes;
use kineframe_codec::{Codec, CodecParameters, DecodeError, DecodeOptions, DecoderFactory, Packet, PacketId, Picture};
use kineframe_codec_conformance::TestStream;
use kineframe_codec_rusty_vp9::Factory;
use kineframe_testkit::Rng;

/// The samples of a picture, and whether they are marked as damaged.
type Shown = (Vec<u8>, bool);

/// What came of each of these packets.
fn play(packets: &[Bytes], options: &DecodeOptions) -> Vec<Result<Option<Shown>, DecodeError>> {
    let mut decoder = Factory.open(&CodecParameters::new(Codec::VP9), options).expect("a decoder");
    let decode = |(id, data): (u64, &Bytes)| {
        let mut shown = None;
        let mut sink = |picture: Picture<'_>| {
            let mut samples = Vec::new();
            picture.write_packed(&mut samples).expect("planes that hold the picture");
            shown = Some((samples, picture.damaged));
            ControlFlow::Continue(())
        };
        let packet = Packet { id: PacketId(id), data: data.clone(), random_access: id == 0, wanted: true };
        decoder.decode(packet, &mut sink).map(|()| shown)
    };
    (0..).zip(packets).map(decode).collect()
}

/// Of the pictures that are shown unmarked, how many differ from the sound ones; and how many end in an error or a mark.
fn wrong_and_told(
    sound: &[Result<Option<Shown>, DecodeError>],
    packets: &[Bytes],
    options: &DecodeOptions,
) -> [usize; 2] {
    let mut counts = [0; 2];
    for (sound, found) in sound.iter().zip(play(packets, options)) {
        match (sound, found) {
            (_, Err(_)) | (_, Ok(Some((_, true)))) => counts[1] += 1,
            (Ok(sound), Ok(found)) => counts[0] += usize::from(*sound != found),
            (Err(_), _) => panic!("the stream is sound"),
        }
    }
    counts
}

/// Cuts each of the first packets of a stream at so many places.
fn cut(name: &str, packets: usize, places: usize) {
    let stream = TestStream::inside(name).expect("carried");
    let packets: Vec<Bytes> = stream.packets.into_iter().map(|packet| packet.data).take(packets).collect();
    let options = DecodeOptions::default();
    let sound = play(&packets, &options);
    assert!(sound.iter().all(|picture| matches!(picture, Ok(None | Some((_, false))))), "{name}");
    let blind = DecodeOptions { check_slices: false, ..DecodeOptions::default() };
    let (mut told, mut cuts, mut wrong_when_blind) = (0, 0, 0);
    for index in 0..packets.len() {
        let step = (packets[index].len() / places).max(1);
        for length in (0..packets[index].len()).step_by(step) {
            let mut cut = packets.clone();
            cut[index].truncate(length);
            let [wrong, marked] = wrong_and_told(&sound, &cut, &options);
            assert_eq!(wrong, 0, "{name}: packet {index} of {length} bytes");
            told += usize::from(marked > 0);
            wrong_when_blind += usize::from(wrong_and_told(&sound, &cut, &blind)[0] > 0);
            cuts += 1;
        }
    }
    assert!(told * 10 > cuts * 9, "{name}: {told} of {cuts}: a few bytes at the end are read by nobody");
    assert!(wrong_when_blind > cuts / 2, "{name}: {wrong_when_blind} of {cuts}: it is the check that sees it");
}

/// Flips one to three bits of one of the first packets, so many times: how many pictures are wrong and not marked, with
/// the check and without it.
fn flip(name: &str, packets: usize, times: usize) -> [usize; 2] {
    let stream = TestStream::inside(name).expect("carried");
    let packets: Vec<Bytes> = stream.packets.into_iter().map(|packet| packet.data).take(packets).collect();
    let options = DecodeOptions::default();
    let blind = DecodeOptions { check_slices: false, ..DecodeOptions::default() };
    let sound = play(&packets, &options);
    let mut rng = Rng::new(packets.len() as u64);
    let mut wrong = [0; 2];
    for _ in 0..times {
        let mut flipped = packets.clone();
        let packet = &mut flipped[rng.below(packets.len())];
        let mut bytes = packet.to_vec();
        for _ in 0..1 + rng.below(3) {
            let bit = rng.below(8 * bytes.len());
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        *packet = bytes.into();
        wrong[0] += wrong_and_told(&sound, &flipped, &options)[0];
        wrong[1] += wrong_and_told(&sound, &flipped, &blind)[0];
    }
    wrong
}

#[test]
fn a_packet_that_is_cut_anywhere_gives_its_picture_or_is_told() {
    cut("vp9_gen_p0_still", 4, 60);
    cut("vp9_gen_p0_altref", 8, 5);
}

#[test]
fn of_flipped_bits_only_those_that_break_no_rule_go_unseen() {
    for (name, packets, times) in
        [("vp9_gen_p0_altref", 8, 60), ("vp9_gen_p2_10", 8, 60), ("vp9_gen_p0_lossless", 8, 60)]
    {
        let [wrong, wrong_when_blind] = flip(name, packets, times);
        println!("{name}: {wrong} with the check, {wrong_when_blind} without");
        assert!(50 * wrong <= wrong_when_blind, "{name}: {wrong} of {wrong_when_blind}");
        assert!(wrong_when_blind > 3 * times, "{name}: {wrong_when_blind}");
    }
}
