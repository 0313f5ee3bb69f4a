//! A [`VideoDecoder`] out of a decoder that takes slice segments and gives pictures in decoding order.

use std::fmt;

use kineframe_codec::{
    CodecParameters, ColorSpace, DecodeError, DecodeErrorKind, DecodeOptions, Packet, PictureSink, Recovery, Rect,
    VideoDecoder,
};

use super::{CodedPicture, Decoded, EngineError, Tracker};
use crate::backend::{FedSets, FeedSet, Guarded, Held, Presentation};

/// A wrapped decoder: it takes the parameter sets and slice segments of one picture at a time, and hands the picture
/// out at once, cut to the conformance window.
pub trait Engine: Send {
    /// Takes an SPS or PPS that the next slices need, as a NAL unit without framing.
    ///
    /// # Errors
    /// A set that the decoder cannot serve.
    fn parameter_set(&mut self, nal: &[u8]) -> Result<(), EngineError>;

    /// The sequence has ended: the next picture begins another one.
    fn end_of_sequence(&mut self);

    /// Decodes a picture whose slice segments lie in `packet`. `None` is right for one only that is not to be shown
    /// (`pic_output_flag`).
    ///
    /// # Errors
    /// A picture that the decoder cannot make anything of.
    fn picture(&mut self, packet: &[u8], picture: &CodedPicture) -> Result<Option<Decoded>, EngineError>;
}

/// Drives an [`Engine`].
///
/// Feeds it only slices whose headers it has read, and only the parameter sets that they name, of sizes within the
/// limits; leaves out leading pictures that cannot be decoded; puts pictures into output order; marks those whose
/// references are missing; turns a panic of the engine into an error.
///
/// `no_output_of_prior_pics_flag` is not obeyed: it would take pictures that have been decoded and are sound.
pub struct Driver<E> {
    make: Box<dyn Fn() -> E + Send>,
    engine: Guarded<E>,
    tracker: Tracker,
    shown: Presentation,
    /// Of the last picture.
    epoch: u64,
    color: ColorSpace,
    fed: FedSets,
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
        make: impl Fn() -> E + Send + 'static,
    ) -> Result<Self, DecodeError> {
        Ok(Driver {
            engine: Guarded::start(factory, || Ok(make()))?,
            make: Box::new(make),
            tracker: Tracker::new(factory, params, options)?,
            shown: Presentation::new(),
            epoch: 0,
            color: params.color,
            fed: FedSets::default(),
        })
    }

    /// Gives the engine the sets that a picture names and that it does not have yet.
    fn feed(&mut self, picture: &CodedPicture) -> Result<(), DecodeError> {
        let Driver { engine, fed, shown, .. } = self;
        let pps = [(picture.pps.set.id, &picture.pps.nal)];
        fed.feed(&picture.sps.nal, pps, |set| match set {
            FeedSet::Sps(nal) => {
                engine.run(|engine| engine.parameter_set(nal))?;
                shown.set_depth(picture.sps.set.max_reorder.into());
                Ok(())
            }
            FeedSet::Pps(nal) => engine.run(|engine| engine.parameter_set(nal)),
        })
    }

    fn picture(&mut self, packet: &Packet, picture: &CodedPicture, shown: bool) -> Result<(), DecodeError> {
        if picture.after_end {
            self.engine.run(|engine| {
                engine.end_of_sequence();
                Ok(())
            })?;
        }
        let result = self
            .feed(picture)
            .and_then(|()| self.engine.run(|engine| engine.picture(&packet.data, picture)))
            .inspect_err(|_| self.tracker.lost(picture));
        self.shown.decoded(picture.order);
        let Some(mut decoded) = result? else { return Ok(()) };
        if decoded.damaged {
            self.tracker.lost(picture);
        }
        let sps = &picture.sps.set;
        let wanted = packet.wanted && shown && picture.header.output;
        let Some(format) = sps.format().filter(|_| wanted) else { return Ok(()) };
        decoded.damaged |= picture.damaged;
        let Rect { width, height, .. } = sps.visible();
        self.shown.hold(Held {
            order: picture.order,
            id: packet.id,
            visible: Rect { left: 0, top: 0, width, height },
            format,
            color: sps.color().or(self.color),
            decoded,
        });
        Ok(())
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
        for (index, picture) in unit.pictures.iter().enumerate() {
            // What came before a new sequence goes out before it, also when its first picture cannot be decoded.
            if self.epoch != picture.order.epoch {
                self.epoch = picture.order.epoch;
                if self.shown.hand_out(&self.engine.factory, sink, true)?.is_break() {
                    return Ok(());
                }
            }
            // One packet, one picture: what a packet has beyond its first one serves as reference only.
            let decoded = self.picture(&packet, picture, index == 0);
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
        if self.shown.hand_out(&self.engine.factory, sink, true)?.is_break() {
            return Ok(());
        }
        self.reset()
    }

    fn reset(&mut self) -> Result<(), DecodeError> {
        let make = &self.make;
        self.engine.restart(|| Ok(make()))?;
        self.tracker.reset();
        self.shown.clear();
        self.fed.clear();
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
