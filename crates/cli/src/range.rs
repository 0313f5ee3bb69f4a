//! Which fragments a range keeps whole: those that overlap it.

use kineframe::fragment::{FragmentNumber, FragmentTail};

use crate::args::{Clock, Input};
use crate::outcome::Failure;
use crate::units::{Bound, Moment};

/// A half-open range over fragments.
#[derive(Debug)]
pub struct FragmentRange {
    from: Option<Bound>,
    to: Option<Bound>,
    clock: Clock,
    /// Start of the first fragment that has a time: what durations count from.
    base: Option<i128>,
    /// Where the range ends, once that is known.
    end: Option<i128>,
}

/// Where a fragment lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// It ends before the range starts.
    Before,
    /// It overlaps the range.
    Inside,
    /// It starts at or past the end.
    After,
}

impl FragmentRange {
    /// The range that the flags name.
    pub fn new(input: &Input) -> FragmentRange {
        FragmentRange { from: input.from.clone(), to: input.to.clone(), clock: input.clock, base: None, end: None }
    }

    /// Whether every fragment lies inside.
    pub fn is_all(&self) -> bool {
        matches!(self.from, None | Some(Bound::Earliest | Bound::Now | Bound::Token(_))) && self.to.is_none()
    }

    /// Where a fragment lies. Fragments are to be shown in the order of the input.
    ///
    /// # Errors
    /// A wall time was asked for and the fragment has none.
    pub fn place(&mut self, tail: &FragmentTail) -> Result<Place, Failure> {
        if self.is_all() {
            return Ok(Place::Inside);
        }
        let start = self.start(tail);
        if let (None, Some(start)) = (self.base, start) {
            self.base = Some(start);
        }
        let number = tail.head.number.as_ref();
        let before = match &self.from {
            None | Some(Bound::Earliest | Bound::Now | Bound::Token(_)) => false,
            Some(Bound::Fragment(wanted)) => below(number, wanted, false),
            Some(Bound::AfterFragment(wanted)) => below(number, wanted, true),
            Some(Bound::At(moment)) => {
                let from = self.resolve(*moment, tail)?;
                start.is_some_and(|start| start + length(tail) <= from)
            }
            Some(Bound::AfterFirst(nanos)) => start.is_some_and(|start| start < self.base.unwrap_or(start) + nanos),
        };
        if before {
            return Ok(Place::Before);
        }
        if self.end.is_none() {
            self.end = self.resolve_end(start, tail)?;
        }
        let after = matches!((start, self.end), (Some(start), Some(end)) if start >= end);
        Ok(if after { Place::After } else { Place::Inside })
    }

    /// Where the range ends, told when its first fragment is known: `+D` counts from there.
    fn resolve_end(&self, start: Option<i128>, tail: &FragmentTail) -> Result<Option<i128>, Failure> {
        match &self.to {
            None => Ok(None),
            Some(Bound::At(moment)) => self.resolve(*moment, tail).map(Some),
            Some(Bound::AfterFirst(nanos)) => Ok(start.map(|start| start + nanos)),
            Some(_) => Err(Failure::Usage("--to takes a time or +DURATION".into())),
        }
    }

    fn start(&self, tail: &FragmentTail) -> Option<i128> {
        let head = &tail.head;
        let wall = match self.clock {
            Clock::Producer => head.producer_timestamp.map(|time| time.0),
            Clock::Server => head.server_timestamp.map(|time| time.0),
        };
        wall.or_else(|| Some(head.first_cluster?.to_nanos(head.timestamp_scale)))
    }

    fn resolve(&self, moment: Moment, tail: &FragmentTail) -> Result<i128, Failure> {
        match moment {
            Moment::FromStart(nanos) => Ok(self.base.unwrap_or_default() + nanos),
            Moment::Wall(nanos) => {
                let known = match self.clock {
                    Clock::Producer => tail.head.producer_timestamp.is_some(),
                    Clock::Server => tail.head.server_timestamp.is_some(),
                };
                if !known && tail.head.first_cluster.is_some() {
                    let index = tail.head.index;
                    return Err(Failure::Work(format!(
                        "fragment {index} has no wall time; give --from and --to as durations from the start, such as 4s"
                    )));
                }
                Ok(nanos)
            }
        }
    }
}

/// How long a fragment lasts, in whole milliseconds as its times are told: a mean frame duration with a fraction would
/// reach into the next fragment.
fn length(tail: &FragmentTail) -> i128 {
    let millis = tail.duration.unwrap_or(0) / 1_000_000;
    (i128::from(millis) * 1_000_000).max(1)
}

/// Whether a fragment's number lies below `wanted` (or at it, with `included`).
fn below(number: Option<&FragmentNumber>, wanted: &str, included: bool) -> bool {
    match (number, FragmentNumber::new(wanted)) {
        (Some(number), Some(wanted)) => *number < wanted || (included && *number == wanted),
        _ => true,
    }
}
