//! The container's word where the stream is silent, and the stream's where it is not.

use kineframe_matroska::{Colour, TrackType};

use super::*;

/// What a camera sends that says nothing of colour: an SPS without VUI, and a PPS.
const SILENT: &[u8] = &[0, 0, 0, 1, 0x67, 66, 0xc0, 10, 0xf8, 0x41, 0xa2, 0, 0, 0, 1, 0x68, 0xce, 0x38, 0x80];

fn track(colour: Option<Colour>) -> TrackEntry {
    let mut track = TrackEntry::new(1, TrackType::VIDEO, "V_MPEG4/ISO/AVC");
    track.codec_private = Some(Bytes::from_static(SILENT));
    track.video = Some(Video { pixel_width: 720, pixel_height: 576, colour, ..Video::default() });
    track
}

fn color(track: &TrackEntry) -> ColorSpace {
    Analyser::new(track).expect("the codec has a name").parameters().color
}

#[test]
fn the_container_tells_the_colours_of_a_silent_stream() {
    let colour = Colour {
        matrix_coefficients: Some(9),
        range: Some(2),
        chroma_siting_horz: Some(1),
        chroma_siting_vert: Some(1),
        primaries: Some(9),
        transfer_characteristics: Some(14),
        ..Colour::default()
    };
    let expected = ColorSpace {
        matrix: Some(MatrixCoefficients::Bt2020),
        range: Some(ColorRange::Full),
        siting: Some(ChromaSiting::TopLeft),
        primaries: Some(9),
        transfer: Some(14),
    };
    assert_eq!(color(&track(Some(colour))), expected);
    assert_eq!(color(&track(None)), ColorSpace::default());
    // A codec that is not looked into has the container's colours too.
    let mut other = track(Some(colour));
    (other.codec_id, other.codec_private) = ("V_VP9".to_owned(), None);
    assert_eq!(color(&other), expected);
}

#[test]
fn codes_that_say_nothing_stay_open() {
    let colour = Colour {
        matrix_coefficients: Some(2),
        range: Some(0),
        chroma_siting_horz: Some(0),
        chroma_siting_vert: Some(0),
        primaries: Some(2),
        transfer_characteristics: Some(2),
        ..Colour::default()
    };
    assert_eq!(color(&track(Some(colour))), ColorSpace::default());
    // Range 3: as matrix and transfer say; and numbers beyond the code's type.
    let colour = Colour { matrix_coefficients: Some(1 << 40), range: Some(3), ..Colour::default() };
    assert_eq!(color(&track(Some(colour))), ColorSpace::default());
}

#[test]
fn the_stream_wins_over_the_container() {
    // BT.709, full range, in the SPS.
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/codec/h264/gen_bt709_full.264");
    let stream = std::fs::read(path).expect("a stream");
    let colour = Colour { matrix_coefficients: Some(9), range: Some(1), ..Colour::default() };
    let mut track = track(Some(colour));
    // The head of the stream holds its parameter sets; a slice that is cut does no harm.
    track.codec_private = Some(Bytes::copy_from_slice(&stream[..stream.len().min(2000)]));
    let found = color(&track);
    assert_eq!(found.matrix, Some(MatrixCoefficients::Bt709));
    assert_eq!(found.range, Some(ColorRange::Full));
}

#[test]
fn samples_are_as_wide_as_the_container_says_where_the_stream_is_silent() {
    let mut track = track(None);
    let aspect = |track: &TrackEntry| Analyser::new(track).expect("the codec has a name").sample_aspect();
    assert_eq!(aspect(&track), None);
    let mut show = |width, height, unit| {
        let video = track.video.as_mut().expect("a video track");
        (video.display_width, video.display_height, video.display_unit) = (Some(width), Some(height), unit);
        aspect(&track)
    };
    assert_eq!(show(1024, 576, 0), Some((64, 45)));
    assert_eq!(show(16, 9, 3), Some((64, 45)), "a ratio");
    assert_eq!(show(16, 9, 1), None, "centimetres say nothing of samples alone");
    assert_eq!(show(0, 9, 0), None);
    assert_eq!(show(u64::MAX, 9, 0), None);
}
