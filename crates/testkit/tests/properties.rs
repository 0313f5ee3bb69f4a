//! What holds of all that the kit makes.

use kineframe_testkit::{Element, Fragment, Frame, Size, body, layout, random_pieces, vint_size};
use proptest::prelude::*;

/// Reads a data size digit by digit, as the specification words it.
fn read_size(bytes: &[u8]) -> (usize, u64) {
    let bits: String = bytes.iter().map(|byte| format!("{byte:08b}")).collect();
    let zeros = bits.find('1').expect("a marker");
    let width = zeros + 1;
    (width, u64::from_str_radix(&bits[width..8 * width], 2).expect("digits"))
}

fn tree() -> impl Strategy<Value = Element> {
    let leaf =
        (0x81u32..0xFE, proptest::collection::vec(any::<u8>(), 0..20)).prop_map(|(id, data)| Element::data(id, data));
    leaf.prop_recursive(4, 40, 5, |inner| {
        (0x4080u32..0x7FFE, proptest::collection::vec(inner, 0..5), 1usize..9).prop_map(|(id, children, width)| {
            Element::master(id, children).sized(if width > 4 { Size::Width(width) } else { Size::Minimal })
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn sizes_are_what_they_say(value in 0u64..(1 << 56) - 1, shift in 0u32..56) {
        let value = value >> shift;
        let minimal = vint_size(Size::Minimal, value);
        prop_assert_eq!(read_size(&minimal), (minimal.len(), value));
        for width in minimal.len()..=8 {
            prop_assert_eq!(read_size(&vint_size(Size::Width(width), value)), (width, value));
        }
    }

    #[test]
    fn a_layout_nests(tree in tree()) {
        let found = layout(std::slice::from_ref(&tree));
        prop_assert_eq!(&found.bytes, &tree.encode());
        prop_assert_eq!(found.elements[0].end, found.bytes.len());
        for at in &found.elements {
            prop_assert_eq!(at.offset + at.header_len + at.size.unwrap() as usize, at.end);
            let id = &at.id.to_be_bytes()[if at.id > 0xFF { 2 } else { 3 }..];
            prop_assert_eq!(&found.bytes[at.offset..at.offset + id.len()], id);
        }
        for pair in found.elements.windows(2) {
            let inside = pair[1].depth == pair[0].depth + 1 && pair[1].offset == pair[0].offset + pair[0].header_len;
            prop_assert!(inside || pair[1].offset == pair[0].end || pair[1].depth < pair[0].depth);
        }
    }

    #[test]
    fn pieces_are_the_whole(data in proptest::collection::vec(any::<u8>(), 0..5000), seed in any::<u64>()) {
        prop_assert_eq!(random_pieces(&data, seed).concat(), data);
    }

    #[test]
    fn frames_are_where_a_body_says(lens in proptest::collection::vec(5usize..600, 0..12), grouped in any::<bool>()) {
        let mut fragment = Fragment::new(1);
        fragment.frames = lens.iter().enumerate().map(|(n, len)| Frame::h264(1, n as i16, n == 0, *len, n as u64)).collect();
        if grouped {
            fragment.frames = fragment.frames.into_iter().map(|frame| frame.grouped(None)).collect();
        }
        let body = body(&[fragment.clone(), fragment.clone()]);
        prop_assert_eq!(body.frames.len(), 2 * lens.len());
        for (at, frame) in body.frames.iter().zip(fragment.frames.iter().cycle()) {
            prop_assert_eq!(&body.bytes[at.payload.clone()], &frame.payload[..]);
        }
    }
}
