//! The check of VP8's partitions: sound streams pass it, and hardly any flipped bit does.

use std::path::{Path, PathBuf};

use kineframe_bitstream::ErrorKind;
use kineframe_bitstream::vp8::{DataCheck, DataError, Header};
use kineframe_testkit::{Rng, media, spoiled};
use proptest::prelude::*;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/codec/vp8")
}

/// The packets of an IVF file of VP8, or none.
fn ivf(path: &Path) -> Vec<Vec<u8>> {
    let bytes = std::fs::read(path).expect("a file");
    let mut packets = Vec::new();
    if bytes.get(8..12) != Some(b"VP80") {
        return packets;
    }
    let mut rest = &bytes[32..];
    while let Some((size, behind)) = rest.split_first_chunk::<4>() {
        let size = u32::from_le_bytes(*size) as usize;
        packets.push(behind[8..8 + size].to_vec());
        rest = &behind[8 + size..];
    }
    packets
}

/// The streams of a folder.
fn streams(folder: &Path) -> Vec<(PathBuf, Vec<Vec<u8>>)> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "ivf"))
        .collect();
    paths.sort();
    let streams = paths.into_iter().map(|path| (path.clone(), ivf(&path)));
    streams.filter(|(_, packets)| !packets.is_empty()).collect()
}

/// Asks of every stream of a folder that nothing is found, from the beginning on and from any key frame.
fn sound(folder: &Path) -> (usize, usize) {
    let (mut files, mut frames) = (0, 0);
    for (path, packets) in streams(folder) {
        let mut data = DataCheck::default();
        for (index, packet) in packets.iter().enumerate() {
            assert_eq!(data.check(packet), Ok(()), "{} packet {index}", path.display());
            if Header::parse(packet).expect("a header").key_frame_size.is_some() {
                data = DataCheck::default();
                assert_eq!(data.check(packet), Ok(()), "{} packet {index}", path.display());
            }
        }
        (files, frames) = (files + 1, frames + packets.len());
    }
    println!("{}: {files} streams, {frames} frames", folder.display());
    (files, frames)
}

#[test]
fn sound_streams_break_no_rule() {
    let (files, frames) = sound(&folder());
    assert!(files > 6 && frames > 200);
}

#[test]
fn sound_streams_of_a_media_folder_break_no_rule() {
    if let Some(media) = media() {
        assert!(sound(&media.join("codec/vp8")).0 > 12);
    }
}

/// Of so many packets with one to three bits flipped, each behind all packets before it, those that are noticed.
fn noticed(packets: &[Vec<u8>], rng: &mut Rng, runs: usize) -> usize {
    let mut before = vec![DataCheck::default()];
    for packet in packets {
        let mut data = before.last().expect("one").clone();
        data.check(packet).expect("sound");
        before.push(data);
    }
    let mut found = 0;
    for _ in 0..runs {
        let index = rng.below(packets.len());
        let mut packet = packets[index].clone();
        for _ in 0..=rng.below(3) {
            let bit = rng.below(packet.len() * 8);
            packet[bit / 8] ^= 1 << (bit % 8);
        }
        found += usize::from(before[index].clone().check(&packet).is_err());
    }
    found
}

#[test]
fn flipped_bits_are_noticed() {
    let (mut rng, mut all, mut found) = (Rng::new(8), 0, 0);
    for (path, packets) in streams(&folder()) {
        let some = noticed(&packets, &mut rng, 500);
        println!("{}: {some} of 500", path.display());
        // Those of small packets have many of their bits in the first bytes, of which some mean nothing to others.
        assert!(some >= 450, "{}: {some} of 500", path.display());
        (all, found) = (all + 500, found + some);
    }
    assert!(found * 100 >= all * 97, "{found} of {all}");
}

#[test]
fn cut_and_prolonged_packets_are_noticed() {
    for (path, packets) in streams(&folder()) {
        let mut data = DataCheck::default();
        for (index, packet) in packets.iter().enumerate().take(12) {
            let at = format!("{} packet {index}", path.display());
            let check = |packet: &[u8]| data.clone().check(packet);
            assert_eq!(check(&[packet, &[0; 40][..]].concat()), Ok(()), "{at}: padding");
            let longer = check(&[packet, &[0, 0, 0, 0, 0, 0, 0, 0x40][..]].concat()).expect_err(&at);
            assert_eq!(longer.error.kind, ErrorKind::Trailing, "{at}: {longer}");
            let cut = packet.len() - packet.iter().rev().take_while(|byte| **byte == 0).count() - 3;
            assert!(check(&packet[..cut]).is_err(), "{at}");
            data.check(packet).expect("sound");
        }
    }
}

#[test]
fn what_is_built_on_damage_is_not_sound_until_a_key_frame_comes() {
    let packets = ivf(&folder().join("gen_profile1.ivf"));
    let inter = |packet: &[u8]| Header::parse(packet).expect("a header").key_frame_size.is_none();
    assert!(!inter(&packets[0]) && inter(&packets[1]) && inter(&packets[2]));
    let unknown = |result: Result<(), DataError>| result.map_err(|error| error.error.kind) == Err(ErrorKind::Lost);
    let mut data = DataCheck::default();
    assert!(unknown(data.check(&packets[1])), "no key frame");
    assert_eq!(data.check(&packets[0]), Ok(()));
    // All of the first partition behind the header's first bytes.
    let mut damaged = packets[1].clone();
    damaged[8] ^= 0x55;
    assert!(data.check(&damaged).is_err());
    assert!(unknown(data.check(&packets[2])), "odds");
    assert_eq!(data.check(&packets[0]), Ok(()));
    assert_eq!(data.check(&packets[1]), Ok(()));
    // Damage of coefficients leaves all that lasts in the state of the entropy decoder.
    let mut damaged = packets[2].clone();
    let last = damaged.len() - 6;
    damaged[last] ^= 0x55;
    let error = data.check(&damaged).expect_err("damage");
    assert_eq!(error.error.unit, "VP8 token partition 1");
    assert_eq!(data.check(&packets[3]), Ok(()));
    data.lose();
    assert!(unknown(data.check(&packets[4])), "a packet is missing");
}

/// A frame: a tag, the first partition, and what follows it.
fn frame() -> impl Strategy<Value = Vec<u8>> {
    let bytes = || prop_oneof![prop::collection::vec(any::<u8>(), 0..300), Just(vec![0; 200])];
    (any::<bool>(), 0_u8..5, 1_u16..100, 1_u16..100, bytes(), bytes()).prop_map(
        |(key, version, width, height, first, rest)| {
            let tag = (first.len() as u32) << 5 | 1 << 4 | u32::from(version) << 1 | u32::from(!key);
            let [width, height] = [width, height].map(u16::to_le_bytes);
            let head = [0x9d, 0x01, 0x2a, width[0], width[1], height[0], height[1]];
            [&tag.to_le_bytes()[..3], if key { &head } else { &[] }, &first, &rest].concat()
        },
    )
}

proptest! {
    #[test]
    fn no_bytes_break_it(frames in prop::collection::vec(frame(), 1..6)) {
        let mut data = DataCheck::default();
        for frame in frames {
            let _ = data.check(&frame);
        }
    }

    #[test]
    fn no_damage_breaks_it(
        flips in prop::collection::vec(any::<(usize, u8)>(), 0..6), length: usize, at in 0_usize..8, stream in 0_usize..7
    ) {
        let (_, packets) = &streams(&folder())[stream];
        let mut data = DataCheck::default();
        for (index, packet) in packets.iter().enumerate().take(10) {
            let packet = if index == at { spoiled(packet, &flips, length) } else { packet.clone() };
            let _ = data.check(&packet);
        }
    }
}
