//! A plain MP4 file: one movie box before or behind all media.

use bytes::Bytes;
use kineframe_matroska::TrackEntry;
use mp4_atom::{BufMut, Encode, Ftyp, Result as AtomResult};

use super::entry::SampleEntry;
use super::table::{self, Chunk, Sample, Track, find};
use super::{WriteError, WriteFrame, times};

/// Where the movie box stands, which tells where everything is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Layout {
    /// Before the media, so that players can begin while it loads. Payload is held (by handle, without a copy) until
    /// [`Writer::finish`].
    #[default]
    MoovFirst,
    /// Before the media, in two passes: in the first, payload is only measured, and [`Writer::finish_head`] gives what
    /// stands before it; in the second, [`Payloads`] gives the payload of the same frames.
    TwoPasses,
    /// Behind the media. Payload comes out at once; at the end eight bytes are replaced.
    MoovLast,
}

/// Bytes that replace as many that were written before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patch {
    /// Where, in bytes from the start of the file.
    pub offset: u64,
    /// With what.
    pub bytes: Bytes,
}

/// The end of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// The last chunks; with [`Layout::MoovFirst`] the whole file.
    pub chunks: Vec<Bytes>,
    /// What is then to be replaced; only with [`Layout::MoovLast`].
    pub patches: Vec<Patch>,
    /// Bytes of the file in all.
    pub length: u64,
    /// Nanoseconds from the start of the movie to the end of its last frame.
    pub duration: u64,
    /// Frames in it.
    pub frames: u64,
}

/// Writes one plain MP4 file.
///
/// It does no I/O. Frames go in in decoding order, those of several tracks mixed as they are to lie in the file, and
/// bytes come out as chunks; payload is the caller's own handle, unless its NAL units stood behind start codes.
///
/// Times are the caller's: the movie begins at 0, or at the earliest frame where that is before 0. A track that begins
/// later gets an edit that says so.
///
/// ```
/// use bytes::Bytes;
/// use kineframe_matroska::{TrackEntry, TrackType, Video};
/// use kineframe_mp4::{Layout, WriteFrame, Writer};
///
/// let mut track = TrackEntry::new(1, TrackType::VIDEO, "V_MJPEG");
/// track.video = Some(Video { pixel_width: 640, pixel_height: 360, ..Video::default() });
/// let mut writer = Writer::new(Layout::MoovFirst, &[track])?;
/// writer.frame(WriteFrame::new(1, 0, true, Bytes::from_static(b"\xFF\xD8 one")))?;
/// writer.frame(WriteFrame::new(1, 40_000_000, true, Bytes::from_static(b"\xFF\xD8 two")))?;
/// let end = writer.finish()?;
/// let file = end.chunks.concat();
/// assert_eq!((file.len() as u64, end.duration), (end.length, 80_000_000));
/// # Ok::<(), kineframe_mp4::WriteError>(())
/// ```
#[derive(Debug)]
pub struct Writer {
    layout: Layout,
    tracks: Vec<Track>,
    out: Vec<Bytes>,
    /// Bytes of payload so far.
    payload: u64,
    frames: u64,
    /// The track of the frame before: frames of one track in a row share a chunk.
    last: Option<u64>,
    /// Bytes before the first payload, for [`Layout::MoovLast`].
    front: u64,
    lens: Vec<(u64, u32)>,
}

/// `mdat` with a size of 64 bits.
const LONG_MDAT: u64 = 16;
/// Most bytes of one chunk, so that players need not read far between tracks.
const CHUNK: u64 = 1 << 20;

impl Writer {
    /// A file of these tracks.
    ///
    /// # Errors
    /// A track that MP4 cannot hold, or none at all.
    pub fn new(layout: Layout, tracks: &[TrackEntry]) -> Result<Writer, WriteError> {
        let tracks = table::tracks(tracks)?;
        let mut writer =
            Writer { layout, tracks, out: Vec::new(), payload: 0, frames: 0, last: None, front: 0, lens: Vec::new() };
        if layout == Layout::MoovLast {
            let mut head = encoded(ftyp)?;
            head.extend_from_slice(&[0, 0, 0, 1, b'm', b'd', b'a', b't', 0, 0, 0, 0, 0, 0, 0, 16]);
            writer.front = head.len() as u64;
            writer.out.push(head.into());
        }
        Ok(writer)
    }

    /// From here on these descriptions hold: the next fragment's tracks. Tracks that are not among them keep theirs;
    /// numbers that the file does not have are left out.
    ///
    /// # Errors
    /// A track that MP4 cannot hold.
    pub fn describe(&mut self, tracks: &[TrackEntry]) -> Result<(), WriteError> {
        for entry in tracks {
            if let Some(track) = self.tracks.iter_mut().find(|track| track.number == entry.number) {
                let described = SampleEntry::new(entry)?;
                if *track.entry() != described {
                    track.describe(described);
                    self.last = None;
                }
            }
        }
        Ok(())
    }

    /// Adds a frame.
    ///
    /// # Errors
    /// A track that the writer does not have, NAL units that cannot be told apart, a frame beyond 4 GiB. The frame is
    /// then left out, and the writer goes on.
    pub fn frame(&mut self, frame: WriteFrame) -> Result<(), WriteError> {
        let track = find(&mut self.tracks, frame.track_number)?;
        let data = track.entry().sample(frame.track_number, &frame.data)?;
        let len = u32::try_from(data.len()).map_err(|_| WriteError::TooLarge { what: "a frame" })?;
        let WriteFrame { time, duration, keyframe, .. } = frame;
        track.samples.push(Sample { time, duration, keyframe, len });
        let offset = self.payload;
        let description = track.description;
        let open = track
            .chunks
            .last_mut()
            .filter(|chunk| self.last == Some(frame.track_number) && offset - chunk.offset + u64::from(len) <= CHUNK);
        match open {
            Some(chunk) => chunk.samples += 1,
            None => track.chunks.push(Chunk { offset, samples: 1, description }),
        }
        self.last = Some(frame.track_number);
        self.payload = self.payload.saturating_add(len.into());
        self.frames += 1;
        match self.layout {
            Layout::TwoPasses => self.lens.push((frame.track_number, len)),
            _ => self.out.push(data),
        }
        Ok(())
    }

    /// Bytes of payload so far.
    pub fn payload_bytes(&self) -> u64 {
        self.payload
    }

    /// What can be written already: nothing before the end, unless the layout is [`Layout::MoovLast`].
    pub fn take_chunks(&mut self) -> Vec<Bytes> {
        if self.layout == Layout::MoovLast { std::mem::take(&mut self.out) } else { Vec::new() }
    }

    /// Ends the file. With [`Layout::TwoPasses`] the one chunk is what stands before the payload.
    ///
    /// # Errors
    /// Times too far from each other, more than a box can say.
    pub fn finish(mut self) -> Result<Finished, WriteError> {
        self.end()
    }

    /// Ends the first pass of [`Layout::TwoPasses`]: what stands before the payload, and the second pass.
    ///
    /// # Errors
    /// As for [`finish`](Self::finish).
    pub fn finish_head(mut self) -> Result<(Finished, Payloads), WriteError> {
        let end = self.end()?;
        // In the second pass descriptions change where they did in the first.
        for track in &mut self.tracks {
            track.description = 1;
            track.samples = Vec::new();
            track.chunks = Vec::new();
        }
        Ok((end, Payloads { tracks: self.tracks, lens: self.lens, next: 0 }))
    }

    fn end(&mut self) -> Result<Finished, WriteError> {
        let earliest = self.tracks.iter().flat_map(|track| &track.samples).map(|sample| sample.time).min();
        let origin = earliest.unwrap_or(0).min(0);
        let times = self.tracks.iter().map(|track| track.times(origin)).collect::<Result<Vec<_>, _>>()?;
        let ticks = table::movie_length(&times, &self.tracks);
        let duration = times::nanos(i64::try_from(ticks).unwrap_or(i64::MAX), times::MOVIE);
        let moov = |base: u64, wide: bool| {
            encoded(|buf| {
                buf.encode_atom(*b"moov", |buf| {
                    table::mvhd(ticks, &self.tracks).encode(buf)?;
                    let mut tracks = self.tracks.iter().zip(&times);
                    tracks.try_for_each(|(track, times)| track.encode(Some(times), base, wide, buf))
                })
            })
        };
        let mut end = Finished {
            chunks: Vec::new(),
            patches: Vec::new(),
            length: 0,
            duration: u64::try_from(duration).unwrap_or(0),
            frames: self.frames,
        };
        let beyond = |end: u64| end > u64::from(u32::MAX);
        if self.layout == Layout::MoovLast {
            end.chunks = std::mem::take(&mut self.out);
            let moov = moov(self.front, beyond(self.front.saturating_add(self.payload)))?;
            end.length = self.front.saturating_add(self.payload).saturating_add(moov.len() as u64);
            end.chunks.push(moov.into());
            let size = self.payload.saturating_add(LONG_MDAT);
            let bytes = Bytes::copy_from_slice(&size.to_be_bytes());
            end.patches.push(Patch { offset: self.front - 8, bytes });
            return Ok(end);
        }
        let mut head = encoded(ftyp)?;
        let mdat = if beyond(self.payload.saturating_add(8)) { LONG_MDAT } else { 8 };
        // How long the box is does not depend on where the payload begins, but for the width of its offsets.
        let front = |moov: &[u8]| (head.len() + moov.len()) as u64 + mdat;
        let mut written = moov(0, false)?;
        let wide = beyond(front(&written).saturating_add(self.payload));
        if wide {
            written = moov(0, true)?;
        }
        let base = front(&written);
        head.extend_from_slice(&moov(base, wide)?);
        if mdat == LONG_MDAT {
            head.extend_from_slice(b"\0\0\0\x01mdat");
            head.extend_from_slice(&self.payload.saturating_add(LONG_MDAT).to_be_bytes());
        } else {
            head.extend_from_slice(&(self.payload as u32 + 8).to_be_bytes());
            head.extend_from_slice(b"mdat");
        }
        end.length = base.saturating_add(self.payload);
        end.chunks.push(head.into());
        end.chunks.append(&mut self.out);
        Ok(end)
    }
}

/// The second pass of [`Layout::TwoPasses`].
#[derive(Debug)]
pub struct Payloads {
    tracks: Vec<Track>,
    lens: Vec<(u64, u32)>,
    next: usize,
}

impl Payloads {
    /// From here on these descriptions hold, as [`Writer::describe`] was told in the first pass.
    ///
    /// # Errors
    /// A track that MP4 cannot hold.
    pub fn describe(&mut self, tracks: &[TrackEntry]) -> Result<(), WriteError> {
        for entry in tracks {
            if let Some(track) = self.tracks.iter_mut().find(|track| track.number == entry.number) {
                track.describe(SampleEntry::new(entry)?);
            }
        }
        Ok(())
    }

    /// The payload of the next frame, as it is to be written.
    ///
    /// # Errors
    /// It is not the frame of the first pass: another track, another length, one too many.
    pub fn payload(&mut self, track_number: u64, data: &Bytes) -> Result<Bytes, WriteError> {
        let index = self.next;
        let other = |why| WriteError::OtherFrame { index, why };
        let &(number, len) = self.lens.get(index).ok_or_else(|| other("there were fewer frames"))?;
        if number != track_number {
            return Err(other("its track is another"));
        }
        let data = find(&mut self.tracks, track_number)?.entry().sample(track_number, data)?;
        if u32::try_from(data.len()) != Ok(len) {
            return Err(other("its length is another"));
        }
        self.next += 1;
        Ok(data)
    }

    /// Frames that are still to come.
    pub fn remaining(&self) -> usize {
        self.lens.len().saturating_sub(self.next)
    }
}

fn ftyp(buf: &mut Vec<u8>) -> AtomResult<()> {
    let compatible_brands = [b"isom", b"iso2", b"mp41"].map(Into::into).to_vec();
    Ftyp { major_brand: b"isom".into(), minor_version: 512, compatible_brands }.encode(buf)
}

pub(super) fn encoded(body: impl FnOnce(&mut Vec<u8>) -> AtomResult<()>) -> Result<Vec<u8>, WriteError> {
    let mut buf = Vec::new();
    body(&mut buf).map_err(|_| WriteError::TooLarge { what: "a box" })?;
    Ok(buf)
}
