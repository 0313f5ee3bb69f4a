//! The selection as a state machine over frames in presentation order.

use std::collections::BTreeMap;

use crate::choose::timeline::Times;
use crate::info::PictureInfo;
use crate::selection::{At, Every, FragmentRef, Grid, MediaTime, Range, Selection};

/// Runs of steps that a grid remembers to have served. Times normally rise, so that there is one.
const MAX_RUNS: usize = 4096;

/// What is told of a frame: wanted or not.
pub(crate) type Decision = (u64, bool);

/// Decides on the frames of one track, in presentation order.
#[derive(Debug)]
pub(crate) struct Selector {
    range: Range,
    /// Where the range's length ends, once its first frame is known.
    end: Option<MediaTime>,
    every: Option<Steps>,
    one_in: Option<u64>,
    keyframes: bool,
    limited: bool,
    ats: Vec<Pointer>,
    fragments: Vec<(FragmentRef, Passed)>,
    /// Frames in the range so far.
    count: u64,
    /// Frames that a pointer may still settle on: whether the rest of the selection wants them, and how many
    /// pointers are on them.
    claimed: BTreeMap<u64, (bool, usize)>,
    done: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Passed {
    Not,
    In,
    Over,
}

/// One `at` on its way to its picture.
#[derive(Debug)]
struct Pointer {
    at: At,
    /// The last frame at or before it.
    on: Option<u64>,
    settled: bool,
}

enum Side {
    /// This is the one.
    Here,
    /// At or before the time: this frame takes the place of the one before.
    Before,
    /// Past it: the pointer settles.
    Past,
    /// Says nothing: before the fragment meant, or without a time.
    Elsewhere,
}

impl Selector {
    pub(crate) fn new(selection: &Selection, range: Range) -> Self {
        Selector {
            every: selection.every.filter(|every| !every.step.is_zero()).map(|every| Steps::new(every, &range)),
            range,
            end: None,
            one_in: selection.one_in.map(|n| n.get()).filter(|n| *n > 1),
            keyframes: selection.keyframes,
            limited: selection.limit.is_some(),
            ats: selection.at.iter().map(|at| Pointer { at: at.clone(), on: None, settled: false }).collect(),
            fragments: selection.fragments.iter().map(|fragment| (fragment.clone(), Passed::Not)).collect(),
            count: 0,
            claimed: BTreeMap::new(),
            done: false,
        }
    }

    /// Whether each frame can be decided on by itself, whatever its neighbours in presentation order are.
    pub(crate) fn is_immediate(&self) -> bool {
        let counts = self.every.is_some() || self.one_in.is_some() || self.limited;
        !counts && self.ats.is_empty() && self.range.to.is_none() && self.range.length.is_none()
    }

    /// No frame is wanted that is not a random access point.
    pub(crate) fn keyframes_only(&self) -> bool {
        self.keyframes
    }

    /// Nothing that follows is wanted.
    pub(crate) fn is_done(&self) -> bool {
        self.done
    }

    /// The next frame in presentation order. Decisions, also on earlier frames, go to `out`.
    pub(crate) fn push(&mut self, id: u64, info: &PictureInfo, times: Times, out: &mut Vec<Decision>) {
        if self.done || past(self.range.to, times) || past(self.end, times) {
            self.settle_all(out);
            self.done = true;
            out.push((id, false));
            return;
        }
        if self.range.from_fragment.as_ref().is_some_and(|start| start.reached(&info.fragment)) {
            // Numbers that go back later do not take frames out again.
            self.range.from_fragment = None;
        }
        let early = self.range.from.is_some_and(|from| !reached(from, times));
        if early || self.range.from_fragment.is_some() {
            out.push((id, false));
            return;
        }
        if let (None, Some(length)) = (self.end, self.range.length) {
            self.end = after(times, length);
        }
        let passes = self.narrow(info, times);
        let mut wanted = passes && self.ats.is_empty() && self.fragments.is_empty();
        for (fragment, passed) in &mut self.fragments {
            if fragment.is(&info.fragment) {
                *passed = Passed::In;
                wanted |= passes;
            } else if *passed == Passed::In {
                *passed = Passed::Over;
            }
        }
        let mut claims = 0;
        for index in 0..self.ats.len() {
            let Some(pointer) = self.ats.get_mut(index).filter(|pointer| !pointer.settled) else { continue };
            match side(pointer, info, times) {
                Side::Here => {
                    pointer.settled = true;
                    wanted |= passes;
                }
                Side::Before => {
                    claims += 1;
                    if let Some(before) = pointer.on.replace(id) {
                        self.leave(before, out);
                    }
                }
                Side::Past => {
                    pointer.settled = true;
                    if let Some(on) = pointer.on.take() {
                        self.settle(on, out);
                    }
                }
                Side::Elsewhere => {}
            }
        }
        if wanted || claims == 0 {
            out.push((id, wanted));
        } else {
            self.claimed.insert(id, (passes, claims));
        }
        let united = !self.ats.is_empty() || !self.fragments.is_empty();
        self.done = united
            && self.ats.iter().all(|pointer| pointer.settled)
            && self.fragments.iter().all(|(_, passed)| *passed == Passed::Over);
    }

    /// There are no more frames.
    pub(crate) fn finish(&mut self, out: &mut Vec<Decision>) {
        self.settle_all(out);
        self.done = true;
    }

    /// What narrows the choice, each counted on its own.
    fn narrow(&mut self, info: &PictureInfo, times: Times) -> bool {
        let mut passes = !self.keyframes || info.keyframe;
        if let Some(n) = self.one_in {
            passes &= self.count.is_multiple_of(n);
        }
        if let Some(steps) = &mut self.every {
            passes &= steps.is_first(times);
        }
        self.count += 1;
        passes
    }

    /// A later frame takes the place of this one with one of its pointers.
    fn leave(&mut self, id: u64, out: &mut Vec<Decision>) {
        let Some((_, claims)) = self.claimed.get_mut(&id) else { return };
        *claims -= 1;
        if *claims == 0 {
            self.claimed.remove(&id);
            out.push((id, false));
        }
    }

    /// A pointer settles on this frame. One that is decided on already, for another reason, is not told again.
    fn settle(&mut self, id: u64, out: &mut Vec<Decision>) {
        if let Some((passes, _)) = self.claimed.remove(&id) {
            out.push((id, passes));
        }
    }

    fn settle_all(&mut self, out: &mut Vec<Decision>) {
        for index in 0..self.ats.len() {
            let Some(pointer) = self.ats.get_mut(index) else { continue };
            pointer.settled = true;
            if let Some(on) = pointer.on.take() {
                self.settle(on, out);
            }
        }
    }
}

fn side(pointer: &Pointer, info: &PictureInfo, times: Times) -> Side {
    match &pointer.at {
        At::Time(time) => match distance(*time, times) {
            None => Side::Elsewhere,
            Some(distance) if distance <= 0 => Side::Before,
            // Where times go back later, a frame at or before the time may still come.
            Some(_) if pointer.on.is_none() => Side::Elsewhere,
            Some(_) => Side::Past,
        },
        At::Offset { fragment, offset } => match (fragment.is(&info.fragment), info.offset) {
            (true, Some(at)) if at <= *offset => Side::Before,
            (false, _) if pointer.on.is_none() => Side::Elsewhere,
            (true, None) => Side::Elsewhere,
            _ => Side::Past,
        },
        At::First(fragment) if fragment.is(&info.fragment) => Side::Here,
        At::First(_) => Side::Elsewhere,
    }
}

/// Nanoseconds from `time` to the frame; `None` where the frame does not tell that clock.
fn distance(time: MediaTime, times: Times) -> Option<i128> {
    match time {
        MediaTime::Wall(time) => times.wall?.checked_sub(time),
        MediaTime::Elapsed(time) => times.elapsed?.checked_sub(time),
    }
}

/// The frame is at or past the end of a range.
fn past(to: Option<MediaTime>, times: Times) -> bool {
    to.is_some_and(|to| distance(to, times).is_some_and(|distance| distance >= 0))
}

/// The time this long after the frame, on the clock that it tells.
fn after(times: Times, length: std::time::Duration) -> Option<MediaTime> {
    let nanos = i128::try_from(length.as_nanos()).ok()?;
    match times {
        Times { wall: Some(wall), .. } => wall.checked_add(nanos).map(MediaTime::Wall),
        Times { elapsed: Some(elapsed), .. } => elapsed.checked_add(nanos).map(MediaTime::Elapsed),
        _ => None,
    }
}

/// The frame is at or past the beginning of a range.
fn reached(from: MediaTime, times: Times) -> bool {
    distance(from, times).is_some_and(|distance| distance >= 0)
}

/// The steps of a grid that have had their picture.
#[derive(Debug)]
struct Steps {
    step: i128,
    origin: Origin,
    /// First and last step of each run that was served.
    served: BTreeMap<i128, i128>,
}

#[derive(Debug)]
enum Origin {
    At(MediaTime),
    FirstPicture,
}

impl Steps {
    fn new(every: Every, range: &Range) -> Self {
        let step = i128::try_from(every.step.as_nanos()).unwrap_or(i128::MAX);
        let origin = match (every.grid, range.from) {
            (Grid::Epoch, _) => Origin::At(MediaTime::Wall(0)),
            (Grid::Start, Some(from)) => Origin::At(from),
            (Grid::Start, None) => Origin::FirstPicture,
        };
        Steps { step, origin, served: BTreeMap::new() }
    }

    /// Whether this is the first frame of its step; one without a time is in none.
    fn is_first(&mut self, times: Times) -> bool {
        if let Origin::FirstPicture = self.origin {
            let first = times.wall.map(MediaTime::Wall).or(times.elapsed.map(MediaTime::Elapsed));
            let Some(first) = first else { return false };
            self.origin = Origin::At(first);
        }
        let Origin::At(origin) = self.origin else { return false };
        let Some(distance) = distance(origin, times) else { return false };
        let step = distance.div_euclid(self.step);
        let before = self.served.range(..=step).next_back().map(|(start, end)| (*start, *end));
        if before.is_some_and(|(_, end)| step <= end) {
            return false;
        }
        // The step joins the run before it and the run behind it.
        let start = before.filter(|(_, end)| end + 1 == step).map_or(step, |(start, _)| start);
        let end = self.served.remove(&(step + 1)).unwrap_or(step);
        self.served.insert(start, end);
        if self.served.len() > MAX_RUNS {
            self.served.pop_first();
        }
        true
    }
}

#[cfg(test)]
#[path = "select_tests.rs"]
mod tests;
