//! Fragmented MP4: an initialisation segment, and media segments of one movie fragment each (ISO/IEC 14496-12 §8.8), as
//! HLS and DASH want them.

use bytes::Bytes;
use kineframe_matroska::TrackEntry;
use mp4_atom::{BufMut, Encode, Ftyp, Mfhd, Mvex, Tfdt, Tfhd, Traf, Trex, Trun, TrunEntry, TrunSamples};

use super::plain::encoded;
use super::table::{self, Track, find};
use super::times::{self, decoding_times};
use super::{WriteError, WriteFrame};

/// Writes an initialisation segment and media segments.
///
/// It does no I/O. Times are absolute on the caller's timeline: each segment tells its own start, rounded by itself, so
/// that nothing drifts, and segments can be made in any order and again. Tracks of codecs that show frames in another order
/// than they are decoded in have an edit of half a second, which keeps the offsets of samples from being negative: what
/// is shown is shown at the caller's time.
///
/// ```
/// use bytes::Bytes;
/// use kineframe_matroska::{TrackEntry, TrackType, Video};
/// use kineframe_mp4::{FragmentedWriter, WriteFrame};
///
/// let mut track = TrackEntry::new(1, TrackType::VIDEO, "V_MJPEG");
/// track.video = Some(Video { pixel_width: 640, pixel_height: 360, ..Video::default() });
/// let mut writer = FragmentedWriter::new(&[track])?;
/// let init = writer.init_segment()?;
/// let frames = [0, 40_000_000].map(|time| WriteFrame::new(1, time, true, Bytes::from_static(b"\xFF\xD8")));
/// let segment = writer.media_segment(&frames, Some(80_000_000))?;
/// assert_eq!((&init[4..8], &segment[4..8]), (&b"ftyp"[..], &b"moof"[..]));
/// # Ok::<(), kineframe_mp4::WriteError>(())
/// ```
#[derive(Debug)]
pub struct FragmentedWriter {
    tracks: Vec<Track>,
    /// Decoding time of the last frame of each track.
    last: Vec<Option<i64>>,
    sequence: u32,
}

/// `sample_depends_on` 2: it depends on no other.
const KEY: u32 = 0x0200_0000;
/// `sample_depends_on` 1, and `sample_is_non_sync_sample`.
const NOT_KEY: u32 = 0x0101_0000;

impl FragmentedWriter {
    /// A stream of these tracks. Where tracks change, begin a new one, with a new initialisation segment.
    ///
    /// # Errors
    /// A track that MP4 cannot hold, or none at all.
    pub fn new(tracks: &[TrackEntry]) -> Result<FragmentedWriter, WriteError> {
        let tracks = table::tracks(tracks)?;
        let last = vec![None; tracks.len()];
        Ok(FragmentedWriter { tracks, last, sequence: 1 })
    }

    /// Numbers the next media segment so; the first one is number 1. For a caller that makes each segment by itself.
    #[must_use]
    pub fn with_sequence_number(mut self, number: u32) -> Self {
        self.sequence = number;
        self
    }

    /// The initialisation segment.
    ///
    /// # Errors
    /// More than a box can say.
    pub fn init_segment(&self) -> Result<Bytes, WriteError> {
        let bytes = encoded(|buf| {
            let compatible_brands = [b"iso6", b"isom", b"mp41", b"cmfc"].map(Into::into).to_vec();
            Ftyp { major_brand: b"iso6".into(), minor_version: 0, compatible_brands }.encode(buf)?;
            buf.encode_atom(*b"moov", |buf| {
                table::mvhd(0, &self.tracks).encode(buf)?;
                self.tracks.iter().try_for_each(|track| track.encode(None, 0, false, buf))?;
                let trex =
                    |track: &Track| Trex { track_id: track.id, default_sample_description_index: 1, ..Trex::default() };
                Mvex { mehd: None, trex: self.tracks.iter().map(trex).collect() }.encode(buf)
            })
        })?;
        Ok(bytes.into())
    }

    /// A media segment of these frames, in decoding order, as one piece. `end` is when the next one begins, where that
    /// is known: the last frame of each video track lasts until then.
    ///
    /// # Errors
    /// As for [`media_chunks`](Self::media_chunks).
    pub fn media_segment(&mut self, frames: &[WriteFrame], end: Option<i64>) -> Result<Bytes, WriteError> {
        Ok(self.media_chunks(frames, end)?.concat().into())
    }

    /// As [`media_segment`](Self::media_segment), in chunks of which payload is the caller's own handle.
    ///
    /// # Errors
    /// A track that the writer does not have, NAL units that cannot be told apart, a time before 0, more than a box can
    /// say. Nothing was written then; the call can be made again without that frame.
    pub fn media_chunks(&mut self, frames: &[WriteFrame], end: Option<i64>) -> Result<Vec<Bytes>, WriteError> {
        let mut trafs = Vec::new();
        let mut lens = Vec::new();
        let mut chunks = vec![Bytes::new()];
        let mut last = self.last.clone();
        for frame in frames {
            find(&mut self.tracks, frame.track_number)?;
        }
        for (track, last) in self.tracks.iter().zip(&mut last) {
            let own: Vec<&WriteFrame> = frames.iter().filter(|frame| frame.track_number == track.number).collect();
            if own.is_empty() {
                continue;
            }
            let (traf, decoded, len) = run(track, &own, *last, end, &mut chunks)?;
            *last = Some(decoded);
            trafs.push(traf);
            lens.push(len);
        }
        let total = lens.iter().fold(8u64, |sum, len| sum.saturating_add(*len));
        let size = u32::try_from(total).map_err(|_| WriteError::TooLarge { what: "a segment" })?;
        // Where each run begins depends on the length of the box that says so: written once to learn it.
        let moof = |trafs: &[Traf]| {
            encoded(|buf| {
                buf.encode_atom(*b"moof", |buf| {
                    Mfhd { sequence_number: self.sequence }.encode(buf)?;
                    trafs.iter().try_for_each(|traf| traf.encode(buf))
                })
            })
        };
        let mut at = moof(&trafs)?.len() as u64 + 8;
        for (traf, len) in trafs.iter_mut().zip(&lens) {
            let offset = i32::try_from(at).map_err(|_| WriteError::TooLarge { what: "a segment" })?;
            traf.trun.iter_mut().for_each(|trun| trun.data_offset = Some(offset));
            at = at.saturating_add(*len);
        }
        let mut head = moof(&trafs)?;
        head.extend_from_slice(&size.to_be_bytes());
        head.extend_from_slice(b"mdat");
        if let Some(first) = chunks.first_mut() {
            *first = head.into();
        }
        self.last = last;
        self.sequence = self.sequence.wrapping_add(1);
        Ok(chunks)
    }
}

/// The run of a track's frames, the decoding time of the last one, and bytes of payload, which goes to `chunks`.
fn run(
    track: &Track,
    frames: &[&WriteFrame],
    last: Option<i64>,
    end: Option<i64>,
    chunks: &mut Vec<Bytes>,
) -> Result<(Traf, i64, u64), WriteError> {
    let scale = track.timescale;
    let error = |time, why| WriteError::Time { track: track.number, time, why };
    let shown: Vec<i64> = frames.iter().map(|frame| times::ticks(frame.time, scale)).collect();
    let first = shown.iter().min().copied().unwrap_or(0);
    // Frames that are shown before the key frame of their segment may be decoded a little later than they are shown.
    // A timeline that goes back by more begins anew.
    let after = last.filter(|last| first.saturating_add(i64::from(scale)) > *last);
    let decoded = decoding_times(&shown, after);
    let start = decoded.first().copied().unwrap_or(0);
    let earliest = frames.iter().map(|frame| frame.time).min().unwrap_or(0);
    let base_media_decode_time = u64::try_from(start).map_err(|_| error(earliest, "it is before 0"))?;
    let mut entries = Vec::with_capacity(frames.len());
    let mut total = 0u64;
    let mut before = None;
    for (place, (frame, shown)) in frames.iter().zip(&shown).enumerate() {
        let data = track.entry().sample(track.number, &frame.data)?;
        let this = decoded.get(place).copied().unwrap_or(*shown);
        let duration = match decoded.get(place + 1) {
            Some(next) => {
                u32::try_from(next - this).map_err(|_| error(frame.time, "the next frame is too far away"))?
            }
            None => {
                let until = end.filter(|_| !track.is_sound()).map(|end| times::ticks(end, scale) - this);
                let until = until.filter(|ticks| *ticks > 0).and_then(|ticks| u32::try_from(ticks).ok());
                until.unwrap_or_else(|| track.last_duration(frame.duration, before))
            }
        };
        before = Some(duration);
        let size = u32::try_from(data.len()).map_err(|_| WriteError::TooLarge { what: "a frame" })?;
        entries.push(TrunEntry {
            duration: Some(duration),
            size: Some(size),
            flags: Some(if frame.keyframe { KEY } else { NOT_KEY }),
            cts: Some(shown - this + track.lead()),
        });
        total = total.saturating_add(size.into());
        chunks.push(data);
    }
    if entries.iter().all(|entry| entry.cts == Some(0)) {
        entries.iter_mut().for_each(|entry| entry.cts = None);
    }
    let tfhd = Tfhd { track_id: track.id, default_base_is_moof: true, ..Tfhd::default() };
    let tfdt = Some(Tfdt { base_media_decode_time });
    // Set once the length of the box is known; it is there from the beginning, so that the length stays.
    let trun = vec![Trun { data_offset: Some(0), samples: TrunSamples::Explicit(entries) }];
    let decoded = decoded.last().copied().unwrap_or(start);
    Ok((Traf { tfhd, tfdt, trun, ..Traf::default() }, decoded, total))
}
