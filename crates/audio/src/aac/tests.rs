//! AudioSpecificConfig and ADTS, byte by byte.

use proptest::prelude::*;

use super::*;

#[test]
fn sbr_and_ps_leave_the_core_in_the_header() {
    // HE-AAC v1: type 5, 24 kHz, stereo, 48 kHz above, type 2 below. v2: type 29 the same.
    for (first, object) in [(0x2bu8, 5), (0xeb, 29)] {
        let private = [first, 0x11, 0x88, 0x00];
        let config = AacConfig::parse(&private).expect("a core of LC");
        assert_eq!((config.object_type, config.rate(), config.channels()), (2, 24_000, 2), "type {object}");
    }
}

#[test]
fn what_adts_has_no_words_for_is_refused_by_name() {
    let cases: [(&[u8], &str); 6] = [
        (&[0x11], "ends inside AudioSpecificConfig"),
        (&[], "ends inside AudioSpecificConfig"),
        (&[0x17, 0x80, 0x00, 0x00, 0x08, 0x00], "0 samples a second"),
        (&[0x11, 0x94], "frames of 960 samples"),
        (&[0xf8, 0xe8, 0x50, 0x00], "audio object type 39"),
        (&[0x16, 0x90], "reserved sampling frequency index 13"),
    ];
    for (private, words) in cases {
        let error = AacConfig::parse(private).expect_err(words).to_string();
        assert!(error.contains(words), "{private:02x?}: {error}");
    }
    // A rate in full that has an index is no obstacle.
    let mut bits = BitWriter::default();
    for (count, value) in [(5, 2), (4, 15), (24, 48_000), (4, 2), (3, 0)] {
        bits.put(count, value);
    }
    assert_eq!(AacConfig::parse(&bits.finish()), AacConfig::parse(&[0x11, 0x90]));
}

#[test]
fn a_program_config_element_goes_in_front_of_each_frame() {
    let mut bits = BitWriter::default();
    for (count, value) in [(5, 2), (4, 3), (4, 0), (3, 0)] {
        bits.put(count, value);
    }
    // Two front elements (a single, a pair) and an LFE; a comment of two bytes.
    for (count, value) in [(4, 0), (2, 1), (4, 3), (4, 2), (4, 0), (4, 0), (2, 1), (3, 0), (4, 0), (3, 0)] {
        bits.put(count, value);
    }
    for (count, value) in [(1, 0), (4, 0), (1, 1), (4, 0), (4, 0)] {
        bits.put(count, value);
    }
    bits.align();
    for byte in [2, 0x68, 0x69] {
        bits.put(8, byte);
    }
    let config = AacConfig::parse(&bits.finish()).expect("whole");
    assert_eq!((config.channels(), config.channel_configuration), (4, 0));
    let header = config.adts_header(10).expect("short");
    assert!(header.len() > ADTS_HEADER && header.ends_with(&[2, 0x68, 0x69]), "{header:02x?}");
    assert_eq!(header[ADTS_HEADER] >> 5, 5, "its identifier");
    assert_eq!(config.silent_frame(), None);
}

#[test]
fn frames_that_have_headers_already_are_known_by_them() {
    let config = AacConfig::parse(&[0x11, 0x90]).expect("LC");
    let frame = config.silent_frame().expect("stereo");
    let two = [&frame[..], &frame[..]].concat();
    let found = adts_frames(&two).expect("two frames");
    assert_eq!((found.config, found.blocks), (config, 2));
    assert_eq!(adts_frames(&two[..two.len() - 1]), None);
    assert_eq!(adts_frames(&frame[ADTS_HEADER..]), None);
    assert_eq!(adts_frames(&[]), None);
}

#[test]
fn frames_end_where_adts_ends() {
    let config = AacConfig::parse(&[0x12, 0x10]).expect("LC");
    assert!(config.adts_header(8_191 - 7).is_some());
    assert!(config.adts_header(8_191 - 6).is_none() && config.adts_header(usize::MAX).is_none());
}

proptest! {
    #[test]
    fn headers_say_what_the_config_says(object in 1u8..=4, index in 0usize..13, channels in 1u8..=7, len in 0usize..8_000) {
        let config = AacConfig::new(object, RATES[index], channels).expect("in range");
        let mut frame = config.adts_header(len).expect("short");
        frame.resize(frame.len() + len, 0x21);
        let found = adts_frames(&frame).expect("a frame");
        prop_assert_eq!(found.config, config);
    }
}
