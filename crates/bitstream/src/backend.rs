//! What the drivers of wrapped decoders share: panics kept inside, pictures held until their turn.

mod awaited;
mod fed;

use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::Bytes;
use kineframe_codec::{
    CodecParameters, ColorSpace, DecodeError, DecodeErrorKind, Limits, PacketId, Picture, PictureBuffer, PictureSink,
    PixelFormat, Recovery, Rect, Support, guard,
};

pub use awaited::{Awaited, AwaitedPicture};
pub use fed::{FedSets, FeedSet};

use crate::Sets;
use crate::order::{OutputOrder, Reorder};

/// Asks each SPS, and each PPS whose SPS is known, and gives the first reason to say no.
pub(crate) fn supports<S: Sets>(
    params: &CodecParameters,
    sps: impl Fn(&S::Sps) -> Result<(), String>,
    pps: impl Fn(&S::Pps, &S::Sps) -> Result<(), String>,
) -> Support {
    let check = || {
        if params.codec != S::CODEC {
            return Err(format!("decodes {} only", S::NAME));
        }
        let mut sets = S::default();
        for nal in &params.parameter_sets {
            sets.insert(nal).map_err(|error| error.to_string())?;
        }
        if sets.pairs().next().is_none() {
            return Err("no parameter sets are known".to_owned());
        }
        sets.all_sps().try_for_each(&sps)?;
        sets.pairs().try_for_each(|(set, of)| pps(set, of))
    };
    match check() {
        Ok(()) => Support::Exact,
        Err(reason) => Support::No(reason),
    }
}

/// The sets that a decoder is opened with. One that cannot be read matters when a slice names it.
///
/// # Errors
/// A picture size beyond the limits.
pub(crate) fn sets_of<S: Sets>(factory: &str, params: &CodecParameters, limits: &Limits) -> Result<S, DecodeError> {
    let mut sets = S::default();
    for nal in &params.parameter_sets {
        let _ = sets.insert(nal);
    }
    sets.all_sps().try_for_each(|sps| limits.check_size(factory, S::coded_size(sps)))?;
    Ok(sets)
}

/// Refuses a packet beyond the limits: the next one can be decoded again.
pub(crate) fn check_packet(factory: &str, limits: &Limits, packet: &[u8]) -> Result<(), DecodeError> {
    limits.check_packet(factory, packet.len()).map_err(|mut error| {
        error.recovery = Recovery::NextPacket;
        error
    })
}

/// Why an engine did not decode a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EngineError {
    /// The stream uses something that the decoder does not do. Another one must take over.
    Unsupported(String),
    /// The picture is damaged, or references are missing; the decoder can go on with the next one.
    Damaged(String),
    /// The picture is damaged, or references are missing, and the decoder needs a random access point.
    Stuck(String),
    /// The decoder failed for a reason of its own.
    Internal(String),
}

impl EngineError {
    /// As an error of the back end named `factory`.
    pub fn of(self, factory: &str) -> DecodeError {
        let (kind, recovery) = match self {
            Self::Unsupported(what) => (DecodeErrorKind::Unsupported(what), Recovery::Reopen),
            Self::Damaged(what) => (DecodeErrorKind::Damaged(what), Recovery::NextPacket),
            Self::Stuck(what) => (DecodeErrorKind::Damaged(what), Recovery::NextRandomAccess),
            Self::Internal(what) => (DecodeErrorKind::Internal(what), Recovery::Reopen),
        };
        DecodeError::new(factory, kind, recovery)
    }
}

/// The planes of a coded picture.
#[derive(Clone)]
pub struct Decoded {
    /// The planes, of the coded size that the SPS says; of H.265 of the visible size.
    pub buffer: Arc<dyn PictureBuffer>,
    /// The decoder concealed something.
    pub damaged: bool,
}

impl fmt::Debug for Decoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoded").field("damaged", &self.damaged).finish_non_exhaustive()
    }
}

/// A parameter set with the NAL unit that it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored<T> {
    /// What it says.
    pub set: T,
    /// The NAL unit, without framing.
    pub nal: Bytes,
}

/// An engine whose panics are caught.
pub(crate) struct Guarded<E> {
    pub(crate) factory: Arc<str>,
    /// `None` after a panic, until [`restart`](Self::restart).
    engine: Option<E>,
    /// The engine has failed since it was made.
    failed: bool,
}

impl<E> Guarded<E> {
    /// Makes an engine for the back end named `factory`.
    pub(crate) fn start(factory: &str, make: impl FnOnce() -> Result<E, EngineError>) -> Result<Self, DecodeError> {
        let mut guarded = Guarded { factory: Arc::from(factory), engine: None, failed: false };
        guarded.restart(make)?;
        Ok(guarded)
    }

    /// Makes another one. The old one is dropped first, where its panic is caught as well.
    pub(crate) fn restart(&mut self, make: impl FnOnce() -> Result<E, EngineError>) -> Result<(), DecodeError> {
        let (factory, old) = (&self.factory, self.engine.take());
        let made = guard(factory, move || {
            drop(old);
            make().map_err(|failed| failed.of(factory))
        })?;
        self.engine = Some(made);
        self.failed = false;
        Ok(())
    }

    /// Whether the engine has done all that was asked of it since it was made.
    pub(crate) fn is_sound(&self) -> bool {
        !self.failed
    }

    /// Runs the engine. A panic takes it away.
    pub(crate) fn run<T>(&mut self, f: impl FnOnce(&mut E) -> Result<T, EngineError>) -> Result<T, DecodeError> {
        let Some(mut engine) = self.engine.take() else {
            let what = "the decoder panicked before and was not reset".to_owned();
            return Err(EngineError::Internal(what).of(&self.factory));
        };
        let before = std::mem::replace(&mut self.failed, true);
        // A panic unwinds through the engine and drops it.
        let (engine, result) = guard(&self.factory, move || {
            let result = f(&mut engine);
            Ok((engine, result))
        })?;
        self.engine = Some(engine);
        self.failed = before || result.is_err();
        result.map_err(|failed| failed.of(&self.factory))
    }
}

/// A picture whose turn in output order is still to come.
pub(crate) struct Held {
    pub(crate) order: OutputOrder,
    pub(crate) id: PacketId,
    pub(crate) visible: Rect,
    pub(crate) format: PixelFormat,
    pub(crate) color: ColorSpace,
    pub(crate) decoded: Decoded,
}

/// Pictures on their way from decoding order to the sink.
pub(crate) struct Presentation {
    order: Reorder<Held>,
    /// Pictures held back in it.
    depth: u32,
    newest_shown: Option<OutputOrder>,
}

impl Presentation {
    pub(crate) fn new() -> Self {
        Presentation { order: Reorder::new(0), depth: 0, newest_shown: None }
    }

    pub(crate) fn depth(&self) -> u32 {
        self.depth
    }

    pub(crate) fn set_depth(&mut self, depth: u32) {
        self.depth = depth;
        self.order.set_depth(depth);
    }

    /// A picture of this place has been decoded, shown or not.
    pub(crate) fn decoded(&mut self, order: OutputOrder) {
        if self.newest_shown.is_some_and(|shown| shown > order && shown.epoch == order.epoch) {
            // Pictures are reordered by more than the stream says: from here on the delay is longer.
            self.set_depth((self.depth + 1).min(16));
        }
    }

    /// Holds a picture until its turn.
    pub(crate) fn hold(&mut self, held: Held) {
        self.order.push(held.order, held);
    }

    /// Hands out what is due, or `all`. `Break` when the sink broke.
    pub(crate) fn hand_out(
        &mut self,
        factory: &str,
        sink: &mut dyn PictureSink,
        all: bool,
    ) -> Result<ControlFlow<()>, DecodeError> {
        while let Some(held) = if all { self.order.next_held() } else { self.order.next_ready() } {
            self.newest_shown = Some(held.order);
            let planes = held.decoded.buffer.planes();
            let picture = Picture {
                id: held.id,
                visible: held.visible,
                format: held.format,
                color: held.color,
                damaged: held.decoded.damaged,
                planes: &planes,
                shared: Some(&held.decoded.buffer),
            };
            picture.check().map_err(|error| {
                let kind = DecodeErrorKind::Internal(format!("the planes do not hold the picture: {error}"));
                DecodeError::new(factory, kind, Recovery::Reopen)
            })?;
            if sink.picture(picture).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Forgets all pictures.
    pub(crate) fn clear(&mut self) {
        self.order.clear();
        self.newest_shown = None;
    }
}
