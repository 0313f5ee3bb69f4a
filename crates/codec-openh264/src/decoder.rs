//! Packets in, pictures out, in the library's own order.

use std::ops::ControlFlow;

use kineframe_bitstream::h264::backend::{Awaited, AwaitedPicture, CodedPicture, FedSets, FeedSet, Tracker};
use kineframe_bitstream::h264::{PictureStructure, Sps};
use kineframe_codec::{
    BitDepth, ChromaSampling, CodecParameters, ColorSpace, DecodeError, DecodeErrorKind, DecodeOptions, Packet,
    Picture, PictureSink, PixelFormat, Plane, Recovery, Samples, VideoDecoder, guard_with_sink,
};

use crate::NAME;
use crate::exact::decodes_sps;
use crate::library::{Lent, Library, state_text};

/// What it decodes.
const FORMAT: PixelFormat = PixelFormat { chroma: ChromaSampling::Yuv420, depth: BitDepth::EIGHT };

pub(crate) struct OpenH264Decoder {
    library: Library,
    tracker: Tracker,
    color: ColorSpace,
    fed: FedSets,
    awaited: Awaited,
    scratch: Vec<u8>,
}

fn internal(what: String) -> DecodeError {
    DecodeError::new(NAME, DecodeErrorKind::Internal(what), Recovery::Reopen)
}

impl OpenH264Decoder {
    pub(crate) fn open(params: &CodecParameters, options: &DecodeOptions) -> Result<Self, DecodeError> {
        Ok(OpenH264Decoder {
            library: Library::open().map_err(internal)?,
            tracker: Tracker::new(NAME, params, options)?,
            color: params.color,
            fed: FedSets::default(),
            awaited: Awaited::default(),
            scratch: Vec::new(),
        })
    }

    fn picture(
        &mut self,
        packet: &Packet,
        picture: &CodedPicture,
        shown: bool,
        sink: &mut dyn PictureSink,
    ) -> Result<ControlFlow<()>, DecodeError> {
        let unsupported = |what: String| DecodeError::new(NAME, DecodeErrorKind::Unsupported(what), Recovery::Reopen);
        let sps = &picture.sps.set;
        decodes_sps(sps).map_err(unsupported)?;
        if picture.structure() != PictureStructure::Frame {
            return Err(unsupported("field pictures".to_owned()));
        }
        self.feed(picture)?;
        let inexact = picture.is_bipredictive();
        if inexact {
            // What refers to it inherits the fault.
            self.tracker.lost(picture);
        }
        let stamp = self.awaited.stamp();
        let awaited = AwaitedPicture {
            id: packet.id,
            wanted: packet.wanted && shown,
            damaged: picture.damaged || inexact,
            visible: sps.visible(),
            format: FORMAT,
            color: sps.color().or(self.color),
        };
        self.awaited.expect(stamp, awaited);
        let units = slices(&packet.data, picture, &mut self.scratch);
        let (state, lent) = self.library.decode(units, stamp);
        let mut flow = ControlFlow::Continue(());
        if let Some(lent) = lent {
            if state != 0 {
                self.awaited.spoil(lent.stamp);
            }
            flow = show(&mut self.awaited, &lent, sink)?;
        }
        if state != 0 {
            self.awaited.take(stamp);
            self.tracker.lost(picture);
            // It conceals nothing, and now and then drops a sound picture later on: best begun anew.
            return Err(self.tracker.error(DecodeErrorKind::Damaged(state_text(state)), Recovery::NextRandomAccess));
        }
        Ok(flow)
    }

    /// Gives the library the sets that a picture names and that it does not have yet.
    fn feed(&mut self, picture: &CodedPicture) -> Result<(), DecodeError> {
        let OpenH264Decoder { library, fed, scratch, .. } = self;
        let damaged = |what| DecodeError::new(NAME, DecodeErrorKind::Damaged(what), Recovery::NextRandomAccess);
        let mut give = |nal: &[u8]| {
            scratch.clear();
            scratch.extend_from_slice(&[0, 0, 0, 1]);
            scratch.extend_from_slice(nal);
            match library.decode(scratch, 0) {
                (0, _) => Ok(()),
                (state, _) => Err(damaged(format!("a parameter set: {}", state_text(state)))),
            }
        };
        let pps = picture.slices.iter().map(|slice| (slice.pps.set.id, &slice.pps.nal));
        fed.feed(&picture.sps.nal, pps, |set| match set {
            FeedSet::Sps(nal) => give(&Sps::without_cropping(nal).map_err(|error| damaged(error.to_string()))?),
            FeedSet::Pps(nal) => give(nal),
        })
    }

    fn restart(&mut self) -> Result<(), DecodeError> {
        self.library = Library::open().map_err(internal)?;
        self.tracker.reset();
        self.fed.clear();
        self.awaited.clear();
        Ok(())
    }
}

/// The slices of a picture behind start codes: as they lie in the packet, where nothing else lies between them.
fn slices<'a>(packet: &'a [u8], picture: &CodedPicture, scratch: &'a mut Vec<u8>) -> &'a [u8] {
    let first = picture.slices.first().map_or(0, |slice| slice.nal.start);
    let last = picture.slices.last().map_or(0, |slice| slice.nal.end);
    // Start codes have three or four bytes.
    let adjacent = picture.slices.windows(2).all(|pair| match pair {
        [one, other] => other.nal.start.saturating_sub(one.nal.end) <= 4,
        _ => true,
    });
    let behind = first.checked_sub(3).and_then(|start| packet.get(start..last));
    match behind {
        Some(units) if adjacent && units.starts_with(&[0, 0, 1]) => units,
        _ => {
            scratch.clear();
            for slice in &picture.slices {
                scratch.extend_from_slice(&[0, 0, 0, 1]);
                scratch.extend_from_slice(packet.get(slice.nal.clone()).unwrap_or_default());
            }
            scratch
        }
    }
}

/// Hands a picture on, where it is wanted.
fn show(awaited: &mut Awaited, lent: &Lent<'_>, sink: &mut dyn PictureSink) -> Result<ControlFlow<()>, DecodeError> {
    let Some(known) = awaited.take(lent.stamp) else {
        return Err(internal("a picture of no packet".to_owned()));
    };
    if !known.wanted {
        return Ok(ControlFlow::Continue(()));
    }
    let [luma, chroma] = lent.strides;
    let plane = |index: usize, stride| Plane { samples: Samples::U8(lent.planes[index]), stride };
    let planes = [plane(0, luma), plane(1, chroma), plane(2, chroma)];
    let mut picture = Picture::new(known.id, known.visible, known.format, &planes).map_err(|error| {
        internal(format!("a picture of {}×{} does not hold what is visible: {error}", lent.width, lent.height))
    })?;
    picture.color = known.color;
    picture.damaged = known.damaged;
    Ok(sink.picture(picture))
}

impl VideoDecoder for OpenH264Decoder {
    fn decode(&mut self, packet: Packet, sink: &mut dyn PictureSink) -> Result<(), DecodeError> {
        let unit = self.tracker.read(&packet)?;
        if let (Some(what), true) = (unit.damage, unit.pictures.is_empty()) {
            return Err(self.tracker.error(DecodeErrorKind::Damaged(what), Recovery::NextPacket));
        }
        guard_with_sink(NAME, sink, |sink| {
            let mut outcome = Ok(());
            for (index, picture) in unit.pictures.iter().enumerate() {
                match self.picture(&packet, picture, index == 0, sink) {
                    Ok(ControlFlow::Continue(())) => {}
                    Ok(ControlFlow::Break(())) => return Ok(()),
                    Err(error) if error.recovery == Recovery::NextPacket => outcome = outcome.and(Err(error)),
                    Err(error) => return Err(error),
                }
            }
            outcome
        })
    }

    fn flush(&mut self, sink: &mut dyn PictureSink) -> Result<(), DecodeError> {
        let flow = guard_with_sink(NAME, sink, |sink| {
            for _ in 0..self.library.held() {
                let Some(lent) = self.library.flush() else { continue };
                if show(&mut self.awaited, &lent, sink)?.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
            Ok(ControlFlow::Continue(()))
        })?;
        if flow.is_break() { Ok(()) } else { self.restart() }
    }

    fn reset(&mut self) -> Result<(), DecodeError> {
        self.restart()
    }
}
