//! What tracks say, and what is made of it.

use kineframe_matroska::{Audio, TrackType};

use super::*;

fn track(codec_id: &str, audio: Option<(f64, u64, Option<u64>)>, private: &[u8]) -> TrackEntry {
    let mut track = TrackEntry::new(1, TrackType::AUDIO, codec_id);
    track.audio =
        audio.map(|(sampling_frequency, channels, bit_depth)| Audio { sampling_frequency, channels, bit_depth });
    track.codec_private = (!private.is_empty()).then(|| private.to_vec().into());
    track
}

fn pcm(coding: Coding, rate: u32, channels: u16, bits: u16) -> Result<Format, FormatError> {
    Ok(Format::Pcm(PcmFormat { coding, rate, channels, bits }))
}

#[test]
fn pcm_by_its_codec_id() {
    let of = |id, audio| Format::of(&track(id, audio, &[]));
    assert_eq!(of("A_PCM/INT/LIT", Some((48_000.0, 2, Some(24)))), pcm(Coding::Integer, 48_000, 2, 24));
    assert_eq!(of("A_PCM/INT/BIG", Some((44_100.0, 1, Some(16)))), pcm(Coding::IntegerBigEndian, 44_100, 1, 16));
    assert_eq!(of("A_PCM/FLOAT/IEEE", Some((96_000.0, 6, Some(64)))), pcm(Coding::Float, 96_000, 6, 64));
    // Nothing said: RFC 9559's 8,000 Hz and one channel.
    assert_eq!(of("A_PCM/INT/LIT", None), pcm(Coding::Integer, 8_000, 1, 16));
    let bits = |result: Result<Format, FormatError>| matches!(result, Err(FormatError::BitDepth { .. }));
    assert!(bits(of("A_PCM/INT/LIT", Some((8_000.0, 1, Some(12))))));
    assert!(bits(of("A_PCM/INT/BIG", Some((8_000.0, 1, Some(8))))), "with a sign or without");
    assert!(matches!(of("A_PCM/INT/LIT", Some((f64::NAN, 1, None))), Err(FormatError::Rate { .. })));
    assert!(matches!(of("A_PCM/INT/LIT", Some((0.0, 1, None))), Err(FormatError::Rate { .. })));
    for channels in [0, 40_000, u64::MAX] {
        let expected = Err(FormatError::Channels { channels });
        assert_eq!(of("A_PCM/INT/LIT", Some((8_000.0, channels, Some(16)))), expected);
    }
}

#[test]
fn acm_by_its_tag() {
    let private = |tag: u8, bits: u8| [tag, 0, 2, 0, 0x80, 0x3e, 0, 0, 0, 0, 0, 0, 2, 0, bits, 0, 0, 0];
    // The Audio element says something else: WAVEFORMATEX is what the samples follow.
    let of = |tag, bits| Format::of(&track("A_MS/ACM", Some((8_000.0, 1, None)), &private(tag, bits)));
    assert_eq!(of(6, 8), pcm(Coding::G711(Law::A), 16_000, 2, 16));
    assert_eq!(of(7, 8), pcm(Coding::G711(Law::Mu), 16_000, 2, 16));
    assert_eq!(of(1, 16), pcm(Coding::Integer, 16_000, 2, 16));
    assert_eq!(of(3, 32), pcm(Coding::Float, 16_000, 2, 32));
    assert_eq!(of(0x11, 4), Err(FormatError::WaveFormatTag { tag: 0x11 }));
    assert_eq!(Format::of(&track("A_MS/ACM", None, &[])), Err(FormatError::WaveFormat { len: 0 }));
}

#[test]
fn what_connect_calls_aac_is_pcm_and_what_others_call_aac_is_not() {
    for name in CONNECT_TRACKS {
        let mut connect = track("A_AAC", None, &[0x11, 0x90]);
        connect.name = Some(name.to_owned());
        assert_eq!(Format::of(&connect), pcm(Coding::Integer, 8_000, 1, 16));
        // Someone's own AAC under that name, all of whose parameters agree.
        connect.audio = Some(Audio { sampling_frequency: 48_000.0, channels: 2, bit_depth: None });
        assert_eq!(Format::of(&connect), AacConfig::parse(&[0x11, 0x90]).map(|config| Format::Aac(Some(config))));
        connect.audio = Some(Audio { sampling_frequency: 8_000.0, channels: 1, bit_depth: Some(16) });
        assert_eq!(Format::of(&connect), pcm(Coding::Integer, 8_000, 1, 16));
    }
    let other = track("A_AAC", None, &[0x11, 0x90]);
    assert!(matches!(Format::of(&other), Ok(Format::Aac(Some(_)))));
}

#[test]
fn aac_without_codec_private_is_what_its_codec_id_or_its_frames_say() {
    let old = Format::of(&track("A_AAC/MPEG4/MAIN", Some((44_100.0, 2, None)), &[]));
    assert!(matches!(old, Ok(Format::Aac(Some(config))) if (config.object_type, config.rate()) == (1, 44_100)));
    assert_eq!(Format::of(&track("A_AAC", Some((44_100.0, 2, None)), &[])), Ok(Format::Aac(None)));
    assert!(matches!(Format::of(&track("A_OPUS", None, &[])), Err(FormatError::Codec { .. })));
}
