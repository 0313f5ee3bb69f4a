//! From Matroska events to fragments: the state machine under `Splitter`.
//!
//! | Matroska event | what it does to the fragment |
//! |---|---|
//! | `EbmlHeader` | ends the one before, opens the next |
//! | a second `SegmentStart`, another number behind a Cluster | the same: the header in between was lost |
//! | `Info`, `Tracks`, tags before the first Cluster | make its head |
//! | first `ClusterTimestamp`, `Block` or `ClusterEnd` | the head is known: `Started`, then the tags so far |
//! | `Tags` with a token behind a Cluster | closing tags: `Finished` |
//! | `Damage`, an element that was cut | it is truncated |
//! | end of input | ends it |
//!
//! In the PutMedia dialect a `ClusterStart` too ends one fragment and opens the next, and the producer's
//! `END_OF_FRAGMENT` tag is a closing tag.

mod fragment;
#[cfg(test)]
mod tests;
mod track;

use std::collections::VecDeque;
use std::sync::Arc;

use kineframe_matroska::{
    Block, ElementId, ElementSize, Error, ErrorKind, Event as Element, Info, SegmentTicks, SimpleTag, Tags, Tracks,
};

use crate::service::{self, Meaning};
use crate::{Damage, Dialect, Event, FragmentNumber, Frame, Options};
use fragment::{Ending, OpenFragment};

/// Makes fragments of Matroska events, for those who run the demuxer themselves and look at its events too.
/// [`Splitter`](crate::Splitter) is this behind a demuxer.
///
/// It holds one fragment's tags and counts, within the bounds of [`Options`], and the events that were not
/// popped yet: pop until there is none after each [`take`](Self::take).
#[derive(Debug)]
pub struct Assembler {
    options: Options,
    out: VecDeque<Event>,
    open: Option<OpenFragment>,
    fragments: u64,
    /// A fragment of this input had closing tags, so those that follow owe theirs.
    closing_tags_due: bool,
    /// Of the fragment before, for sharing.
    info: Option<Arc<Info>>,
    tracks: Option<Arc<Tracks>>,
    /// The first byte that was lost behind the closing tags of the open fragment: it ends there.
    lost_from: Option<u64>,
}

impl Assembler {
    /// One at the start of an input.
    pub fn new(options: Options) -> Self {
        Assembler {
            options,
            out: VecDeque::new(),
            open: None,
            fragments: 0,
            closing_tags_due: false,
            info: None,
            tracks: None,
            lost_from: None,
        }
    }

    /// The next event that is ready.
    #[inline]
    pub fn pop(&mut self) -> Option<Event> {
        self.out.pop_front()
    }

    /// Index and number of the fragment that is being read.
    pub fn current(&self) -> Option<(u64, Option<FragmentNumber>)> {
        self.open.as_ref().map(|open| (open.index, open.number().cloned()))
    }

    /// Takes the next event of the demuxer.
    pub fn take(&mut self, element: Element) {
        match element {
            Element::EbmlHeader(header) => {
                self.close(header.offset, Ending::InOrder);
                self.open(header.offset);
            }
            Element::SegmentStart { offset, size } => self.segment(offset, size),
            Element::Info(info) => self.info(info),
            Element::Tracks(tracks) => self.tracks(tracks),
            Element::Tags(tags) => self.tags(tags),
            Element::ClusterStart { offset, .. } => self.cluster(offset),
            Element::ClusterTimestamp(ticks) => self.cluster_timestamp(ticks),
            Element::Block(mut block) => {
                let frame = self.frame(&mut block);
                self.out.extend(frame.map(Event::Frame));
            }
            Element::ClusterEnd { complete, .. } => {
                if let Some(open) = &mut self.open {
                    open.start(&mut self.out);
                    open.broken |= !complete;
                }
            }
            Element::SegmentEnd { complete, .. } => {
                // Behind the closing tags nothing of a Segment of unknown size can be missing.
                if let Some(open) = &mut self.open
                    && !(open.segment == Some(ElementSize::Unknown) && open.is_finished())
                {
                    open.broken |= !complete;
                }
            }
            // A checksum that does not fit its data loses nothing: the data is told as it is. Stale ones are passed
            // through by the service.
            Element::Skipped { id: ElementId::CRC32, .. } => {}
            Element::Skipped { offset, size, reason: Some(error), .. } => {
                let cut = matches!(error.kind, ErrorKind::Truncated | ErrorKind::BeyondParent(_));
                self.damage(offset, size.known().unwrap_or(0), error, cut);
            }
            Element::Skipped { .. } => {}
            Element::Damage { offset, length, error } => self.damage(offset, length, error, true),
            // Events that a later demuxer adds say nothing that a fragment is made of.
            _ => {}
        }
    }

    /// The input is over, `end` bytes in all.
    pub fn finish(&mut self, end: u64) {
        self.close(end, Ending::EndOfInput);
    }

    /// Takes a block. Where it has one frame and nothing waits to be told before it, as nearly always, that is the
    /// answer; else what it tells can be popped.
    #[inline]
    pub(crate) fn frame(&mut self, block: &mut Block) -> Option<Frame> {
        self.ensure_open(block.offset);
        self.open.as_mut()?.block(block, &self.options, &mut self.out)
    }

    fn open(&mut self, offset: u64) -> &mut OpenFragment {
        let index = self.fragments;
        self.fragments += 1;
        self.lost_from = None;
        self.open.insert(OpenFragment::new(index, offset))
    }

    /// Opens a fragment at `offset` if none is open: one whose EBML Header was lost still is a fragment.
    fn ensure_open(&mut self, offset: u64) {
        if self.open.is_none() {
            self.open(offset);
        }
    }

    fn close(&mut self, offset: u64, ending: Ending) {
        let Some(mut open) = self.open.take() else { return };
        let end = self.lost_from.take().unwrap_or(offset);
        open.finish(end, ending, self.closing_tags_due, &mut self.out);
        if let Some(tracks) = open.tracks {
            self.tracks = Some(tracks);
        }
        self.info = Some(open.info);
    }

    /// A document has one Segment (RFC 9559 §4.5): with a second one a fragment begins whose EBML Header was lost.
    fn segment(&mut self, offset: u64, size: ElementSize) {
        if self.open.as_ref().is_some_and(|open| open.segment.is_some()) {
            self.close(offset, Ending::InOrder);
        }
        self.ensure_open(offset);
        if let Some(open) = &mut self.open {
            open.segment = Some(size);
        }
    }

    fn info(&mut self, info: Arc<Info>) {
        if let Some(open) = &mut self.open
            && !open.is_started()
        {
            open.info = info;
        }
    }

    fn tracks(&mut self, tracks: Arc<Tracks>) {
        let Some(open) = &mut self.open else { return };
        // Frames refer to the tracks that `Started` told. Repeats within a Segment are identical copies
        // (RFC 9559 §5.1.4), and where they are not, the one nearest to the Cluster counts.
        if open.is_started() && open.tracks.is_some() {
            return;
        }
        let shared = self.tracks.take_if(|known| known.raw == tracks.raw).unwrap_or(tracks);
        self.tracks = Some(Arc::clone(&shared));
        if open.is_started() {
            open.tracks = Some(shared);
        } else {
            open.set_tracks(shared, &self.options);
        }
    }

    fn tags(&mut self, tags: Tags) {
        let Tags { offset, end, tags } = tags;
        if self.options.dialect == Dialect::Body {
            self.another_number(offset, &tags);
        }
        let mut closing = false;
        let dialect = self.options.dialect;
        let options = self.options;
        let Some(open) = &mut self.open else { return };
        for tag in tags {
            closing |= match open.tag(tag, offset, &options, &mut self.out) {
                Some(Meaning::ContinuationToken) => open.has_token(),
                Some(Meaning::EndOfFragment) => dialect == Dialect::PutMedia,
                _ => false,
            };
        }
        if closing && open.clustered && !open.is_finished() {
            if dialect == Dialect::Body {
                self.closing_tags_due = true;
            }
            open.finish(end, Ending::InOrder, false, &mut self.out);
        }
    }

    /// The service tells the number of a fragment once, before the Cluster. Another one behind it is the next
    /// fragment's, the beginning of which was lost.
    fn another_number(&mut self, offset: u64, tags: &[SimpleTag]) {
        let Some(open) = self.open.as_mut().filter(|open| open.clustered) else { return };
        let Some(known) = open.number() else { return };
        let number = |tag: &SimpleTag| match service::meaning(&tag.name) {
            Some(Meaning::Number) => service::text(tag).and_then(FragmentNumber::new),
            _ => None,
        };
        if tags.iter().filter_map(number).any(|number| number != *known) {
            if !open.is_finished() {
                open.broken = true;
            }
            self.close(offset, Ending::InOrder);
            self.open_like_before(offset);
        }
    }

    /// Opens a fragment that goes on with what the one before said of tracks and time scale.
    fn open_like_before(&mut self, offset: u64) {
        let (info, tracks) = (self.info.clone(), self.tracks.clone());
        let options = self.options;
        let open = self.open(offset);
        if let Some(info) = info {
            open.info = info;
        }
        if let Some(tracks) = tracks {
            open.set_tracks(tracks, &options);
        }
    }

    fn cluster(&mut self, offset: u64) {
        let next = match &self.open {
            Some(open) => self.options.dialect == Dialect::PutMedia && open.clustered,
            None => false,
        };
        if next {
            self.close(offset, Ending::InOrder);
            self.open_like_before(offset);
        }
        self.ensure_open(offset);
        if let Some(open) = &mut self.open {
            open.clustered = true;
        }
    }

    /// A second Timestamp in a Cluster, and those of later Clusters, are no origin; nor is one that comes behind
    /// blocks, since those were told without it.
    fn cluster_timestamp(&mut self, ticks: SegmentTicks) {
        if let Some(open) = &mut self.open
            && !open.is_started()
        {
            open.first_cluster = Some(ticks);
            open.start(&mut self.out);
        }
    }

    /// Tells of bytes that were not used; `lost` where that breaks the fragment, and not just an element.
    fn damage(&mut self, offset: u64, length: u64, error: Error, lost: bool) {
        let mut fragment = None;
        if let Some(open) = &mut self.open {
            if !open.is_finished() {
                open.broken |= lost;
                fragment = Some(open.index);
            } else if lost {
                self.lost_from.get_or_insert(offset);
            }
        }
        self.out.push_back(Event::Damage(Damage { fragment, offset, length, error }));
    }
}
