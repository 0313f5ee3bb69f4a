//! Headers and superframes made by hand.

use kineframe_codec::MatrixCoefficients;
use proptest::prelude::*;

use super::*;

/// A key frame of profile 0, 64×48.
const KEY: [u8; 11] = [0x82, 0x49, 0x83, 0x42, 0x20, 0x03, 0xf0, 0x02, 0xf0, 0, 0];

#[test]
fn a_key_frame_tells_size_and_colour() {
    let mut stream = Stream::default();
    let frames = stream.packet(&KEY).unwrap();
    assert_eq!(frames.len(), 1);
    assert!(frames[0].clean && frames[0].shown && frames[0].refreshes == 0xff);
    assert_eq!(stream.size(), Some(Size { width: 64, height: 48 }));
    let config = stream.config().unwrap();
    assert_eq!((config.depth, config.color.matrix), (8, Some(MatrixCoefficients::Bt601)));
    let again = ColorConfig::of_features(&config.to_features()).unwrap();
    assert_eq!((again.format(), again.profile), (config.format(), 0));
    let generation = stream.generation();
    stream.packet(&KEY).unwrap();
    assert_eq!(stream.generation(), generation);
}

#[test]
fn a_superframe_is_taken_apart() {
    let mut packet = [&KEY[..], &[0x88, 0, 0]].concat();
    let marker = 0b1100_0001;
    packet.extend([marker, KEY.len() as u8, 3, marker]);
    assert_eq!(superframe(&packet), [&KEY[..], &[0x88, 0, 0]]);
    // Without its index it is one frame.
    assert_eq!(superframe(&KEY).len(), 1);
}

#[test]
fn an_inter_frame_without_its_reference_is_an_error() {
    // Not a key frame, shown; found_ref of the first of three slots.
    assert!(Stream::default().packet(&[0x86, 0x00, 0x40, 0x00, 0x80, 0]).is_err());
}

proptest! {
    #[test]
    fn frames_lie_inside_the_packet(data in prop::collection::vec(any::<u8>(), 0..64), marker in 0xc0_u8..0xe0) {
        let packet = [&[marker][..], &data, &[marker]].concat();
        let total: usize = superframe(&packet).iter().map(|frame| frame.len()).sum();
        prop_assert!(total <= packet.len());
        let _ = Stream::default().packet(&packet);
        let _ = ColorConfig::of_features(&data);
    }
}
