//! H.264: packets in, pictures out, in FFmpeg's own order.

use std::convert::Infallible;
use std::ffi::CStr;
use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::Bytes;
use kineframe_bitstream::NalUnits;
use kineframe_bitstream::frames::backend::EngineError;
use kineframe_bitstream::h264::NalType;
use kineframe_bitstream::h264::backend::{Awaited, AwaitedPicture, CodedPicture, FedSets, FeedSet, Tracker};
use kineframe_codec::{
    ChromaSampling, CodecParameters, ColorSpace, DecodeError, DecodeOptions, Latency, NalFraming, Packet, Picture,
    PictureBuffer, PictureSink, Recovery, VideoDecoder,
};

use crate::library::{Frame, Library, START_CODE, Settings};
use crate::{NAME, exact};

pub(crate) struct Avc {
    name: &'static CStr,
    settings: Settings,
    latency: Latency,
    library: Library,
    tracker: Tracker,
    framing: NalFraming,
    color: ColorSpace,
    fed: FedSets,
    awaited: Awaited,
    /// The stamp of the last frame, which a second field completes.
    frame: u64,
    /// FFmpeg was given slice data that breaks off. Coefficients of the macroblock where it stopped stay in its memory, and
    /// are added to another one later on, were it of an IDR picture: it is opened anew at the next one, and what comes
    /// before that is marked.
    spoiled: bool,
    ready: Vec<Frame>,
}

fn failed(error: EngineError) -> DecodeError {
    error.of(NAME)
}

impl Avc {
    pub(crate) fn open(
        name: &'static CStr,
        params: &CodecParameters,
        options: &DecodeOptions,
    ) -> Result<Self, DecodeError> {
        let tracker = Tracker::new(NAME, params, options)?;
        let settings =
            Settings { threads: options.threads, low_delay: false, cut: false, samples: options.limits.samples };
        // A stream that does not say how it is framed has start codes.
        let framing = if params.framing == NalFraming::None { NalFraming::StartCodes } else { params.framing };
        Ok(Avc {
            name,
            settings,
            latency: options.latency,
            library: Library::open(name, &settings).map_err(failed)?,
            tracker,
            framing,
            color: params.color,
            fed: FedSets::default(),
            awaited: Awaited::default(),
            frame: 0,
            spoiled: false,
            ready: Vec::new(),
        })
    }

    /// Decodes one picture: its slices, and the other NAL units that stand before them.
    fn picture(
        &mut self,
        packet: &Packet,
        shown: bool,
        coded: &CodedPicture,
        units: &[&[u8]],
    ) -> Result<(), DecodeError> {
        let (sps, unsupported) = (&coded.sps.set, |what| failed(EngineError::Unsupported(what)));
        exact::h264_sps(sps).map_err(unsupported)?;
        coded.slices.iter().try_for_each(|slice| exact::h264_pps(&slice.pps.set)).map_err(unsupported)?;
        let stamp = self.awaited.stamp();
        self.library.set_reorder(sps.reorder_frames(self.latency));
        let damaged = coded.damaged || self.spoiled;
        self.spoiled |= coded.damaged;
        if coded.second_field {
            if damaged {
                self.awaited.spoil(self.frame);
            }
        } else {
            self.frame = stamp;
            if let Some(format) = sps.format() {
                let awaited = AwaitedPicture {
                    id: packet.id,
                    wanted: packet.wanted && shown,
                    damaged,
                    visible: sps.visible(),
                    format,
                    color: sps.color().or(self.color),
                };
                self.awaited.expect(stamp, awaited);
            }
        }
        let sets = self.sets(coded);
        let units = sets.iter().map(|set| &set[..]).chain(units.iter().copied());
        let parts: Vec<&[u8]> = units.flat_map(|unit| [START_CODE, unit]).collect();
        let result = self.library.send(&parts, stamp.cast_signed(), packet.random_access, &mut self.ready);
        result.map_err(|error| {
            self.tracker.lost(coded);
            self.spoiled = true;
            self.awaited.spoil(self.frame);
            failed(error)
        })
    }

    /// The sets that a picture names and that FFmpeg does not have yet: as they were read, so that one that came damaged
    /// spoils nothing.
    fn sets(&mut self, coded: &CodedPicture) -> Vec<Bytes> {
        let mut sets = Vec::new();
        let pps = coded.slices.iter().map(|slice| (slice.pps.set.id, &slice.pps.nal));
        let Ok(()) = self.fed.feed::<Infallible>(&coded.sps.nal, pps, |set| {
            let (FeedSet::Sps(nal) | FeedSet::Pps(nal)) = set;
            sets.push(nal.clone());
            Ok(())
        });
        sets
    }

    /// Hands on what is ready.
    fn show(&mut self, sink: &mut dyn PictureSink) -> Result<ControlFlow<()>, DecodeError> {
        for mut frame in self.ready.drain(..) {
            if frame.concealed {
                // Nobody saw it before FFmpeg: what was decoded after it may refer to it.
                self.spoiled = true;
                self.awaited.spoil_from(frame.stamp.cast_unsigned());
            }
            let Some(known) = self.awaited.take(frame.stamp.cast_unsigned()).filter(|known| known.wanted) else {
                continue;
            };
            // FFmpeg gives monochrome pictures of 8 bits chroma planes of mid grey.
            frame.truncate(known.format.chroma.planes());
            let same = known.format.chroma == ChromaSampling::Monochrome || known.format.chroma == frame.format.chroma;
            if !same || known.format.depth != frame.format.depth {
                let what = format!("FFmpeg gives {:?} where the stream has {:?}", frame.format, known.format);
                return Err(failed(EngineError::Internal(what)));
            }
            let buffer: Arc<dyn PictureBuffer> = Arc::new(frame);
            let planes = buffer.planes();
            let picture = Picture {
                id: known.id,
                visible: known.visible,
                format: known.format,
                color: known.color,
                damaged: known.damaged,
                planes: &planes,
                shared: Some(&buffer),
            };
            picture
                .check()
                .map_err(|lack| failed(EngineError::Internal(format!("the planes do not hold the picture: {lack}"))))?;
            if sink.picture(picture).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Hands out what is held back, and forgets it: the next picture is an IDR picture, or decoding begins anew.
    fn drain(&mut self, sink: &mut dyn PictureSink) -> Result<ControlFlow<()>, DecodeError> {
        let drained = self.library.drain(&mut self.ready).map_err(failed);
        let flow = self.show(sink)?;
        self.begin()?;
        drained.map(|()| flow)
    }

    /// Forgets all pictures. FFmpeg keeps its sets, where it is not opened anew.
    fn begin(&mut self) -> Result<(), DecodeError> {
        self.awaited.clear();
        self.ready.clear();
        if std::mem::take(&mut self.spoiled) {
            self.library = Library::open(self.name, &self.settings).map_err(failed)?;
            self.fed.clear();
        } else {
            self.library.forget();
        }
        Ok(())
    }
}

/// The NAL units of each picture: its slices, and the SEI messages and ends of sequences that stand before them, or behind
/// the last one. Slices of no picture that was read are left out.
fn units<'a>(packet: &'a [u8], framing: NalFraming, pictures: &[CodedPicture]) -> Vec<Vec<&'a [u8]>> {
    let mut parts: Vec<Vec<&[u8]>> = vec![Vec::new(); pictures.len()];
    let mut at = 0;
    for unit in NalUnits::new(packet, framing).filter_map(Result::ok) {
        let Some(first) = unit.first() else { continue };
        let start = (unit.as_ptr() as usize).wrapping_sub(packet.as_ptr() as usize);
        let holds = |coded: &CodedPicture| coded.slices.iter().any(|slice| slice.nal.start == start);
        if let Some(picture) = pictures.iter().position(holds) {
            at = picture;
        } else if !matches!(NalType(first & 0x1f), NalType::SEI | NalType::END_OF_SEQUENCE) {
            continue;
        } else if pictures.get(at).and_then(|coded| coded.slices.last()).is_some_and(|slice| slice.nal.end <= start) {
            at = (at + 1).min(pictures.len() - 1);
        }
        parts.get_mut(at).into_iter().for_each(|part| part.push(unit));
    }
    parts
}

impl VideoDecoder for Avc {
    fn decode(&mut self, packet: Packet, sink: &mut dyn PictureSink) -> Result<(), DecodeError> {
        let unit = self.tracker.read(&packet)?;
        if let (Some(what), true) = (unit.damage, unit.pictures.is_empty()) {
            return Err(failed(EngineError::Damaged(what)));
        }
        let parts = units(&packet.data, self.framing, &unit.pictures);
        let (mut outcome, mut frames) = (Ok(()), 0);
        for (coded, units) in unit.pictures.iter().zip(&parts) {
            if coded.is_idr() && !coded.second_field && (self.spoiled || !self.awaited.is_empty()) {
                // What came before goes out before it, also when this one cannot be decoded.
                match self.drain(sink) {
                    Ok(ControlFlow::Continue(())) => {}
                    Ok(ControlFlow::Break(())) => return Ok(()),
                    Err(error) => outcome = outcome.and(Err(error)),
                }
            }
            frames += usize::from(!coded.second_field);
            // One packet, one picture: what a packet has beyond its first frame serves as reference only.
            outcome = outcome.and(self.picture(&packet, frames <= 1, coded, units));
            if self.show(sink)?.is_break() {
                return Ok(());
            }
            if outcome.as_ref().is_err_and(|error| error.recovery != Recovery::NextPacket) {
                break;
            }
        }
        outcome
    }

    fn flush(&mut self, sink: &mut dyn PictureSink) -> Result<(), DecodeError> {
        let flow = self.drain(sink);
        self.tracker.reset();
        flow.map(drop)
    }

    fn reset(&mut self) -> Result<(), DecodeError> {
        self.begin()?;
        self.tracker.reset();
        Ok(())
    }
}
