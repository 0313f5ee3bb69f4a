//! Fragments by number, from one on with which decoding can start: where the first that is wanted has no key frame in
//! front, the fragments before it are read as well.

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, stream};
use kineframe::bitstream::{h264, h265, identify};
use kineframe::codec::Codec;
use kineframe::fragment::{Event, FragmentNumber, Frame, Options, ServerTimestamp, Splitter};
use kineframe::matroska::{TrackEntry, TrackType};
use kineframe::source::{MediaSource, PieceStream, SourceError, StartSelector};
use kineframe::source_aws::{ArchiveOptions, Clock, StreamHandle, TimeRange};

/// Fragments that are read in addition, at most. Nobody waits longer for a key frame.
const MOST: usize = 30;

/// How far the fragment before another one begins before it, at most, in nanoseconds.
const BEFORE: i128 = 60_000_000_000;

/// See the module.
#[derive(Debug, Clone)]
pub struct Led {
    stream: StreamHandle,
    numbers: Vec<FragmentNumber>,
}

impl Led {
    /// These fragments, in order.
    pub fn new(stream: &StreamHandle, numbers: Vec<FragmentNumber>) -> Self {
        Led { stream: stream.clone(), numbers }
    }

    async fn read(mut self) -> PieceStream {
        for _ in 0..MOST {
            let mut pieces = self
                .stream
                .fragment_list(self.numbers.clone(), ArchiveOptions::default())
                .open(&StartSelector::Earliest);
            let (read, begin) = beginning(&mut pieces).await;
            let earlier = match begin {
                Begin::Inside(time) => self.before(time).await,
                Begin::KeyFrame => None,
            };
            match earlier {
                Some(earlier) => self.numbers.insert(0, earlier),
                None => return Box::pin(stream::iter(read).chain(pieces)),
            }
        }
        self.stream.fragment_list(self.numbers, ArchiveOptions::default()).open(&StartSelector::Earliest)
    }

    /// The fragment before the first one, which began at this time.
    async fn before(&self, time: ServerTimestamp) -> Option<FragmentNumber> {
        // Several fragments may have arrived within the same millisecond.
        let to = time.0.saturating_add(1_000_000);
        let range = TimeRange { clock: Clock::Server, from: time.0.saturating_sub(BEFORE), to };
        let first = self.numbers.first()?;
        let stream = self.stream.clone();
        let listed = self.stream.client().run(async move { stream.list_fragments(range).await }).await?.ok()?;
        listed.into_iter().map(|entry| entry.number).filter(|number| number < first).max()
    }
}

impl MediaSource for Led {
    fn open(&self, _: &StartSelector) -> PieceStream {
        Box::pin(self.clone().read().flatten_stream())
    }
}

/// How a body begins.
enum Begin {
    /// With a key frame, as it should; or with nothing that could be told.
    KeyFrame,
    /// Within a group of pictures, in a fragment of this time.
    Inside(ServerTimestamp),
}

/// Reads on to the first frame of video, and gives back what was read.
async fn beginning(pieces: &mut PieceStream) -> (Vec<Result<Bytes, SourceError>>, Begin) {
    let (mut splitter, mut read) = (Splitter::new(Options::default()), Vec::new());
    loop {
        while let Ok(Some(event)) = splitter.next_event() {
            match event {
                Event::Frame(frame) => {
                    let Some(track) = video(&frame) else { continue };
                    let begin = match frame.fragment.server_timestamp {
                        Some(time) if is_inside(&frame, track) => Begin::Inside(time),
                        _ => Begin::KeyFrame,
                    };
                    return (read, begin);
                }
                Event::Finished(_) => return (read, Begin::KeyFrame),
                _ => {}
            }
        }
        match pieces.next().await {
            Some(piece) => {
                if let Ok(piece) = &piece {
                    splitter.push(piece.clone());
                }
                let failed = piece.is_err();
                read.push(piece);
                if failed {
                    return (read, Begin::KeyFrame);
                }
            }
            None => return (read, Begin::KeyFrame),
        }
    }
}

/// The track of a frame, where that is video.
fn video(frame: &Frame) -> Option<&TrackEntry> {
    let tracks = frame.fragment.tracks.as_ref()?;
    let track = tracks.entries.iter().find(|track| track.number == frame.track_number)?;
    (track.track_type == TrackType::VIDEO).then_some(track)
}

/// Whether nothing can be decoded from this frame on: by the container, and where that says so by the bitstream, since
/// some producers mark no frame at all.
fn is_inside(frame: &Frame, track: &TrackEntry) -> bool {
    if frame.keyframe {
        return false;
    }
    let private = track.codec_private.clone().unwrap_or_default();
    let Some(identified) = identify(&track.codec_id, &private) else { return false };
    let random_access = match identified.codec {
        Codec::H264 => h264::Stream::new(&identified.private).packet(&frame.data).random_access,
        Codec::H265 => h265::Stream::new(&identified.private).packet(&frame.data).random_access,
        _ => h264::RandomAccess::None,
    };
    random_access == h264::RandomAccess::None
}
