//! Tracks.

use crate::{Element, ids};

/// The avcC of a 320 × 180 Constrained Baseline stream: a true one, so that it can be parsed.
const AVCC: [u8; 41] = [
    0x01, 0x42, 0xC0, 0x0C, 0xFF, 0xE1, 0x00, 0x19, 0x67, 0x42, 0xC0, 0x0C, 0xD9, 0x01, 0x41, 0x9F, 0x9F, 0x01, 0x10,
    0x00, 0x00, 0x03, 0x00, 0x10, 0x00, 0x00, 0x03, 0x01, 0xE0, 0xF1, 0x42, 0xA4, 0x80, 0x01, 0x00, 0x05, 0x68, 0xCB,
    0x83, 0xCB, 0x20,
];

/// One track, to be written as a `TrackEntry`.
#[derive(Debug, Clone, PartialEq)]
pub struct Track {
    /// `TrackNumber`.
    pub number: u64,
    /// `TrackType`: 1 video, 2 audio.
    pub kind: u64,
    /// `CodecID`.
    pub codec_id: String,
    /// `CodecPrivate`.
    pub codec_private: Option<Vec<u8>>,
    /// `Name`.
    pub name: Option<String>,
    /// Further children of the `TrackEntry`, such as `Video`.
    pub more: Vec<Element>,
}

impl Track {
    /// An H.264 track of 320 × 180.
    pub fn h264(number: u64) -> Self {
        let video = [Element::uint(ids::PIXEL_WIDTH, 320), Element::uint(ids::PIXEL_HEIGHT, 180)];
        Track {
            number,
            kind: 1,
            codec_id: "V_MPEG4/ISO/AVC".to_owned(),
            codec_private: Some(AVCC.to_vec()),
            name: None,
            more: vec![Element::master(ids::VIDEO, video)],
        }
    }

    /// An AAC track, 48 kHz mono.
    pub fn aac(number: u64) -> Self {
        let audio = [Element::float(ids::SAMPLING_FREQUENCY, 48_000.0), Element::uint(ids::CHANNELS, 1)];
        Track {
            number,
            kind: 2,
            codec_id: "A_AAC".to_owned(),
            codec_private: Some(vec![0x11, 0x88]),
            name: None,
            more: vec![Element::master(ids::AUDIO, audio)],
        }
    }

    /// The `TrackEntry`.
    pub fn element(&self) -> Element {
        let mut children = vec![
            Element::uint(ids::TRACK_NUMBER, self.number),
            Element::uint(ids::TRACK_UID, self.number),
            Element::uint(ids::TRACK_TYPE, self.kind),
            Element::text(ids::CODEC_ID, &self.codec_id),
        ];
        children.extend(self.codec_private.as_ref().map(|data| Element::data(ids::CODEC_PRIVATE, data.clone())));
        children.extend(self.name.as_ref().map(|name| Element::text(ids::NAME, name)));
        children.extend(self.more.iter().cloned());
        Element::master(ids::TRACK_ENTRY, children)
    }
}
