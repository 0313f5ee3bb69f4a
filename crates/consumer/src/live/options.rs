//! How a session behaves.

use std::time::{Duration, SystemTime};

/// How a [`Session`](super::Session) behaves. Made by [`Default`], then changed field by field.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SessionOptions {
    /// When it is over.
    pub until: Until,
    /// Upper bound of the first pause after a failure; it doubles with each one in a row. The pause is drawn from 0 to
    /// its bound. Default 200 ms.
    pub backoff: Duration,
    /// Upper bound of every pause. Default 30 s.
    pub longest_backoff: Duration,
    /// How long failures in a row are borne once something was read; those before are told at once, since the source
    /// has tried by its own rules. Default: for ever.
    pub patience: Duration,
    /// The pause between reads that bring nothing. Default 1 s.
    pub idle_pause: Duration,
    /// When a frame is handed out.
    pub integrity: Integrity,
    /// What becomes of a reader that falls behind.
    pub slow_reader: SlowReader,
}

impl Default for SessionOptions {
    fn default() -> Self {
        SessionOptions {
            until: Until::Stopped,
            backoff: Duration::from_millis(200),
            longest_backoff: Duration::from_secs(30),
            patience: Duration::MAX,
            idle_pause: Duration::from_secs(1),
            integrity: Integrity::default(),
            slow_reader: SlowReader::default(),
        }
    }
}

/// When a session is over. It is idle when a new read from the last token brings nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Until {
    /// When its stream is dropped.
    Stopped,
    /// At the first idle end.
    Idle,
    /// At the first idle end after this time.
    IdleAfter(SystemTime),
}

/// When a frame is handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Integrity {
    /// With its last byte.
    #[default]
    Lowest,
    /// When the element behind it has been read: bytes that were lost or put in on the way are then seen before the
    /// frame is out, and the fragment is read again. So is a block into whose middle the service wrote an error in band.
    /// TLS rules the former out. Costs the time of one frame.
    Checked,
}

/// What becomes of a reader that falls behind the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum SlowReader {
    /// The source waits for it; the service keeps what it retains. Nothing is lost.
    #[default]
    Wait,
    /// When a fragment was more than this behind the newest, the read goes on at the newest, and the gap is told.
    Newest(Duration),
    /// When a fragment was more than this behind the newest, only random access points are handed out, until one is at
    /// most half of that behind: what the container marks as key frames, and the first frame of each track in a
    /// fragment. [`SessionNotice::Behind`](super::SessionNotice::Behind) and
    /// [`CaughtUp`](super::SessionNotice::CaughtUp) tell of it, the report counts what was left out. In the bytes a Void
    /// element stands in place of each such block, so that a frame's index counts what is left.
    KeyFrames(Duration),
}
