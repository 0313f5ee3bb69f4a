//! One reader for every container that this project reads, told apart by content.

use bytes::Bytes;
use kineframe_fragment::{Event, Options, Splitter};

use super::demux::Demuxer;
use super::{MovieBox, ReadError};

/// Takes Matroska (a GetMedia body, a list body, any file) or MP4 in pieces of any size and tells its fragments: a
/// [`Splitter`] for every container.
///
/// Which one it is is told by the first eight bytes. An MP4 file, plain or fragmented, is one fragment, as a Matroska
/// file is; a new movie box, or another sample entry of a track, begins the next.
///
/// ```
/// use bytes::Bytes;
/// use kineframe_fragment::Event;
/// use kineframe_matroska::{TrackEntry, TrackType, Video};
/// use kineframe_mp4::{AnySplitter, Layout, WriteFrame, Writer};
///
/// let mut track = TrackEntry::new(1, TrackType::VIDEO, "V_MJPEG");
/// track.video = Some(Video { pixel_width: 640, pixel_height: 360, ..Video::default() });
/// let mut writer = Writer::new(Layout::MoovFirst, &[track])?;
/// writer.frame(WriteFrame::new(1, 40_000_000, true, Bytes::from_static(b"\xFF\xD8")))?;
/// let file = writer.finish()?.chunks.concat();
///
/// let mut splitter = AnySplitter::new(Default::default());
/// let mut frames = Vec::new();
/// for piece in file.chunks(100) {
///     splitter.push(Bytes::copy_from_slice(piece));
///     while let Some(event) = splitter.next_event()? {
///         if let Event::Frame(frame) = event {
///             frames.push((frame.timestamp, frame.data));
///         }
///     }
/// }
/// splitter.finish();
/// while splitter.next_event()?.is_some() {}
/// assert_eq!(frames, [(Some(kineframe_matroska::SegmentTicks(40)), Bytes::from_static(b"\xFF\xD8"))]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct AnySplitter {
    options: Options,
    memory: u64,
    movie: Option<MovieBox>,
    finished: bool,
    reader: Reader,
}

#[derive(Debug)]
enum Reader {
    /// The first pieces, none of them empty, of too few bytes to tell; whether the input has ended with them.
    Undecided(Vec<Bytes>, bool),
    Matroska(Box<Splitter>),
    Mp4(Box<Demuxer>),
}

/// The first bytes of a file, which tell what it is.
const FIRST: usize = 8;

/// Whether MP4 may begin with a box of this kind.
pub(super) fn begins(kind: &[u8; 4]) -> bool {
    matches!(
        kind,
        b"ftyp" | b"styp" | b"moov" | b"moof" | b"mdat" | b"free" | b"skip" | b"wide" | b"pnot" | b"sidx" | b"emsg"
    )
}

/// Whether an input that begins with these bytes is MP4; eight of them are enough.
pub fn is_mp4(first: &[u8]) -> bool {
    first.get(4..8).and_then(|kind| kind.first_chunk::<4>()).is_some_and(begins)
}

impl AnySplitter {
    /// A splitter at the start of an input. Of an MP4 file whose media comes before what describes it, at most 64 MiB
    /// are held.
    pub fn new(options: Options) -> Self {
        let reader = Reader::Undecided(Vec::new(), false);
        AnySplitter { options, memory: 64 << 20, movie: None, finished: false, reader }
    }

    /// Holds at most so many bytes of an MP4 file whose media comes before what describes it.
    #[must_use]
    pub fn with_memory(mut self, bytes: u64) -> Self {
        self.memory = bytes;
        self
    }

    /// What describes the media of such a file, so that nothing need be held.
    #[must_use]
    pub fn with_movie(mut self, movie: Option<MovieBox>) -> Self {
        self.movie = movie;
        self
    }

    /// The input is MP4; `None` while that cannot be told.
    pub fn is_mp4(&self) -> Option<bool> {
        match &self.reader {
            Reader::Undecided(..) => None,
            Reader::Matroska(_) => Some(false),
            Reader::Mp4(_) => Some(true),
        }
    }

    /// Takes the next piece of the input, of any size. What comes after [`finish`](Self::finish) is ignored.
    pub fn push(&mut self, piece: Bytes) {
        match &mut self.reader {
            Reader::Undecided(_, true) => {}
            Reader::Undecided(pieces, false) => {
                pieces.extend(Some(piece).filter(|piece| !piece.is_empty()));
                if pieces.iter().map(Bytes::len).sum::<usize>() >= FIRST {
                    self.decide();
                }
            }
            Reader::Matroska(splitter) => splitter.push(piece),
            Reader::Mp4(demuxer) => demuxer.push(piece),
        }
    }

    /// Looks at the first bytes, and hands the pieces on as they came.
    fn decide(&mut self) {
        let Reader::Undecided(pieces, _) = &mut self.reader else { return };
        let pieces = std::mem::take(pieces);
        let first: Vec<u8> = pieces.iter().flatten().take(FIRST).copied().collect();
        self.reader = if is_mp4(&first) {
            let mut demuxer = Demuxer::new(self.options, self.memory);
            if let Some(movie) = self.movie.take() {
                demuxer.give(movie);
            }
            pieces.into_iter().for_each(|piece| demuxer.push(piece));
            Reader::Mp4(Box::new(demuxer))
        } else {
            let mut splitter = Splitter::new(self.options);
            pieces.into_iter().for_each(|piece| splitter.push(piece));
            Reader::Matroska(Box::new(splitter))
        };
    }

    /// Says that the input is over: fragments that are still open finish.
    pub fn finish(&mut self) {
        self.finished = true;
        if let Reader::Undecided(_, ended) = &mut self.reader {
            *ended = true;
            self.decide();
        }
        match &mut self.reader {
            Reader::Undecided(..) => {}
            Reader::Matroska(splitter) => splitter.finish(),
            Reader::Mp4(demuxer) => demuxer.finish(),
        }
    }

    /// Whether [`finish`](Self::finish) was called.
    pub fn is_finished(&self) -> bool {
        self.finished
    }

    /// Bytes that were pushed so far.
    pub fn bytes_pushed(&self) -> u64 {
        match &self.reader {
            Reader::Undecided(pieces, _) => pieces.iter().map(|piece| piece.len() as u64).sum(),
            Reader::Matroska(splitter) => splitter.bytes_pushed(),
            Reader::Mp4(demuxer) => demuxer.bytes_pushed(),
        }
    }

    /// Bytes that were copied because an element, a box or a sample lay across pieces. Of Matroska, see
    /// [`Splitter::bytes_copied`]; of MP4, pieces of less than 1 KiB are copied together besides.
    pub fn bytes_copied(&self) -> u64 {
        match &self.reader {
            Reader::Undecided(..) => 0,
            Reader::Matroska(splitter) => splitter.bytes_copied(),
            Reader::Mp4(demuxer) => demuxer.bytes_copied(),
        }
    }

    /// The next event; `Ok(None)` where more input is needed, or, after [`finish`](Self::finish), where all was told.
    ///
    /// # Errors
    /// Where [`Options::strict`] is set, the first damage; for MP4 whose media comes before what describes it, that too
    /// much of it would have to be held. The same error comes again then.
    pub fn next_event(&mut self) -> Result<Option<Event>, ReadError> {
        match &mut self.reader {
            Reader::Undecided(..) => Ok(None),
            Reader::Matroska(splitter) => splitter.next_event().map_err(ReadError::Damaged),
            Reader::Mp4(demuxer) => demuxer.next_event(),
        }
    }
}
