//! A [`VideoDecoder`] out of a decoder that takes slices and gives pictures in decoding order.

use std::fmt;
use std::sync::Arc;

use kineframe_codec::{
    CodecParameters, ColorSpace, DecodeError, DecodeErrorKind, DecodeOptions, Latency, Packet, PacketId, PictureSink,
    Recovery, VideoDecoder,
};

use super::grey::Grey;
use super::{CodedPicture, Decoded, EngineError, FedSets, FeedSet, Stored, Tracker};
use crate::backend::{Guarded, Held, Presentation};
use crate::h264::{OutputOrder, Sps};

/// A wrapped decoder: it takes the parameter sets and slices of one picture at a time, and hands the picture out at
/// once, whole coded frames that nothing was cut from.
pub trait Engine: Send {
    /// An IDR picture makes the wrapped decoder forget all that came before (§8.2.5.1), so that after a flush it may
    /// be kept for one, with its buffers. An archive of which key frames alone are taken is nothing but flushes.
    const IDR_FORGETS: bool = false;

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
/// limits, and where it begins at a picture that refers to others, grey ones in front; puts pictures into output order;
/// marks those whose references are missing; turns a panic of the engine into an error.
pub struct Driver<E> {
    make: fn() -> E,
    engine: Guarded<E>,
    /// The engine was flushed and not made anew: what it holds is nothing to refer to.
    stale: bool,
    tracker: Tracker,
    shown: Presentation,
    /// Of the last picture.
    epoch: u64,
    latency: Latency,
    color: ColorSpace,
    fed: FedSets,
    half: Option<HalfFrame>,
    /// The engine has had no picture.
    fresh: bool,
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
            make,
            engine: Guarded::start(factory, || Ok(make()))?,
            stale: false,
            tracker: Tracker::new(factory, params, options)?,
            shown: Presentation::new(),
            epoch: 0,
            latency: options.latency,
            color: params.color,
            fed: FedSets::default(),
            half: None,
            fresh: true,
        })
    }

    /// Makes the engine anew.
    fn renew(&mut self) -> Result<(), DecodeError> {
        let make = self.make;
        self.fed.clear();
        self.fresh = true;
        self.engine.restart(|| Ok(make()))
    }

    /// Forgets the pictures so far.
    fn forget(&mut self) {
        self.tracker.reset();
        self.shown.clear();
        self.half = None;
    }

    /// Gives the engine the sets that a picture names and that it does not have yet.
    fn feed(&mut self, picture: &CodedPicture) -> Result<(), DecodeError> {
        let Driver { engine, fed, shown, tracker, .. } = self;
        let pps = picture.slices.iter().map(|slice| (slice.pps.set.id, &slice.pps.nal));
        fed.feed(&picture.sps.nal, pps, |set| match set {
            FeedSet::Sps(nal) => {
                let nal = Sps::without_cropping(nal).map_err(|error| {
                    tracker.error(DecodeErrorKind::Damaged(error.to_string()), Recovery::NextRandomAccess)
                })?;
                engine.run(|engine| engine.parameter_set(&nal))?;
                shown.set_depth(picture.sps.set.reorder_frames(self.latency));
                Ok(())
            }
            FeedSet::Pps(nal) => engine.run(|engine| engine.parameter_set(nal)),
        })
    }

    /// Gives an engine that has had no picture grey ones to refer to, where the first needs them.
    fn begin(&mut self, picture: &CodedPicture) -> Result<(), DecodeError> {
        if !std::mem::take(&mut self.fresh) {
            return Ok(());
        }
        let Some(grey) = Grey::before(picture) else { return Ok(()) };
        self.engine.run(|engine| engine.parameter_set(&grey.pps))?;
        for (packet, picture) in &grey.pictures {
            self.engine.run(|engine| engine.picture(packet, picture))?;
        }
        Ok(())
    }

    fn picture(&mut self, packet: &Packet, picture: &CodedPicture, shown: bool) -> Result<(), DecodeError> {
        if !picture.second_field {
            self.close_half();
        }
        if std::mem::take(&mut self.stale) && !(picture.is_idr() && self.fed.has_sps(&picture.sps.nal)) {
            self.renew()?;
        }
        let result = self
            .feed(picture)
            .and_then(|()| self.begin(picture))
            .and_then(|()| self.engine.run(|engine| engine.picture(&packet.data, picture)))
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
        self.shown.decoded(frame.order);
        let sps = &frame.sps.set;
        let Some(format) = sps.format().filter(|_| frame.wanted) else { return };
        decoded.damaged |= frame.damaged;
        let color = sps.color().or(self.color);
        let held = Held { order: frame.order, id: frame.id, visible: sps.visible(), format, color, decoded };
        self.shown.hold(held);
    }

    /// A field whose fellow does not come is shown alone.
    fn close_half(&mut self) {
        let Some(mut half) = self.half.take() else { return };
        if let Ok(Some(decoded)) = self.engine.run(E::unpaired_field) {
            half.damaged = true;
            self.hold(half, decoded);
        }
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
                if self.shown.hand_out(&self.engine.factory, sink, true)?.is_break() {
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
        let _ = self.shown.hand_out(&self.engine.factory, sink, false)?;
        outcome
    }

    fn flush(&mut self, sink: &mut dyn PictureSink) -> Result<(), DecodeError> {
        self.close_half();
        if self.shown.hand_out(&self.engine.factory, sink, true)?.is_break() {
            return Ok(());
        }
        if !E::IDR_FORGETS || !self.engine.is_sound() {
            return self.reset();
        }
        self.stale = true;
        self.forget();
        Ok(())
    }

    fn reset(&mut self) -> Result<(), DecodeError> {
        self.stale = false;
        self.renew()?;
        self.forget();
        Ok(())
    }
}

impl<E> fmt::Debug for Driver<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver")
            .field("factory", &self.engine.factory)
            .field("delay", &self.shown.depth())
            .finish_non_exhaustive()
    }
}
