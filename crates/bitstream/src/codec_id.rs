//! Which codec a Matroska track holds.

use bytes::Bytes;
use kineframe_codec::Codec;

/// A codec, and the part of `CodecPrivate` that is the codec's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identified {
    /// The codec.
    pub codec: Codec,
    /// `CodecPrivate`; for `V_MS/VFW/FOURCC` what follows the `BITMAPINFOHEADER`.
    pub private: Bytes,
}

/// Bytes of a `BITMAPINFOHEADER`.
const BITMAP_INFO_HEADER: usize = 40;

/// The codec of a Matroska `CodecID`; `None` for one that this crate has no name for.
///
/// NUL bytes and blanks at the end of the string are not part of it: some producers pad.
///
/// ```
/// use bytes::Bytes;
/// use kineframe_bitstream::identify;
/// use kineframe_codec::Codec;
///
/// let identified = identify("V_MPEG4/ISO/AVC", &Bytes::new()).unwrap();
/// assert_eq!(identified.codec, Codec::H264);
/// ```
pub fn identify(codec_id: &str, private: &Bytes) -> Option<Identified> {
    let id = codec_id.trim_end_matches(|c: char| c == '\0' || c.is_ascii_whitespace());
    let codec = match id {
        "V_MPEG4/ISO/AVC" => Codec::H264,
        "V_MPEGH/ISO/HEVC" => Codec::H265,
        "V_AV1" => Codec::AV1,
        "V_VP8" => Codec::VP8,
        "V_VP9" => Codec::VP9,
        "V_MJPEG" => Codec::MJPEG,
        "V_MS/VFW/FOURCC" => {
            // `biCompression` is the fifth 32-bit field (RFC 9559 codec mappings; Windows SDK).
            let fourcc = private.get(16..20)?;
            let own = private.get(BITMAP_INFO_HEADER..).map(|own| private.slice_ref(own));
            return Some(Identified { codec: of_fourcc(fourcc)?, private: own.unwrap_or_default() });
        }
        _ => return None,
    };
    Some(Identified { codec, private: private.clone() })
}

/// The codec of a four-character code, in any case.
fn of_fourcc(fourcc: &[u8]) -> Option<Codec> {
    Some(match fourcc.to_ascii_uppercase().as_slice() {
        b"H264" | b"AVC1" | b"X264" | b"DAVC" | b"VSSH" => Codec::H264,
        b"H265" | b"HEVC" | b"HVC1" | b"HEV1" | b"X265" => Codec::H265,
        b"AV01" => Codec::AV1,
        b"VP80" => Codec::VP8,
        b"VP90" => Codec::VP9,
        b"MJPG" | b"JPEG" | b"AVRN" | b"LJPG" => Codec::MJPEG,
        _ => return None,
    })
}
