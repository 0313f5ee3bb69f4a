//! From samples to fragment events. A fragment is the span of one movie box and of all that it describes.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use kineframe_ebml::Error;
use kineframe_fragment::{Damage, Event, FragmentHead, FragmentTail, Frame, TrackSummary};
use kineframe_matroska::{Info, SegmentTicks, TimestampScale, Tracks};

use super::moof::Extent;
use super::movie::Movie;

/// The fragment at hand, and the events that are ready.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    out: VecDeque<Event>,
    fragments: u64,
    open: Option<Fragment>,
}

#[derive(Debug)]
struct Fragment {
    index: u64,
    offset: u64,
    info: Arc<Info>,
    tracks: Arc<Tracks>,
    /// The sample entry in force, by track.
    places: Vec<usize>,
    head: Option<Arc<FragmentHead>>,
    counts: Vec<Count>,
    broken: bool,
}

#[derive(Debug, Clone, Default)]
struct Count {
    summary: Option<TrackSummary>,
    /// First and last presentation time in nanoseconds, and how long the last lasts.
    span: Option<(i64, i64, Option<u64>)>,
}

impl Assembly {
    pub fn pop(&mut self) -> Option<Event> {
        self.out.pop_front()
    }

    pub fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    /// The index of the fragment at hand.
    pub fn current(&self) -> Option<u64> {
        self.open.as_ref().map(|open| open.index)
    }

    /// A movie begins, with the file at `offset`.
    pub fn open(&mut self, movie: &Movie, offset: u64) {
        self.begin(movie, offset, vec![0; movie.tracks.len()]);
    }

    fn begin(&mut self, movie: &Movie, offset: u64, places: Vec<usize>) {
        let tracks = movie.described(&places);
        let scale = TimestampScale::default();
        // To a float for Duration alone, which is one.
        let duration = movie.duration.map(|nanos| nanos as f64 / scale.0.get() as f64);
        let info = Arc::new(Info { offset: movie.offset, timestamp_scale: scale, duration, ..Info::default() });
        let count = |entry: &kineframe_matroska::TrackEntry| Count {
            summary: Some(TrackSummary { number: entry.number, frames: 0, payload_bytes: 0, keyframes: 0 }),
            span: None,
        };
        let counts = tracks.entries.iter().map(count).collect();
        let index = self.fragments;
        self.fragments += 1;
        self.open = Some(Fragment { index, offset, info, tracks, places, head: None, counts, broken: false });
    }

    /// The fragment ends before `end`.
    pub fn close(&mut self, end: u64) {
        let Some(mut open) = self.open.take() else { return };
        let head = open.start(0, &mut self.out);
        let tracks: Vec<TrackSummary> = open.counts.iter().filter_map(|count| count.summary.clone()).collect();
        let tail = FragmentTail {
            head,
            length: end.saturating_sub(open.offset),
            continuation_token: None,
            millis_behind_now: None,
            complete: !open.broken,
            truncated: open.broken,
            frames: tracks.iter().map(|track| track.frames).sum(),
            payload_bytes: tracks.iter().map(|track| track.payload_bytes).fold(0, u64::saturating_add),
            duration: open.counts.iter().filter_map(Count::duration).max(),
            tracks,
            tags: Vec::new(),
            tags_omitted: 0,
            error: None,
        };
        self.out.push_back(Event::Finished(Arc::new(tail)));
    }

    /// Bytes were lost; `cut` where frames went with them.
    pub fn damage(&mut self, offset: u64, length: u64, error: Error, cut: bool) {
        let fragment = self.current();
        if let Some(open) = &mut self.open {
            open.broken |= cut;
        }
        self.out.push_back(Event::Damage(Damage { fragment, offset, length, error }));
    }

    /// A frame of the movie.
    pub fn frame(&mut self, movie: &Movie, extent: &Extent, data: Bytes) {
        let Some(open) = &self.open else { return };
        let Some(track) = movie.tracks.get(extent.track) else { return };
        // A description that is not there is taken for the first.
        let wanted = if extent.description < track.descriptions.len() { extent.description } else { 0 };
        if open.places.get(extent.track).is_some_and(|place| *place != wanted) {
            let mut places = open.places.clone();
            if let Some(place) = places.get_mut(extent.track) {
                *place = wanted;
            }
            if open.head.is_some() {
                self.close(extent.offset);
                self.begin(movie, extent.offset, places);
            } else {
                // Nothing was told of the first description yet.
                let (index, offset) = (open.index, open.offset);
                self.begin(movie, offset, places);
                self.fragments = index + 1;
                if let Some(open) = &mut self.open {
                    open.index = index;
                }
            }
        }
        let Some(open) = &mut self.open else { return };
        let nanos = track.presented(extent.shown);
        let head = open.start(nanos, &mut self.out);
        let scale = head.timestamp_scale;
        let duration = extent.duration.map(|ticks| track.nanos(ticks));
        let Some(count) = open.counts.get_mut(extent.track) else { return };
        let stored_len = extent.len.into();
        let index = count.add(stored_len, extent.key, nanos, duration);
        let origin = head.first_cluster.unwrap_or_default().to_nanos(scale);
        self.out.push_back(Event::Frame(Frame {
            track_number: track.id.into(),
            index,
            timestamp: Some(ticks(nanos, scale)),
            offset: i64::try_from(i128::from(nanos) - origin).ok(),
            producer_time: None,
            duration,
            keyframe: extent.key,
            invisible: false,
            discardable: false,
            data,
            position: extent.offset,
            stored_len,
            fragment: head,
        }));
    }
}

/// The last tick at or before a time.
fn ticks(nanos: i64, scale: TimestampScale) -> SegmentTicks {
    let scale = i64::try_from(scale.0.get()).unwrap_or(i64::MAX);
    SegmentTicks(nanos.div_euclid(scale))
}

impl Fragment {
    /// Tells `Started`, if that is still to do; `nanos` is the time of the first frame.
    fn start(&mut self, nanos: i64, out: &mut VecDeque<Event>) -> Arc<FragmentHead> {
        if let Some(head) = &self.head {
            return Arc::clone(head);
        }
        let scale = self.info.timestamp_scale;
        let head = Arc::new(FragmentHead {
            index: self.index,
            offset: self.offset,
            number: None,
            producer_timestamp: None,
            server_timestamp: None,
            info: Arc::clone(&self.info),
            tracks: Some(Arc::clone(&self.tracks)),
            first_cluster: Some(ticks(nanos, scale)),
            timestamp_scale: scale,
        });
        out.push_back(Event::Started(Arc::clone(&head)));
        self.head = Some(Arc::clone(&head));
        head
    }
}

impl Count {
    fn add(&mut self, len: u64, key: bool, nanos: i64, duration: Option<u64>) -> u64 {
        let span = self.span.get_or_insert((nanos, nanos, duration));
        span.0 = span.0.min(nanos);
        if nanos >= span.1 {
            (span.1, span.2) = (nanos, duration);
        }
        let Some(summary) = &mut self.summary else { return 0 };
        let index = summary.frames;
        summary.frames += 1;
        summary.payload_bytes = summary.payload_bytes.saturating_add(len);
        summary.keyframes += u64::from(key);
        index
    }

    /// Last minus first frame, and the duration of the last: its own, else the mean.
    fn duration(&self) -> Option<u64> {
        let (first, last, own) = self.span?;
        let between = u64::try_from(last.checked_sub(first)?).ok()?;
        let frames = self.summary.as_ref().map_or(0, |summary| summary.frames);
        let mean = frames.checked_sub(1).and_then(|steps| between.checked_div(steps));
        between.checked_add(own.or(mean).unwrap_or(0))
    }
}
