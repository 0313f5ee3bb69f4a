//! Frames cut into fragments by time, for inputs that have no Clusters of a producer, or where others are wanted.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use kineframe::matroska::{SimpleTag, TrackType, Tracks};

use super::producer::{Outgoing, Sample};

/// What a fragment lasts at most where no key frame comes; the service refuses more than 20 s.
const LONGEST: i64 = 18_000_000_000;

/// Most bytes of a fragment; the service refuses more than 50 MB.
const LARGEST: usize = 45_000_000;

/// A frame of an input.
#[derive(Debug, Clone)]
pub struct Timed {
    /// Its track.
    pub track: u64,
    /// When it is shown, in nanoseconds on the input's scale.
    pub time: i64,
    /// How long, in nanoseconds, where that is known.
    pub duration: Option<u64>,
    /// Decoding can start here.
    pub keyframe: bool,
    /// The encoded frame.
    pub data: Bytes,
    /// Where it stands in the input.
    pub position: u64,
}

/// Cuts the frames of an input into fragments.
///
/// A fragment begins at the first key frame of the first video track (of the first track where there is no video) that
/// lies far enough behind the start of the one before; without key frames, before the service would refuse what comes.
/// Frames of other tracks go into the fragment of their time, and each fragment has a frame of every track, as the
/// service wants it; so of inputs with several tracks one fragment is held back.
#[derive(Debug)]
pub struct Cutter {
    duration: i64,
    tracks: Option<Arc<Tracks>>,
    wall: bool,
    lead: Option<u64>,
    /// The fragment before the open one, where that is still to be completed.
    held: Option<Part>,
    open: Part,
    ready: VecDeque<Outgoing>,
}

#[derive(Debug, Default)]
struct Part {
    /// Where it begins: the time of the frame that opened it.
    start: i64,
    frames: Vec<Timed>,
    tags: Vec<SimpleTag>,
    bytes: usize,
}

impl Cutter {
    /// Fragments of at least so many nanoseconds.
    pub fn new(duration: i64) -> Self {
        Cutter {
            duration,
            tracks: None,
            wall: false,
            lead: None,
            held: None,
            open: Part::default(),
            ready: VecDeque::new(),
        }
    }

    /// The tracks of what follows; `wall` where its times are on the wall.
    pub fn begin(&mut self, tracks: &Arc<Tracks>, wall: bool) {
        let same = self.tracks.as_ref().is_some_and(|known| Arc::ptr_eq(known, tracks) || known == tracks);
        if same && wall == self.wall {
            return;
        }
        self.finish();
        let of = |kind| tracks.entries.iter().find(|entry| entry.track_type == kind);
        let lead = of(TrackType::VIDEO).or(tracks.entries.first());
        self.lead = lead.map(|entry| entry.number);
        (self.tracks, self.wall) = (Some(tracks.clone()), wall);
    }

    /// The next frame, in stored order.
    pub fn frame(&mut self, frame: Timed) {
        let leads = self.lead == Some(frame.track);
        if let Some(held) = &mut self.held
            && !leads
            && frame.time < self.open.start
            && held.bytes < LARGEST
        {
            held.push(frame);
            return;
        }
        let into = frame.time.saturating_sub(self.open.start);
        let due = leads && frame.keyframe && into >= self.duration && self.has_all(&self.open);
        let too_much = into >= LONGEST || self.open.bytes.saturating_add(frame.data.len()) > LARGEST;
        // Time that goes back far is another beginning.
        let back = leads && frame.keyframe && into < -LONGEST;
        if !self.open.frames.is_empty() && (due || too_much || back) {
            self.close();
        }
        if self.open.frames.is_empty() {
            self.open.start = frame.time;
        }
        self.open.push(frame);
    }

    /// A tag of the fragment at hand.
    ///
    /// Where several fragments become one, what each of them said alike is said once: the service takes ten tags.
    pub fn tag(&mut self, tag: SimpleTag) {
        if !self.open.tags.contains(&tag) {
            self.open.tags.push(tag);
        }
    }

    /// The input is over, or its tracks are.
    pub fn finish(&mut self) {
        // A rest without a frame of each track would be refused; it belongs to the fragment before, if that has room.
        if let Some(held) = &mut self.held
            && !has_all(self.tracks.as_deref(), &self.open)
            && self.open.frames.iter().all(|frame| frame.time.saturating_sub(held.start) < LONGEST)
            && held.bytes.saturating_add(self.open.bytes) <= LARGEST
        {
            let rest = std::mem::take(&mut self.open);
            held.tags.extend(rest.tags);
            rest.frames.into_iter().for_each(|frame| held.push(frame));
        }
        self.close();
        let held = self.held.take();
        self.release(held);
    }

    /// The next fragment that is complete.
    pub fn pop(&mut self) -> Option<Outgoing> {
        self.ready.pop_front()
    }

    fn has_all(&self, part: &Part) -> bool {
        has_all(self.tracks.as_deref(), part)
    }

    /// Ends the open fragment.
    fn close(&mut self) {
        let part = std::mem::take(&mut self.open);
        let before = self.held.replace(part);
        self.release(before);
        if self.tracks.as_ref().is_some_and(|tracks| tracks.entries.len() < 2) {
            let held = self.held.take();
            self.release(held);
        }
    }

    fn release(&mut self, part: Option<Part>) {
        let (Some(part), Some(tracks)) = (part.filter(|part| !part.frames.is_empty()), &self.tracks) else { return };
        self.ready.push_back(part.outgoing(tracks, self.wall, self.lead));
    }
}

fn has_all(tracks: Option<&Tracks>, part: &Part) -> bool {
    let has = |number: u64| part.frames.iter().any(|frame| frame.track == number);
    tracks.is_none_or(|tracks| tracks.entries.iter().all(|entry| has(entry.number)))
}

impl Part {
    fn push(&mut self, frame: Timed) {
        self.bytes = self.bytes.saturating_add(frame.data.len());
        self.frames.push(frame);
    }

    fn outgoing(self, tracks: &Arc<Tracks>, wall: bool, lead: Option<u64>) -> Outgoing {
        let first = self.frames.iter().map(|frame| frame.time).min().unwrap_or(0);
        let time_ms = first.div_euclid(1_000_000);
        let ends = |mean: u64| {
            let end = |frame: &Timed| {
                frame.time.saturating_add(i64::try_from(frame.duration.unwrap_or(mean)).unwrap_or(i64::MAX))
            };
            self.frames.iter().map(end).max().unwrap_or(first)
        };
        let led = || self.frames.iter().filter(|frame| Some(frame.track) == lead).map(|frame| frame.time);
        let span = led().max().zip(led().min()).map_or(0, |(last, first)| last.abs_diff(first));
        let mean = span / (led().count().saturating_sub(1).max(1) as u64);
        Outgoing {
            tracks: tracks.clone(),
            time_ms,
            wall,
            duration_ms: ends(mean).saturating_sub(first).div_euclid(1_000_000),
            frames: self
                .frames
                .into_iter()
                .map(|frame| Sample {
                    track: frame.track,
                    offset_ms: frame.time.div_euclid(1_000_000).saturating_sub(time_ms),
                    keyframe: frame.keyframe,
                    data: frame.data,
                    position: frame.position,
                })
                .collect(),
            tags: self.tags,
        }
    }
}

#[cfg(test)]
mod tests {
    use kineframe::matroska::TrackEntry;

    use super::*;

    fn tracks(kinds: &[TrackType]) -> Arc<Tracks> {
        let entries = (1..).zip(kinds).map(|(number, &kind)| TrackEntry::new(number, kind, "V_TEST")).collect();
        Arc::new(Tracks { entries, raw: Bytes::new() })
    }

    /// A frame; times in milliseconds.
    fn frame(track: u64, ms: i64, keyframe: bool) -> Timed {
        let time = ms * 1_000_000;
        Timed { track, time, duration: Some(40_000_000), keyframe, data: Bytes::from_static(b"x"), position: 0 }
    }

    /// Time, duration and frames (track, absolute time) of a fragment.
    type Cut = (i64, i64, Vec<(u64, i64)>);

    fn cut(kinds: &[TrackType], duration_ms: i64, frames: Vec<Timed>) -> Vec<Cut> {
        let mut cutter = Cutter::new(duration_ms * 1_000_000);
        cutter.begin(&tracks(kinds), false);
        frames.into_iter().for_each(|frame| cutter.frame(frame));
        cutter.finish();
        std::iter::from_fn(|| cutter.pop())
            .map(|out| {
                let frames = out.frames.iter().map(|frame| (frame.track, out.time_ms + frame.offset_ms)).collect();
                (out.time_ms, out.duration_ms, frames)
            })
            .collect()
    }

    #[test]
    fn a_fragment_begins_at_the_first_key_frame_that_is_due() {
        let frames = (0..100).map(|n| frame(1, 40 * n, n % 12 == 0)).collect();
        let fragments = cut(&[TrackType::VIDEO], 1000, frames);
        let starts: Vec<i64> = fragments.iter().map(|(start, ..)| *start).collect();
        assert_eq!(starts, [0, 1440, 2880]);
        assert_eq!(fragments[0].1, 1440);
        assert_eq!(fragments.iter().map(|(.., frames)| frames.len()).sum::<usize>(), 100);
    }

    #[test]
    fn without_key_frames_no_fragment_is_refused() {
        let frames = (0..1000).map(|n| frame(1, 40 * n, n == 0)).collect();
        let fragments = cut(&[TrackType::VIDEO], 1000, frames);
        assert!(fragments.len() == 3 && fragments.iter().all(|(_, duration, _)| *duration <= 18_000), "{fragments:?}");
    }

    #[test]
    fn other_tracks_go_by_time_and_each_fragment_has_all() {
        // Sound comes 200 ms late in the file, and ends before the picture.
        let mut frames: Vec<Timed> = Vec::new();
        for n in 0..75 {
            frames.push(frame(1, 40 * n, n % 25 == 0));
            if (5..60).contains(&n) {
                frames.push(frame(2, 40 * (n - 5), true));
            }
        }
        let fragments = cut(&[TrackType::VIDEO, TrackType::AUDIO], 1000, frames);
        assert_eq!(fragments.iter().map(|(start, ..)| *start).collect::<Vec<_>>(), [0, 1000, 2000]);
        for (start, _, frames) in &fragments {
            assert!(frames.iter().any(|(track, _)| *track == 2));
            assert!(frames.iter().all(|(_, time)| (*start..start + 1000).contains(time)), "{start}: {frames:?}");
        }
        // A rest without sound goes with the fragment before.
        let mut frames: Vec<Timed> = (0..75).map(|n| frame(1, 40 * n, n % 25 == 0)).collect();
        frames.insert(1, frame(2, 0, true));
        frames.insert(30, frame(2, 1120, true));
        let fragments = cut(&[TrackType::VIDEO, TrackType::AUDIO], 1000, frames);
        assert_eq!(
            fragments.iter().map(|(start, _, frames)| (*start, frames.len())).collect::<Vec<_>>(),
            [(0, 26), (1000, 51)]
        );
    }

    #[test]
    fn leading_pictures_lie_before_the_key_frame_and_in_its_fragment() {
        let frames = vec![frame(1, 0, true), frame(1, 1120, true), frame(1, 1040, false), frame(1, 1080, false)];
        let fragments = cut(&[TrackType::VIDEO], 1000, frames);
        assert_eq!(fragments[1].0, 1040);
        assert_eq!(fragments[1].2, [(1, 1120), (1, 1040), (1, 1080)]);
    }
}
