//! Packets from one framing to the other: same units, fewest copies, no panic on damage.

use bytes::{BufMut, Bytes, BytesMut};
use kineframe_bitstream::{
    Framer, FramingError, LengthPrefixedUnits, NalUnits, StartCodeUnits, detect_framing, escape,
    lengths_to_start_codes, start_codes_to_lengths,
};
use kineframe_codec::{Framing, NalFraming};
use proptest::prelude::*;

/// NAL units as an encoder makes them: no start code inside, no zero byte at the end.
fn units() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let payload = prop::collection::vec(prop_oneof![Just(0), Just(1), Just(3), any::<u8>()], 0..40);
    prop::collection::vec(payload.prop_map(|payload| [vec![0x65], escape(&payload)].concat()), 1..6)
}

fn with_lengths(units: &[Vec<u8>], size: u8) -> Vec<u8> {
    units.iter().flat_map(|unit| [&(unit.len() as u32).to_be_bytes()[4 - size as usize..], unit].concat()).collect()
}

fn with_start_codes(units: &[Vec<u8>], zeros: &[usize]) -> Vec<u8> {
    let mut out = Vec::new();
    for (unit, zeros) in units.iter().zip(zeros.iter().cycle()) {
        out.extend(std::iter::repeat_n(0, zeros + 2));
        out.push(1);
        out.extend_from_slice(unit);
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn there_and_back(units in units(), size in 1_u8..=4, zeros in prop::collection::vec(0_usize..4, 1..4)) {
        let lengths = with_lengths(&units, size);
        let found: Result<Vec<_>, _> = LengthPrefixedUnits::new(&lengths, size).collect();
        prop_assert_eq!(&found.unwrap(), &units);

        let codes = lengths_to_start_codes(lengths.clone().into(), size);
        prop_assert_eq!(codes.damage, None);
        prop_assert_eq!(codes.copied, if size == 4 { 0 } else { codes.data.len() });
        prop_assert_eq!(&codes.data[..], &with_start_codes(&units, &[1])[..]);
        let back = start_codes_to_lengths(codes.data);
        prop_assert_eq!((back.copied, back.damage), (0, None));
        prop_assert_eq!(&back.data[..], &with_lengths(&units, 4)[..]);

        let any = with_start_codes(&units, &zeros);
        prop_assert_eq!(StartCodeUnits::new(&any).collect::<Vec<_>>(), units.clone());
        let lengths = start_codes_to_lengths(any.into());
        prop_assert_eq!(&lengths.data[..], &with_lengths(&units, 4)[..]);
    }

    #[test]
    fn a_shared_packet_is_copied_once_and_left_alone(units in units()) {
        let whole: Bytes = with_lengths(&units, 4).into();
        let keep = whole.clone();
        let mut framer = Framer::new(NalFraming::LengthPrefixed(4), Framing::StartCodes);
        let converted = framer.convert(whole);
        prop_assert_eq!(framer.copied(), keep.len() as u64);
        prop_assert_eq!(&keep[..], &with_lengths(&units, 4)[..]);
        prop_assert_eq!(StartCodeUnits::new(&converted.data).collect::<Vec<_>>(), units);
    }

    #[test]
    fn a_cut_packet_gives_the_units_before_the_cut(units in units(), size in 1_u8..=4, cut: prop::sample::Index) {
        let lengths = with_lengths(&units, size);
        let cut = cut.index(lengths.len());
        let converted = lengths_to_start_codes(lengths[..cut].to_vec().into(), size);
        let whole: Vec<&[u8]> = StartCodeUnits::new(&converted.data).collect();
        let mut end = 0;
        let before = units.iter().take_while(|unit| { end += unit.len() + size as usize; end <= cut }).count();
        prop_assert_eq!(&whole[..], &units[..before]);
        let bytes: usize = units[..before].iter().map(|unit| unit.len() + size as usize).sum();
        prop_assert_eq!(converted.damage.is_some(), bytes != cut);
    }

    #[test]
    fn random_bytes_are_split_without_a_panic(
        bytes in prop::collection::vec(prop_oneof![Just(0), Just(1), any::<u8>()], 0..80), size in 0_u8..=7,
    ) {
        detect_framing(&bytes);
        for framing in [NalFraming::StartCodes, NalFraming::LengthPrefixed(size), NalFraming::None] {
            let total: usize = NalUnits::new(&bytes, framing).map_while(Result::ok).map(<[u8]>::len).sum();
            prop_assert!(total <= bytes.len());
        }
        let shared: Bytes = bytes.clone().into();
        let hold = shared.clone();
        let copy = lengths_to_start_codes(shared, 4);
        let in_place = lengths_to_start_codes(bytes.clone().into(), 4);
        prop_assert_eq!(copy.damage, in_place.damage);
        prop_assert_eq!(
            StartCodeUnits::new(&copy.data).collect::<Vec<_>>(),
            StartCodeUnits::new(&in_place.data).collect::<Vec<_>>()
        );
        drop(hold);
        start_codes_to_lengths(bytes.into());
    }
}

#[test]
fn an_empty_unit_leaves_zero_bytes_and_no_empty_start_code() {
    let packet = vec![0, 0, 0, 0, 0, 0, 0, 1, 0x65, 0, 0, 0, 0];
    let converted = lengths_to_start_codes(packet.into(), 4);
    assert_eq!(&converted.data[..], &[0, 0, 0, 0, 0, 0, 0, 1, 0x65, 0, 0, 0, 0]);
    assert_eq!(StartCodeUnits::new(&converted.data).collect::<Vec<_>>(), [[0x65]]);
}

#[test]
fn a_part_of_a_larger_buffer_is_copied_since_others_may_see_it() {
    let mut piece = BytesMut::new();
    piece.put_slice(&[9, 9, 0, 0, 0, 1, 0x65, 9, 9]);
    let piece = piece.freeze();
    let payload = piece.slice(2..7);
    assert_eq!(lengths_to_start_codes(payload, 4).copied, 5);
    assert_eq!(&piece[..], &[9, 9, 0, 0, 0, 1, 0x65, 9, 9]);
}

#[test]
fn framing_is_told_by_a_look_at_the_packet() {
    assert_eq!(detect_framing(&[0, 0, 0, 1, 0x65, 1]), Some(NalFraming::StartCodes));
    assert_eq!(detect_framing(&[0, 0, 1, 0x65, 1]), Some(NalFraming::StartCodes));
    assert_eq!(detect_framing(&[0, 0, 0, 2, 0x65, 1]), Some(NalFraming::LengthPrefixed(4)));
    assert_eq!(detect_framing(&[0, 2, 0x65, 1]), Some(NalFraming::LengthPrefixed(2)));
    assert_eq!(detect_framing(&[0x65, 1, 2]), None);
    assert_eq!(detect_framing(&[]), None);
}

#[test]
fn damage_is_named_with_its_place() {
    let packet = [0, 0, 0, 2, 0x65, 1, 0, 0, 1, 0, 0x41];
    let converted = lengths_to_start_codes(packet.to_vec().into(), 4);
    assert_eq!(converted.damage, Some(FramingError::Overrun { offset: 6, length: 256, left: 1 }));
    assert_eq!(&converted.data[..], &[0, 0, 0, 1, 0x65, 1]);
    assert_eq!(converted.damage.unwrap().to_string(), "byte 6: a NAL unit of 256 bytes in a packet with 1 left");
    let converted = start_codes_to_lengths(Bytes::from_static(&[0x65, 1]));
    assert_eq!(converted.damage, Some(FramingError::NoStartCode { bytes: 2 }));
}
