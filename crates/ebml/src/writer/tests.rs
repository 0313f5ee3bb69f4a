//! The writer, by hand and against the reader.

use proptest::prelude::*;

use super::*;
use crate::{Crc32Check, Limits, check_crc32, children, parse_header, value};

const ID: ElementId = ElementId(0x4286);

fn written(write: impl FnOnce(&mut Writer<'_, Vec<u8>>) -> Result<(), Error>) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut Writer::new(&mut out)).expect("legal");
    out
}

#[test]
fn sizes_at_each_width_and_their_ends() {
    for width in 1..=8u8 {
        let most = largest(u32::from(width));
        let minimal = encode_header(ID, ElementSize::Known(most), SizeWidth::Minimal).unwrap();
        assert_eq!(minimal.len(), 2 + usize::from(width), "the largest of its width");
        if width < 8 {
            let next = encode_header(ID, ElementSize::Known(most + 1), SizeWidth::Minimal).unwrap();
            assert_eq!(next.len(), 3 + usize::from(width), "one more needs one more byte");
        }
        for size in [ElementSize::Known(0), ElementSize::Known(most), ElementSize::Unknown] {
            let header = encode_header(ID, size, SizeWidth::Fixed(width)).unwrap();
            let read = parse_header(&header, 7, &Limits::default()).unwrap().unwrap();
            assert_eq!((read.id, read.size, read.header_len), (ID, size, 2 + width));
        }
        let beyond = encode_header(ID, ElementSize::Known(most + 1), SizeWidth::Fixed(width));
        assert_eq!(beyond, Err(ErrorKind::Misuse("a size that does not fit its width")));
    }
    assert!(encode_header(ID, ElementSize::Known(u64::MAX), SizeWidth::Minimal).is_err());
    assert!(encode_header(ID, ElementSize::Known(0), SizeWidth::Fixed(0)).is_err());
    assert!(encode_header(ID, ElementSize::Known(0), SizeWidth::Fixed(9)).is_err());
}

#[test]
fn ids_that_are_none_are_refused() {
    for id in [0, 0x7F, 0xFF, 0x4000, 0x4001, 0x407E, 0x7FFF, 0x1000_0001, 0x1FFF_FFFF, u32::MAX] {
        let header = encode_header(ElementId(id), ElementSize::Known(0), SizeWidth::Minimal);
        assert_eq!(header, Err(ErrorKind::Misuse("not an element ID")), "{id:#X}");
    }
}

#[test]
fn bytes_by_hand() {
    assert_eq!(written(|w| w.unsigned(ElementId(0xD7), 0)), [0xD7, 0x81, 0]);
    assert_eq!(written(|w| w.unsigned(ElementId(0xD7), 256)), [0xD7, 0x82, 1, 0]);
    assert_eq!(written(|w| w.unsigned_fixed(ElementId(0xD7), 1, 3)), [0xD7, 0x83, 0, 0, 1]);
    assert_eq!(written(|w| w.signed(ElementId(0xFB), -1)), [0xFB, 0x81, 0xFF]);
    assert_eq!(written(|w| w.signed(ElementId(0xFB), 127)), [0xFB, 0x81, 0x7F]);
    assert_eq!(written(|w| w.signed(ElementId(0xFB), 128)), [0xFB, 0x82, 0, 0x80]);
    assert_eq!(written(|w| w.signed(ElementId(0xFB), -129)), [0xFB, 0x82, 0xFF, 0x7F]);
    assert_eq!(written(|w| w.float32(ElementId(0xB5), 1.0)), [0xB5, 0x84, 0x3F, 0x80, 0, 0]);
    assert_eq!(written(|w| w.utf8(ElementId(0x86), "é")), [0x86, 0x82, 0xC3, 0xA9]);
    assert_eq!(written(|w| w.date(ElementId(0x4461), 1)), [0x44, 0x61, 0x88, 0, 0, 0, 0, 0, 0, 0, 1]);
    assert_eq!(
        written(|w| w.header_sized(ElementId(0x1853_8067), ElementSize::Unknown, SizeWidth::Minimal)),
        [0x18, 0x53, 0x80, 0x67, 0xFF]
    );
}

#[test]
fn what_does_not_fit_leaves_nothing_behind() {
    let mut out = vec![9];
    let mut writer = Writer::new(&mut out);
    assert!(writer.unsigned_fixed(ID, 256, 1).is_err());
    assert!(writer.unsigned_fixed(ID, 0, 0).is_err());
    assert!(writer.unsigned_fixed(ID, 0, 9).is_err());
    assert!(writer.string(ID, "é").is_err());
    assert!(writer.string(ID, "a\n").is_err());
    assert!(writer.utf8(ID, "a\0b").is_err());
    let full = writer.master(ID, SizeWidth::Fixed(1), |inner| inner.binary(ID, &[0; 200])).unwrap_err();
    assert_eq!(full, Error::new(1, ErrorKind::Misuse("a size that does not fit its width")));
    let inner = writer.master(ID, SizeWidth::Minimal, |inner| {
        inner.unsigned(ID, 1)?;
        inner.void(1)
    });
    assert_eq!(inner.unwrap_err().kind, ErrorKind::Misuse("a Void has at least two bytes"));
    assert_eq!(out, [9]);
}

#[test]
fn voids_of_each_length() {
    for len in (2..300).chain([16_384, 16_385, 16_386, 16_387, 16_388, 100_000]) {
        let void = written(|w| w.void(len));
        assert_eq!(void.len(), len);
        let header = parse_header(&void, 0, &Limits::default()).unwrap().unwrap();
        assert_eq!((header.id, header.end_offset()), (ElementId::VOID, Some(len as u64)));
    }
}

#[test]
fn masters_have_their_sizes_put_in() {
    let tree = |width| {
        written(|w| {
            w.master(ElementId(0xAE), width, |track| {
                track.unsigned(ElementId(0xD7), 1)?;
                track.master(ElementId(0xE0), width, |video| video.unsigned(ElementId(0xB0), 640))
            })
        })
    };
    assert_eq!(tree(SizeWidth::Minimal), [0xAE, 0x89, 0xD7, 0x81, 1, 0xE0, 0x84, 0xB0, 0x82, 2, 0x80]);
    let wide = tree(SizeWidth::Fixed(2));
    assert_eq!(wide, [0xAE, 0x40, 10, 0xD7, 0x81, 1, 0xE0, 0x40, 4, 0xB0, 0x82, 2, 0x80]);
    assert_eq!(written(|w| w.master(ElementId(0x63C0), SizeWidth::Minimal, |_| Ok(()))), [0x63, 0xC0, 0x80]);
}

#[test]
fn bytes_mut_gets_the_same_bytes() {
    let mut out = BytesMut::new();
    Writer::new(&mut out).master(ElementId(0xAE), SizeWidth::Minimal, |w| w.unsigned(ElementId(0xD7), 1)).unwrap();
    assert_eq!(out[..], [0xAE, 0x83, 0xD7, 0x81, 1]);
}

#[test]
fn a_crc_fits_what_follows_it_at_each_width() {
    for width in (1..=8).map(SizeWidth::Fixed).chain([SizeWidth::Minimal]) {
        let bytes = written(|w| {
            w.master_with_crc32(ElementId(0x1549_A966), width, |info| {
                info.unsigned(ElementId(0x2A_D7B1), 1_000_000)?;
                info.utf8(ElementId(0x4D80), "kineframe")
            })
        });
        let header = parse_header(&bytes, 0, &Limits::default()).unwrap().unwrap();
        let data = &bytes[usize::from(header.header_len)..];
        assert_eq!(header.size.known(), Some(data.len() as u64));
        assert_eq!(check_crc32(data), Crc32Check::Match);
    }
}

#[test]
fn the_testkit_writes_the_same() {
    use kineframe_testkit::Element;
    let theirs = Element::master(0x1654_AE6B, [Element::uint(0xD7, 300), Element::text(0x86, "V_VP9")]).with_crc();
    let ours = written(|w| {
        w.master_with_crc32(ElementId(0x1654_AE6B), SizeWidth::Minimal, |tracks| {
            tracks.unsigned(ElementId(0xD7), 300)?;
            tracks.string(ElementId(0x86), "V_VP9")
        })
    });
    kineframe_testkit::assert_bytes_eq(&ours, &theirs.encode(), "Tracks with CRC-32");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Every value comes back, in no more bytes than it needs.
    #[test]
    fn integers_come_back(unsigned in any::<u64>(), signed in any::<i64>(), shift in 0u32..64) {
        let (unsigned, signed) = (unsigned >> shift, signed >> shift);
        let out = written(|w| { w.unsigned(ID, unsigned)?; w.signed(ID, signed) });
        let found: Vec<_> = children(&out[..], 0, &Limits::default()).collect::<Result<_, _>>().unwrap();
        prop_assert_eq!(found[0].unsigned().unwrap(), unsigned);
        prop_assert_eq!(found[1].signed().unwrap(), signed);
        if found[0].data.len() > 1 {
            prop_assert_ne!(found[0].data[0], 0);
        }
        if let [first, second, ..] = *found[1].data {
            prop_assert!(!(first == 0 && second < 0x80 || first == 0xFF && second >= 0x80));
        }
    }

    #[test]
    fn floats_and_texts_come_back(double in any::<f64>(), single in any::<f32>(), text in "[^\\x00]{0,40}") {
        let out = written(|w| { w.float(ID, double)?; w.float32(ID, single)?; w.utf8(ID, &text) });
        let found: Vec<_> = children(&out[..], 0, &Limits::default()).collect::<Result<_, _>>().unwrap();
        prop_assert_eq!(value::float(found[0].data).unwrap().to_bits(), double.to_bits());
        let read = value::float(found[1].data).unwrap();
        prop_assert!(read == f64::from(single) || read.is_nan() && single.is_nan());
        prop_assert_eq!(found[2].utf8().unwrap(), text);
    }

    #[test]
    fn headers_come_back(id in any::<u32>(), size in 0u64..1 << 56, shift in 0u32..56, width in 0u8..9) {
        let size = ElementSize::Known(size >> shift);
        let width = if width == 0 { SizeWidth::Minimal } else { SizeWidth::Fixed(width) };
        match encode_header(ElementId(id), size, width) {
            Ok(header) => {
                let read = parse_header(&header, 0, &Limits::default()).unwrap().unwrap();
                prop_assert_eq!((read.id, read.size), (ElementId(id), size));
                prop_assert_eq!(usize::from(read.header_len), header.len());
            }
            Err(kind) => prop_assert!(matches!(kind, ErrorKind::Misuse(_))),
        }
    }
}
