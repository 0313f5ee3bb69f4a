//! A [`VideoDecoder`] out of a decoder that takes slices and gives pictures in decoding order.

use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;

use kineframe_codec::{
    CodecParameters, ColorSpace, DecodeError, DecodeErrorKind, DecodeOptions, Latency, Packet, PacketId, Picture,
    PictureBuffer, PictureSink, PixelFormat, Recovery, Rect, VideoDecoder, guard,
};

use super::{CodedPicture, Stored, Tracker};
use crate::h264::{OutputOrder, Pps, Reorder, Sps};

/// A wrapped decoder: it takes the parameter sets and slices of one picture at a time, and hands the picture out at
/// once, whole coded frames that nothing was cut from.
pub trait Engine: Send {
    /// Takes a parameter set that the next slices need, as a NAL unit without framing. An SPS says nothing about
    /// cropping.
    ///
    /// # Errors
    /// A set that the decoder cannot serve.
    fn parameter_set(&mut self, nal: &[u8]) -> Result<(), EngineError>;

    /// Decodes a picture whose slices lie in `packet`. `None` is right for the first field of a frame only.
    ///
    /// # Errors
    /// A picture that the decoder cannot make anything of.
    fn picture(&mut self, packet: &[u8], picture: &CodedPicture) -> Result<Option<Decoded>, EngineError>;

    /// The field that was decoded last stays without its fellow. What it gives is shown as a whole frame.
    ///
    /// # Errors
    /// A picture that the decoder cannot make anything of.
    fn unpaired_field(&mut self) -> Result<Option<Decoded>, EngineError> {
        Ok(None)
    }
}

/// The planes of a coded frame.
#[derive(Clone)]
pub struct Decoded {
    /// The planes, of the coded size that the SPS says.
    pub buffer: Arc<dyn PictureBuffer>,
    /// The decoder concealed something.
    pub damaged: bool,
}

impl fmt::Debug for Decoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoded").field("damaged", &self.damaged).finish_non_exhaustive()
    }
}

/// Why an [`Engine`] did not decode a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EngineError {
    /// The stream uses something that the decoder does not do. Another one must take over.
    Unsupported(String),
    /// The picture is damaged; the decoder can go on with the next one.
    Damaged(String),
    /// The picture is damaged, or references are missing, and the decoder needs a random access point.
    Stuck(String),
    /// The decoder failed for a reason of its own.
    Internal(String),
}

impl EngineError {
    fn into_parts(self) -> (DecodeErrorKind, Recovery) {
        match self {
            Self::Unsupported(what) => (DecodeErrorKind::Unsupported(what), Recovery::Reopen),
            Self::Damaged(what) => (DecodeErrorKind::Damaged(what), Recovery::NextPacket),
            Self::Stuck(what) => (DecodeErrorKind::Damaged(what), Recovery::NextRandomAccess),
            Self::Internal(what) => (DecodeErrorKind::Internal(what), Recovery::Reopen),
        }
    }
}

/// A picture whose turn in output order is still to come.
struct Held {
    order: OutputOrder,
    id: PacketId,
    visible: Rect,
    format: PixelFormat,
    color: ColorSpace,
    decoded: Decoded,
}

/// A frame of which one field is decoded.
struct HalfFrame {
    id: PacketId,
    wanted: bool,
    damaged: bool,
    order: OutputOrder,
    sps: Arc<Stored<Sps>>,
}

/// Drives an [`Engine`].
///
/// Feeds it only slices whose headers it has read, and only the parameter sets that they name, of sizes within the
/// limits; puts pictures into output order; marks those whose references are missing; turns a panic of the engine
/// into an error.
pub struct Driver<E> {
    factory: Arc<str>,
    make: fn() -> E,
    /// `None` after a panic, until [`reset`](VideoDecoder::reset).
    engine: Option<E>,
    tracker: Tracker,
    order: Reorder<Held>,
    /// Pictures held back in it.
    depth: u32,
    newest_shown: Option<OutputOrder>,
    /// Of the last picture.
    epoch: u64,
    latency: Latency,
    color: ColorSpace,
    fed_sps: Option<Arc<Stored<Sps>>>,
    fed_pps: Vec<Option<Stored<Pps>>>,
    half: Option<HalfFrame>,
}

impl<E: Engine> Driver<E> {
    /// Opens a decoder for the back end named `factory`.
    ///
    /// # Errors
    /// A picture size beyond the limits; an engine that panics as it is made.
    pub fn open(
        factory: &str,
        params: &CodecParameters,
        options: &DecodeOptions,
        make: fn() -> E,
    ) -> Result<Self, DecodeError> {
        Ok(Driver {
            factory: Arc::from(factory),
            make,
            engine: Some(guard(factory, || Ok(make()))?),
            tracker: Tracker::new(factory, params, options.limits)?,
            order: Reorder::new(0),
            depth: 0,
            newest_shown: None,
            epoch: 0,
            latency: options.latency,
            color: params.color,
            fed_sps: None,
            fed_pps: vec![None; 256],
            half: None,
        })
    }

    /// Runs the engine. A panic takes it away.
    fn run<T>(&mut self, f: impl FnOnce(&mut E) -> Result<T, EngineError>) -> Result<T, DecodeError> {
        let factory = self.factory.clone();
        let error = |(kind, recovery)| DecodeError::new(&factory, kind, recovery);
        let Some(mut engine) = self.engine.take() else {
            let what = "the decoder panicked before and was not reset".to_owned();
            return Err(error((DecodeErrorKind::Internal(what), Recovery::Reopen)));
        };
        // A panic unwinds through the engine and drops it.
        let (engine, result) = guard(&factory, move || {
            let result = f(&mut engine);
            Ok((engine, result))
        })?;
        self.engine = Some(engine);
        result.map_err(|failed| error(failed.into_parts()))
    }

    /// Gives the engine the sets that a picture names and that it does not have yet.
    fn feed(&mut self, picture: &CodedPicture) -> Result<(), DecodeError> {
        if self.fed_sps.as_ref().is_none_or(|fed| *fed != picture.sps) {
            let nal = Sps::without_cropping(&picture.sps.nal).map_err(|error| {
                self.tracker.error(DecodeErrorKind::Damaged(error.to_string()), Recovery::NextRandomAccess)
            })?;
            self.run(|engine| engine.parameter_set(&nal))?;
            self.fed_sps = Some(picture.sps.clone());
            // A PPS is read in the light of its SPS.
            self.fed_pps.fill(None);
            let baseline = picture.sps.set.profile_idc == 66;
            let depth = match self.latency {
                // The Baseline profile has no B pictures, and no stream of it is known to reorder.
                Latency::Low if baseline => 0,
                _ => picture.sps.set.max_reorder_frames(),
            };
            self.depth = depth;
            self.order.set_depth(depth);
        }
        for slice in &picture.slices {
            let fed = self.fed_pps.get(usize::from(slice.pps.set.id)).and_then(Option::as_ref);
            if fed.is_none_or(|fed| *fed != slice.pps) {
                self.run(|engine| engine.parameter_set(&slice.pps.nal))?;
                if let Some(slot) = self.fed_pps.get_mut(usize::from(slice.pps.set.id)) {
                    *slot = Some(slice.pps.clone());
                }
            }
        }
        Ok(())
    }

    fn picture(&mut self, packet: &Packet, picture: &CodedPicture, shown: bool) -> Result<(), DecodeError> {
        if !picture.second_field {
            self.close_half();
        }
        let result = self
            .feed(picture)
            .and_then(|()| self.run(|engine| engine.picture(&packet.data, picture)))
            .inspect_err(|_| self.tracker.lost(picture));
        let mut half = self.half.take().unwrap_or_else(|| HalfFrame {
            id: packet.id,
            wanted: packet.wanted && shown,
            damaged: false,
            order: picture.order,
            sps: picture.sps.clone(),
        });
        half.damaged |= picture.damaged;
        half.order = picture.order;
        match result? {
            Some(decoded) => {
                if decoded.damaged {
                    self.tracker.lost(picture);
                }
                self.hold(half, decoded);
            }
            None => self.half = Some(half),
        }
        Ok(())
    }

    /// Puts a whole frame into output order.
    fn hold(&mut self, frame: HalfFrame, mut decoded: Decoded) {
        if self.newest_shown.is_some_and(|shown| shown > frame.order && shown.epoch == frame.order.epoch) {
            // Pictures are reordered by more than the stream says: from here on the delay is longer.
            self.depth = (self.depth + 1).min(16);
            self.order.set_depth(self.depth);
        }
        let sps = &frame.sps.set;
        let Some(format) = sps.format().filter(|_| frame.wanted) else { return };
        decoded.damaged |= frame.damaged;
        let color = sps.color().or(self.color);
        let held = Held { order: frame.order, id: frame.id, visible: sps.visible(), format, color, decoded };
        self.order.push(frame.order, held);
    }

    /// A field whose fellow does not come is shown alone.
    fn close_half(&mut self) {
        let Some(mut half) = self.half.take() else { return };
        if let Ok(Some(decoded)) = self.run(E::unpaired_field) {
            half.damaged = true;
            self.hold(half, decoded);
        }
    }

    /// Hands out what is due. `Break` when the sink broke.
    fn hand_out(&mut self, sink: &mut dyn PictureSink, all: bool) -> Result<ControlFlow<()>, DecodeError> {
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
                self.tracker.error(kind, Recovery::Reopen)
            })?;
            if sink.picture(picture).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}

impl<E: Engine> VideoDecoder for Driver<E> {
    fn decode(&mut self, packet: Packet, sink: &mut dyn PictureSink) -> Result<(), DecodeError> {
        let unit = self.tracker.read(&packet)?;
        let mut outcome = match unit.damage {
            Some(what) if unit.pictures.is_empty() => {
                Err(self.tracker.error(DecodeErrorKind::Damaged(what), Recovery::NextPacket))
            }
            _ => Ok(()),
        };
        let mut frames = 0;
        for picture in &unit.pictures {
            // What came before an IDR picture goes out before it, also when that one cannot be decoded.
            if self.epoch != picture.order.epoch {
                self.epoch = picture.order.epoch;
                self.close_half();
                if self.hand_out(sink, true)?.is_break() {
                    return Ok(());
                }
            }
            frames += usize::from(!picture.second_field);
            // One packet, one picture: what a packet has beyond its first frame serves as reference only.
            let decoded = self.picture(&packet, picture, frames <= 1);
            outcome = outcome.and(decoded);
            if outcome.as_ref().is_err_and(|error| error.recovery != Recovery::NextPacket) {
                break;
            }
        }
        // What is whole goes out even so.
        let _ = self.hand_out(sink, false)?;
        outcome
    }

    fn flush(&mut self, sink: &mut dyn PictureSink) -> Result<(), DecodeError> {
        self.close_half();
        if self.hand_out(sink, true)?.is_break() {
            return Ok(());
        }
        self.reset()
    }

    fn reset(&mut self) -> Result<(), DecodeError> {
        let factory = self.factory.clone();
        let (make, old) = (self.make, self.engine.take());
        self.engine = Some(guard(&factory, move || {
            drop(old);
            Ok(make())
        })?);
        self.tracker.reset();
        self.order.clear();
        self.newest_shown = None;
        self.fed_sps = None;
        self.fed_pps.fill(None);
        self.half = None;
        Ok(())
    }
}

impl<E> fmt::Debug for Driver<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").field("factory", &self.factory).field("delay", &self.depth).finish_non_exhaustive()
    }
}
