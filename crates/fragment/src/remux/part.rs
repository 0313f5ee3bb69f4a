//! One file while it is made.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use kineframe_matroska::{
    Error, MuxFrame, MuxOptions, Muxer, SegmentTicks, SimpleTag, Sink, TimestampScale, TrackEntry, Tracks,
};

use super::{FileEnd, FileStart, Output, RemuxOptions};
use crate::{FragmentHead, Frame};

/// Frames and bytes that are held back to find the earliest of them, which is where the file begins: in an open
/// group of pictures some are shown before the key frame that is stored first.
const LEAD_FRAMES: usize = 32;
const LEAD_BYTES: usize = 8 << 20;
/// 2001-01-01T00:00:00 UTC, from which `DateUTC` counts (RFC 8794 §7.6), in nanoseconds since the Unix epoch.
const MATROSKA_EPOCH: i128 = 978_307_200_000_000_000;

/// One file while it is made. Begun with its first frame.
#[derive(Debug)]
pub(super) struct Part {
    index: u64,
    head: Arc<FragmentHead>,
    tracks: Vec<TrackEntry>,
    options: RemuxOptions,
    state: State,
}

#[derive(Debug)]
enum State {
    Gathering {
        frames: Vec<Timed>,
        bytes: usize,
        tags: Vec<SimpleTag>,
    },
    Open(Box<OpenMuxer>),
    /// The tracks cannot be written; it was said.
    Refused,
}

#[derive(Debug)]
struct OpenMuxer {
    muxer: Muxer,
    /// What is time 0 of the file, in nanoseconds; 0 or negative.
    origin: i128,
    frames: u64,
}

/// A frame and its time in nanoseconds from where the first fragment's first Cluster lies.
#[derive(Debug)]
struct Timed {
    nanos: i128,
    track_number: u64,
    duration: Option<u64>,
    keyframe: bool,
    invisible: bool,
    discardable: bool,
    data: Bytes,
}

impl Part {
    /// A file of these tracks that begins with the fragment of `head`, with `tags` in front.
    pub fn new(
        index: u64,
        head: &Arc<FragmentHead>,
        tracks: &Tracks,
        tags: Vec<SimpleTag>,
        options: RemuxOptions,
    ) -> Part {
        let mut entries: Vec<TrackEntry> = Vec::new();
        for entry in &tracks.entries {
            // Of several tracks with one number readers know only the first.
            if entries.iter().all(|other| other.number != entry.number) {
                entries.push(entry.clone());
            }
        }
        let state = State::Gathering { frames: Vec::new(), bytes: 0, tags };
        Part { index, head: Arc::clone(head), tracks: entries, options, state }
    }

    /// Adds a frame that is shown at `nanos`.
    pub fn frame(&mut self, frame: &Frame, nanos: i128, out: &mut VecDeque<Output>) {
        let timed = Timed {
            nanos,
            track_number: frame.track_number,
            duration: frame.duration,
            keyframe: frame.keyframe,
            invisible: frame.invisible,
            discardable: frame.discardable,
            data: frame.data.clone(),
        };
        match &mut self.state {
            State::Gathering { frames, bytes, .. } => {
                *bytes = bytes.saturating_add(timed.data.len());
                frames.push(timed);
                if frames.len() >= LEAD_FRAMES || *bytes >= LEAD_BYTES {
                    self.open(out);
                }
            }
            State::Open(_) => {
                let written = self.write(timed, out);
                self.refuse_on(written, out);
            }
            State::Refused => {}
        }
    }

    /// Ends the file, with `tags` behind everything.
    pub fn end(mut self, tags: &[SimpleTag], out: &mut VecDeque<Output>) {
        if matches!(self.state, State::Gathering { .. }) {
            self.open(out);
        }
        let State::Open(mut open) = self.state else { return };
        let scale = self.head.timestamp_scale;
        let tagged = open.muxer.tags(tags);
        out.extend(open.muxer.take_chunks().into_iter().map(Output::Data));
        let frames = open.frames;
        let ended = tagged.and_then(|()| open.muxer.finish());
        match ended {
            Ok(end) => {
                out.extend(end.chunks.into_iter().map(Output::Data));
                let patch =
                    |patch: kineframe_matroska::Patch| Output::Patch { position: patch.offset, data: patch.bytes };
                out.extend(end.patches.into_iter().map(patch));
                let duration = end.duration.unwrap_or(0).saturating_mul(scale.0.get());
                out.push_back(Output::End(FileEnd { index: self.index, len: end.length, frames, duration }));
            }
            Err(error) => out.push_back(Output::Failed { index: self.index, head: self.head, error }),
        }
    }

    /// Begins the file, now that its first frames are known.
    fn open(&mut self, out: &mut VecDeque<Output>) {
        let State::Gathering { frames, tags, .. } = std::mem::replace(&mut self.state, State::Refused) else { return };
        let origin = frames.iter().map(|frame| frame.nanos).min().unwrap_or(0).min(0);
        let opened = Muxer::new(self.mux_options(origin), &self.tracks).and_then(|mut muxer| {
            muxer.tags(&tags)?;
            Ok(muxer)
        });
        let written = opened.and_then(|muxer| {
            self.state = State::Open(Box::new(OpenMuxer { muxer, origin, frames: 0 }));
            out.push_back(Output::Begin(FileStart { index: self.index, head: Arc::clone(&self.head) }));
            frames.into_iter().try_for_each(|frame| self.write(frame, out))
        });
        self.refuse_on(written, out);
    }

    fn refuse_on(&mut self, written: Result<(), Error>, out: &mut VecDeque<Output>) {
        if let Err(error) = written {
            self.state = State::Refused;
            out.push_back(Output::Failed { index: self.index, head: Arc::clone(&self.head), error });
        }
    }

    fn mux_options(&self, origin: i128) -> MuxOptions {
        let mut options = MuxOptions::default();
        options.sink = if self.options.patches { Sink::Seekable } else { Sink::Stream };
        options.timestamp_scale = self.head.timestamp_scale;
        // A producer clock that counts from 0 tells no date.
        let date = self.head.producer_timestamp.map(|time| time.0.saturating_add(origin) - MATROSKA_EPOCH);
        options.date_utc = date.and_then(|date| i64::try_from(date).ok()).filter(|date| *date >= 0);
        options.title = self.head.info.title.clone();
        options
    }

    fn write(&mut self, frame: Timed, out: &mut VecDeque<Output>) -> Result<(), Error> {
        let State::Open(open) = &mut self.state else { return Ok(()) };
        let scale = self.head.timestamp_scale;
        let nanos = frame.nanos.saturating_sub(open.origin).max(0);
        let entry = self.tracks.iter().find(|entry| entry.number == frame.track_number);
        let usual = entry.and_then(|entry| entry.default_duration).map(|nanos| nanos.get());
        let duration = frame.duration.filter(|duration| Some(*duration) != usual);
        let mut written = MuxFrame::new(frame.track_number, ticks(nanos, scale), frame.keyframe, frame.data);
        (written.invisible, written.discardable) = (frame.invisible, frame.discardable);
        written.duration = duration.map(|duration| ticks(i128::from(duration), scale).0.unsigned_abs());
        open.muxer.frame(written)?;
        open.frames += 1;
        out.extend(open.muxer.take_chunks().into_iter().map(Output::Data));
        Ok(())
    }
}

/// The nearest tick, of times that are not negative; the last one where 63 bits do not hold it.
fn ticks(nanos: i128, scale: TimestampScale) -> SegmentTicks {
    let scale = i128::from(scale.0.get());
    let ticks = nanos / scale + i128::from(nanos % scale >= scale - scale / 2);
    SegmentTicks(i64::try_from(ticks).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;

    use super::*;

    #[test]
    fn ticks_are_rounded_to_the_nearest() {
        let ticks = |nanos, scale| ticks(nanos, TimestampScale(NonZeroU64::new(scale).unwrap())).0;
        assert_eq!([0, 499_999, 500_000, 1_499_999, 1_500_000].map(|nanos| ticks(nanos, 1_000_000)), [0, 0, 1, 1, 2]);
        assert_eq!([5_555, 5_556, 11_111, 16_667].map(|nanos| ticks(nanos, 11_111)), [0, 1, 1, 2]);
        assert_eq!(ticks(7, 1), 7);
        assert_eq!(ticks(i128::MAX, 1), i64::MAX);
    }
}
