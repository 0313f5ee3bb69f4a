//! What a back end for whole frames needs besides the wrapped decoder: sizes refused before it sees them, pictures
//! tied to their packets and marked where their references are missing or their data is damaged, its panics caught.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use kineframe_codec::{
    Codec, CodecParameters, DecodeError, DecodeErrorKind, DecodeOptions, Packet, Picture, PictureBuffer, PictureSink,
    PixelFormat, Recovery, Rect, VideoDecoder,
};

use super::{CodedFrame, FrameStream};
pub use crate::backend::EngineError;
use crate::backend::{Guarded, check_packet};

/// A wrapped decoder: it takes packet after packet, and hands pictures out at once.
pub trait Engine: Send {
    /// Takes a parameter set, before the first packet.
    ///
    /// # Errors
    /// One that the decoder cannot serve.
    fn parameter_set(&mut self, unit: &Bytes) -> Result<(), EngineError> {
        let _ = unit;
        Ok(())
    }

    /// Decodes a packet and appends the pictures that it shows, in order.
    ///
    /// # Errors
    /// A packet that the decoder cannot make anything of.
    fn packet(&mut self, packet: &Bytes, shown: &mut Vec<Decoded>) -> Result<(), EngineError>;
}

/// A decoded picture.
#[derive(Clone)]
pub struct Decoded {
    /// What is to be shown of the planes.
    pub visible: Rect,
    /// The shape of the samples.
    pub format: PixelFormat,
    /// The planes.
    pub buffer: Arc<dyn PictureBuffer>,
    /// The decoder concealed something.
    pub damaged: bool,
}

impl fmt::Debug for Decoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoded").field("visible", &self.visible).finish_non_exhaustive()
    }
}

/// Which reference slots hold what the encoder meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Slots {
    /// A bit for each slot that is missing or damaged.
    bad: u8,
}

impl Slots {
    const EMPTY: Slots = Slots { bad: 0xff };

    /// Takes in a frame that was decoded, and tells whether what it shows is damaged.
    fn decoded(&mut self, frame: &CodedFrame) -> bool {
        let from = frame.shows.map_or(frame.uses, |slot| 1_u8.checked_shl(slot.into()).unwrap_or(0));
        let damaged = self.bad & from != 0;
        self.bad = if damaged { self.bad | frame.refreshes } else { self.bad & !frame.refreshes };
        damaged
    }

    /// Takes in a frame that was not decoded.
    fn lost(&mut self, frame: &CodedFrame) {
        self.bad |= frame.refreshes;
    }
}

/// Drives an [`Engine`] as a [`VideoDecoder`].
pub struct Driver<E> {
    make: fn(&DecodeOptions) -> Result<E, EngineError>,
    options: DecodeOptions,
    engine: Guarded<E>,
    initial: FrameStream,
    stream: FrameStream,
    sets: Vec<Bytes>,
    /// The parameter sets have been given to the engine.
    told: bool,
    /// The engine failed: it is started anew at the next random access point, since some stay as they are then.
    stale: bool,
    slots: Slots,
    shown: Vec<Decoded>,
}

impl<E: Engine> Driver<E> {
    /// Opens a decoder for the back end named `factory`.
    ///
    /// # Errors
    /// Parameter sets that cannot be read, a size beyond the limits, an engine that does not start.
    pub fn open(
        factory: &str,
        params: &CodecParameters,
        options: &DecodeOptions,
        make: fn(&DecodeOptions) -> Result<E, EngineError>,
    ) -> Result<Self, DecodeError> {
        let stream = FrameStream::of_parameters(params).map_err(|error| {
            DecodeError::new(factory, DecodeErrorKind::Damaged(error.to_string()), Recovery::Reopen)
        })?;
        if let Some(size) = stream.size() {
            options.limits.check_size(factory, size)?;
        }
        Ok(Driver {
            make,
            options: options.clone(),
            engine: Guarded::start(factory, || make(options))?,
            initial: stream.clone(),
            stream,
            sets: params.parameter_sets.clone(),
            told: false,
            stale: false,
            slots: Slots::EMPTY,
            shown: Vec::new(),
        })
    }

    fn error(&self, kind: DecodeErrorKind, recovery: Recovery) -> DecodeError {
        DecodeError::new(&self.engine.factory, kind, recovery)
    }

    /// Starts the engine anew, with the parameter sets in force.
    fn restart(&mut self) -> Result<(), DecodeError> {
        let (make, options) = (self.make, &self.options);
        self.engine.restart(|| make(options))?;
        self.sets = self.stream.parameters().parameter_sets;
        (self.told, self.stale) = (false, false);
        Ok(())
    }

    /// Reads the headers of a packet; every size has been checked against the limits afterwards.
    fn look(&mut self, packet: &Bytes) -> Result<Vec<CodedFrame>, DecodeError> {
        let limits = self.options.limits;
        check_packet(&self.engine.factory, &limits, packet).inspect_err(|_| self.slots = Slots::EMPTY)?;
        let frames = match self.stream.frames(packet) {
            Ok(frames) => frames,
            Err(error) => {
                // Whatever could not be read may have taken any slot.
                self.slots = Slots::EMPTY;
                return Err(self.error(DecodeErrorKind::Damaged(error.to_string()), Recovery::NextPacket));
            }
        };
        for size in frames.iter().filter_map(|frame| frame.size).chain(self.stream.size()) {
            limits.check_size(&self.engine.factory, size)?;
        }
        Ok(frames)
    }

    /// Decodes a packet, keeps the slots, and tells whether what is shown of it is damaged.
    fn packet(&mut self, packet: &Bytes, frames: &[CodedFrame]) -> Result<bool, DecodeError> {
        if self.stale && frames.first().is_some_and(|frame| frame.clean) {
            self.restart()?;
        }
        if !self.told {
            for unit in self.sets.clone() {
                self.engine.run(|engine| engine.parameter_set(&unit))?;
            }
            self.told = true;
        }
        let sound = !self.options.check_slices || self.stream.check_data(packet).is_ok();
        let mut shown = std::mem::take(&mut self.shown);
        shown.clear();
        let result = self.engine.run(|engine| engine.packet(packet, &mut shown).map(|()| shown));
        let missing = frames.iter().any(|frame| frame.shown);
        let result = result.and_then(|shown| {
            if shown.is_empty() && missing {
                let what = "nothing came of a frame that is to be shown".to_owned();
                return Err(self.error(DecodeErrorKind::Damaged(what), Recovery::NextPacket));
            }
            Ok(shown)
        });
        match result {
            Ok(shown) => {
                self.shown = shown;
                let mut damaged = !sound;
                for frame in frames {
                    let bad = self.slots.decoded(frame);
                    damaged |= bad && frame.shown;
                }
                if !sound && !missing && self.stream.codec() == Codec::VP9 {
                    // Its hidden frames come with the shown one that they are for: where that is lost, so is what it took.
                    self.slots = Slots::EMPTY;
                    let what = "a damaged packet that shows nothing".to_owned();
                    return Err(self.error(DecodeErrorKind::Damaged(what), Recovery::NextPacket));
                }
                if !sound || self.shown.iter().any(|shown| shown.damaged) {
                    frames.iter().for_each(|frame| self.slots.lost(frame));
                }
                Ok(damaged)
            }
            Err(error) => {
                self.stale = true;
                frames.iter().for_each(|frame| self.slots.lost(frame));
                Err(error)
            }
        }
    }
}

impl<E: Engine> VideoDecoder for Driver<E> {
    fn decode(&mut self, packet: Packet, sink: &mut dyn PictureSink) -> Result<(), DecodeError> {
        let frames = self.look(&packet.data)?;
        let damaged = self.packet(&packet.data, &frames)?;
        let mut shown = std::mem::take(&mut self.shown).into_iter();
        let Some(decoded) = shown.next() else { return Ok(()) };
        let rest = shown.len();
        if packet.wanted {
            let planes = decoded.buffer.planes();
            let picture = Picture {
                id: packet.id,
                visible: decoded.visible,
                format: decoded.format,
                color: self.stream.color(),
                damaged: damaged || decoded.damaged,
                planes: &planes,
                shared: Some(&decoded.buffer),
            };
            picture.check().map_err(|error| {
                let what = format!("the planes do not hold the picture: {error}");
                self.error(DecodeErrorKind::Internal(what), Recovery::Reopen)
            })?;
            if sink.picture(picture).is_break() {
                return Ok(());
            }
        }
        if rest > 0 {
            let what = format!("a packet of {} pictures: the first is shown", rest + 1);
            return Err(self.error(DecodeErrorKind::Damaged(what), Recovery::NextPacket));
        }
        Ok(())
    }

    fn flush(&mut self, _: &mut dyn PictureSink) -> Result<(), DecodeError> {
        // Nothing is held back, and the random access point that comes next leaves nothing of what there is.
        self.slots = Slots::EMPTY;
        Ok(())
    }

    fn reset(&mut self) -> Result<(), DecodeError> {
        self.stream = self.initial.clone();
        self.restart()?;
        self.slots = Slots::EMPTY;
        Ok(())
    }
}

impl<E> fmt::Debug for Driver<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").field("factory", &self.engine.factory).finish_non_exhaustive()
    }
}
