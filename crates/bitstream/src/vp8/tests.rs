//! Headers made by hand, and any bytes.

use proptest::prelude::*;

use super::*;

#[test]
fn a_key_frame_tells_its_size() {
    let mut stream = Stream::default();
    let key =
        [0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xf0, 0x00, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let frames = stream.packet(&key).unwrap();
    assert!(frames[0].clean && frames[0].shown);
    assert_eq!(stream.size(), Some(Size { width: 320, height: 240 }));
    assert!(stream.packet(&key[..9]).is_err());
    let zero = [0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0, 0, 0xf0, 0, 0];
    assert!(stream.packet(&zero).is_err());
}

#[test]
fn a_frame_that_takes_no_slot_and_keeps_its_probabilities_is_needed_by_none() {
    // With even odds a run of zero bytes reads as flags that are not set.
    // Shown, and a first partition of 8 bytes.
    let inter = [0x11, 0x01, 0x00];
    let packet = [&inter[..], &[0; 24]].concat();
    let frames = Stream::default().packet(&packet).unwrap();
    assert_eq!((frames[0].refreshes, frames[0].state, frames[0].clean), (0, false, false));
    // All bits set, as far as a code can be: everything is refreshed, and eight partitions follow, which are empty.
    let packet = [&inter[..], &[0xfe], &[0xff; 7], &[0; 24]].concat();
    let frames = Stream::default().packet(&packet).unwrap();
    assert_eq!(frames[0].refreshes, LAST | GOLDEN | ALTREF);
    assert!(frames[0].state);
}

#[test]
fn partitions_that_do_not_fit_are_told() {
    // Even odds: a run of zero bytes has no flag set, and says that there is one partition.
    let frame = |header: [u8; 8], tokens: &[u8]| [&[0x11, 0x01, 0x00], &header[..], tokens].concat();
    assert!(Header::parse(&frame([0; 8], &[])).is_ok());
    // Bits of log2_nbr_of_dct_partitions behind 12 that are not set: two partitions, the first of four bytes.
    let two = [0, 0x04, 0x80, 0, 0, 0, 0, 0];
    let partitions = |header: [u8; 8]| {
        let packet = frame(header, &[0; 30]);
        header::Frame::parse(&packet).unwrap().fields.partitions
    };
    assert_eq!((partitions([0; 8]), partitions(two)), (1, 2));
    assert!(Header::parse(&frame(two, &[4, 0, 0, 1, 2, 3, 4])).is_ok());
    for length in 0..7 {
        let cut = Header::parse(&frame(two, &[4, 0, 0, 1, 2, 3, 4][..length])).unwrap_err();
        assert_eq!(cut.field, if length < 3 { "partition_sizes" } else { "partition_size" });
    }
}

#[test]
fn what_is_kept_of_earlier_frames_is_told() {
    let parse = |first: u8| Header::parse(&[&[0x11, 0x01, 0x00, first], &[0; 24][..]].concat()).unwrap();
    assert!(!parse(0).keeps_segments);
    // Segments on, neither a map nor values.
    assert!(parse(0x80).keeps_segments);
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(data in prop::collection::vec(any::<u8>(), 0..64)) {
        let mut stream = Stream::default();
        if let Ok(frames) = stream.packet(&data) {
            prop_assert_eq!(frames.len(), 1);
            prop_assert!(!frames[0].clean || frames[0].size.is_some());
        }
    }
}
