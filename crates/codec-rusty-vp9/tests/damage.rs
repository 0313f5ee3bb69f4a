//! What is missing is told.

use std::ops::ControlFlow;

use bytes::Bytes;
use kineframe_codec::{Codec, CodecParameters, DecodeError, DecodeOptions, DecoderFactory, Packet, PacketId, Picture};
use kineframe_codec_conformance::TestStream;
use kineframe_codec_rusty_vp9::Factory;

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
    assert!(wrong_when_blind > cuts / 2, "{name}: {wrong_when_blind} of {cuts}: it is the second decoder that sees it");
}

#[test]
fn a_packet_that_is_cut_anywhere_gives_its_picture_or_is_told() {
    cut("vp9_gen_p0_still", 4, 60);
    cut("vp9_gen_p0_altref", 8, 5);
}
