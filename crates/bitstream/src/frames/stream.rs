//! One track over time, of any codec whose packets hold whole frames.

use bytes::Bytes;
use kineframe_codec::{Codec, CodecParameters, ColorSpace, Size};

use super::CodedFrame;
use crate::h264::RandomAccess;
use crate::{Error, Identified, av1, mjpeg, vp8, vp9};

/// What was found in a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameLook {
    /// It makes a picture that can be shown.
    pub picture: bool,
    /// Another packet may refer to it.
    pub reference: bool,
    /// Whether decoding may start here: [`Idr`](RandomAccess::Idr) at key frames, else nowhere.
    pub random_access: RandomAccess,
    /// Why it cannot be read to its end.
    pub error: Option<Error>,
}

/// Follows a track.
///
/// ```
/// use bytes::Bytes;
/// use kineframe_bitstream::frames::FrameStream;
/// use kineframe_bitstream::identify;
///
/// let track = identify("V_AV1", &Bytes::new()).unwrap();
/// let mut stream = FrameStream::new(&track);
/// // A temporal delimiter and a sequence header: 16×16, 8 bits, 4:2:0.
/// let look = stream.packet(&[0x12, 0, 0x0a, 10, 0, 0, 0, 1, 0x9f, 0xfb, 0xff, 0xf3, 0, 0x80], true);
/// assert!(!look.picture);
/// assert_eq!(stream.parameters().size.unwrap().height, 16);
/// ```
#[derive(Debug, Clone)]
pub struct FrameStream {
    codec: Codec,
    kind: Kind,
    private: Bytes,
    container_size: Option<Size>,
    container_color: ColorSpace,
}

#[derive(Debug, Clone)]
enum Kind {
    Av1(Box<av1::Stream>),
    Vp8(vp8::Stream),
    Vp9(vp9::Stream),
    Mjpeg(mjpeg::Stream),
    /// A codec whose frames are not looked into: the container's word is taken.
    Opaque,
}

impl FrameStream {
    /// A track of this codec with this `CodecPrivate`.
    pub fn new(track: &Identified) -> Self {
        let kind = match track.codec {
            Codec::AV1 => Kind::Av1(Box::new(av1::Stream::new(&track.private))),
            Codec::VP8 => Kind::Vp8(vp8::Stream::default()),
            Codec::VP9 => Kind::Vp9(vp9::Stream::default()),
            Codec::MJPEG => Kind::Mjpeg(mjpeg::Stream::default()),
            _ => Kind::Opaque,
        };
        FrameStream {
            codec: track.codec,
            kind,
            private: track.private.clone(),
            container_size: None,
            container_color: ColorSpace::default(),
        }
    }

    /// A track with these parameters in force.
    ///
    /// # Errors
    /// Parameter sets that cannot be read.
    pub fn of_parameters(params: &CodecParameters) -> Result<Self, Error> {
        let track = Identified { codec: params.codec, private: params.private.clone() };
        let mut stream = FrameStream::new(&track);
        stream.set_container(params.size, params.color);
        if let Kind::Av1(stream) = &mut stream.kind {
            for unit in &params.parameter_sets {
                stream.insert(unit)?;
            }
        }
        Ok(stream)
    }

    /// The codec of the track.
    pub fn codec(&self) -> Codec {
        self.codec
    }

    /// What the container says of size and colour; it holds where the stream is silent.
    pub fn set_container(&mut self, size: Option<Size>, color: ColorSpace) {
        (self.container_size, self.container_color) = (size, color);
    }

    /// The frames of a packet, in decoding order.
    ///
    /// # Errors
    /// A header that cannot be read. What came before it in the packet has been taken in.
    pub fn frames(&mut self, packet: &[u8]) -> Result<Vec<CodedFrame>, Error> {
        match &mut self.kind {
            Kind::Av1(stream) => stream.packet(packet),
            Kind::Vp8(stream) => stream.packet(packet),
            Kind::Vp9(stream) => stream.packet(packet),
            Kind::Mjpeg(stream) => stream.packet(packet),
            Kind::Opaque => Ok(Vec::new()),
        }
    }

    /// Reads the data of the frames of a packet, which [`frames`](Self::frames) leaves alone, by the rules of its syntax:
    /// of VP8, VP9 and JPEG. Packets come in decoding order, each once, after `frames`, when limits on the sizes of their frames
    /// have been held: memory grows with these.
    ///
    /// # Errors
    /// The first rule that is broken, or [`Lost`](crate::ErrorKind::Lost) where a frame builds on what is damaged or
    /// missing: nothing that is shown of the packet is what the encoder meant, nor is what it leaves in slots.
    pub fn check_data(&mut self, packet: &[u8]) -> Result<(), Error> {
        match &mut self.kind {
            Kind::Vp8(stream) => stream.check_data(packet).map_err(|damage| damage.error),
            Kind::Vp9(stream) => stream.check_data(packet),
            Kind::Mjpeg(stream) => stream.check_data(packet),
            Kind::Av1(_) | Kind::Opaque => Ok(()),
        }
    }

    /// Looks at the next packet. `keyframe` is the container's word, which is taken where the codec is not looked into.
    pub fn packet(&mut self, packet: &[u8], keyframe: bool) -> FrameLook {
        let access = |clean| if clean { RandomAccess::Idr } else { RandomAccess::None };
        if matches!(self.kind, Kind::Opaque) {
            return FrameLook { picture: true, reference: true, random_access: access(keyframe), error: None };
        }
        match self.frames(packet) {
            Ok(frames) => FrameLook {
                picture: frames.iter().any(|frame| frame.shown),
                // Sequence headers alone must reach the decoder, whatever is chosen.
                reference: frames.is_empty() || frames.iter().any(|frame| frame.refreshes != 0 || frame.state),
                random_access: access(frames.first().is_some_and(|frame| frame.clean)),
                error: None,
            },
            Err(error) => {
                FrameLook { picture: false, reference: true, random_access: RandomAccess::None, error: Some(error) }
            }
        }
    }

    /// Goes up when what [`parameters`](Self::parameters) gives may have changed.
    pub fn generation(&self) -> u64 {
        match &self.kind {
            Kind::Av1(stream) => stream.generation(),
            Kind::Vp8(stream) => stream.generation(),
            Kind::Vp9(stream) => stream.generation(),
            Kind::Mjpeg(stream) => stream.generation(),
            Kind::Opaque => 0,
        }
    }

    /// What the stream and, where it is silent, the container say of colour.
    pub fn color(&self) -> ColorSpace {
        let own = match &self.kind {
            Kind::Av1(stream) => stream.sequence().map(|sequence| sequence.color),
            Kind::Vp9(stream) => stream.config().map(|config| config.color),
            Kind::Mjpeg(stream) => Some(stream.color()),
            Kind::Vp8(_) | Kind::Opaque => None,
        };
        own.unwrap_or_default().or(self.container_color)
    }

    /// The largest size of the frames that follow, where it is known.
    pub fn size(&self) -> Option<Size> {
        let own = match &self.kind {
            Kind::Av1(stream) => stream.sequence().map(|sequence| sequence.max_size),
            Kind::Vp8(stream) => stream.size(),
            Kind::Vp9(stream) => stream.size(),
            Kind::Mjpeg(stream) => stream.size(),
            Kind::Opaque => None,
        };
        own.or(self.container_size)
    }

    /// The parameters in force: to be asked for at a random access point, after [`packet`](Self::packet).
    pub fn parameters(&self) -> CodecParameters {
        let mut params = CodecParameters::new(self.codec);
        params.private = self.private.clone();
        params.size = self.size();
        params.color = self.color();
        let set = match &self.kind {
            Kind::Av1(stream) => stream.sequence_unit().clone(),
            Kind::Vp9(stream) => stream.config().map(vp9::ColorConfig::to_features).unwrap_or_default(),
            Kind::Mjpeg(stream) => stream.parameter_set().clone(),
            Kind::Vp8(_) | Kind::Opaque => Bytes::new(),
        };
        if !set.is_empty() {
            params.parameter_sets.push(set);
        }
        params
    }
}
