//! Reading along: what a read's bytes are, and whether there is reason to doubt them.

use std::sync::Arc;

use bytes::Bytes;
use kineframe_fragment::{Assembler, Event, Options, Splitter};
use kineframe_matroska::{DemuxOptions, Demuxer, Event as Element, Recover, Tracks, schema};

use super::options::Integrity;
use super::thin::Holes;

/// A place that is not as the service writes it, and where what speaks against it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Doubt {
    pub(super) offset: u64,
    pub(super) end: u64,
}

/// What a read tells next.
pub(super) enum Step {
    Event(Event),
    Doubt(Doubt),
}

/// Follows one read.
pub(super) enum Watch {
    /// Damage alone is told.
    Trusting(Box<Splitter>),
    /// Doubts are told as well.
    Wary(Box<Wary>),
}

impl Watch {
    /// With `blocks`, those that can be left out are kept.
    pub(super) fn new(integrity: Integrity, blocks: bool) -> Self {
        let doubting = integrity == Integrity::Checked;
        if doubting || blocks {
            return Watch::Wary(Box::new(Wary { doubting, holes: blocks.then(Holes::default), ..Wary::new() }));
        }
        Watch::Trusting(Box::new(Splitter::new(Options::default())))
    }

    /// The blocks that can be left out.
    pub(super) fn holes(&mut self) -> Option<&mut Holes> {
        match self {
            Watch::Trusting(_) => None,
            Watch::Wary(wary) => wary.holes.as_mut(),
        }
    }

    pub(super) fn push(&mut self, piece: Bytes) {
        match self {
            Watch::Trusting(splitter) => splitter.push(piece),
            Watch::Wary(wary) => wary.demuxer.push(piece),
        }
    }

    pub(super) fn finish(&mut self) {
        match self {
            Watch::Trusting(splitter) => splitter.finish(),
            Watch::Wary(wary) => wary.finish(),
        }
    }

    /// What comes next; nothing before more is pushed. An error comes only of a strict splitter, which this is not.
    pub(super) fn next(&mut self) -> Option<Step> {
        match self {
            Watch::Trusting(splitter) => splitter.next_event().ok().flatten().map(Step::Event),
            Watch::Wary(wary) => wary.next(),
        }
    }
}

/// A splitter that looks at the elements as well.
///
/// Nearly any bytes can be read as an element: an ID that no specification knows, a length that happens to fit. Such an
/// element is legal, and where bytes were lost or put in it is what hides them. The service writes none, so each is a
/// reason to read again.
pub(super) struct Wary {
    demuxer: Demuxer,
    assembler: Assembler,
    finished: bool,
    ended: bool,
    /// The document has had its Info.
    has_info: bool,
    /// The Tracks of the document.
    tracks: Option<Arc<Tracks>>,
    /// Doubts are told.
    doubting: bool,
    holes: Option<Holes>,
}

impl Wary {
    fn new() -> Self {
        Wary {
            demuxer: Demuxer::new(DemuxOptions::default().recover(Recover::Resync)),
            assembler: Assembler::new(Options::default()),
            finished: false,
            ended: false,
            has_info: false,
            tracks: None,
            doubting: true,
            holes: None,
        }
    }

    fn finish(&mut self) {
        self.demuxer.finish();
        self.finished = true;
    }

    fn next(&mut self) -> Option<Step> {
        loop {
            if let Some(event) = self.assembler.pop() {
                return Some(Step::Event(event));
            }
            match self.demuxer.next_event() {
                Ok(Some(element)) => {
                    // A doubt comes before what the element tells.
                    let doubt = self.doubt(&element).filter(|_| self.doubting);
                    self.note(&element);
                    self.assembler.take(element);
                    if let Some(doubt) = doubt {
                        return Some(Step::Doubt(doubt));
                    }
                }
                _ if self.finished && !self.ended => {
                    self.ended = true;
                    self.assembler.finish(self.demuxer.pushed_bytes());
                }
                _ => return None,
            }
        }
    }

    /// Blocks that can be left out.
    fn note(&mut self, element: &Element) {
        match (element, &mut self.holes) {
            (Element::EbmlHeader(_), Some(holes)) => holes.document(),
            (Element::Block(block), Some(holes)) => holes.block(block),
            _ => {}
        }
    }

    fn doubt(&mut self, element: &Element) -> Option<Doubt> {
        match element {
            Element::EbmlHeader(_) => (self.has_info, self.tracks) = (false, None),
            Element::Info(_) => self.has_info = true,
            Element::Tracks(tracks) => self.tracks = Some(tracks.clone()),
            Element::Skipped { id, offset, size, .. } if schema::element(*id).is_none() => {
                return Some(Doubt { offset: *offset, end: offset.saturating_add(size.known().unwrap_or(0)) });
            }
            Element::ClusterStart { offset, .. } if self.tracks.is_none() || !self.has_info => {
                return Some(Doubt { offset: *offset, end: *offset });
            }
            Element::Block(block) => {
                let known = |tracks: &Arc<Tracks>| tracks.entries.iter().any(|it| it.number == block.track_number);
                if !self.tracks.as_ref().is_some_and(known) {
                    return Some(Doubt { offset: block.offset, end: block.offset });
                }
            }
            _ => {}
        }
        None
    }
}
