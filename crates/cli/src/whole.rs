//! Events of the fragments that a range keeps, and of no other.

use std::collections::VecDeque;

use kineframe::fragment::{Event, Payload};

use crate::args::{Common, Input};
use crate::body::{Body, Report};
use crate::outcome::Failure;
use crate::range::{FragmentRange, Place};

/// Events of whole fragments.
pub struct WholeFragments {
    body: Body,
    range: FragmentRange,
    /// Events of the fragment at hand: whether it overlaps the range is known at its end.
    held: VecDeque<Event>,
    /// `held` is decided on.
    released: bool,
    over: bool,
}

impl WholeFragments {
    /// Opens an input.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn open(input: &Input, common: &Common) -> Result<WholeFragments, Failure> {
        let (body, range) = (Body::open(input, Payload::Keep, common)?, FragmentRange::new(input));
        Ok(WholeFragments { body, range, held: VecDeque::new(), released: true, over: false })
    }

    /// The next event of a fragment that is kept; `None` at the end.
    ///
    /// # Errors
    /// As for [`Body::next_event`].
    pub fn next_event(&mut self) -> Result<Option<Event>, Failure> {
        loop {
            if self.released {
                if let Some(event) = self.held.pop_front() {
                    return Ok(Some(event));
                }
                self.released = self.range.is_all();
            }
            if self.over {
                return Ok(None);
            }
            let Some(event) = self.body.next_event()? else {
                self.over = true;
                self.held.clear();
                return Ok(None);
            };
            if self.released {
                return Ok(Some(event));
            }
            let place = match &event {
                Event::Finished(tail) => Some(self.range.place(tail)?),
                _ => None,
            };
            self.held.push_back(event);
            match place {
                None => {}
                Some(Place::Inside) => self.released = true,
                Some(Place::Before) => self.held.clear(),
                Some(Place::After) => {
                    self.held.clear();
                    self.over = true;
                }
            }
        }
    }

    /// What was read, lost and reported so far.
    pub fn report(&self) -> Report {
        self.body.report()
    }
}
