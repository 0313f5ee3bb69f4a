//! Bits that are flipped in a packet: pictures come all the same, and damage ends at the next key frame.

use std::num::NonZeroUsize;

use kineframe_bitstream::h264::RandomAccess;
use kineframe_codec::{Codec, DecodeOptions};
use kineframe_codec_conformance::{Flips, TestStream};
use kineframe_codec_dav1d::Factory;

/// libdav1d 1.0.0 goes on over damage inside of a tile without a word, whatever it is asked; later ones that hold a tile's
/// end against the rules tell more. What holds for any of them is that the check takes no picture away.
#[test]
fn flipped_bits_take_no_picture_away() {
    let cases = std::env::var("CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(12);
    let [checked, blind] = Flips::of_kit(&Factory, Codec::AV1, cases);
    assert!(checked.errors <= blind.errors, "{checked:?}, {blind:?}");
    assert!(checked.unmarked <= blind.unmarked, "{checked:?}, {blind:?}");
}

#[test]
fn with_more_threads_as_with_one() {
    let stream = TestStream::inside("av1_gen_superres").expect("carried");
    let one = DecodeOptions::default();
    let three = DecodeOptions { threads: NonZeroUsize::MIN.saturating_add(2), ..one.clone() };
    let [one, three] = Flips::measure(&Factory, &stream, 12, 20, [&one, &three]);
    assert_eq!(one, three);
}

#[test]
fn damage_ends_at_the_next_key_frame() {
    let mut stream = TestStream::inside("av1_gen_main10").expect("carried");
    assert_eq!(stream.packets.iter().filter(|packet| packet.random_access == RandomAccess::Idr).count(), 1);
    stream.packets.truncate(3);
    stream.packets.extend(stream.packets.clone());
    let [long] = Flips::measure(&Factory, &stream, 6, 30, [&DecodeOptions::default()]);
    assert!(long.equal >= 30 * 3, "{long:?}: the half that is not hurt is sound");
    assert!(long.errors + long.marked <= 30 * 3, "{long:?}");
}
