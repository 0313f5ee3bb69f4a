//! Sound streams pass, damaged ones do not.

use kineframe_testkit::{Rng, media, spoiled};
use proptest::prelude::*;

use super::*;

/// The packets of an IVF file.
fn packets(ivf: &[u8]) -> Vec<Vec<u8>> {
    let mut rest = ivf.get(32..).unwrap_or_default();
    let mut packets = Vec::new();
    while let Some((size, behind)) = rest.split_first_chunk::<4>() {
        let end = 8 + u32::from_le_bytes(*size) as usize;
        let (Some(packet), Some(behind)) = (behind.get(8..end), behind.get(end..)) else { break };
        packets.push(packet.to_vec());
        rest = behind;
    }
    packets
}

macro_rules! stream {
    ($name:literal) => {
        packets(include_bytes!(concat!("../../../../../testdata/codec/vp9/gen_", $name, ".ivf")))
    };
}

/// Whether each packet passes.
fn passes(packets: &[Vec<u8>]) -> Vec<bool> {
    let mut check = DataCheck::default();
    packets.iter().map(|packet| check.check(packet).is_ok()).collect()
}

#[test]
fn sound_streams_of_each_kind_pass() {
    let streams = [
        stream!("p0_altref"),
        stream!("p0_frame_parallel"),
        stream!("p0_intra_only"),
        stream!("p0_lossless"),
        stream!("p0_odd_321x181"),
        stream!("p0_resize_dynamic"),
        stream!("p0_still"),
        stream!("p1_440"),
        stream!("p1_gbr"),
        stream!("p2_10"),
        stream!("p2_12"),
        stream!("p3_444_10"),
    ];
    for (number, packets) in streams.iter().enumerate() {
        let mut check = DataCheck::default();
        for (index, packet) in packets.iter().enumerate() {
            assert_eq!(check.check(packet), Ok(()), "stream {number}, packet {index}");
        }
    }
}

#[test]
fn sound_streams_of_a_media_folder_pass() {
    let Some(media) = media() else { return };
    let mut read = 0;
    for file in std::fs::read_dir(media.join("codec/vp9")).expect("a folder") {
        let path = file.expect("a file").path();
        if path.extension().is_none_or(|kind| kind != "ivf") || path.ends_with("media3_invalid.ivf") {
            continue;
        }
        let packets = packets(&std::fs::read(&path).expect("a file"));
        assert!(passes(&packets).iter().all(|passes| *passes), "{}", path.display());
        read += packets.len();
    }
    assert!(read > 400, "{read} packets");
}

#[test]
fn a_frame_that_is_cut_or_longer_does_not_pass() {
    let packets = stream!("p0_lossless");
    for length in (0..packets[0].len()).step_by(97) {
        assert!(!passes(&[packets[0][..length].to_vec()])[0] || length == 0, "{length}");
    }
    // Zeros may follow, other bytes not.
    assert!(passes(&[[&packets[0][..], &[0; 40]].concat()])[0]);
    assert!(!passes(&[[&packets[0][..], &[1]].concat()])[0]);
    let mut check = DataCheck::default();
    check.check(&packets[0]).expect("a sound frame");
    let half = packets[1].get(..packets[1].len() / 2).expect("half of it");
    let error = check.check(half).expect_err("half of it");
    assert_eq!((error.unit, error.kind), ("VP9 data", ErrorKind::Truncated));
}

#[test]
fn flipped_bits_do_not_pass_but_where_they_say_nothing_of_syntax() {
    let packets = stream!("p0_odd_321x181");
    let (mut rng, mut passed) = (Rng::new(9), 0);
    for _ in 0..400 {
        let mut damaged = packets.clone();
        let packet = rng.below(6);
        let bit = rng.below(8 * damaged[packet].len());
        damaged[packet][bit / 8] ^= 1 << (bit % 8);
        passed += usize::from(passes(&damaged).iter().all(|passes| *passes));
    }
    assert!(passed < 8, "{passed} of 400");
}

#[test]
fn what_builds_on_lost_probabilities_is_told_until_they_are_set_anew() {
    let mut packets = stream!("p0_altref");
    let last = packets[3].len() - 1;
    packets[3].truncate(last / 2);
    let mut check = DataCheck::default();
    let found: Vec<_> = packets.iter().map(|packet| check.check(packet).map_err(|error| error.kind)).collect();
    assert!(found[..3].iter().all(Result::is_ok));
    assert!(found[3].is_err());
    assert_eq!(found[4], Err(ErrorKind::Lost));
    // A key frame needs nothing.
    assert_eq!(check.check(&packets[0]), Ok(()));
    assert_eq!(check.check(&packets[1]), Ok(()));
    assert_eq!(DataCheck::default().check(&packets[1]).map_err(|error| error.unit), Err("VP9 frame"));
}

#[test]
fn frames_that_save_nothing_leave_others_alone() {
    // Of frames that are read on their own, probabilities are as their headers say.
    let mut packets = stream!("p0_frame_parallel");
    let length = packets[4].len() - 20;
    packets[4].truncate(length);
    let found = passes(&packets);
    assert!(!found[4]);
    assert!(found[..4].iter().all(|passes| *passes));
}

/// Frames as a superframe (annex B).
fn joined(frames: &[&[u8]]) -> Vec<u8> {
    let marker = 0b1101_1000 | (frames.len() as u8 - 1);
    let sizes = frames.iter().flat_map(|frame| (frame.len() as u32).to_le_bytes());
    frames.concat().into_iter().chain([marker]).chain(sizes).chain([marker]).collect()
}

#[test]
fn an_index_must_fit_its_frames() {
    let packets = stream!("p0_altref");
    let two = joined(&[&packets[0], &packets[1]]);
    let rest = packets[2..].iter().cloned();
    assert!(passes(&[two.clone()].into_iter().chain(rest.clone()).collect::<Vec<_>>()).iter().all(|passes| *passes));
    // Bytes of the second one are missing.
    let cut = [&two[..packets[0].len() + 30], &two[two.len() - 10..]].concat();
    let found = passes(&[cut].into_iter().chain(rest).collect::<Vec<_>>());
    assert!(found[..10].iter().all(|passes| !passes));
}

/// A key frame of profile 0 as one that is intra only, hidden, and resets as said.
fn intra_only(key: &[u8], reset: &str, refreshes: u8) -> Vec<u8> {
    let bits = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:08b}")).collect::<String>();
    let head = &key[..64];
    let compressed = |bits: &str| {
        let mut reader = BitReader::plain(UNIT, head);
        let Ok(Opening::Frame(opening)) = Opening::read(&mut reader, &[None; 8]) else { panic!("{bits}") };
        Rest::read(&mut reader, &opening).expect("a header");
        (reader.position() / 8) as usize
    };
    let old = bits(head);
    let end = compressed(&old);
    // Marker, profile, no existing frame; then kind, shown, resilient; sync code; colour; and the sizes onwards.
    let mut new = format!("{}1001{reset}{}{refreshes:08b}{}", &old[..5], &old[8..32], &old[36..8 * end]);
    // What made the last byte full is no longer what does.
    let used = new.trim_end_matches('0').len();
    new.truncate(used.div_ceil(8) * 8);
    while !new.len().is_multiple_of(8) {
        new.push('0');
    }
    let bytes = new.as_bytes().chunks(8).map(|byte| byte.iter().fold(0_u8, |byte, bit| byte << 1 | (bit - b'0')));
    bytes.chain(key[end..].iter().copied()).collect()
}

#[test]
fn intra_only_frames_are_read_with_what_they_reset() {
    let packets = stream!("p0_altref");
    let mut check = DataCheck::default();
    // Nothing is known before: all are set anew, or the one that it is read with is not known.
    assert_eq!(check.check(&intra_only(&packets[0], "00", 1)).map_err(|error| error.kind), Err(ErrorKind::Lost));
    assert_eq!(check.check(&intra_only(&packets[0], "11", 0xff)), Ok(()));
    // The probabilities that a key frame leaves are those that it leaves; it is not shown, so its vectors are not used.
    assert!(check.check(&packets[1]).is_ok());
    // Within a stream that goes on as it was.
    let mut check = DataCheck::default();
    for packet in &packets[..4] {
        assert_eq!(check.check(packet), Ok(()));
    }
    assert_eq!(check.check(&intra_only(&packets[0], "11", 0x80)), Ok(()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn nothing_makes_it_panic(
        flips in prop::collection::vec(any::<(usize, u8)>(), 1..20),
        length: usize,
        packet in 0_usize..4,
        which in 0..3,
    ) {
        let packets = match which {
            0 => stream!("p0_still"),
            1 => stream!("p2_10"),
            _ => stream!("p0_intra_only"),
        };
        let mut check = DataCheck::default();
        for (index, sound) in packets.iter().take(6).enumerate() {
            let damaged = spoiled(sound, &flips, length);
            let _ = check.check(if index == packet { &damaged } else { sound });
        }
    }

    #[test]
    fn nor_do_any_bytes(data in prop::collection::vec(any::<u8>(), 0..200), width in 0_u8..2) {
        // A key frame of few samples begins so.
        let head = [0x82, 0x49, 0x83, 0x42, 0x20, width, 0xf0, 0x02, 0xf0];
        let mut check = DataCheck::default();
        let _ = check.check(&[&head[..], &data].concat());
        let _ = check.check(&data);
    }
}
