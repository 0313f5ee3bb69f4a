//! Consecutive fragments as one Segment.

use std::collections::VecDeque;
use std::sync::Arc;

use kineframe_matroska::Tracks;

use super::part::Part;
use super::timeline::Timeline;
use super::{Output, RemuxOptions, same_tracks};
use crate::{Event, FragmentHead, FragmentTail, Frame};

/// Makes one playable file of consecutive fragments: one Segment, with Duration and Cues where the output can be
/// patched. Where the tracks change, the file ends and the next begins.
///
/// Fragments lie at producer time; where that does not rise, after the end of what is there. Frames of tracks
/// that are not declared, and frames without any time, are left out.
///
/// Feed it the events of a [`Splitter`](crate::Splitter), and take out what to write after each.
///
/// ```
/// use bytes::Bytes;
/// use kineframe_fragment::{Merger, Options, Output, RemuxOptions, Splitter};
///
/// # let body = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/fixtures/gap.mkv")).unwrap();
/// let mut splitter = Splitter::new(Options::default());
/// let mut merger = Merger::new(RemuxOptions::default());
/// splitter.push(Bytes::from(body));
/// splitter.finish();
/// while let Some(event) = splitter.next_event()? {
///     merger.push(&event);
/// }
/// merger.finish();
/// let mut file = Vec::new();
/// while let Some(output) = merger.next_output() {
///     match output {
///         Output::Data(bytes) => file.extend_from_slice(&bytes),
///         Output::Patch { position, data } => {
///             let position = usize::try_from(position).unwrap();
///             file[position..position + data.len()].copy_from_slice(&data);
///         }
///         Output::End(end) => assert_eq!((end.index, end.frames, end.len), (0, 3, file.len() as u64)),
///         _ => {}
///     }
/// }
/// # Ok::<(), kineframe_fragment::Error>(())
/// ```
#[derive(Debug)]
pub struct Merger {
    options: RemuxOptions,
    out: VecDeque<Output>,
    files: u64,
    open: Option<OpenFile>,
}

#[derive(Debug)]
struct OpenFile {
    part: Part,
    tracks: Arc<Tracks>,
    timeline: Timeline,
    /// The fragment that was placed last.
    placed: Option<Placed>,
}

#[derive(Debug)]
struct Placed {
    /// Which it is ([`FragmentHead::index`]).
    index: u64,
    /// Where its first Cluster lies in the file, in nanoseconds.
    start: i128,
    /// Its first frame in presentation order, in nanoseconds from its first Cluster.
    first: i64,
}

impl Merger {
    /// A merger at the start of its first file.
    pub fn new(options: RemuxOptions) -> Self {
        Merger { options, out: VecDeque::new(), files: 0, open: None }
    }

    /// Takes the next event of a splitter.
    pub fn push(&mut self, event: &Event) {
        match event {
            Event::Frame(frame) => self.frame(frame),
            Event::Finished(tail) | Event::Amended(tail) => self.finished(tail),
            _ => {}
        }
    }

    /// Says that no more fragments come: the open file ends.
    pub fn finish(&mut self) {
        if let Some(open) = self.open.take() {
            open.part.end(&[], &mut self.out);
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
        if self.open.as_ref().is_none_or(|open| !same_tracks(&open.tracks, tracks)) {
            self.finish();
            self.begin(head, tracks);
        }
        let Some(open) = &mut self.open else { return };
        let start = open.place(head, offset);
        let nanos = start.saturating_add(i128::from(offset));
        open.timeline.reaches(nanos.saturating_add(i128::from(frame.duration.unwrap_or(0))));
        open.part.frame(frame, nanos, &mut self.out);
    }

    fn begin(&mut self, head: &Arc<FragmentHead>, tracks: &Arc<Tracks>) {
        let part = Part::new(self.files, head, tracks, Vec::new(), self.options);
        self.files += 1;
        self.open = Some(OpenFile { part, tracks: Arc::clone(tracks), timeline: Timeline::default(), placed: None });
    }

    fn finished(&mut self, tail: &FragmentTail) {
        let Some(open) = &mut self.open else { return };
        if let Some(placed) = open.placed.as_ref().filter(|placed| placed.index == tail.head.index) {
            let first = placed.start.saturating_add(i128::from(placed.first));
            open.timeline.reaches(first.saturating_add(i128::from(tail.duration.unwrap_or(0))));
        }
    }
}

impl OpenFile {
    /// Where the fragment lies.
    fn place(&mut self, head: &FragmentHead, offset: i64) -> i128 {
        if let Some(placed) = self.placed.as_mut().filter(|placed| placed.index == head.index) {
            placed.first = placed.first.min(offset);
            return placed.start;
        }
        let start = self.timeline.place(head.producer_timestamp);
        self.placed = Some(Placed { index: head.index, start, first: offset });
        start
    }
}
