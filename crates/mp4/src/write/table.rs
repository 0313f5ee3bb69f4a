//! Tracks while they are written, and their boxes (ISO/IEC 14496-12 §8).

use kineframe_matroska::TrackEntry;
use mp4_atom::{
    BufMut, Co64, Ctts, CttsEntry, Dinf, Dref, DrefEntry, Edts, Elst, ElstEntry, Encode, FourCC, Hdlr, Matrix, Mdhd,
    Mvhd, Result as AtomResult, Smhd, Stco, Stsc, StscEntry, Stss, Stsz, StszSamples, Stts, SttsEntry, Tkhd, Url, Vmhd,
};

use super::WriteError;
use super::entry::{Kind, SampleEntry};
use super::times::{self, MOVIE, decoding_times};

/// A track while it is written.
#[derive(Debug)]
pub(super) struct Track {
    /// Its `TrackNumber`.
    pub number: u64,
    /// Its `track_ID`.
    pub id: u32,
    pub timescale: u32,
    name: Option<String>,
    language: Option<String>,
    /// Nanoseconds a frame, where the track says so.
    pub default_duration: Option<u64>,
    /// Descriptions in the order of their appearance; the last one is in force.
    pub entries: Vec<SampleEntry>,
    /// The index of the description in force, from 1.
    pub description: u32,
    pub samples: Vec<Sample>,
    pub chunks: Vec<Chunk>,
}

/// A sample of a plain file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    /// When it is shown, in nanoseconds on the caller's timeline.
    pub time: i64,
    pub duration: Option<u64>,
    pub keyframe: bool,
    pub len: u32,
}

/// Samples that lie one after the other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chunk {
    /// From the first byte of payload.
    pub offset: u64,
    pub samples: u32,
    pub description: u32,
}

/// The times of a track's samples in ticks.
pub(super) struct Times {
    /// Of the first sample shown, from the start of the movie.
    pub start: i64,
    /// How much later than told by `deltas` samples are shown, so that no offset is negative.
    pub delay: i64,
    deltas: Vec<u32>,
    offsets: Vec<i64>,
    /// From the first sample's start to the last one's end.
    pub length: i64,
}

/// All tracks that can be written.
///
/// # Errors
/// None, or one that cannot be written.
pub(super) fn tracks(entries: &[TrackEntry]) -> Result<Vec<Track>, WriteError> {
    let mut tracks: Vec<Track> = Vec::new();
    for entry in entries {
        // Of several tracks with one number readers know only the first.
        if tracks.iter().any(|other| other.number == entry.number) {
            continue;
        }
        tracks.push(Track {
            number: entry.number,
            id: 0,
            timescale: times::timescale(entry),
            name: entry.name.clone(),
            language: entry.language.clone(),
            default_duration: entry.default_duration.map(|nanos| nanos.get()),
            entries: vec![SampleEntry::new(entry)?],
            description: 1,
            samples: Vec::new(),
            chunks: Vec::new(),
        });
    }
    if tracks.is_empty() {
        return Err(WriteError::NoTracks);
    }
    // Numbers are kept where all of them fit.
    let fit = tracks.iter().all(|track| u32::try_from(track.number).is_ok_and(|id| id != 0 && id != u32::MAX));
    for (place, track) in (1..).zip(&mut tracks) {
        track.id = if fit { track.number as u32 } else { place };
    }
    Ok(tracks)
}

/// The track of this number.
pub(super) fn find(tracks: &mut [Track], number: u64) -> Result<&mut Track, WriteError> {
    tracks.iter_mut().find(|track| track.number == number).ok_or(WriteError::UnknownTrack(number))
}

impl Track {
    pub fn entry(&self) -> &SampleEntry {
        let place = usize::try_from(self.description).unwrap_or(1).saturating_sub(1);
        self.entries.get(place).or(self.entries.first()).expect("a track is made with an entry")
    }

    /// Another description from here on.
    pub fn describe(&mut self, entry: SampleEntry) {
        let place = self.entries.iter().position(|known| *known == entry).unwrap_or_else(|| {
            self.entries.push(entry);
            self.entries.len() - 1
        });
        self.description = u32::try_from(place + 1).unwrap_or(u32::MAX);
    }

    /// What the last sample lasts in ticks, if it does not say so itself.
    pub fn last_duration(&self, own: Option<u64>, before: Option<u32>) -> u32 {
        let told = own.map(|nanos| times::ticks(i64::try_from(nanos).unwrap_or(i64::MAX), self.timescale));
        let told = told.and_then(|ticks| u32::try_from(ticks).ok());
        let usual = self.default_duration.map(|nanos| i64::try_from(nanos).unwrap_or(i64::MAX));
        let usual = usual.and_then(|nanos| u32::try_from(times::ticks(nanos, self.timescale)).ok());
        told.or(before).or(usual).unwrap_or(0)
    }

    /// The times of all samples, the movie beginning at `origin` nanoseconds.
    pub fn times(&self, origin: i64) -> Result<Times, WriteError> {
        let error = |time, why| WriteError::Time { track: self.number, time, why };
        let mut shown = Vec::with_capacity(self.samples.len());
        for sample in &self.samples {
            let time =
                sample.time.checked_sub(origin).ok_or_else(|| error(sample.time, "it is too far from others"))?;
            shown.push(times::ticks(time, self.timescale));
        }
        let decoded = decoding_times(&shown, None);
        let delay = shown.iter().zip(&decoded).map(|(shown, decoded)| decoded - shown).max().unwrap_or(0).max(0);
        let mut deltas = Vec::with_capacity(decoded.len());
        for (pair, sample) in decoded.windows(2).zip(&self.samples) {
            let [this, next] = pair else { continue };
            let delta = u32::try_from(next - this).map_err(|_| error(sample.time, "the next frame is too far away"))?;
            deltas.push(delta);
        }
        // The last one by decoding may not be the last one shown, but the last delta is a usual one.
        let own = self.samples.last().and_then(|sample| sample.duration);
        if !decoded.is_empty() {
            deltas.push(self.last_duration(own, deltas.last().copied()));
        }
        let offsets = shown.iter().zip(&decoded).map(|(shown, decoded)| shown - decoded + delay).collect();
        let start = decoded.first().copied().unwrap_or(0);
        let end = shown.iter().max().map_or(0, |last| last.saturating_add(deltas.last().copied().unwrap_or(0).into()));
        Ok(Times { start, delay, deltas, offsets, length: end.saturating_sub(start) })
    }

    /// The box of the track. `times` is `None` in a fragmented file. Samples start at `base` of the file.
    pub fn encode(&self, times: Option<&Times>, base: u64, wide: bool, buf: &mut Vec<u8>) -> AtomResult<()> {
        let movie = |ticks: i64| movie_ticks(ticks, self.timescale);
        buf.encode_atom(*b"trak", |buf| {
            let length = times.map_or(0, |times| movie(times.start.saturating_add(times.length)));
            self.tkhd(length).encode(buf)?;
            if let Some(edit) = times.map_or_else(|| self.open_edit(), |times| self.edit(times)) {
                edit.encode(buf)?;
            }
            buf.encode_atom(*b"mdia", |buf| {
                let duration = times.map_or(0, |times| times.deltas.iter().map(|delta| u64::from(*delta)).sum());
                // `und` for what is not a code of ISO 639-2.
                let is_code = |code: &&str| code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_lowercase());
                let language = self.language.as_deref().filter(is_code).unwrap_or("und").to_owned();
                Mdhd { creation_time: 0, modification_time: 0, timescale: self.timescale, duration, language }
                    .encode(buf)?;
                let handler: FourCC = if self.is_video() { b"vide".into() } else { b"soun".into() };
                // The name ends at a NUL.
                let name = self.name.as_deref().unwrap_or_default().replace('\0', "");
                Hdlr { handler, name }.encode(buf)?;
                buf.encode_atom(*b"minf", |buf| {
                    if self.is_video() {
                        Vmhd::default().encode(buf)?
                    } else {
                        Smhd::default().encode(buf)?
                    }
                    Dinf { dref: Dref { entries: vec![DrefEntry::Url(Url::default())] } }.encode(buf)?;
                    buf.encode_atom(*b"stbl", |buf| self.stbl(times, base, wide, buf))
                })
            })
        })
    }

    pub fn is_sound(&self) -> bool {
        self.entry().kind == Kind::Audio
    }

    fn is_video(&self) -> bool {
        matches!(self.entry().kind, Kind::Video { .. })
    }

    fn tkhd(&self, duration: u64) -> Tkhd {
        let mut tkhd = Tkhd { track_id: self.id, duration, enabled: true, in_movie: true, ..Tkhd::default() };
        match self.entry().kind {
            Kind::Video { width, height, turns } => {
                (tkhd.width, tkhd.height) = (width.into(), height.into());
                tkhd.matrix = matrix(turns, width, height);
            }
            Kind::Audio => tkhd.volume = 1.into(),
        }
        tkhd
    }

    /// By how many ticks samples of a fragmented file are shown later than their decoding times say, which an edit
    /// takes back. The same in all segments, and more than frames are reordered by, so that no sample's own offset is
    /// negative: some readers take the most negative one for the start of a track.
    pub fn lead(&self) -> i64 {
        if self.entry().reorders { i64::from(self.timescale) / 2 } else { 0 }
    }

    fn open_edit(&self) -> Option<Edts> {
        let lead = u64::try_from(self.lead()).ok().filter(|lead| *lead > 0)?;
        // In a fragmented file an edit of no length holds to the end (§8.6.6).
        let entry = ElstEntry { segment_duration: 0, media_time: Some(lead), media_rate: 1.into() };
        Some(Edts { elst: Some(Elst { entries: vec![entry] }) })
    }

    fn edit(&self, times: &Times) -> Option<Edts> {
        if times.start == 0 && times.delay == 0 {
            return None;
        }
        let movie = |ticks| movie_ticks(ticks, self.timescale);
        let rate = 1.into();
        let mut entries = Vec::new();
        if times.start > 0 {
            entries.push(ElstEntry { segment_duration: movie(times.start), media_time: None, media_rate: rate });
        }
        let media_time = Some(u64::try_from(times.delay).unwrap_or(0));
        entries.push(ElstEntry { segment_duration: movie(times.length), media_time, media_rate: rate });
        Some(Edts { elst: Some(Elst { entries }) })
    }

    fn stbl(&self, times: Option<&Times>, base: u64, wide: bool, buf: &mut Vec<u8>) -> AtomResult<()> {
        buf.encode_atom(*b"stsd", |buf| {
            0u32.encode(buf)?; // version and flags
            (self.entries.len() as u32).encode(buf)?;
            self.entries.iter().for_each(|entry| buf.append_slice(&entry.bytes));
            Ok(())
        })?;
        let runs = runs_of(times.iter().flat_map(|times| times.deltas.iter().copied()));
        let entry = |(sample_count, sample_delta)| SttsEntry { sample_count, sample_delta };
        Stts { entries: runs.into_iter().map(entry).collect() }.encode(buf)?;
        let Some(times) = times else {
            Stsc::default().encode(buf)?;
            Stsz { samples: StszSamples::Identical { count: 0, size: 0 } }.encode(buf)?;
            return Stco::default().encode(buf);
        };
        if times.offsets.iter().any(|offset| *offset != 0) {
            let entry = |(sample_count, sample_offset)| CttsEntry { sample_count, sample_offset };
            let entries = runs_of(times.offsets.iter().copied()).into_iter().map(entry).collect();
            Ctts { entries }.encode(buf)?;
        }
        if self.is_video() && self.samples.iter().any(|sample| !sample.keyframe) {
            let keys = (1..).zip(&self.samples).filter(|(_, sample)| sample.keyframe);
            Stss { entries: keys.map(|(number, _)| number).collect() }.encode(buf)?;
        }
        let mut entries: Vec<StscEntry> = Vec::new();
        for (first_chunk, chunk) in (1..).zip(&self.chunks) {
            let entry = StscEntry {
                first_chunk,
                samples_per_chunk: chunk.samples,
                sample_description_index: chunk.description,
            };
            let same = |last: &StscEntry| {
                (last.samples_per_chunk, last.sample_description_index) == (chunk.samples, chunk.description)
            };
            if !entries.last().is_some_and(same) {
                entries.push(entry);
            }
        }
        Stsc { entries }.encode(buf)?;
        let sizes = self.samples.iter().map(|sample| sample.len).collect();
        Stsz { samples: StszSamples::Different { sizes } }.encode(buf)?;
        let offsets = self.chunks.iter().map(|chunk| chunk.offset.saturating_add(base));
        if wide {
            Co64 { entries: offsets.collect() }.encode(buf)
        } else {
            // The caller asks for wide offsets before one is beyond 32 bits.
            Stco { entries: offsets.map(|offset| u32::try_from(offset).unwrap_or(u32::MAX)).collect() }.encode(buf)
        }
    }
}

/// Ticks of a track as ticks of the movie, rounded to the nearest.
fn movie_ticks(ticks: i64, timescale: u32) -> u64 {
    let scale = i128::from(timescale.max(1));
    let ticks = (i128::from(ticks.max(0)) * i128::from(MOVIE) + scale / 2) / scale;
    u64::try_from(ticks).unwrap_or(u64::MAX)
}

/// The header of the movie, of this length in its ticks.
pub(super) fn mvhd(duration: u64, tracks: &[Track]) -> Mvhd {
    let next_track_id = tracks.iter().map(|track| track.id).max().unwrap_or(0).saturating_add(1);
    Mvhd { timescale: MOVIE, duration, rate: 1.into(), volume: 1.into(), next_track_id, ..Mvhd::default() }
}

/// The length of the movie in its ticks.
pub(super) fn movie_length(times: &[Times], tracks: &[Track]) -> u64 {
    let ends = times.iter().zip(tracks);
    let ends = ends.map(|(times, track)| movie_ticks(times.start.saturating_add(times.length), track.timescale));
    ends.max().unwrap_or(0)
}

/// Clockwise quarter turns, with the turned picture moved back to where it was (§8.3.2.3).
fn matrix(turns: u8, width: u16, height: u16) -> Matrix {
    const ONE: i32 = 0x1_0000;
    let (width, height) = (i32::from(width).wrapping_mul(ONE), i32::from(height).wrapping_mul(ONE));
    let (a, b, c, d, x, y) = match turns {
        1 => (0, ONE, -ONE, 0, height, 0),
        2 => (-ONE, 0, 0, -ONE, width, height),
        3 => (0, -ONE, ONE, 0, 0, width),
        _ => (ONE, 0, 0, ONE, 0, 0),
    };
    Matrix { a, b, c, d, x, y, ..Matrix::default() }
}

/// Equal neighbours as a count and the value.
fn runs_of<T: PartialEq>(values: impl Iterator<Item = T>) -> Vec<(u32, T)> {
    let mut runs: Vec<(u32, T)> = Vec::new();
    for value in values {
        match runs.last_mut() {
            Some((count, known)) if *known == value => *count += 1,
            _ => runs.push((1, value)),
        }
    }
    runs
}
