//! One track on its way from encoded frames to groups of pictures.

use std::sync::Arc;

use kineframe_bitstream::h264::{OutputOrder, RandomAccess};
use kineframe_fragment::Frame;
use kineframe_matroska::TrackEntry;

use crate::analyse::{Analyser, container_rotation};
use crate::choose::timeline::{Times, server_time};
use crate::choose::{Chooser, Fate};
use crate::info::PictureInfo;
use crate::selection::{Range, Selection};
use crate::session::Unit;
use crate::summary::DropReason;

/// What comes out, in stored order.
#[derive(Debug)]
pub(crate) enum Passed {
    Unit(Unit),
    Dropped(DropReason),
    GroupEnd,
}

/// One track.
#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) track: Arc<TrackEntry>,
    analyser: Option<Analyser>,
    chooser: Chooser<Unit>,
    /// A random access point was seen, so that frames can be decoded.
    started: bool,
    sound: Sound,
    fates: Vec<Fate<Unit>>,
}

/// Whether what frames are built on is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sound {
    Yes,
    No,
    /// Not before this picture in presentation, and not before so many more frames (H.264 §D.2.8).
    From {
        order: OutputOrder,
        frames: u16,
    },
}

impl Lane {
    pub(crate) fn new(track: &TrackEntry, selection: &Selection, range: Range, bound: usize) -> Self {
        Lane {
            analyser: Analyser::new(track),
            track: Arc::new(track.clone()),
            chooser: Chooser::new(selection, range, bound),
            started: false,
            sound: Sound::Yes,
            fates: Vec::new(),
        }
    }

    /// Nothing that follows is wanted.
    pub(crate) fn is_done(&self) -> bool {
        self.chooser.is_done()
    }

    /// The codec has no name here.
    pub(crate) fn is_unknown(&self) -> bool {
        self.analyser.is_none()
    }

    /// The track's description has changed: what comes next starts afresh where the codec or its parameters did.
    pub(crate) fn describe(&mut self, track: &TrackEntry, limit: &mut Option<u64>, out: &mut Vec<Passed>) {
        let same = track.codec_id == self.track.codec_id
            && track.codec_private == self.track.codec_private
            && track.video == self.track.video;
        if !same {
            self.chooser.boundary(limit, &mut self.fates);
            self.pass(out);
            self.analyser = Analyser::new(track);
            self.started = false;
        }
        self.track = Arc::new(track.clone());
    }

    /// Frames were lost: what follows may be built on them.
    pub(crate) fn lost(&mut self) {
        self.sound = Sound::No;
    }

    pub(crate) fn frame(&mut self, frame: Frame, times: Times, limit: &mut Option<u64>, out: &mut Vec<Passed>) {
        let Some(analyser) = &mut self.analyser else { return out.push(Passed::Dropped(DropReason::NoDecoder)) };
        if frame.data.is_empty() {
            return out.push(Passed::Dropped(DropReason::Empty));
        }
        let found = analyser.read(&frame.data, frame.keyframe);
        match found.random_access {
            RandomAccess::Idr => {
                if self.started {
                    self.chooser.boundary(limit, &mut self.fates);
                }
                self.started = true;
                self.sound = Sound::Yes;
            }
            RandomAccess::RecoveryPoint { .. } if !self.started || self.sound == Sound::No => {
                self.started = true;
                let (order, frames) = found.sound_from;
                self.sound = Sound::From { order, frames };
            }
            RandomAccess::Intra if !self.started => {
                self.started = true;
                self.sound = Sound::No;
            }
            _ => {}
        }
        if !self.started {
            self.pass(out);
            return out.push(Passed::Dropped(DropReason::BeforeRandomAccess));
        }
        let suspect = match self.sound {
            Sound::Yes => false,
            Sound::No => true,
            Sound::From { order, frames } => frames > 0 || found.coded.order < order,
        };
        if let Sound::From { frames, .. } = &mut self.sound
            && found.coded.reference
        {
            *frames = frames.saturating_sub(1);
        }
        let keyframe = matches!(found.random_access, RandomAccess::Idr | RandomAccess::RecoveryPoint { .. });
        let info = Arc::new(PictureInfo {
            fragment: frame.fragment.clone(),
            track: frame.track_number,
            frame: frame.index,
            offset: frame.offset,
            producer_time: frame.producer_time,
            server_time: server_time(&frame),
            elapsed: times.elapsed,
            keyframe,
            sample_aspect: analyser.sample_aspect(),
            rotation: self.track.video.as_ref().map(container_rotation).unwrap_or_default(),
            position: frame.position,
        });
        let bytes = frame.data.len();
        let unit = Unit {
            data: frame.data,
            random_access: found.random_access != RandomAccess::None,
            wanted: false,
            suspect,
            unreadable: found.unreadable,
            framing: found.framing,
            info: info.clone(),
            params: analyser.parameters(),
        };
        self.chooser.push(found.coded, (info, times), (unit, bytes), limit, &mut self.fates);
        self.pass(out);
    }

    /// The track is over.
    pub(crate) fn finish(&mut self, limit: &mut Option<u64>, out: &mut Vec<Passed>) {
        self.chooser.finish(limit, &mut self.fates);
        self.pass(out);
    }

    fn pass(&mut self, out: &mut Vec<Passed>) {
        out.extend(self.fates.drain(..).map(|fate| match fate {
            Fate::Decode { payload, wanted } => Passed::Unit(Unit { wanted, ..payload }),
            Fate::Drop => Passed::Dropped(DropReason::NotNeeded),
            Fate::GroupEnd => Passed::GroupEnd,
        }));
    }
}
