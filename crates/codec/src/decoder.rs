//! The traits that a back end implements.

use std::fmt;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;

use crate::{CodecParameters, DecodeError, Framing, Limits, Packet, Picture};

/// Whether a back end decodes a stream bit for bit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Support {
    /// Every picture of a sound stream with these parameters equals the specification's.
    Exact,
    /// It does not, for this reason.
    No(String),
}

/// How long a decoder may hold pictures back for the sake of speed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Latency {
    /// Hand out each picture as soon as the order of presentation allows.
    Low,
    /// Hold back what helps throughput.
    #[default]
    Throughput,
}

/// How a decoder is to be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeOptions {
    /// Bounds that hold before anything is allocated.
    pub limits: Limits,
    /// How many threads the decoder may use.
    pub threads: NonZeroUsize,
    /// Whether it may hold pictures back.
    pub latency: Latency,
    /// Whether slice data is read against the rules of its syntax before it is decoded (H.264 §7.3.4, H.265 §7.3.8; the
    /// partitions of VP8, the tiles of VP9, the scans of JPEG), so that a picture with damage inside of it is marked where
    /// the decoder itself goes on without a word. That costs a tenth of the time of a whole stream, and a quarter of that
    /// of key frames alone; of VP8 and VP9 an eighth to a quarter without a system library, and a third to two thirds of
    /// libvpx's time. Without it such a picture, and those built on it, may be wrong and look sound: for streams whose
    /// bytes are known to be whole.
    ///
    /// Of AV1 it asks the decoder to be strict: whether each tile ends as it must. Sound streams cost no more for it, one
    /// with damage is decoded a second time, from a key frame to the next.
    pub check_slices: bool,
}

impl Default for DecodeOptions {
    fn default() -> Self {
        DecodeOptions {
            limits: Limits::default(),
            threads: NonZeroUsize::MIN,
            latency: Latency::default(),
            check_slices: true,
        }
    }
}

/// A back end: says what it can do and opens decoders.
///
/// # For implementations
/// `supports` reads the parameter sets and promises only what the conformance kit has seen exact. It is called
/// often and must be cheap. `name` is what `--decoder NAME` takes: lower case, the wrapped decoder's name.
pub trait DecoderFactory: fmt::Debug + Send + Sync {
    /// The name of the wrapped decoder.
    fn name(&self) -> &str;

    /// What it decodes, for a person: one line such as `H.264, 8-bit 4:2:0, progressive`. Empty where the
    /// implementation does not say.
    fn description(&self) -> &str {
        ""
    }

    /// How it wants NAL units to be told apart. The caller converts once, in place where it is the sole owner.
    fn framing(&self) -> Framing;

    /// Whether it is exact on a stream with these parameters.
    fn supports(&self, params: &CodecParameters) -> Support;

    /// Opens a decoder. The first packet will be a random access point.
    ///
    /// # Errors
    /// Parameters that it cannot serve, sizes beyond the limits, a wrapped decoder that does not start.
    fn open(&self, params: &CodecParameters, options: &DecodeOptions) -> Result<Box<dyn VideoDecoder>, DecodeError>;
}

/// An open decoder.
///
/// # For implementations
/// - May hold pictures back (reordering, frame threads, hardware queues); may block; is never async.
/// - Pictures go to the sink in presentation order and name the packet they came from. A packet gives at most
///   one picture (an interlaced frame in two packets names the first of them); a packet whose frame is not to
///   be shown gives none.
/// - A picture built on missing or damaged references is marked `damaged`.
/// - A panic of the wrapped decoder is caught and becomes [`DecodeErrorKind::Panicked`](crate::DecodeErrorKind).
/// - When the sink breaks, return `Ok(())` as soon as possible; the caller will drop or reset the decoder.
pub trait VideoDecoder: Send {
    /// Decodes one packet. Pictures that became ready go to the sink.
    ///
    /// # Errors
    /// What went wrong and what to do next. Pictures already handed to the sink stay good.
    fn decode(&mut self, packet: Packet, sink: &mut dyn PictureSink) -> Result<(), DecodeError>;

    /// Hands out all pictures held back. The next packet, if any, is a random access point.
    ///
    /// # Errors
    /// As for [`decode`](Self::decode).
    fn flush(&mut self, sink: &mut dyn PictureSink) -> Result<(), DecodeError>;

    /// Forgets all state, pictures held back included; the next packet is a random access point.
    ///
    /// # Errors
    /// A wrapped decoder that cannot be started anew.
    fn reset(&mut self) -> Result<(), DecodeError>;
}

/// Takes pictures as they become ready.
///
/// # For implementations
/// The planes are lent for the length of the call: convert, copy, or [`share`](Picture::share) them.
pub trait PictureSink {
    /// One picture. `Break` asks the decoder to stop.
    fn picture(&mut self, picture: Picture<'_>) -> ControlFlow<()>;
}

impl<F: FnMut(Picture<'_>) -> ControlFlow<()>> PictureSink for F {
    fn picture(&mut self, picture: Picture<'_>) -> ControlFlow<()> {
        self(picture)
    }
}
