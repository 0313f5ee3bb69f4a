//! Each fragment as a file of its own.

use std::collections::VecDeque;

use kineframe_matroska::SimpleTag;

use super::part::Part;
use super::{Output, RemuxOptions};
use crate::{Event, Frame};

/// Makes a stand-alone, playable file of each fragment: times from 0, all its tags, Duration and Cues where the
/// output can be patched.
///
/// Fragments without frames or without tracks give no file. Frames of tracks that are not declared, and frames
/// without any time, are left out, as is what follows the closing tags of a fragment.
///
/// Used like a [`Merger`](crate::Merger).
#[derive(Debug)]
pub struct FragmentFiles {
    options: RemuxOptions,
    out: VecDeque<Output>,
    files: u64,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Between fragments.
    Outside,
    /// A fragment of which these tags are known, and no frame yet.
    Waiting(Vec<SimpleTag>),
    /// The file of a fragment, and the tags that stand behind its first frame.
    Open(Box<Part>, Vec<SimpleTag>),
}

impl FragmentFiles {
    /// A maker of files, before the first.
    pub fn new(options: RemuxOptions) -> Self {
        FragmentFiles { options, out: VecDeque::new(), files: 0, state: State::Outside }
    }

    /// Takes the next event of a splitter.
    pub fn push(&mut self, event: &Event) {
        match event {
            Event::Started(_) => {
                self.finish();
                self.state = State::Waiting(Vec::new());
            }
            Event::Tag(tag) => match &mut self.state {
                State::Waiting(tags) | State::Open(_, tags) => tags.push(tag.clone()),
                State::Outside => {}
            },
            Event::Frame(frame) => self.frame(frame),
            Event::Finished(_) => self.finish(),
            _ => {}
        }
    }

    /// Says that no more fragments come. Only where the last one has not finished is there anything to do.
    pub fn finish(&mut self) {
        if let State::Open(part, tags) = std::mem::replace(&mut self.state, State::Outside) {
            part.end(&tags, &mut self.out);
        }
    }

    /// What to do next; `None` where there is nothing to do for now.
    pub fn next_output(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    fn frame(&mut self, frame: &Frame) {
        let head = &frame.fragment;
        let (Some(offset), Some(tracks)) = (frame.offset, &head.tracks) else { return };
        if !tracks.entries.iter().any(|entry| entry.number == frame.track_number) {
            return;
        }
        if let State::Waiting(tags) = &mut self.state {
            let part = Part::new(self.files, head, tracks, std::mem::take(tags), self.options);
            self.files += 1;
            self.state = State::Open(Box::new(part), Vec::new());
        }
        if let State::Open(part, _) = &mut self.state {
            part.frame(frame, i128::from(offset), &mut self.out);
        }
    }
}
