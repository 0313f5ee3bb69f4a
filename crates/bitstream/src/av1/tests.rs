//! Units, sequence headers and frame headers of real streams.

use bytes::Bytes;
use kineframe_codec::{ChromaSampling, ColorRange, MatrixCoefficients};
use proptest::prelude::*;

use super::*;
use crate::ErrorKind;

/// 64×64, 10 bits, BT.2020, by hand: §5.5 field by field.
fn header() -> Vec<u8> {
    let mut bits = Vec::new();
    let mut put = |value: u32, count: u32| bits.extend((0..count).rev().map(|bit| value >> bit & 1 == 1));
    put(0, 3); // seq_profile
    put(0, 1); // still_picture
    put(0, 1); // reduced_still_picture_header
    put(1, 1); // timing_info_present_flag
    put(1, 32);
    put(30, 32);
    put(0, 1); // equal_picture_interval
    put(1, 1); // decoder_model_info_present_flag
    put(9, 5); // buffer_delay_length_minus_1
    put(1, 32);
    put(4, 5); // buffer_removal_time_length_minus_1
    put(7, 5); // frame_presentation_time_length_minus_1
    put(1, 1); // initial_display_delay_present_flag
    put(1, 5); // operating_points_cnt_minus_1
    for idc in [0x103, 0x101] {
        put(idc, 12);
        put(8, 5); // seq_level_idx
        put(1, 1); // seq_tier
        put(1, 1); // decoder_model_present_for_this_op
        put(3, 10);
        put(4, 10);
        put(0, 1); // low_delay_mode_flag
        put(0, 1); // initial_display_delay_present_for_this_op
    }
    put(6, 4);
    put(7, 4);
    put(63, 7);
    put(47, 8);
    put(0, 1); // frame_id_numbers_present_flag
    put(0, 3);
    put(0, 4);
    put(1, 1); // enable_order_hint
    put(0, 2);
    put(0, 1); // seq_choose_screen_content_tools
    put(0, 1); // seq_force_screen_content_tools
    put(6, 3); // order_hint_bits_minus_1
    put(0, 3);
    put(1, 1); // high_bitdepth
    put(0, 1); // mono_chrome
    put(1, 1); // color_description_present_flag
    put(9, 8);
    put(16, 8);
    put(9, 8);
    put(0, 1); // color_range
    put(1, 2); // chroma_sample_position
    put(0, 1);
    put(1, 1); // film_grain_params_present
    bits.resize(bits.len().div_ceil(8) * 8, false);
    bits.chunks(8).map(|byte| byte.iter().fold(0, |value, bit| value << 1 | u8::from(*bit))).collect()
}

#[test]
fn a_sequence_header_with_everything_in_it() {
    let sequence = SequenceHeader::parse(&header()).unwrap();
    assert_eq!((sequence.max_size.width, sequence.max_size.height), (64, 48));
    assert_eq!((sequence.format.depth.bits(), sequence.format.chroma), (10, ChromaSampling::Yuv420));
    assert_eq!(sequence.color.matrix, Some(MatrixCoefficients::Bt2020));
    assert_eq!(sequence.color.range, Some(ColorRange::Limited));
    assert!(sequence.film_grain);
    assert_eq!((sequence.operating_points, sequence.spatial_layers, sequence.level), (2, 1, 8));
    for length in 0..header().len() - 1 {
        assert!(SequenceHeader::parse(&header()[..length]).is_err(), "{length} bytes");
    }
}

#[test]
fn a_header_that_comes_again_is_no_news() {
    let mut unit = vec![0x0a, header().len() as u8];
    unit.extend(header());
    let mut stream = Stream::new(&Bytes::new());
    assert_eq!(stream.insert(&unit), Ok(true));
    assert_eq!(stream.insert(&unit), Ok(false));
    assert_eq!(stream.sequence_unit(), &unit);
    let record = Av1Config::of_sequence(&unit).unwrap();
    assert_eq!(record[..3], [0x81, 8, 0b0100_1101]);
    let config = Av1Config::parse(&record).unwrap();
    assert_eq!(config.sequence.as_ref(), stream.sequence());
    assert_eq!(Stream::new(&record).sequence(), stream.sequence());
}

#[test]
fn a_header_that_another_one_ends_with_is_news() {
    let small = [0, 0, 0, 1, 0x9f, 0xfb, 0xff, 0xf3, 0, 0x80];
    let mut long = header();
    long.extend(small);
    let mut stream = Stream::new(&Bytes::new());
    for (payload, width) in [(&long[..], 64), (&small[..], 16)] {
        let unit = [&[0x0a, payload.len() as u8], payload].concat();
        assert_eq!(stream.insert(&unit), Ok(true));
        assert_eq!(stream.sequence().unwrap().max_size.width, width);
        assert_eq!(stream.sequence_unit(), &unit);
    }
}

#[test]
fn a_frame_before_any_sequence_header_is_an_error() {
    let mut stream = Stream::new(&Bytes::new());
    assert!(stream.packet(&[0x12, 0, 0x32, 2, 0x10, 0]).is_err());
}

#[test]
fn a_frame_that_is_hidden_by_a_flipped_bit_is_told() {
    let mut stream = Stream::new(&Bytes::new());
    // A delimiter may be followed by trailing bits.
    assert_eq!(stream.packet(&[0x12, 1, 0x80]), Ok(Vec::new()));
    assert_eq!(stream.packet(&[0x12, 0]), Ok(Vec::new()));
    // The delimiter takes the header of the next unit, or takes its place.
    assert_eq!(stream.packet(&[0x12, 1, 0x1a, 1, 0xc8]).unwrap_err().kind, ErrorKind::Trailing);
    assert_eq!(stream.packet(&[0x12, 0, 0x12, 1, 0xc8]).unwrap_err().kind, ErrorKind::Trailing);
    let unknown = stream.packet(&[0x12, 0, 0x5a, 1, 0xc8]).unwrap_err();
    assert_eq!((unknown.kind, unknown.bit), (ErrorKind::Kind, 16));
}

#[test]
fn annex_b_is_found_out_and_rewritten() {
    let low = [vec![0x12, 0, 0x0a, header().len() as u8], header()].concat();
    // temporal_unit_size, frame_unit_size, obu_length, and units without sizes of their own.
    let sequence = [vec![header().len() as u8 + 1, 0x08], header()].concat();
    let frame = [vec![1, 0x10], sequence].concat();
    let mut unit = vec![frame.len() as u8 + 1, frame.len() as u8];
    unit.extend(frame);
    let stream = [unit.clone(), unit].concat();
    let units: Vec<Bytes> = TemporalUnits::new(stream.into()).collect();
    assert_eq!(units, [low.clone(), low.clone()]);
    let units: Vec<Bytes> = TemporalUnits::new([low.clone(), low.clone()].concat().into()).collect();
    assert_eq!(units, [low.clone(), low]);
}

proptest! {
    #[test]
    fn units_lie_inside_the_packet(data in prop::collection::vec(any::<u8>(), 0..64)) {
        let mut end = 0;
        for obu in Obus::new(&data).map_while(Result::ok) {
            prop_assert_eq!(obu.whole.start, end);
            prop_assert!(obu.payload.start <= obu.payload.end && obu.payload.end == obu.whole.end);
            end = obu.whole.end;
        }
        prop_assert!(end <= data.len());
        let total: usize = TemporalUnits::new(data.clone().into()).map(|unit| unit.len()).sum();
        prop_assert!(total <= 2 * data.len());
    }
}
