//! What was done, counted; and what happened on the way.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use kineframe_codec::{DecodeError, Refusal};
use kineframe_fragment::{Damage, FragmentHead, ServiceError};

use crate::info::PictureInfo;

/// What was read, decoded and handed out so far.
///
/// `frames_seen` is `frames_decoded` and what was dropped before decoding; [`DropReason`] says which reasons count
/// frames that were decoded.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Summary {
    /// Pictures handed out.
    pub pictures: u64,
    /// Fragments that ended.
    pub fragments: u64,
    /// Frames of the chosen tracks.
    pub frames_seen: u64,
    /// Frames that a decoder was given, each counted once however many back ends replayed it.
    pub frames_decoded: u64,
    /// Frames that gave no picture, by reason.
    pub frames_dropped: BTreeMap<DropReason, u64>,
    /// Bytes of the input.
    pub bytes_read: u64,
    /// Bytes of the input in which nothing could be read.
    pub bytes_skipped: u64,
    /// The damage in the input, in order; the first 1,000.
    pub damage: Vec<Damage>,
    /// Damage beyond those.
    pub damage_omitted: u64,
    /// Fragments that the input cut off.
    pub truncated: u64,
    /// Bytes that were copied between `push` and the decoder: gathered because an element, or a box or sample of MP4,
    /// lay across pieces, or rewritten into a buffer of their own for the decoder's framing. Content encodings that are
    /// undone are not counted. The only field that depends on how the input is cut.
    pub bytes_copied: u64,
    /// Time since the read began.
    pub wall: Duration,
}

impl Summary {
    /// Damage kept one by one.
    pub(crate) const DAMAGE: usize = 1000;

    pub(crate) fn dropped(&mut self, reason: DropReason, frames: u64) {
        *self.frames_dropped.entry(reason).or_default() += frames;
    }
}

/// Why a frame gave no picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum DropReason {
    /// Not wanted, and no wanted picture needs it. Not decoded.
    NotNeeded,
    /// It comes before the first random access point. Not decoded.
    BeforeRandomAccess,
    /// It is empty. Not decoded.
    Empty,
    /// No back end is exact on its parameters. Not decoded.
    NoDecoder,
    /// A back end failed, and what remains until the next random access point cannot be decoded. Not decoded.
    AfterFailure,
    /// It was given to a back end, which failed on it.
    Undecodable,
    /// It was decoded, was wanted, and gave no picture: a frame that is not to be shown.
    NotShown,
    /// Its picture is built on missing or damaged references, and such were to be left out.
    Damaged,
}

impl DropReason {
    /// The reason in snake_case, as JSON has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotNeeded => "not_needed",
            Self::BeforeRandomAccess => "before_random_access",
            Self::Empty => "empty",
            Self::NoDecoder => "no_decoder",
            Self::AfterFailure => "after_failure",
            Self::Undecodable => "undecodable",
            Self::NotShown => "not_shown",
            Self::Damaged => "damaged",
        }
    }
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Something that a person should know, and that did not end the work. Displays as one line.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Notice {
    /// A track was chosen, and there are others.
    Tracks {
        /// Numbers of the tracks that are read.
        chosen: Vec<u64>,
        /// Number, type and codec ID of the others.
        others: Vec<(u64, &'static str, String)>,
    },
    /// Bytes were lost.
    Damage(Damage),
    /// The service reported an error in band.
    Service(ServiceError),
    /// The input cut a fragment off.
    Truncated(Arc<FragmentHead>),
    /// A back end failed, and the next one decoded the group of pictures from its beginning.
    Switched {
        /// The frame at which it failed.
        at: Arc<PictureInfo>,
        /// Its error.
        error: DecodeError,
        /// The back end that went on.
        to: Arc<str>,
        /// Frames that it decoded again.
        replayed: u64,
    },
    /// Frames were lost since a back end failed and none could replace it.
    Lost {
        /// The frame at which it failed.
        at: Arc<PictureInfo>,
        /// The error of the last one that tried.
        error: DecodeError,
        /// The rest of the group of pictures is lost; else only this frame.
        rest_of_group: bool,
    },
    /// No back end is exact on a track's parameters: its frames are not decoded until they change.
    NoDecoder(Undecodable),
}

/// Why a track cannot be decoded.
#[derive(Debug, Clone, PartialEq)]
pub struct Undecodable {
    /// The fragment in which it became known.
    pub fragment: Arc<FragmentHead>,
    /// The track.
    pub track: u64,
    /// Its codec, or the container's codec ID where it has no name here.
    pub codec: String,
    /// What each back end of the list said.
    pub refusals: Vec<Refusal>,
}

impl fmt::Display for Undecodable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let track = self.track;
        write!(f, "{}: track {track}: no back end decodes this {} exactly", name(&self.fragment), self.codec)?;
        if self.refusals.is_empty() {
            return f.write_str("; none of this build knows the codec: see `decoders`");
        }
        for (index, refusal) in self.refusals.iter().enumerate() {
            let sign = if index == 0 { ": " } else { "; " };
            write!(f, "{sign}{}: {}", refusal.factory, refusal.reason)?;
        }
        Ok(())
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tracks { chosen, others } => {
                let list = |numbers: &[u64]| numbers.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
                write!(f, "reading track {}; not read:", list(chosen))?;
                for (index, (number, kind, codec)) in others.iter().enumerate() {
                    let sign = if index == 0 { " " } else { ", " };
                    write!(f, "{sign}{number} ({kind}, {codec})")?;
                }
                Ok(())
            }
            Self::Damage(damage) => {
                write!(f, "byte {}: {} bytes lost: {}", damage.offset, damage.length, damage.error)
            }
            Self::Service(error) => {
                f.write_str("the service reported an error in band")?;
                if let Some(code) = &error.code {
                    write!(f, ": {code}")?;
                }
                if let Some(id) = error.id {
                    write!(f, " ({id})")?;
                }
                if let Some(message) = &error.message {
                    write!(f, ": {message}")?;
                }
                if let Some(number) = &error.fragment_number {
                    write!(f, ", at fragment {number}")?;
                }
                Ok(())
            }
            Self::Truncated(head) => write!(f, "{}: cut off by the end of the input or by damage", name(head)),
            Self::Switched { at, error, to, replayed } => {
                write!(f, "{}: {error}; {to} decoded {replayed} frames again and goes on", place(at))
            }
            Self::Lost { at, error, rest_of_group: false } => write!(f, "{}: {error}; this frame is lost", place(at)),
            Self::Lost { at, error, rest_of_group: true } => {
                write!(f, "{}: {error}; frames are lost from here to the next random access point", place(at))
            }
            Self::NoDecoder(why) => why.fmt(f),
        }
    }
}

/// A fragment as a person would look for it.
fn name(head: &FragmentHead) -> String {
    match &head.number {
        Some(number) => format!("fragment {number} at byte {}", head.offset),
        None => format!("document {} at byte {}", head.index, head.offset),
    }
}

/// A frame as a person would look for it.
fn place(info: &PictureInfo) -> String {
    format!("{}: track {}, frame {} at byte {}", name(&info.fragment), info.track, info.frame, info.position)
}
