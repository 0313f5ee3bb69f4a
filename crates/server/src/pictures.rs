//! Pictures of stored fragments, for GetImages: which frame answers which sample, and its decoding.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use kineframe_codec::{Decoders, Picture};
use kineframe_consumer::{At, FragmentRef, Options, PictureInfo, Pictures as Reader};
use kineframe_fragment::FragmentNumber;
use kineframe_image_export::{ExportOptions, Exporter};
use kineframe_matroska::TrackType;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use crate::media::document;
use crate::media::fragment::Fragment;

/// Times at which pictures are wanted: `start_ms`, and on in steps of `interval_ms` as long as that is before `end_ms`.
///
/// A sample's picture is the first one from its time on and before the next sample's, of fragments that *begin*
/// within the range: a fragment that reaches into it from before does not count, as in the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Grid {
    /// Times are the producer's, not the server's.
    pub(crate) producer: bool,
    pub(crate) start_ms: i64,
    pub(crate) end_ms: i64,
    pub(crate) interval_ms: i64,
}

impl Grid {
    /// How many samples it has: at least the one at its start.
    pub(crate) fn samples(self) -> u64 {
        let span = self.end_ms.saturating_sub(self.start_ms).max(0).unsigned_abs();
        span.div_ceil(self.interval_ms.max(1).unsigned_abs()).max(1)
    }

    /// The time of a sample, in milliseconds since the Unix epoch.
    pub(crate) fn time_ms(self, sample: u64) -> i64 {
        let after = i64::try_from(sample).unwrap_or(i64::MAX).saturating_mul(self.interval_ms);
        self.start_ms.saturating_add(after)
    }

    /// Whether a fragment may have pictures of these samples.
    pub(crate) fn holds(self, fragment: &Fragment, samples: &Range<u64>) -> bool {
        let start = self.clock(fragment);
        let length = fragment.facts().map_or(0, |facts| i64::try_from(facts.duration_ms).unwrap_or(i64::MAX));
        (self.start_ms..=self.end_ms).contains(&start)
            && start < self.time_ms(samples.end)
            && start.saturating_add(length) >= self.time_ms(samples.start)
    }

    fn clock(self, fragment: &Fragment) -> i64 {
        if self.producer { fragment.producer_ms } else { fragment.server_ms }
    }

    /// The sample that a time in nanoseconds since the Unix epoch belongs to.
    fn sample(self, nanos: i128) -> Option<u64> {
        let start = i128::from(self.start_ms) * 1_000_000;
        let end = i128::from(self.end_ms) * 1_000_000;
        if !(start..=end).contains(&nanos) {
            return None;
        }
        u64::try_from((nanos - start) / (i128::from(self.interval_ms.max(1)) * 1_000_000)).ok()
    }
}

/// What came of a sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sample {
    /// The file.
    Image(Vec<u8>),
    /// Nothing was recorded then.
    NoMedia,
    /// What was recorded is no video, or cannot be decoded.
    MediaError,
}

/// Makes pictures, a few at a time.
#[derive(Debug)]
pub(crate) struct Pictures {
    decoders: Decoders,
    at_once: Arc<Semaphore>,
}

impl Pictures {
    pub(crate) fn new(decoders: Decoders) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Pictures { decoders, at_once: Arc::new(Semaphore::new(cores)) }
    }

    /// What comes of each of these samples; `None` if the server is about to end.
    pub(crate) async fn samples(
        &self,
        fragments: Vec<Arc<Fragment>>,
        grid: Grid,
        samples: Range<u64>,
        export: ExportOptions,
    ) -> Option<Vec<Sample>> {
        let turn = Arc::clone(&self.at_once).acquire_owned().await.ok()?;
        let (decoders, handle) = (self.decoders.clone(), Handle::current());
        let work = move || {
            let _turn = turn;
            let job = Job { fragments, handle };
            job.make(grid, samples, decoders, &export)
        };
        tokio::task::spawn_blocking(work).await.ok()
    }
}

/// A frame, by the number of its fragment and its offset in it in nanoseconds.
type FrameAt = (FragmentNumber, i64);

/// What was found of the samples before anything is decoded.
#[derive(Default)]
struct Plan {
    /// The first frame of each sample, and its time in nanoseconds.
    first: BTreeMap<u64, (i128, FrameAt)>,
    /// Samples during which something other than video was recorded.
    other: BTreeMap<u64, ()>,
    /// For each fragment: its number, and whether decoding can begin with it.
    begins: Vec<(Option<FragmentNumber>, bool)>,
}

struct Job {
    fragments: Vec<Arc<Fragment>>,
    handle: Handle,
}

impl Job {
    fn make(&self, grid: Grid, samples: Range<u64>, decoders: Decoders, export: &ExportOptions) -> Vec<Sample> {
        let plan = self.plan(grid, &samples);
        let files = self.decode(&plan, decoders, export);
        samples
            .map(|sample| match plan.first.get(&sample) {
                Some((_, frame)) => files.get(frame).cloned().map_or(Sample::MediaError, Sample::Image),
                None if plan.other.contains_key(&sample) => Sample::MediaError,
                None => Sample::NoMedia,
            })
            .collect()
    }

    fn plan(&self, grid: Grid, samples: &Range<u64>) -> Plan {
        let mut plan = Plan::default();
        for fragment in &self.fragments {
            let Some(document) = self.handle.block_on(document::document(fragment)) else {
                plan.begins.push((None, true));
                continue;
            };
            let (tracks, frames) = document::frames(document);
            let number = FragmentNumber::new(&fragment.number);
            let start = i128::from(grid.clock(fragment)) * 1_000_000;
            let track = tracks.iter().find(|track| track.track_type == TrackType::VIDEO).map(|track| track.number);
            let Some((track, number)) = track.zip(number) else {
                for frame in &frames {
                    let sample = frame.offset.and_then(|offset| grid.sample(start + i128::from(offset)));
                    plan.other.extend(sample.map(|sample| (sample, ())));
                }
                plan.begins.push((None, true));
                continue;
            };
            let video: Vec<_> = frames.iter().filter(|frame| frame.track_number == track).collect();
            plan.begins.push((Some(number.clone()), video.first().is_none_or(|frame| frame.keyframe)));
            for frame in video.iter().filter(|frame| !frame.invisible) {
                let Some(offset) = frame.offset else { continue };
                let time = start + i128::from(offset);
                let Some(sample) = grid.sample(time).filter(|sample| samples.contains(sample)) else { continue };
                if plan.first.get(&sample).is_none_or(|(earlier, _)| time < *earlier) {
                    plan.first.insert(sample, (time, (number.clone(), offset)));
                }
            }
        }
        plan
    }

    /// The files of the pictures of these frames.
    fn decode(&self, plan: &Plan, decoders: Decoders, export: &ExportOptions) -> BTreeMap<FrameAt, Vec<u8>> {
        let wanted: Vec<&FrameAt> = plan.first.values().map(|(_, frame)| frame).collect();
        // A fragment is read where a picture of it is wanted, and where one is that builds on it.
        let (mut read, mut needed) = (Vec::new(), false);
        for (fragment, (number, begins)) in self.fragments.iter().zip(&plan.begins).rev() {
            needed |= wanted.iter().any(|(of, _)| Some(of) == number.as_ref());
            if needed {
                read.push(Arc::clone(fragment));
                needed = !begins;
            }
        }
        read.reverse();
        let mut options = Options::new(decoders);
        options.threads = std::num::NonZeroUsize::MIN;
        options.selection.at = wanted
            .iter()
            .map(|(number, offset)| At::Offset { fragment: FragmentRef::Number(number.clone()), offset: *offset })
            .collect();
        let handle = self.handle.clone();
        let pieces = read
            .into_iter()
            .map(move |fragment| Ok(handle.block_on(document::document(&fragment)).unwrap_or_default()));
        let export = export.clone();
        let encoder = move || {
            let mut exporter = Exporter::new(export.clone());
            move |info: &PictureInfo, picture: Picture<'_>| {
                info.set_shape(&mut exporter);
                let mut file = Vec::new();
                exporter.encode(&picture, &mut file).map(|_| file).ok()
            }
        };
        let Ok(pictures) = Reader::of_pieces(Box::new(pieces), options, encoder) else { return BTreeMap::new() };
        let mut files = BTreeMap::new();
        for picture in pictures.flatten() {
            let frame = picture.info.fragment.number.clone().zip(picture.info.offset);
            if let (Some(frame), Some(file)) = (frame, picture.output) {
                files.insert(frame, file);
            }
        }
        files
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRID: Grid = Grid { producer: true, start_ms: 1000, end_ms: 3500, interval_ms: 1000 };

    #[test]
    fn samples_cover_the_range_once() {
        assert_eq!(GRID.samples(), 3);
        assert_eq!(Grid { end_ms: 1000, ..GRID }.samples(), 1);
        assert_eq!(Grid { end_ms: 3000, ..GRID }.samples(), 2);
        let of = |millis: i64| GRID.sample(i128::from(millis) * 1_000_000);
        assert_eq!(
            [of(999), of(1000), of(1999), of(2000), of(3500), of(3501)],
            [None, Some(0), Some(0), Some(1), Some(2), None]
        );
        assert_eq!((0..3).map(|sample| GRID.time_ms(sample)).collect::<Vec<_>>(), [1000, 2000, 3000]);
    }
}
