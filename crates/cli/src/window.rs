//! Which part of each frame a range keeps, for the commands that cut exactly.

use kineframe::audio::Part;
use kineframe::fragment::{FragmentHead, FragmentNumber, Frame};

use crate::args::{Clock, Input};
use crate::outcome::Failure;
use crate::units::{Bound, Moment};

/// A half-open range over frames.
#[derive(Debug)]
pub struct FrameWindow {
    from: Option<Bound>,
    to: Option<Bound>,
    clock: Clock,
    /// The first frame of the input: what durations count from.
    base: Option<i128>,
    /// Where the range begins, once that is known.
    start: Option<i128>,
    /// Where it ends, once that is known.
    end: Option<i128>,
    /// A frame from before the start was there.
    earlier: bool,
}

impl FrameWindow {
    /// The range that the flags name.
    ///
    /// # Errors
    /// An end that is none.
    pub fn new(input: &Input) -> Result<FrameWindow, Failure> {
        if !matches!(input.to, None | Some(Bound::At(_) | Bound::AfterFirst(_))) {
            return Err(Failure::Usage("--to takes a time or +DURATION".into()));
        }
        let (from, to) = (input.from.clone(), input.to.clone());
        Ok(FrameWindow { from, to, clock: input.clock, base: None, start: None, end: None, earlier: false })
    }

    /// Whether a fragment, and with it what follows, lies behind the end.
    pub fn is_over(&self, head: &FragmentHead) -> bool {
        let start = self.wall(head).or_else(|| Some(head.first_cluster?.to_nanos(head.timestamp_scale)));
        matches!((start, self.end), (Some(start), Some(end)) if start >= end)
    }

    /// The part of a frame that is wanted; `None` for none of it. Frames are to be shown in the order of the input,
    /// those of all tracks.
    ///
    /// # Errors
    /// A wall time was asked for and the fragment has none.
    pub fn part(&mut self, frame: &Frame) -> Result<Option<Part>, Failure> {
        if let Some(Bound::Fragment(wanted) | Bound::AfterFragment(wanted)) = &self.from {
            let after = matches!(self.from, Some(Bound::AfterFragment(_)));
            let wanted = FragmentNumber::new(wanted);
            if let (Some(number), Some(wanted)) = (&frame.fragment.number, wanted)
                && (*number < wanted || (after && *number == wanted))
            {
                return Ok(None);
            }
        }
        let bounded = self.to.is_some() || matches!(self.from, Some(Bound::At(_) | Bound::AfterFirst(_)));
        if !bounded {
            return Ok(Some(Part::ALL));
        }
        let wall = self.wall(&frame.fragment).and_then(|start| start.checked_add(frame.offset?.into()));
        let media = frame.timestamp.map(|ticks| ticks.to_nanos(frame.fragment.timestamp_scale));
        let Some(time) = wall.or(media) else { return Ok(None) };
        let base = *self.base.get_or_insert(time);
        let at = |moment| match moment {
            Moment::FromStart(nanos) => Ok(base.saturating_add(nanos)),
            Moment::Wall(nanos) if wall.is_some() => Ok(nanos),
            Moment::Wall(_) => Err(Failure::Work(format!(
                "fragment {} has no wall time; give --from and --to as durations from the start, such as 4s",
                frame.fragment.index
            ))),
        };
        let from = match &self.from {
            Some(Bound::At(moment)) => Some(at(*moment)?),
            Some(Bound::AfterFirst(nanos)) => Some(base.saturating_add(*nanos)),
            _ => None,
        };
        let early = from.is_some_and(|from| time < from);
        self.earlier |= early;
        if !early && self.start.is_none() {
            // Where sound goes on over the start, that is where the range begins; else with its first frame.
            self.start = if self.earlier { from } else { Some(time) };
        }
        if self.end.is_none() {
            self.end = match &self.to {
                Some(Bound::At(moment)) => Some(at(*moment)?),
                Some(Bound::AfterFirst(nanos)) if early => from.map(|from| from.saturating_add(*nanos)),
                Some(Bound::AfterFirst(nanos)) => self.start.map(|start| start.saturating_add(*nanos)),
                _ => None,
            };
        }
        if self.end.is_some_and(|end| end <= time) {
            return Ok(None);
        }
        let from_here = |time_of: i128| u64::try_from(time_of.saturating_sub(time)).unwrap_or(u64::MAX);
        Ok(Some(Part { from: from.filter(|_| early).map_or(0, from_here), to: self.end.map(from_here) }))
    }

    fn wall(&self, head: &FragmentHead) -> Option<i128> {
        match self.clock {
            Clock::Producer => head.producer_timestamp.map(|time| time.0),
            Clock::Server => head.server_timestamp.map(|time| time.0),
        }
    }
}
