//! What is known of a stream before its first packet is decoded.

use std::fmt;

use bytes::Bytes;

use crate::{ColorSpace, Size};

/// A codec, by name. Open: a back end may serve codecs that this crate has no constant for.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Codec(&'static str);

impl Codec {
    /// ITU-T H.264, ISO/IEC 14496-10.
    pub const H264: Codec = Codec("h264");
    /// ITU-T H.265, ISO/IEC 23008-2.
    pub const H265: Codec = Codec("h265");
    /// AOMedia AV1.
    pub const AV1: Codec = Codec("av1");
    /// VP8 (RFC 6386).
    pub const VP8: Codec = Codec("vp8");
    /// VP9.
    pub const VP9: Codec = Codec("vp9");
    /// Motion JPEG: a JPEG image per frame.
    pub const MJPEG: Codec = Codec("mjpeg");

    /// A codec of another name, lower case.
    pub const fn new(name: &'static str) -> Codec {
        Codec(name)
    }

    /// The name, lower case.
    pub const fn name(&self) -> &'static str {
        self.0
    }
}

impl fmt::Debug for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Codec({})", self.0)
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// How a back end wants NAL units to be told apart. For codecs without NAL units it says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Framing {
    /// Start codes (H.264 and H.265 Annex B).
    StartCodes,
    /// Length prefixes of the size that the parameters name.
    LengthPrefixed,
    /// Whatever the stream has.
    Either,
}

/// How the NAL units of a stream's packets are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NalFraming {
    /// Start codes of three or four bytes (Annex B).
    StartCodes,
    /// A big-endian length of this many bytes (1 to 4) before each NAL unit (ISO/IEC 14496-15).
    LengthPrefixed(u8),
    /// The codec has no NAL units: a packet is one frame as it is.
    None,
}

/// The parameters in force at a random access point: what the container says, overlaid with what the stream
/// itself says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodecParameters {
    /// The codec.
    pub codec: Codec,
    /// How the packets are framed as they reach the decoder.
    pub framing: NalFraming,
    /// The container's `CodecPrivate`, as stored (`avcC`, `hvcC`, `av1C`, Annex B, or empty).
    pub private: Bytes,
    /// The parameter sets in force (VPS, SPS, PPS in this order), each one NAL unit without framing; for AV1
    /// the sequence header OBU; for VP9 the codec feature metadata of WebM; for Motion JPEG the headers of an image
    /// without its tables; empty for codecs that have none.
    pub parameter_sets: Vec<Bytes>,
    /// The coded size, where a parameter set or the container tells it.
    pub size: Option<Size>,
    /// What the stream says about colour, completed by the container.
    pub color: ColorSpace,
}

impl CodecParameters {
    /// Parameters with nothing known but the codec.
    pub fn new(codec: Codec) -> Self {
        CodecParameters {
            codec,
            framing: NalFraming::None,
            private: Bytes::new(),
            parameter_sets: Vec::new(),
            size: None,
            color: ColorSpace::default(),
        }
    }
}
