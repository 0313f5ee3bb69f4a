//! What a [`Recorder`](crate::Recorder) says is to be done with files.

use std::io::{self, Seek, SeekFrom, Write};
use std::sync::Arc;

use bytes::Bytes;
use kineframe_fragment::ProducerTimestamp;

use crate::{Format, FormatError};

/// Bytes of repeated data that are written at once.
const CHUNK: usize = 64 << 10;

/// What is to be done next.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Output {
    /// A recording begins: open a file for it.
    Begin(Arc<RecordingStart>),
    /// Bytes at its end.
    Data {
        /// Which recording.
        recording: u64,
        /// The bytes.
        data: Bytes,
    },
    /// The same bytes many times at its end: silence, of which there may be hours.
    Repeat {
        /// Which recording.
        recording: u64,
        /// The bytes.
        data: Bytes,
        /// How often.
        times: u64,
    },
    /// Bytes that take the place of others, none of them behind its end.
    Patch {
        /// Which recording.
        recording: u64,
        /// Where the first of them goes.
        position: u64,
        /// The bytes.
        data: Bytes,
    },
    /// It is whole.
    End(RecordingEnd),
    /// A track gives no sound, or something of it was lost; told once for each reason and track.
    Problem(Problem),
}

/// What is known of a recording as it begins.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordingStart {
    /// Counts the recordings from 0.
    pub index: u64,
    /// The TrackNumber under which its track was first seen.
    pub track: u64,
    /// The track's name.
    pub name: Option<String>,
    /// `CodecID`.
    pub codec_id: String,
    /// What the track holds.
    pub format: Format,
    /// When its first sample was taken, where the fragment tells.
    pub producer_time: Option<ProducerTimestamp>,
}

impl Output {
    /// Which recording it is about; `None` for a problem.
    pub fn recording(&self) -> Option<u64> {
        match self {
            Output::Begin(start) => Some(start.index),
            Output::Data { recording, .. } | Output::Repeat { recording, .. } | Output::Patch { recording, .. } => {
                Some(*recording)
            }
            Output::End(end) => Some(end.start.index),
            Output::Problem(_) => None,
        }
    }

    /// Does to a file what is to be done with its bytes; nothing for a beginning, an end or a problem.
    ///
    /// Zeros are left as a hole where the file system has those; something always comes behind them.
    ///
    /// # Errors
    /// Those of the file.
    pub fn write_to(&self, file: &mut (impl Write + Seek)) -> io::Result<()> {
        match self {
            Output::Data { data, .. } => file.write_all(data),
            Output::Repeat { data, times, .. } => repeat(file, data, *times),
            Output::Patch { position, data, .. } => {
                file.seek(SeekFrom::Start(*position))?;
                file.write_all(data)?;
                file.seek(SeekFrom::End(0)).map(drop)
            }
            Output::Begin(_) | Output::End(_) | Output::Problem(_) => Ok(()),
        }
    }
}

fn repeat(file: &mut (impl Write + Seek), data: &[u8], times: u64) -> io::Result<()> {
    let Some(len) = times.checked_mul(data.len() as u64).and_then(|len| i64::try_from(len).ok()) else {
        return Err(io::ErrorKind::FileTooLarge.into());
    };
    if data.iter().all(|byte| *byte == 0) {
        return file.seek(SeekFrom::Current(len)).map(drop);
    }
    let at_once = (CHUNK / data.len()).max(1);
    let chunk = data.repeat(at_once);
    let (whole, rest) = (times / at_once as u64, times % at_once as u64);
    for _ in 0..whole {
        file.write_all(&chunk)?;
    }
    // Less than the chunk, so it fits.
    file.write_all(&data.repeat(rest as usize))
}

impl RecordingStart {
    /// Samples a second.
    pub fn rate(&self) -> u32 {
        match &self.format {
            Format::Pcm(pcm) => pcm.rate,
            Format::Aac(config) => config.as_ref().map_or(0, crate::AacConfig::rate),
        }
    }

    /// Channels.
    pub fn channels(&self) -> u16 {
        match &self.format {
            Format::Pcm(pcm) => pcm.channels,
            Format::Aac(config) => config.as_ref().map_or(0, crate::AacConfig::channels),
        }
    }
}

/// A recording that is whole.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordingEnd {
    /// How it began.
    pub start: Arc<RecordingStart>,
    /// Frames of the track that are in it.
    pub frames: u64,
    /// Samples of each channel, silence included. What SBR adds is not counted.
    pub samples: u64,
    /// Samples of each channel that stand for what was not there.
    pub silence: u64,
    /// Places at which silence was put in.
    pub gaps: u64,
    /// The length of the file in bytes.
    pub len: u64,
}

impl RecordingEnd {
    /// How long it is, in nanoseconds.
    pub fn duration(&self) -> u64 {
        nanos(self.samples, self.start.rate())
    }

    /// How much of that is silence, in nanoseconds.
    pub fn silent_duration(&self) -> u64 {
        nanos(self.silence, self.start.rate())
    }
}

fn nanos(samples: u64, rate: u32) -> u64 {
    u64::try_from(u128::from(samples) * 1_000_000_000 / u128::from(rate.max(1))).unwrap_or(u64::MAX)
}

/// Why something is not in a recording.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    /// The TrackNumber in the fragment at hand.
    pub track: u64,
    /// The track's name.
    pub name: Option<String>,
    /// What it is.
    pub kind: ProblemKind,
}

/// What is not in a recording.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ProblemKind {
    /// The whole track, as long as it says this of itself.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// The end of a frame that is no whole sample of every channel.
    #[error("a frame of {len} bytes, stored at byte {position}, ends inside a sample; that end is left out")]
    PartOfSample {
        /// The length of the frame in bytes.
        len: usize,
        /// Where it stands in the input.
        position: u64,
    },
    /// A frame that ADTS is too short for.
    #[error("a frame of {len} bytes, stored at byte {position}, is longer than ADTS can say; it is left out")]
    LongFrame {
        /// The length of the frame in bytes.
        len: usize,
        /// Where it stands in the input.
        position: u64,
    },
    /// Silence that was not put in because there would be so much of it.
    #[error("a gap of {seconds} s is longer than is filled; what follows it comes at once")]
    LongGap {
        /// How long it is, in whole seconds.
        seconds: u64,
    },
    /// There are too many tracks.
    #[error("there are {limit} tracks already; this one gives no file")]
    TooManyTracks {
        /// Tracks that are followed.
        limit: usize,
    },
    /// Silence that cannot be made for these channels.
    #[error("a gap of {millis} ms is not filled: channels ordered by a program config element have no silence here")]
    NoSilence {
        /// How long it is, in milliseconds.
        millis: u64,
    },
}

impl ProblemKind {
    /// Whether sound that was there was left out.
    pub fn is_loss(&self) -> bool {
        matches!(
            self,
            Self::Format(_) | Self::PartOfSample { .. } | Self::LongFrame { .. } | Self::TooManyTracks { .. }
        )
    }
}
