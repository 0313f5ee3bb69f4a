//! A movie fragment: its samples with their places and times (ISO/IEC 14496-12 §8.8).

use bytes::Bytes;
use kineframe_ebml::{Error, ErrorKind};
use mp4_atom::{Tfdt, Tfhd, Trun, TrunEntry};

use super::boxes::{Child, Problems, children, error, leaf};
use super::movie::{Movie, Track};

/// Where a sample is, and all that is known of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    /// Its place among the tracks of the movie.
    pub track: usize,
    /// Counts the samples of its track in decoding order.
    pub sample: u32,
    pub offset: u64,
    pub len: u32,
    /// When it is shown, in ticks of its track.
    pub shown: i64,
    /// Ticks that it lasts, where that says when the next is shown.
    pub duration: Option<u32>,
    pub key: bool,
    /// Index of its sample entry, from 0.
    pub description: usize,
}

/// `sample_is_non_sync_sample`.
const NOT_SYNC: u32 = 0x1_0000;

/// Reads the body of a fragment that stands, with its header, at `offset`. `clocks` holds, by track, the decoding time
/// at which it goes on and its number of samples so far; there is room for so many samples.
pub(super) fn read(
    (movie, room): (&Movie, usize),
    offset: u64,
    body: &Bytes,
    body_offset: u64,
    clocks: &mut [(u64, u32)],
    problems: &mut Problems,
) -> Vec<Extent> {
    let (boxes, problem) = children(body, body_offset, &[*b"moof"]);
    problems.extend(problem);
    let mut extents = Vec::new();
    let mut runs = Runs { movie, moof: offset, before: offset, room, clocks, extents: &mut extents };
    for traf in boxes.iter().filter(|child| &child.kind == b"traf") {
        if let Err(problem) = runs.track_fragment(traf, problems) {
            problems.push(problem);
        }
    }
    extents.sort_by_key(|extent: &Extent| extent.offset);
    extents
}

/// The runs of a fragment while they are read.
struct Runs<'a> {
    movie: &'a Movie,
    /// Where the fragment stands.
    moof: u64,
    /// Without a base of its own a run begins where the one before ended; the first at the fragment.
    before: u64,
    room: usize,
    clocks: &'a mut [(u64, u32)],
    extents: &'a mut Vec<Extent>,
}

impl Runs<'_> {
    fn track_fragment(&mut self, traf: &Child, problems: &mut Problems) -> Result<(), Error> {
        let Runs { movie, moof, before, room, clocks, extents } = self;
        let path = &[*b"moof", *b"traf"][..];
        let (boxes, problem) = children(&traf.body, traf.body_offset, path);
        problems.extend(problem);
        let tfhd = boxes.iter().find(|child| &child.kind == b"tfhd");
        let tfhd = tfhd.ok_or_else(|| error(traf.offset, path, ErrorKind::Missing("tfhd")))?;
        let tfhd = leaf::<Tfhd>(tfhd, path)?;
        let Some(place) = movie.tracks.iter().position(|track| track.id == tfhd.track_id) else {
            // Of a track that is neither video nor sound, or that could not be read, which was told.
            return Ok(());
        };
        let (Some(track), Some((clock, count))) = (movie.tracks.get(place), clocks.get_mut(place)) else {
            return Ok(());
        };
        if let Some(tfdt) = boxes.iter().find(|child| &child.kind == b"tfdt") {
            match leaf::<Tfdt>(tfdt, path) {
                Ok(tfdt) => *clock = tfdt.base_media_decode_time,
                Err(problem) => problems.push(problem),
            }
        }
        let base = match (tfhd.base_data_offset, tfhd.default_base_is_moof) {
            (Some(base), _) => base,
            (None, true) => *moof,
            (None, false) => *before,
        };
        let mut at = base;
        for child in boxes.iter().filter(|child| &child.kind == b"trun") {
            let run = leaf::<Trun>(child, path)?;
            if let Some(offset) = run.data_offset {
                let wrong = || error(child.offset, path, ErrorKind::InvalidValue("a data_offset before the input"));
                at = base.checked_add_signed(offset.into()).ok_or_else(wrong)?;
            }
            if extents.len().saturating_add(run.samples.len()) > *room {
                let kind = ErrorKind::Limit { what: "number of samples of a fragment", limit: *room as u64 };
                return Err(error(child.offset, path, kind));
            }
            let told = told_durations(&run, &tfhd, track);
            for entry in run.samples.iter() {
                let (duration, len, flags) = resolved(&entry, &tfhd, track);
                let shown = i64::try_from(*clock).unwrap_or(i64::MAX).saturating_add(entry.cts.unwrap_or(0));
                let index = tfhd.sample_description_index.unwrap_or(track.defaults.default_sample_description_index);
                extents.push(Extent {
                    track: place,
                    sample: *count,
                    offset: at,
                    len,
                    shown,
                    duration: Some(duration).filter(|duration| told && *duration > 0),
                    key: flags & NOT_SYNC == 0,
                    description: usize::try_from(index).unwrap_or(1).saturating_sub(1),
                });
                *clock = clock.saturating_add(duration.into());
                *count = count.wrapping_add(1);
                at = at.saturating_add(len.into());
            }
        }
        *before = at;
        Ok(())
    }
}

/// Duration, length and flags, by the sample, the fragment or the movie.
fn resolved(entry: &TrunEntry, tfhd: &Tfhd, track: &Track) -> (u32, u32, u32) {
    let defaults = &track.defaults;
    (
        entry.duration.or(tfhd.default_sample_duration).unwrap_or(defaults.default_sample_duration),
        entry.size.or(tfhd.default_sample_size).unwrap_or(defaults.default_sample_size),
        entry.flags.or(tfhd.default_sample_flags).unwrap_or(defaults.default_sample_flags),
    )
}

/// The time until the next frame is decoded is the time for which one is shown where all last equally long, or are shown
/// in the order in which they are decoded.
fn told_durations(run: &Trun, tfhd: &Tfhd, track: &Track) -> bool {
    let mut entries = run.samples.iter();
    let Some(first) = entries.next() else { return false };
    let duration = |entry: &TrunEntry| resolved(entry, tfhd, track).0;
    let cts = first.cts.unwrap_or(0);
    run.samples.iter().all(|entry| duration(&entry) == duration(&first))
        || run.samples.iter().all(|entry| entry.cts.unwrap_or(0) == cts)
}
