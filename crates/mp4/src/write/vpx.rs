//! The `vpcC` record of VP8 and VP9 (VP Codec ISO Media File Format Binding, version 1).

use kineframe_matroska::{Colour, TrackEntry};
use mp4_atom::VpcC;

/// The record of a track. CodecPrivate of VP9 in Matroska is a list of features (id, length, value): 1 profile, 2
/// level, 3 bit depth, 4 chroma subsampling. A track without one is taken for profile 0, which has 8 bits and 4:2:0.
pub(super) fn record(entry: &TrackEntry) -> VpcC {
    let feature = |wanted: u8| {
        let mut rest: &[u8] = entry.codec_private.as_deref().unwrap_or_default();
        while let [id, len, tail @ ..] = rest {
            let (value, next) = tail.split_at_checked(usize::from(*len))?;
            if *id == wanted && value.len() == 1 {
                return value.first().copied();
            }
            rest = next;
        }
        None
    };
    let colour = entry.video.as_ref().and_then(|video| video.colour).unwrap_or_default();
    let code = |value: Option<u64>| value.and_then(|value| u8::try_from(value).ok()).unwrap_or(2);
    let chroma_subsampling = feature(4).unwrap_or(1).min(3);
    let matrix = code(colour.matrix_coefficients);
    VpcC {
        profile: feature(1).unwrap_or(0),
        level: feature(2).unwrap_or_else(|| level(entry)),
        bit_depth: feature(3).unwrap_or(8) & 15,
        chroma_subsampling,
        video_full_range_flag: matches!(colour, Colour { range: Some(2), .. }),
        color_primaries: code(colour.primaries),
        transfer_characteristics: code(colour.transfer_characteristics),
        // RGB is 4:4:4 or a contradiction.
        matrix_coefficients: if matrix == 0 && chroma_subsampling != 3 { 2 } else { matrix },
        codec_initialization_data: Vec::new(),
    }
}

/// The lowest level that has pictures of this size (VP9 levels, annex of the bitstream specification).
fn level(entry: &TrackEntry) -> u8 {
    let Some(video) = &entry.video else { return 0 };
    let samples = video.pixel_width.saturating_mul(video.pixel_height);
    let levels = [
        (36_864, 10),
        (73_728, 11),
        (122_880, 20),
        (245_760, 21),
        (552_960, 30),
        (983_040, 31),
        (2_228_224, 40),
        (8_912_896, 50),
        (35_651_584, 60),
    ];
    levels.into_iter().find(|(most, _)| samples <= *most).map_or(62, |(_, level)| level)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use kineframe_matroska::{TrackType, Video};

    use super::*;

    #[test]
    fn features_are_read_and_defaults_hold() {
        let mut entry = TrackEntry::new(1, TrackType::VIDEO, "V_VP9");
        entry.video = Some(Video { pixel_width: 1280, pixel_height: 720, ..Video::default() });
        let plain = record(&entry);
        assert_eq!((plain.profile, plain.level, plain.bit_depth, plain.chroma_subsampling), (0, 31, 8, 1));
        entry.codec_private = Some(Bytes::from_static(&[1, 1, 2, 2, 1, 41, 3, 1, 10, 4, 1, 3]));
        let told = record(&entry);
        assert_eq!((told.profile, told.level, told.bit_depth, told.chroma_subsampling), (2, 41, 10, 3));
        entry.codec_private = Some(Bytes::from_static(&[1, 200, 2]));
        assert_eq!(record(&entry).profile, 0);
    }
}
