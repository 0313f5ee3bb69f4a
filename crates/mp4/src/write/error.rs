//! What stands against writing MP4.

use kineframe_bitstream::FramingError;

/// Why a file cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// A track of a codec that MP4 has no form for, or for which too little is known.
    #[error("track {track} ({codec_id}): {why}; leave the track out, or write Matroska")]
    Track {
        /// Its number.
        track: u64,
        /// Its CodecID.
        codec_id: String,
        /// What stands against it.
        why: &'static str,
    },
    /// There is no track to write.
    #[error("no track that could be written; give at least one")]
    NoTracks,
    /// A frame of a track that the writer was not given.
    #[error("a frame of track {0}, which the writer was not given; give it all tracks at its construction")]
    UnknownTrack(u64),
    /// A frame whose NAL units cannot be told apart.
    #[error("track {track}: a frame of {len} bytes cannot be written: {error}; leave it out")]
    Framing {
        /// Its track.
        track: u64,
        /// Its bytes.
        len: usize,
        /// What is wrong.
        error: FramingError,
    },
    /// A time that the file cannot tell.
    #[error("track {track}: {time} ns cannot be told: {why}; move the timeline")]
    Time {
        /// The track.
        track: u64,
        /// The time.
        time: i64,
        /// What stands against it.
        why: &'static str,
    },
    /// Something is beyond what a box can say.
    #[error("{what} beyond what MP4 can say; write shorter files or segments")]
    TooLarge {
        /// What it is.
        what: &'static str,
    },
    /// In the second pass a frame is not the one of the first.
    #[error("frame {index} of the second pass is not that of the first: {why}; give the same frames in the same order")]
    OtherFrame {
        /// Counts the frames from 0.
        index: usize,
        /// What differs.
        why: &'static str,
    },
}
