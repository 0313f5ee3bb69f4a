//! From fragments to recordings: which frame goes into which file, and what silence stands between them.

use std::collections::{HashMap, VecDeque};
use std::mem::{Discriminant, discriminant};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use kineframe_fragment::{Event, FragmentHead, Frame};
use kineframe_matroska::{TrackEntry, TrackType};

use crate::aac::{AdtsFrames, FRAME_SAMPLES, adts_frames};
use crate::format::{Coding, PcmFormat};
use crate::output::{Output, Problem, ProblemKind, RecordingEnd, RecordingStart};
use crate::timeline::{Gap, Time, Timeline};
use crate::wav::wav_header;
use crate::{AacConfig, Format, FormatError};

/// Tracks that are followed; those of one input, told apart by name, are a handful.
const MAX_TRACKS: usize = 256;
const SECOND: u128 = 1_000_000_000;

/// How tracks are recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordOptions {
    /// Silence stands where timestamps leave a gap of more than 20 ms (and of two ticks). Default: true.
    pub fill: bool,
    /// Longer gaps are not filled, but told as a [`Problem`]: a few bytes may say that they are days apart. Default: 24
    /// hours.
    pub longest_gap: Duration,
}

impl Default for RecordOptions {
    fn default() -> Self {
        RecordOptions { fill: true, longest_gap: Duration::from_secs(24 * 60 * 60) }
    }
}

/// The part of a frame that is wanted, in nanoseconds from its time on.
///
/// Of samples that part is taken exactly; an AAC frame is taken whole where its beginning lies in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Where it begins.
    pub from: u64,
    /// Where it ends, not included; `None` for the end of the frame.
    pub to: Option<u64>,
}

impl Part {
    /// All of it.
    pub const ALL: Part = Part { from: 0, to: None };
}

/// Makes recordings of fragments: one for each audio track, told apart by name where it has one, else by number.
///
/// It does no I/O: events go in, [`Output`]s come out, in the order in which they are to be done.
///
/// ```
/// use std::collections::HashMap;
/// use std::io::Cursor;
/// use kineframe_audio::{Output, RecordOptions, Recorder};
/// use kineframe_fragment::{Options, Splitter};
///
/// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/generated/connect-like-audio.mkv");
/// let mut splitter = Splitter::new(Options::default());
/// splitter.push(std::fs::read(path)?.into());
/// splitter.finish();
/// let mut recorder = Recorder::new(RecordOptions::default());
/// while let Some(event) = splitter.next_event()? {
///     recorder.push(&event);
/// }
/// recorder.finish();
///
/// let mut files: HashMap<u64, Cursor<Vec<u8>>> = HashMap::new();
/// let mut names = Vec::new();
/// while let Some(output) = recorder.next_output() {
///     if let Some(index) = output.recording() {
///         output.write_to(files.entry(index).or_default())?;
///     }
///     if let Output::End(end) = output {
///         names.extend(end.start.name.clone());
///     }
/// }
/// assert_eq!(names, ["AUDIO_FROM_CUSTOMER", "AUDIO_TO_CUSTOMER"]);
/// assert!(files[&0].get_ref().starts_with(b"RIFF"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Recorder {
    options: RecordOptions,
    tracks: HashMap<Key, Track>,
    /// The tracks of the fragment at hand by their numbers.
    here: HashMap<u64, Key>,
    recordings: u64,
    /// It was told that there are too many tracks.
    full: bool,
    outputs: VecDeque<Output>,
}

/// What tells a track apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Name(String),
    /// Without a name, or with one that another track of the fragment has too.
    Number(u64),
}

#[derive(Debug)]
struct Track {
    /// The number under which it was first seen.
    first: u64,
    /// The number that it has in the fragment at hand.
    number: u64,
    name: Option<String>,
    codec_id: String,
    format: Result<Format, FormatError>,
    recording: Option<Recording>,
    told: Vec<Discriminant<ProblemKind>>,
}

#[derive(Debug)]
struct Recording {
    start: Arc<RecordingStart>,
    /// What the track said as it began.
    declared: Format,
    timeline: Timeline,
    frames: u64,
    samples: u64,
    silence: u64,
    gaps: u64,
    /// Bytes behind the header.
    data_len: u64,
}

impl Recorder {
    /// Records nothing yet.
    pub fn new(options: RecordOptions) -> Self {
        Recorder {
            options,
            tracks: HashMap::new(),
            here: HashMap::new(),
            recordings: 0,
            full: false,
            outputs: VecDeque::new(),
        }
    }

    /// Takes the next event of a body.
    pub fn push(&mut self, event: &Event) {
        match event {
            Event::Started(head) => self.start(head),
            Event::Frame(frame) => self.frame(frame, Part::ALL),
            _ => {}
        }
    }

    /// Takes note of the tracks of a fragment; as [`push`](Self::push) does with [`Event::Started`].
    pub fn start(&mut self, head: &FragmentHead) {
        self.here.clear();
        let entries = head.tracks.iter().flat_map(|tracks| &tracks.entries);
        let audio: Vec<&TrackEntry> = entries.filter(|entry| entry.track_type == TrackType::AUDIO).collect();
        for entry in &audio {
            let alone = |name: &&String| audio.iter().filter(|other| other.name.as_ref() == Some(*name)).count() == 1;
            let key = match entry.name.as_ref().filter(alone) {
                Some(name) => Key::Name(name.clone()),
                None => Key::Number(entry.number),
            };
            let format = Format::of(entry);
            let full = self.tracks.len() >= MAX_TRACKS;
            match self.tracks.get_mut(&key) {
                Some(track) => {
                    track.number = entry.number;
                    track.codec_id.clone_from(&entry.codec_id);
                    track.format = format;
                }
                None if full => {
                    if std::mem::replace(&mut self.full, true) {
                        continue;
                    }
                    let kind = ProblemKind::TooManyTracks { limit: MAX_TRACKS };
                    let problem = Problem { track: entry.number, name: entry.name.clone(), kind };
                    self.outputs.push_back(Output::Problem(problem));
                    continue;
                }
                None => {
                    let track = Track {
                        first: entry.number,
                        number: entry.number,
                        name: entry.name.clone(),
                        codec_id: entry.codec_id.clone(),
                        format,
                        recording: None,
                        told: Vec::new(),
                    };
                    self.tracks.insert(key.clone(), track);
                }
            }
            self.here.insert(entry.number, key);
        }
    }

    /// Takes a frame of the fragment that last started, or a part of it; frames of other than audio tracks are passed
    /// over.
    pub fn frame(&mut self, frame: &Frame, part: Part) {
        let Some(track) = self.here.get(&frame.track_number).and_then(|key| self.tracks.get_mut(key)) else { return };
        let out = &mut self.outputs;
        let (declared, stored) = match track.store(frame, part) {
            Ok(Some(found)) => found,
            Ok(None) => return,
            Err(kind) => return track.tell(kind, out),
        };
        if stored.cut {
            track.tell(ProblemKind::PartOfSample { len: frame.data.len(), position: frame.position }, out);
        }
        if stored.samples == 0 {
            return;
        }
        if track.recording.as_ref().is_some_and(|recording| recording.declared != declared)
            && let Some(recording) = track.recording.take()
        {
            recording.finish(out);
        }
        let later = i64::try_from(stored.later).unwrap_or(i64::MAX);
        if track.recording.is_none() {
            let format = stored.config.clone().map_or_else(|| declared.clone(), |config| Format::Aac(Some(config)));
            let start = RecordingStart {
                index: self.recordings,
                track: track.first,
                name: track.name.clone(),
                codec_id: track.codec_id.clone(),
                format,
                producer_time: frame.producer_time.and_then(|time| time.checked_add_nanos(later)),
            };
            self.recordings += 1;
            track.recording = Some(Recording::begin(start, declared, out));
        }
        let Some(recording) = &mut track.recording else { return };
        if let Some(kind) = recording.take(frame, stored, &self.options, out) {
            track.tell(kind, out);
        }
    }

    /// Says that nothing more comes: every recording ends.
    pub fn finish(&mut self) {
        let mut open: Vec<Recording> = self.tracks.values_mut().filter_map(|track| track.recording.take()).collect();
        open.sort_by_key(|recording| recording.start.index);
        for recording in open {
            recording.finish(&mut self.outputs);
        }
    }

    /// What is to be done next; `None` until more is pushed.
    pub fn next_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }
}

/// A frame as it goes into the file.
struct Stored {
    /// Bytes in front of it.
    header: Bytes,
    data: Bytes,
    samples: u64,
    /// Nanoseconds from the frame's time to its first sample.
    later: u64,
    /// It ended inside a sample.
    cut: bool,
    /// What an AAC frame is.
    config: Option<AacConfig>,
}

impl Track {
    /// What goes into the file; `None` where no part of the frame is wanted.
    fn store(&self, frame: &Frame, part: Part) -> Result<Option<(Format, Stored)>, ProblemKind> {
        let format = self.format.clone()?;
        if frame.data.is_empty() {
            return Ok(None);
        }
        let stored = match &format {
            Format::Pcm(pcm) => samples(pcm, &frame.data, part),
            Format::Aac(_) if part.from > 0 || part.to == Some(0) => return Ok(None),
            Format::Aac(known) => aac(known.as_ref(), frame)?,
        };
        Ok(Some((format, stored)))
    }

    /// Tells a problem, each kind once.
    fn tell(&mut self, kind: ProblemKind, out: &mut VecDeque<Output>) {
        if !self.told.contains(&discriminant(&kind)) {
            self.told.push(discriminant(&kind));
            out.push_back(Output::Problem(Problem { track: self.number, name: self.name.clone(), kind }));
        }
    }
}

fn samples(pcm: &PcmFormat, data: &Bytes, part: Part) -> Stored {
    let align = pcm.stored_align().max(1);
    let (there, cut) = (data.len() / align, !data.len().is_multiple_of(align));
    // The first sample at or past a time.
    let at = |nanos: u64| (u128::from(nanos) * u128::from(pcm.rate)).div_ceil(SECOND);
    let within = |sample: u128| usize::try_from(sample).unwrap_or(there).min(there);
    let last = part.to.map_or(there, |to| within(at(to)));
    let first = within(at(part.from)).min(last);
    let data = data.slice(first * align..last * align);
    let data = match pcm.coding {
        Coding::Integer | Coding::Float => data,
        Coding::SignedBytes => data.iter().map(|byte| byte ^ 0x80).collect(),
        Coding::IntegerBigEndian | Coding::FloatBigEndian => {
            let mut data = Vec::from(data);
            data.chunks_exact_mut(usize::from(pcm.bits / 8).max(1)).for_each(<[u8]>::reverse);
            data.into()
        }
        Coding::G711(law) => law.decode(&data).into(),
    };
    let later = u64::try_from(first as u128 * SECOND / u128::from(pcm.rate.max(1))).unwrap_or(u64::MAX);
    Stored { header: Bytes::new(), data, samples: (last - first) as u64, later, cut, config: None }
}

fn aac(known: Option<&AacConfig>, frame: &Frame) -> Result<Stored, ProblemKind> {
    let (header, samples, config) = match (adts_frames(&frame.data), known) {
        (Some(AdtsFrames { config, blocks }), _) => {
            (Vec::new(), blocks.saturating_mul(FRAME_SAMPLES), known.cloned().unwrap_or(config))
        }
        (None, Some(config)) => {
            let long = ProblemKind::LongFrame { len: frame.data.len(), position: frame.position };
            (config.adts_header(frame.data.len()).ok_or(long)?, FRAME_SAMPLES, config.clone())
        }
        (None, None) => return Err(FormatError::NoConfig.into()),
    };
    let data = frame.data.clone();
    Ok(Stored { header: header.into(), data, samples, later: 0, cut: false, config: Some(config) })
}

impl Recording {
    fn begin(start: RecordingStart, declared: Format, out: &mut VecDeque<Output>) -> Self {
        let start = Arc::new(start);
        out.push_back(Output::Begin(start.clone()));
        if let Format::Pcm(pcm) = &start.format {
            // Sizes are told at the end; where no patch is possible a reader goes on to the end of the pipe.
            out.push_back(Output::Data { recording: start.index, data: wav_header(pcm, None).into() });
        }
        let (frames, samples, silence, gaps, data_len) = (0, 0, 0, 0, 0);
        Recording { start, declared, timeline: Timeline::default(), frames, samples, silence, gaps, data_len }
    }

    /// Takes a frame, behind the silence that is due before it; says where that is not possible.
    fn take(
        &mut self,
        frame: &Frame,
        stored: Stored,
        options: &RecordOptions,
        out: &mut VecDeque<Output>,
    ) -> Option<ProblemKind> {
        let mut problem = None;
        if options.fill {
            let scale = frame.fragment.timestamp_scale;
            let time = match frame.producer_time {
                Some(time) => Some(Time::Producer(time.0)),
                None => frame.timestamp.map(|ticks| Time::Media(ticks.to_nanos(scale))),
            };
            let time = time.and_then(|time| time.later(stored.later.into()));
            let tick = i128::from(scale.0.get());
            let gap = self.timeline.place(frame.fragment.index, time, tick, self.samples, self.start.rate());
            if let Some(gap) = gap {
                problem = self.silence(gap, options, out);
                if problem.is_some() {
                    self.timeline.skip(time, self.samples);
                }
            }
        }
        self.frames += 1;
        self.samples = self.samples.saturating_add(stored.samples);
        for data in [stored.header, stored.data] {
            self.data_len = self.data_len.saturating_add(data.len() as u64);
            if !data.is_empty() {
                out.push_back(Output::Data { recording: self.start.index, data });
            }
        }
        problem
    }

    fn silence(&mut self, gap: Gap, options: &RecordOptions, out: &mut VecDeque<Output>) -> Option<ProblemKind> {
        if u128::try_from(gap.nanos).is_ok_and(|nanos| nanos > options.longest_gap.as_nanos()) {
            return Some(ProblemKind::LongGap {
                seconds: u64::try_from(gap.nanos).unwrap_or(u64::MAX) / 1_000_000_000,
            });
        }
        let (data, times, samples) = match &self.start.format {
            Format::Pcm(pcm) => {
                // Eight bits have no sign: their middle is 128.
                let quiet = if pcm.bits == 8 { 0x80u8 } else { 0 };
                let times = gap.samples.saturating_mul(pcm.block_align() as u64);
                (Bytes::from(vec![quiet]), times, gap.samples)
            }
            Format::Aac(config) => {
                let Some(frame) = config.as_ref().and_then(AacConfig::silent_frame) else {
                    return Some(ProblemKind::NoSilence { millis: u64::try_from(gap.nanos / 1_000_000).unwrap_or(0) });
                };
                // The nearest number of whole frames; the rest is part of the next gap.
                let times = gap.samples.saturating_add(FRAME_SAMPLES / 2) / FRAME_SAMPLES;
                (Bytes::from(frame), times, times.saturating_mul(FRAME_SAMPLES))
            }
        };
        if times > 0 {
            self.gaps += 1;
            self.silence = self.silence.saturating_add(samples);
            self.samples = self.samples.saturating_add(samples);
            self.data_len = self.data_len.saturating_add(times.saturating_mul(data.len() as u64));
            out.push_back(Output::Repeat { recording: self.start.index, data, times });
        }
        None
    }

    fn finish(self, out: &mut VecDeque<Output>) {
        let Recording { start, frames, samples, silence, gaps, data_len, .. } = self;
        let mut len = data_len;
        if let Format::Pcm(pcm) = &start.format {
            let recording = start.index;
            if data_len % 2 == 1 {
                out.push_back(Output::Data { recording, data: Bytes::from_static(&[0]) });
                len = len.saturating_add(1);
            }
            let header = wav_header(pcm, Some(data_len));
            len = len.saturating_add(header.len() as u64);
            out.push_back(Output::Patch { recording, position: 0, data: header.into() });
        }
        out.push_back(Output::End(RecordingEnd { start, frames, samples, silence, gaps, len }));
    }
}

#[cfg(test)]
mod tests;
