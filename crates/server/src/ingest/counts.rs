//! What is counted of a fragment: frames for each track, and how long it lasts.

use kineframe_matroska::TrackEntry;

use super::AckError;

/// Counts of the open fragment.
#[derive(Debug, Default)]
pub(super) struct Counts {
    tracks: Vec<Track>,
    cluster: i64,
}

#[derive(Debug)]
struct Track {
    number: u64,
    default_duration: Option<u64>,
    frames: u64,
    first: Option<i64>,
    last: i64,
}

/// The counts of a whole fragment.
#[derive(Debug, PartialEq)]
pub(super) struct Counted {
    pub(super) frames: u64,
    pub(super) duration_ms: u64,
}

impl Counts {
    pub(super) fn set_tracks(&mut self, tracks: &[TrackEntry]) {
        self.tracks = tracks
            .iter()
            .map(|track| Track {
                number: track.number,
                default_duration: track.default_duration.map(|nanos| nanos.get()),
                frames: 0,
                first: None,
                last: 0,
            })
            .collect();
    }

    /// A Cluster begins with this Timestamp.
    pub(super) fn start(&mut self, ticks: i64) {
        self.cluster = ticks;
        for track in &mut self.tracks {
            (track.frames, track.first) = (0, None);
        }
    }

    /// Frames of a block; returns how far after the Cluster's Timestamp it lies, in ticks.
    pub(super) fn frame(&mut self, number: u64, time: Option<i64>, frames: u64) -> i64 {
        if let Some(track) = self.tracks.iter_mut().find(|track| track.number == number) {
            track.frames = track.frames.saturating_add(frames);
            if let Some(time) = time {
                track.last = if track.first.is_some() { track.last.max(time) } else { time };
                track.first = Some(track.first.map_or(time, |first| first.min(time)));
            }
        }
        time.map_or(0, |time| time.saturating_sub(self.cluster))
    }

    /// The counts, or what is wrong with them.
    pub(super) fn finish(&self, scale: u64) -> Result<Counted, AckError> {
        if self.tracks.iter().any(|track| track.frames == 0) {
            return Err(AckError::FRAMES_MISSING_FOR_TRACK);
        }
        Ok(self.sum(scale))
    }

    /// The counts, whatever they are. The duration is that of the longest track: last minus first frame, and a frame
    /// more.
    pub(super) fn sum(&self, scale: u64) -> Counted {
        let duration = |track: &Track| {
            let span = millis(track.last.saturating_sub(track.first.unwrap_or(track.last)), scale).unwrap_or(0);
            let span = u64::try_from(span).unwrap_or(0);
            let own = track.default_duration.map(|nanos| nanos / 1_000_000);
            let mean = if track.frames > 1 { span / (track.frames - 1) } else { 0 };
            span.saturating_add(own.unwrap_or(mean))
        };
        Counted {
            frames: self.tracks.iter().fold(0, |sum, track| sum + track.frames),
            duration_ms: self.tracks.iter().map(duration).max().unwrap_or(0),
        }
    }
}

/// Ticks of `scale` nanoseconds as milliseconds, cut off towards the past; `None` where 64 bits do not hold them.
pub(super) fn millis(ticks: i64, scale: u64) -> Option<i64> {
    let nanos = i128::from(ticks).checked_mul(i128::from(scale))?;
    i64::try_from(nanos.div_euclid(1_000_000)).ok()
}
