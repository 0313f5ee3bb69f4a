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

/// An image with these scans, each of one component: its number, the band, and the bits before and after.
fn progressive(scans: &[(u8, [u8; 2], [u8; 2])]) -> Vec<u8> {
    let mut image = image(0x11);
    let scan = image.windows(2).position(|pair| pair == [0xff, 0xda]).unwrap();
    image.truncate(scan);
    let frame = image.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    image[frame + 1] = 0xc2;
    for (component, [first, last], [high, low]) in scans {
        image.extend([0xff, 0xda, 0, 8, 1, *component, 0, *first, *last, high << 4 | low, 0x12, 0xff, 0x00, 0x34]);
    }
    [&image[..], &[0xff, 0xd9]].concat()
}

#[test]
fn scans_that_do_not_build_on_each_other_are_damage() {
    let script = [(1, [0, 0], [0, 1]), (1, [1, 5], [0, 2]), (1, [1, 5], [2, 1]), (1, [0, 0], [1, 0])];
    assert!(is_whole(&progressive(&script)));
    assert!(is_whole(&progressive(&script[..1])), "what is missing at the end is only coarse");
    assert!(!is_whole(&progressive(&[script[0], script[2]])), "refined, and never begun");
    assert!(!is_whole(&progressive(&[script[0], script[1], script[1]])), "begun twice");
    assert!(!is_whole(&progressive(&script[1..])), "without the mean");
    assert!(!is_whole(&progressive(&[(1, [0, 64], [0, 0])])), "more coefficients than there are");
    assert!(is_whole(&image(0x22)), "of a sequential image nothing is asked");
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
