//! The movie box: tracks, their times, and where their samples are (ISO/IEC 14496-12 §8.2 to §8.7).

use std::num::NonZeroU64;
use std::sync::Arc;

use bytes::{Buf, Bytes};
use kineframe_ebml::{Error, ErrorKind};
use kineframe_matroska::{Audio, TrackEntry, TrackType, Tracks, Video};
use mp4_atom::{Co64, Ctts, Elst, Hdlr, Matrix, Mdhd, Mvhd, Stco, Stsc, Stss, Stsz, StszSamples, Stts, Tkhd, Trex};

use super::boxes::{Child, Kind, Path, Problems, children, error, leaf};
use super::entry;
use super::table::{Offsets, Table};
use crate::write::nanos;

/// Most tracks of a movie.
const MOST_TRACKS: usize = 256;

/// What a movie box says.
#[derive(Debug)]
pub(super) struct Movie {
    /// Where it stands.
    pub offset: u64,
    /// As it is stored.
    pub raw: Bytes,
    pub tracks: Vec<Track>,
    /// It announces movie fragments.
    pub fragmented: bool,
    /// Length in nanoseconds, where it says so.
    pub duration: Option<u64>,
    /// What could not be read, and is left out.
    pub problems: Problems,
}

/// A track of video, sound or text.
#[derive(Debug)]
pub(super) struct Track {
    pub id: u32,
    pub timescale: u32,
    /// By sample entry; at least one.
    pub descriptions: Vec<TrackEntry>,
    /// Ticks of the track at which the movie's time begins, and nanoseconds that the track begins later.
    edit: (i64, i64),
    pub table: Table,
    pub defaults: Trex,
}

impl Track {
    /// Presentation time in nanoseconds on the movie's timeline, of a time in ticks of the track.
    pub fn presented(&self, ticks: i64) -> i64 {
        let (start, late) = self.edit;
        nanos(ticks.saturating_sub(start), self.timescale).saturating_add(late)
    }

    /// Ticks in nanoseconds.
    pub fn nanos(&self, ticks: u32) -> u64 {
        u64::try_from(nanos(ticks.into(), self.timescale)).unwrap_or(0)
    }
}

impl Movie {
    /// Reads the body of a movie box that stands, with its header, at `offset`.
    pub fn read(offset: u64, body: Bytes, body_offset: u64) -> Movie {
        let mut movie = Movie {
            offset,
            raw: body.clone(),
            tracks: Vec::new(),
            fragmented: false,
            duration: None,
            problems: Problems::default(),
        };
        let path = [*b"moov"];
        let (boxes, problem) = children(&body, body_offset, &path);
        movie.problems.extend(problem);
        let mut timescale = 1000;
        if let Some(mvhd) = boxes.iter().find(|child| &child.kind == b"mvhd") {
            match leaf::<Mvhd>(mvhd, &path) {
                Ok(mvhd) => {
                    timescale = mvhd.timescale.max(1);
                    let known = Some(mvhd.duration).filter(|ticks| *ticks > 0 && *ticks < u64::from(u32::MAX) << 16);
                    let known = known.and_then(|ticks| i64::try_from(ticks).ok());
                    movie.duration = known.and_then(|ticks| u64::try_from(nanos(ticks, timescale)).ok());
                }
                Err(problem) => movie.problems.push(problem),
            }
        }
        for child in boxes.iter().filter(|child| &child.kind == b"trak") {
            match track(child, timescale, &mut movie.problems) {
                Ok(Some(track)) if movie.tracks.iter().any(|known| known.id == track.id) => {
                    let kind = ErrorKind::InvalidValue("a second track of the same track_ID");
                    movie.problems.push(error(child.offset, &[*b"moov", *b"trak"], kind));
                }
                Ok(Some(_)) if movie.tracks.len() >= MOST_TRACKS => {
                    let kind = ErrorKind::Limit { what: "number of tracks", limit: MOST_TRACKS as u64 };
                    movie.problems.push(error(child.offset, &[*b"moov", *b"trak"], kind));
                    break;
                }
                Ok(Some(track)) => movie.tracks.push(track),
                Ok(None) => {}
                Err(problem) => movie.problems.push(problem),
            }
        }
        for mvex in boxes.iter().filter(|child| &child.kind == b"mvex") {
            movie.fragmented = true;
            let path = [*b"moov", *b"mvex"];
            let (defaults, problem) = children(&mvex.body, mvex.body_offset, &path);
            movie.problems.extend(problem);
            for child in defaults.iter().filter(|child| &child.kind == b"trex") {
                match leaf::<Trex>(child, &path) {
                    Ok(trex) => {
                        if let Some(track) = movie.tracks.iter_mut().find(|track| track.id == trex.track_id) {
                            track.defaults = trex;
                        }
                    }
                    Err(problem) => movie.problems.push(problem),
                }
            }
        }
        movie
    }

    /// The tracks as they are under these sample entries (places in `descriptions`, by track).
    pub fn described(&self, places: &[usize]) -> Arc<Tracks> {
        let pairs = self.tracks.iter().zip(places);
        let entries = pairs.filter_map(|(track, place)| track.descriptions.get(*place).cloned()).collect();
        Arc::new(Tracks { entries, raw: self.raw.clone() })
    }
}

/// The boxes within `parent`, by the path to it.
fn inside(parent: &Child, path: &Path, problems: &mut Problems) -> Vec<Child> {
    let (boxes, problem) = children(&parent.body, parent.body_offset, path);
    problems.extend(problem);
    boxes
}

fn of<'a>(boxes: &'a [Child], kind: &Kind) -> Option<&'a Child> {
    boxes.iter().find(|child| &child.kind == kind)
}

/// A track; `None` for one that is neither video nor sound nor text.
fn track(trak: &Child, movie_scale: u32, problems: &mut Problems) -> Result<Option<Track>, Error> {
    let path = &[*b"moov", *b"trak"][..];
    let boxes = inside(trak, path, problems);
    let missing = |offset, path: &Path, what| error(offset, path, ErrorKind::Missing(what));
    let tkhd = of(&boxes, b"tkhd").ok_or_else(|| missing(trak.offset, path, "tkhd"))?;
    let tkhd = leaf::<Tkhd>(tkhd, path)?;
    let mdia = of(&boxes, b"mdia").ok_or_else(|| missing(trak.offset, path, "mdia"))?;
    let path = &[*b"moov", *b"trak", *b"mdia"][..];
    let media = inside(mdia, path, problems);
    let hdlr = of(&media, b"hdlr").ok_or_else(|| missing(mdia.offset, path, "hdlr"))?;
    // Only the type is needed; a name that is no text is no reason to lose a track.
    let handler = hdlr.body.get(8..12).and_then(|bytes| bytes.first_chunk::<4>()).copied();
    let track_type = match handler.as_ref() {
        Some(b"vide") => TrackType::VIDEO,
        Some(b"soun") => TrackType::AUDIO,
        Some(b"text" | b"sbtl" | b"subt") => TrackType::SUBTITLE,
        Some(_) => return Ok(None),
        None => return Err(missing(hdlr.offset, path, "handler_type")),
    };
    let mdhd = of(&media, b"mdhd").ok_or_else(|| missing(mdia.offset, path, "mdhd"))?;
    let mdhd = leaf::<Mdhd>(mdhd, path)?;
    let timescale = mdhd.timescale;
    if timescale == 0 || tkhd.track_id == 0 {
        return Err(error(mdia.offset, path, ErrorKind::InvalidValue("a timescale or track_ID of 0")));
    }
    let minf = of(&media, b"minf").ok_or_else(|| missing(mdia.offset, path, "minf"))?;
    let path = &[*b"moov", *b"trak", *b"mdia", *b"minf"][..];
    let stbl = inside(minf, path, problems).into_iter().find(|child| &child.kind == b"stbl");
    let stbl = stbl.ok_or_else(|| missing(minf.offset, path, "stbl"))?;
    let path = &[*b"moov", *b"trak", *b"mdia", *b"minf", *b"stbl"][..];
    let boxes_of_table = inside(&stbl, path, problems);
    let table = table(&boxes_of_table, path, problems);

    let mut base = TrackEntry::new(tkhd.track_id.into(), track_type, "");
    base.uid = Some(tkhd.track_id.into());
    base.enabled = tkhd.enabled;
    base.name = leaf::<Hdlr>(hdlr, path).ok().map(|hdlr| hdlr.name).filter(|name| is_name(name));
    base.language = Some(mdhd.language).filter(|language| language != "und" && !language.is_empty());
    if track_type == TrackType::VIDEO {
        base.video = Some(Video { pose_roll: roll(&tkhd.matrix), ..Video::default() });
        let nanos = table.constant_duration().map(|ticks| nanos(ticks.into(), timescale));
        base.default_duration = nanos.and_then(|nanos| NonZeroU64::new(u64::try_from(nanos).ok()?));
    }
    if track_type == TrackType::AUDIO {
        base.audio = Some(Audio { sampling_frequency: timescale.into(), channels: 1, bit_depth: None });
    }
    let stsd = of(&boxes_of_table, b"stsd").ok_or_else(|| missing(stbl.offset, path, "stsd"))?;
    let path = &[*b"moov", *b"trak", *b"mdia", *b"minf", *b"stbl", *b"stsd"][..];
    // Version, flags and the number of entries stand before them.
    let entries = stsd.body.clone().split_off(stsd.body.len().min(8));
    let (entries, problem) = children(&entries, stsd.body_offset.saturating_add(8), path);
    problems.extend(problem);
    let mut descriptions = Vec::new();
    for child in &entries {
        let mut description = base.clone();
        entry::read(&mut description, child, path)?;
        descriptions.push(description);
    }
    if descriptions.is_empty() {
        return Err(missing(stsd.offset, path, "a sample entry"));
    }
    let edit = edit(&boxes, movie_scale, problems);
    let defaults = Trex { track_id: tkhd.track_id, default_sample_description_index: 1, ..Trex::default() };
    Ok(Some(Track { id: tkhd.track_id, timescale, descriptions, edit, table, defaults }))
}

/// The first edit with media in it tells where the track begins; empty ones before it, how much later.
fn edit(boxes: &[Child], movie_scale: u32, problems: &mut Problems) -> (i64, i64) {
    let Some(edts) = of(boxes, b"edts") else { return (0, 0) };
    let path = &[*b"moov", *b"trak", *b"edts"][..];
    let inner = inside(edts, path, problems);
    let Some(elst) = of(&inner, b"elst") else { return (0, 0) };
    let elst = match leaf::<Elst>(elst, path) {
        Ok(elst) => elst,
        Err(problem) => {
            problems.push(problem);
            return (0, 0);
        }
    };
    let mut late = 0i64;
    for entry in elst.entries {
        match entry.media_time {
            Some(time) => return (i64::try_from(time).unwrap_or(i64::MAX), late),
            None => {
                let ticks = i64::try_from(entry.segment_duration).unwrap_or(i64::MAX);
                late = late.saturating_add(nanos(ticks, movie_scale));
            }
        }
    }
    (0, 0)
}

fn table(boxes: &[Child], path: &Path, problems: &mut Problems) -> Table {
    let mut table = Table::default();
    for child in boxes {
        let read = match &child.kind {
            b"stts" => leaf::<Stts>(child, path).map(|stts| table.set_times(&stts)),
            b"ctts" => leaf::<Ctts>(child, path).map(|ctts| table.set_shifts(&ctts)),
            b"stsc" => leaf::<Stsc>(child, path).map(|stsc| table.chunks = stsc),
            b"stsz" => leaf::<Stsz>(child, path).map(|stsz| table.sizes = stsz.samples),
            b"stz2" => compact_sizes(child, path).map(|sizes| table.sizes = StszSamples::Different { sizes }),
            b"stco" => leaf::<Stco>(child, path).map(|stco| table.offsets = Offsets::Narrow(stco.entries)),
            b"co64" => leaf::<Co64>(child, path).map(|co64| table.offsets = Offsets::Wide(co64.entries)),
            b"stss" => leaf::<Stss>(child, path).map(|stss| table.set_keys(stss.entries)),
            _ => Ok(()),
        };
        problems.extend(read.err());
    }
    table
}

/// Sizes of 4, 8 or 16 bits (§8.7.3.3).
fn compact_sizes(child: &Child, path: &Path) -> Result<Vec<u32>, Error> {
    let wrong = |kind| error(child.offset, path, kind);
    let mut body = child.body.clone();
    if body.len() < 12 {
        return Err(wrong(ErrorKind::Truncated));
    }
    body.advance(7);
    let bits = body.get_u8();
    // The count may say more than there is: the bytes decide.
    let count = usize::try_from(body.get_u32()).unwrap_or(usize::MAX);
    let sizes: Vec<u32> = match bits {
        4 => body.iter().flat_map(|byte| [u32::from(byte >> 4), u32::from(byte & 15)]).take(count).collect(),
        8 => body.iter().map(|byte| u32::from(*byte)).take(count).collect(),
        16 => body.as_chunks::<2>().0.iter().map(|pair| u16::from_be_bytes(*pair).into()).take(count).collect(),
        _ => return Err(wrong(ErrorKind::InvalidValue("a field_size that is not 4, 8 or 16"))),
    };
    if sizes.len() < count { Err(wrong(ErrorKind::Truncated)) } else { Ok(sizes) }
}

/// A name that a person gave, and not the one that a program writes into every file.
fn is_name(name: &str) -> bool {
    let by_programs = ["andler", "Core Media", "ISO Media", "Mainconcept", "GPAC"];
    !name.trim().is_empty() && !by_programs.iter().any(|part| name.contains(part))
}

/// Roll in degrees, counter-clockwise as Matroska has it, of a matrix that turns by quarters; 0 for others.
fn roll(matrix: &Matrix) -> f64 {
    match (matrix.a.signum(), matrix.b.signum(), matrix.c.signum(), matrix.d.signum()) {
        (0, 1, -1, 0) => -90.0,
        (-1, 0, 0, -1) => 180.0,
        (0, -1, 1, 0) => 90.0,
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compact_sizes_of_all_widths() {
        let stz2 =
            |body: &'static [u8]| Child { kind: *b"stz2", offset: 0, body: Bytes::from_static(body), body_offset: 8 };
        let sizes = |body| compact_sizes(&stz2(body), &[]).ok();
        assert_eq!(sizes(b"\0\0\0\0\0\0\0\x04\0\0\0\x03\x12\x30"), Some(vec![1, 2, 3]));
        assert_eq!(sizes(b"\0\0\0\0\0\0\0\x08\0\0\0\x02\x12\x30"), Some(vec![0x12, 0x30]));
        assert_eq!(sizes(b"\0\0\0\0\0\0\0\x10\0\0\0\x01\x12\x30"), Some(vec![0x1230]));
        assert_eq!(sizes(b"\0\0\0\0\0\0\0\x10\xff\xff\xff\xff\x12\x30"), None);
        assert_eq!(sizes(b"\0\0\0\0\0\0\0\x05\0\0\0\x01\x12\x30"), None);
    }
}
