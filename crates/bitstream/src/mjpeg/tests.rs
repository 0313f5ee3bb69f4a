//! Headers made by hand.

use proptest::prelude::*;

use super::*;

/// An image of 48×32 in 4:2:0 without tables and without data.
fn image(sampling: u8) -> Vec<u8> {
    let frame = [&[0xff, 0xc0, 0, 17, 8, 0, 32, 0, 48, 3][..], &[1, sampling, 0, 2, 0x11, 0, 3, 0x11, 0]].concat();
    let scan = [0xff, 0xda, 0, 12, 3, 1, 0, 2, 0x11, 3, 0x11, 0, 63, 0, 0x12, 0xff, 0x00, 0x34, 0xff, 0xd9];
    [&[0xff, 0xd8][..], &frame, &scan].concat()
}

#[test]
fn the_frame_header_tells_size_and_planes() {
    let header = Header::parse(&image(0x22)).unwrap();
    assert_eq!(header.size, Size { width: 48, height: 32 });
    assert_eq!(header.planes(), Ok(Planes::Luma(ChromaSampling::Yuv420)));
    assert!(!header.has_huffman_tables);
    for (sampling, refused) in [(0x21, false), (0x11, false), (0x41, true), (0x12, true)] {
        assert_eq!(Header::parse(&image(sampling)).unwrap().planes().is_err(), refused, "{sampling:x}");
    }
}

#[test]
fn tables_are_spliced_in_where_there_are_none() {
    let bare = Bytes::from(image(0x22));
    let whole = with_huffman_tables(&bare, &Header::parse(&bare).unwrap());
    assert_eq!(whole.len(), bare.len() + DEFAULT_HUFFMAN_TABLES.len());
    let header = Header::parse(&whole).unwrap();
    assert!(header.has_huffman_tables);
    assert_eq!(with_huffman_tables(&whole, &header), whole);
    // 2 lengths, and 12 + 162 codes each for DC and AC of two kinds, with 17 bytes in front.
    assert_eq!(DEFAULT_HUFFMAN_TABLES.len(), 4 + 2 * (17 + 12 + 17 + 162));
}

#[test]
fn images_are_told_apart() {
    let one = image(0x22);
    let stream = [b"noise", one.as_slice(), b"more", &one, &one[..one.len() - 2]].concat();
    let images: Vec<Bytes> = Images::new(stream.into()).collect();
    assert_eq!(images.len(), 3);
    assert_eq!(images[0], one);
    assert_eq!(images[1], one);
}

#[test]
fn a_parameter_set_says_what_the_image_said() {
    let mut stream = Stream::default();
    stream.packet(&image(0x22)).unwrap();
    assert_eq!(stream.generation(), 1);
    stream.packet(&image(0x22)).unwrap();
    assert_eq!(stream.generation(), 1);
    let set = Header::of_parameter_set(stream.parameter_set()).unwrap();
    assert_eq!((set.size, set.planes()), (Size { width: 48, height: 32 }, Ok(Planes::Luma(ChromaSampling::Yuv420))));
    stream.packet(&image(0x11)).unwrap();
    assert_eq!(stream.generation(), 2);
}

proptest! {
    #[test]
    fn any_damage_is_read_or_refused(flips in prop::collection::vec((0_usize..50, any::<u8>()), 0..6), length in 0_usize..50) {
        let mut bytes = image(0x22);
        for (at, value) in flips {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = value;
            }
        }
        bytes.truncate(length);
        let bytes = Bytes::from(bytes);
        if let Ok(header) = Header::parse(&bytes) {
            let _ = header.planes();
            prop_assert!(with_huffman_tables(&bytes, &header).len() <= bytes.len() + DEFAULT_HUFFMAN_TABLES.len());
        }
        let total: usize = Images::new(bytes.clone()).map(|image| image.len()).sum();
        prop_assert!(total <= bytes.len());
    }
}
