//! RFC 8794 §4 (VINT), §5 (Element ID), §6 (Element Data Size), through the headers that are made of them.

use proptest::prelude::*;

use crate::{ElementHeader, ElementId, ElementSize, ErrorKind, Limits, MAX_HEADER_LEN, parse_header};

fn parse(bytes: &[u8]) -> Result<Option<ElementHeader>, ErrorKind> {
    parse_header(bytes, 5, &Limits::default()).map_err(|error| {
        assert_eq!(error.offset, 5);
        error.kind
    })
}

fn id(bytes: &[u8]) -> Result<u32, ErrorKind> {
    let header = parse(&[bytes, &[0x80]].concat())?.expect("whole");
    assert_eq!(usize::from(header.header_len), bytes.len() + 1);
    Ok(header.id.0)
}

fn size(bytes: &[u8]) -> Result<ElementSize, ErrorKind> {
    let header = parse(&[&[0xEC], bytes].concat())?.expect("whole");
    assert_eq!(usize::from(header.header_len), bytes.len() + 1);
    Ok(header.size)
}

/// The first and last ID of each length (RFC 8794 §5, table of valid ranges).
#[test]
fn ids_of_each_length() {
    for (bytes, value) in [
        // Against RFC 8794, but RFC 9559 gives it to ChapterDisplay.
        (&[0x80][..], 0x80),
        (&[0x81], 0x81),
        (&[0xFE], 0xFE),
        (&[0x40, 0x7F], 0x407F),
        (&[0x7F, 0xFE], 0x7FFE),
        (&[0x20, 0x3F, 0xFF], 0x20_3FFF),
        (&[0x3F, 0xFF, 0xFE], 0x3F_FFFE),
        (&[0x10, 0x1F, 0xFF, 0xFF], 0x101F_FFFF),
        (&[0x1F, 0xFF, 0xFF, 0xFE], 0x1FFF_FFFE),
        (&[0x1A, 0x45, 0xDF, 0xA3], 0x1A45_DFA3),
    ] {
        assert_eq!(id(bytes), Ok(value));
        assert!(ElementId(value).is_valid());
        assert_eq!(ElementId(value).len(), bytes.len());
    }
}

/// "All 0" and "all 1" VINT_DATA is reserved in each length (but for 0x80).
#[test]
fn reserved_ids() {
    for bytes in [
        &[0xFF][..],
        &[0x40, 0],
        &[0x7F, 0xFF],
        &[0x20, 0, 0],
        &[0x3F, 0xFF, 0xFF],
        &[0x10, 0, 0, 0],
        &[0x1F, 0xFF, 0xFF, 0xFF],
    ] {
        let value = bytes.iter().fold(0, |value, byte| value << 8 | u32::from(*byte));
        assert_eq!(id(bytes), Err(ErrorKind::ReservedId(value)));
        assert!(!ElementId(value).is_valid());
    }
}

/// An ID must be told in as few bytes as hold it.
#[test]
fn overlong_ids() {
    for bytes in [
        &[0x40, 0x01][..],
        &[0x40, 0x7E],
        &[0x20, 0x00, 0x81],
        &[0x20, 0x3F, 0xFE],
        &[0x10, 0x00, 0x00, 0x01],
        &[0x10, 0x1F, 0xFF, 0xFE],
    ] {
        let value = bytes.iter().fold(0, |value, byte| value << 8 | u32::from(*byte));
        assert_eq!(id(bytes), Err(ErrorKind::OverlongId(value)));
        assert!(!ElementId(value).is_valid());
    }
}

#[test]
fn no_marker_within_the_widest_id() {
    for first in 0..0x10 {
        assert_eq!(parse(&[first]), Err(ErrorKind::InvalidId(first)));
    }
    let narrow = Limits { id_length: 2, ..Limits::default() };
    let error = parse_header(&[0x2A], 0, &narrow).unwrap_err();
    assert_eq!(error.kind, ErrorKind::InvalidId(0x2A));
    let beyond = Limits { id_length: 9, ..Limits::default() };
    assert!(parse_header(&[0x08], 0, &beyond).is_err(), "five bytes are never an ID here");
}

/// Sizes of each width: the least, the largest, the unknown one; wider than needed is legal (§4.4).
#[test]
fn sizes_of_each_width() {
    for width in 1..=8u32 {
        let marker = 1u64 << (7 * width);
        let bytes = |value: u64| (marker | value).to_be_bytes()[8 - width as usize..].to_vec();
        assert_eq!(size(&bytes(0)), Ok(ElementSize::Known(0)), "{width} bytes");
        assert_eq!(size(&bytes(1)), Ok(ElementSize::Known(1)), "{width} bytes, overlong");
        assert_eq!(size(&bytes(marker - 2)), Ok(ElementSize::Known(marker - 2)), "{width} bytes");
        assert_eq!(size(&bytes(marker - 1)), Ok(ElementSize::Unknown), "{width} bytes");
    }
}

#[test]
fn no_marker_within_the_widest_size() {
    assert_eq!(size(&[0, 1, 2, 3, 4, 5, 6, 7]), Err(ErrorKind::InvalidSize(0)));
    let narrow = Limits { size_length: 4, ..Limits::default() };
    let error = parse_header(&[0xEC, 0x08], 9, &narrow).unwrap_err();
    assert_eq!((error.offset, error.kind), (9, ErrorKind::InvalidSize(8)));
}

/// The two forms of unknown size that real bodies have.
#[test]
fn segments_as_the_service_sends_them() {
    let long = parse(&[0x18, 0x53, 0x80, 0x67, 0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]).unwrap().unwrap();
    assert_eq!(
        (long.size, long.header_len, long.data_offset(), long.end_offset()),
        (ElementSize::Unknown, 12, 17, None)
    );
    let short = parse(&[0x18, 0x53, 0x80, 0x67, 0xFF]).unwrap().unwrap();
    assert_eq!((short.size, short.header_len), (ElementSize::Unknown, 5));
}

/// Cut off after each byte, every width of ID with every width of size asks for more.
#[test]
fn truncation_at_each_byte() {
    let ids: [&[u8]; 4] = [&[0xEC], &[0x42, 0x86], &[0x2A, 0xD7, 0xB1], &[0x1A, 0x45, 0xDF, 0xA3]];
    for id in ids {
        for width in 1..=8 {
            let size = (1u64 << (7 * width) | 3).to_be_bytes();
            let whole = [id, &size[8 - width..], &[0xAA; 3]].concat();
            let header_len = id.len() + width;
            assert!(header_len <= MAX_HEADER_LEN);
            for len in 0..header_len {
                assert_eq!(parse(&whole[..len]), Ok(None), "{len} of {whole:02X?}");
            }
            for len in header_len..=whole.len() {
                let header = parse(&whole[..len]).unwrap().unwrap();
                assert_eq!(usize::from(header.header_len), header_len);
                assert_eq!(header.end_offset(), Some(5 + header_len as u64 + 3));
            }
        }
    }
}

#[test]
fn ends_that_64_bits_cannot_tell() {
    let header =
        ElementHeader { id: ElementId::VOID, size: ElementSize::Known(9), header_len: 2, offset: u64::MAX - 5 };
    assert_eq!(header.data_offset(), u64::MAX - 3);
    assert_eq!(header.end_offset(), None);
}

proptest! {
    /// An ID is valid exactly if it can be read, and is then what was read.
    /// A header is read in one way near the end of the input and in another where there is room behind it.
    #[test]
    fn what_follows_a_header_changes_nothing(
        bytes in proptest::collection::vec(any::<u8>(), 0..MAX_HEADER_LEN),
        first in prop_oneof![any::<u8>(), Just(0x1A), Just(0xA3), Just(0x42)],
        limits in (0u8..9, 0u8..10),
    ) {
        let bytes: Vec<u8> = std::iter::once(first).chain(bytes).collect();
        let limits = Limits { id_length: limits.0, size_length: limits.1, ..Limits::default() };
        let alone = parse_header(&bytes, 5, &limits);
        for room in [[0; MAX_HEADER_LEN], [0xFF; MAX_HEADER_LEN]] {
            let followed = parse_header(&[&bytes[..], &room].concat(), 5, &limits);
            match &alone {
                Ok(None) => {}
                known => prop_assert_eq!(known, &followed),
            }
        }
    }

    #[test]
    fn validity_and_parsing_agree(value in any::<u32>(), shift in 0u32..32) {
        let value = value >> shift;
        let bytes = value.to_be_bytes();
        let bytes = [&bytes[4 - ElementId(value).len()..], &[0x80]].concat();
        let read = parse(&bytes);
        let whole = matches!(read, Ok(Some(header)) if header.id.0 == value);
        prop_assert_eq!(whole, ElementId(value).is_valid(), "{:#X}: {:?}", value, read);
        if let Ok(Some(header)) = read {
            prop_assert!(header.id.is_valid());
        }
    }
}
