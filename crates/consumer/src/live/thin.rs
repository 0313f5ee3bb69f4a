//! Key frames only, for a reader that is behind.

use std::collections::VecDeque;
use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;
use kineframe_fragment::FragmentNumber;
use kineframe_matroska::{Block, BlockOrigin};

use super::options::SlowReader;
use super::report::{LeftOut, SessionNotice};

/// Tracks of a document whose first frame is looked for; frames of further ones are never left out.
const MOST_TRACKS: usize = 64;

/// The blocks of a read that a reader who is behind does without.
#[derive(Debug, Default)]
pub(super) struct Holes {
    /// Tracks that have had a frame in this document.
    seen: Vec<u64>,
    holes: VecDeque<Hole>,
}

#[derive(Debug)]
struct Hole {
    place: Range<u64>,
    frames: u64,
}

impl Holes {
    /// A document begins.
    pub(super) fn document(&mut self) {
        self.seen.clear();
    }

    /// A block was read. What the container does not mark as a key frame can be left out, but for the first of a track:
    /// the service has a fragment begin with a key frame, also where a producer marks none. Blocks in groups stay: a
    /// group without one is no element.
    pub(super) fn block(&mut self, block: &Block) {
        if !self.seen.contains(&block.track_number) {
            if self.seen.len() < MOST_TRACKS {
                self.seen.push(block.track_number);
            }
            return;
        }
        let end = block.frames.last().map(|frame| frame.offset.saturating_add(frame.stored_len));
        if let (false, BlockOrigin::Simple, Some(end)) = (block.keyframe, &block.origin, end) {
            self.holes.push_back(Hole { place: block.offset..end, frames: block.frames.len() as u64 });
        }
    }

    /// The read has been handed out up to here.
    pub(super) fn forget_before(&mut self, at: u64) {
        while self.holes.front().is_some_and(|hole| hole.place.end <= at) {
            self.holes.pop_front();
        }
    }

    /// Hands a piece out that stands at this place of the read, with a Void element in place of each hole: sizes around
    /// it stay what they are. Returns the frames and bytes that were left out.
    pub(super) fn pass(&mut self, mut at: u64, mut piece: Bytes, out: &mut VecDeque<Bytes>) -> (u64, u64) {
        let (mut frames, mut bytes) = (0, 0);
        while !piece.is_empty() {
            self.forget_before(at);
            let left = piece.len() as u64;
            let Some(hole) = self.holes.front() else {
                out.push_back(piece);
                break;
            };
            let (start, end) = (hole.place.start, hole.place.end);
            // Both at most the piece's length, which is a usize.
            if at < start {
                let before = left.min(start - at);
                out.push_back(piece.split_to(before as usize));
                at += before;
            } else {
                let inside = left.min(end - at);
                frames += if at == start { hole.frames } else { 0 };
                bytes += inside;
                void(end - start, at - start..at - start + inside, out);
                drop(piece.split_to(inside as usize));
                at += inside;
            }
        }
        (frames, bytes)
    }
}

/// These bytes of a Void element (RFC 8794 §11.3.2) that is so long, header included; a block is never shorter than six.
fn void(length: u64, part: Range<u64>, out: &mut VecDeque<Bytes>) {
    static ZEROS: [u8; 4096] = [0; 4096];
    let header: Vec<u8> = match length.checked_sub(9) {
        // The size in eight bytes, of which the first one says so.
        Some(inside) => [0xEC, 0x01].into_iter().chain(inside.to_be_bytes().into_iter().skip(1)).collect(),
        None => vec![0xEC, 0x80 | u8::try_from(length.saturating_sub(2)).unwrap_or(0)],
    };
    let header_end = part.end.min(header.len() as u64);
    if part.start < header_end {
        // Within a header of at most nine bytes.
        out.push_back(Bytes::from(header).slice(part.start as usize..header_end as usize));
    }
    let mut zeros = part.end.saturating_sub(part.start.max(header_end));
    while zeros > 0 {
        let some = zeros.min(ZEROS.len() as u64);
        out.push_back(Bytes::from_static(&ZEROS).slice(..some as usize));
        zeros -= some;
    }
}

/// Whether the reader is behind, and what it did without since.
#[derive(Debug)]
pub(super) struct Thin {
    most: Option<Duration>,
    left_out: Option<LeftOut>,
}

impl Thin {
    pub(super) fn new(policy: SlowReader) -> Self {
        let most = if let SlowReader::KeyFrames(most) = policy { Some(most) } else { None };
        Thin { most, left_out: None }
    }

    /// The policy is this one.
    pub(super) fn is_on(&self) -> bool {
        self.most.is_some()
    }

    /// The next fragment goes out without what can be done without.
    pub(super) fn is_behind(&self) -> bool {
        self.left_out.is_some()
    }

    pub(super) fn count(&mut self, frames: u64, bytes: u64) {
        if let Some(left_out) = &mut self.left_out {
            left_out.frames += frames;
            left_out.bytes += bytes;
        }
    }

    /// A fragment was handed out, which was so far behind the newest; what there is to be told.
    pub(super) fn fragment(&mut self, number: &FragmentNumber, behind_ms: Option<i64>) -> Option<SessionNotice> {
        let most = self.most?;
        let by = Duration::from_millis(behind_ms.and_then(|millis| u64::try_from(millis).ok())?);
        let Some(left_out) = &mut self.left_out else {
            if by <= most {
                return None;
            }
            self.left_out = Some(LeftOut { after: Some(number.clone()), ..LeftOut::default() });
            return Some(SessionNotice::Behind { by, after: number.clone() });
        };
        left_out.fragments += 1;
        // Half, so that it does not go to and fro.
        if by > most / 2 {
            return None;
        }
        left_out.to = Some(number.clone());
        self.left_out.take().map(SessionNotice::CaughtUp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_become_void_elements_however_the_bytes_are_cut() {
        let body: Vec<u8> = (1..=120).collect();
        for step in 1..=body.len() {
            let mut holes = Holes::default();
            for place in [3..9, 9..18, 40..100] {
                holes.holes.push_back(Hole { place, frames: 1 });
            }
            let (mut out, mut at, mut left) = (VecDeque::new(), 0, (0, 0));
            for piece in body.chunks(step) {
                let (frames, bytes) = holes.pass(at, Bytes::copy_from_slice(piece), &mut out);
                at += piece.len() as u64;
                left = (left.0 + frames, left.1 + bytes);
            }
            let got: Vec<u8> = out.into_iter().flatten().collect();
            let mut wanted = body.clone();
            wanted[3..18].copy_from_slice(&[0xEC, 0x84, 0, 0, 0, 0, 0xEC, 1, 0, 0, 0, 0, 0, 0, 0]);
            wanted[40..100].fill(0);
            wanted[40..49].copy_from_slice(&[0xEC, 1, 0, 0, 0, 0, 0, 0, 51]);
            assert_eq!((got, left), (wanted, (3, 75)), "pieces of {step}");
        }
    }
}
