//! The state machine over element headers.
//!
//! What ends an open element (RFC 8794 §6.2, §9; RFC 9559 §5.1), read where an element may start:
//!
//! | next | Cluster of unknown size | Cluster of known size | Segment of unknown size | Segment of known size |
//! |---|---|---|---|---|
//! | EBML Header | ends, complete | ends, not complete | ends, complete | ends, not complete |
//! | Segment | ends, complete | ends, not complete | ends, complete | ends, not complete |
//! | Top-Level Element | ends, complete | ends, not complete | its child | its child |
//! | its last byte was read | – | ends, complete | – | ends, complete |
//! | end of input | ends, complete | ends, not complete | ends, complete | ends, not complete |

use std::sync::Arc;

use bytes::Bytes;
use kineframe_ebml::{ElementHeader, ElementId, ElementSize, Error, ErrorKind, MAX_HEADER_LEN, parse_header, value};

use super::block::{Context, FLAGS_RESERVED, block_group, block_header, simple_block};
use super::masters::{self, Problem};
use super::skim::Passing;
use super::{Demuxer, Level, Skipping, State, Step, tracks};
use crate::{Event, SegmentTicks, Tracks, ids, schema};

/// What an element is to the walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Ebml,
    Segment,
    Cluster,
    /// Another Top-Level Element: a child of a Segment.
    TopLevel,
    /// A child of a Cluster.
    InCluster,
    /// Void or CRC-32, which may stand anywhere.
    Global,
    /// An element of the specification that stands deeper.
    Deeper,
    Unknown,
}

impl Place {
    pub(super) fn of(id: ElementId) -> Place {
        match id {
            ids::SIMPLE_BLOCK | ids::BLOCK_GROUP | ids::TIMESTAMP => Place::InCluster,
            ids::EBML => Place::Ebml,
            ids::SEGMENT => Place::Segment,
            ids::CLUSTER => Place::Cluster,
            _ if id.is_global() => Place::Global,
            _ => match schema::element(id).map(|row| row.def.parent) {
                Some(Some(ids::SEGMENT)) => Place::TopLevel,
                Some(Some(ids::CLUSTER)) => Place::InCluster,
                Some(_) => Place::Deeper,
                None => Place::Unknown,
            },
        }
    }
}

/// Most bytes of an EBML Header.
pub(super) const EBML_HEADER: u64 = 64 << 10;

impl Demuxer {
    /// One step: an element, or the end of one.
    pub(super) fn walk(&mut self) -> Result<Step, Error> {
        let position = self.position;
        if let Some(step) = self.end_of_level(position) {
            return Ok(step);
        }
        if self.input.end() < self.wait_for && !self.finished {
            self.release();
            return Ok(Step::More);
        }
        if let Some(Skipping { header, reason, odd, .. }) = self.skipping.take() {
            // Its header may be gone by now.
            return self.skip(header, reason, odd);
        }
        if let Some(Passing::Simple(header, block)) = self.passing {
            return self.pass(header, block);
        }
        if position >= self.input.end() {
            return Ok(if self.finished { self.end_of_input() } else { self.more(position + 1) });
        }
        let Some(header) = self.header_at(position)? else {
            if self.finished {
                return Err(self.error(position, ErrorKind::Truncated, None));
            }
            let next = self.input.end() + 1;
            return Ok(self.more(next));
        };
        let place = Place::of(header.id);
        if let Some(step) = self.ends_open(place, position)? {
            return Ok(step);
        }
        self.within_parent(&header, place)?;
        match (place, self.segment.is_some(), self.cluster.is_some()) {
            (Place::Ebml, _, _) => self.ebml(header),
            (Place::Segment, _, _) => self.open_segment(header),
            (Place::Cluster, true, _) => self.open_cluster(header),
            (Place::TopLevel, true, _) => match header.id {
                ids::INFO | ids::TRACKS | ids::TAGS => self.master(header),
                _ => self.skip(header, None, false),
            },
            (Place::InCluster, _, true) => self.in_cluster(header),
            (Place::Global | Place::Unknown, _, _) => self.skip(header, None, true),
            _ => {
                let kind = ErrorKind::InvalidValue("an element that cannot stand here");
                let error = self.error(position, kind, Some(header.id));
                if self.is_swallowed(header.id) {
                    return Err(error);
                }
                self.skip(header, Some(error), true)
            }
        }
    }

    /// A child of an EBML Header in an open Segment: what precedes has swallowed the beginning of that header.
    pub(super) fn is_swallowed(&self, id: ElementId) -> bool {
        self.segment.is_some() && schema::element(id).is_some_and(|row| row.def.parent == Some(ids::EBML))
    }

    /// The header of the element at `position`; `None` where it is not whole yet.
    pub(super) fn header_at(&mut self, position: u64) -> Result<Option<ElementHeader>, Error> {
        let mut scratch = [0; MAX_HEADER_LEN];
        let bytes = self.input.peek(position, &mut scratch);
        // The EBML Header of the next document is not bound by what this one's says (RFC 8794 §11.2.4, §11.2.5).
        let limits = if bytes.starts_with(&[0x1A, 0x45, 0xDF, 0xA3]) { &self.options.limits } else { &self.limits };
        parse_header(bytes, position, limits).map_err(|error| self.error(position, error.kind, None))
    }

    pub(super) fn more(&mut self, until: u64) -> Step {
        self.wait_for = until;
        self.release();
        Step::More
    }

    /// Lets go of what no search will need.
    fn release(&mut self) {
        let from = self.search_from(self.reach());
        let held = if let Some(Passing::Group(_)) = self.passing { self.position } else { u64::MAX };
        self.input.release(from.min(held));
    }

    /// How far reading has got: the element at hand, or the bytes of it that have been passed over.
    pub(super) fn reach(&self) -> u64 {
        let skipping = self.skipping.as_ref().map(|skipping| skipping.end);
        let end = skipping.or(self.passing.as_ref().map(Passing::end));
        end.map_or(self.position, |end| end.min(self.input.end()))
    }

    /// The end of a level whose size is known, where it has been reached.
    fn end_of_level(&mut self, position: u64) -> Option<Step> {
        if let Some(level) = self.cluster {
            return level.end.is_some_and(|end| position >= end).then(|| self.close_cluster(position, true));
        }
        let level = self.segment?;
        level.end.is_some_and(|end| position >= end).then(|| self.close_segment(position, true))
    }

    /// Ends the open element, the innermost first, where one of `place` cannot stand in it.
    fn ends_open(&mut self, place: Place, position: u64) -> Result<Option<Step>, Error> {
        let new_document = matches!(place, Place::Ebml | Place::Segment);
        if let Some(level) = self.cluster
            && (new_document || matches!(place, Place::Cluster | Place::TopLevel))
        {
            // The last block of a Cluster of unknown size is bound by nothing: a damaged size can take it to just
            // this place, over the start of the next document.
            if level.end.is_none()
                && let Some(last) = self.history.last()
            {
                match self.nothing_swallowed(last + 1, position) {
                    Some(true) => {}
                    Some(false) => {
                        let kind = ErrorKind::InvalidValue("the element before holds the start of a document");
                        return Err(self.error(position, kind, None));
                    }
                    None => return Ok(Some(Step::More)),
                }
            }
            return Ok(Some(self.close_cluster(position, level.end.is_none())));
        }
        let level = self.segment.filter(|_| new_document);
        Ok(level.map(|level| self.close_segment(position, level.end.is_none())))
    }

    fn close_cluster(&mut self, position: u64, in_order: bool) -> Step {
        let Some(level) = self.cluster.take() else { return Step::Again };
        self.cluster_time = None;
        let (offset, complete) = level.close(position, in_order);
        Step::Event(Event::ClusterEnd { offset, complete })
    }

    fn close_segment(&mut self, position: u64, in_order: bool) -> Step {
        let Some(level) = self.segment.take() else { return Step::Again };
        self.tracks = None;
        let (offset, complete) = level.close(position, in_order);
        Step::Event(Event::SegmentEnd { offset, complete })
    }

    pub(super) fn end_of_input(&mut self) -> Step {
        let end = self.input.end();
        if let Some(level) = self.cluster {
            return self.close_cluster(end, level.end.is_none());
        }
        if let Some(level) = self.segment {
            return self.close_segment(end, level.end.is_none());
        }
        self.position = end;
        self.input.release(end);
        self.state = State::Done;
        Step::More
    }

    /// An element must not reach beyond the one that it stands in.
    fn within_parent(&self, header: &ElementHeader, place: Place) -> Result<(), Error> {
        let fail = |kind| Err(self.error(header.offset, kind, Some(header.id)));
        let end = match header.size {
            ElementSize::Known(_) => match header.end_offset() {
                Some(end) => end,
                None => return fail(ErrorKind::BeyondParent(u64::MAX)),
            },
            ElementSize::Unknown if matches!(place, Place::Segment | Place::Cluster) => header.data_offset(),
            ElementSize::Unknown => return fail(ErrorKind::UnknownSize),
        };
        match self.parent_end() {
            Some(parent) if end > parent => fail(ErrorKind::BeyondParent(end - parent)),
            _ => Ok(()),
        }
    }

    /// Where the innermost open element of known size ends.
    pub(super) fn parent_end(&self) -> Option<u64> {
        self.cluster.and_then(|level| level.end).or_else(|| self.segment.and_then(|level| level.end))
    }

    /// The data of an element of known size, once it has come whole.
    fn gather(&mut self, header: &ElementHeader, what: &'static str, limit: u64) -> Result<Option<Bytes>, Error> {
        let arrived = self.arrived(header, what, limit)?;
        let size = header.size.known().unwrap_or(0);
        Ok(arrived.then(|| self.input.take(header.data_offset(), size as usize)))
    }

    /// Whether the data of an element of known size has come whole.
    pub(super) fn arrived(&mut self, header: &ElementHeader, what: &'static str, limit: u64) -> Result<bool, Error> {
        let size = header.size.known().unwrap_or(u64::MAX);
        if size > limit {
            return Err(self.error(header.offset, ErrorKind::Limit { what, limit }, Some(header.id)));
        }
        let end = header.data_offset() + size; // both are bounded
        if self.input.end() >= end {
            return Ok(true);
        }
        if self.finished {
            return Err(self.error(header.offset, ErrorKind::Truncated, Some(header.id)));
        }
        self.more(end);
        Ok(false)
    }

    /// Moves on behind an element and remembers where it started.
    #[inline]
    pub(super) fn accept(&mut self, header: &ElementHeader, end: u64, anchor: bool) {
        self.position = end;
        self.skipping = None;
        self.passing = None;
        self.history.accept(header.offset, anchor);
        self.release();
    }

    fn ebml(&mut self, header: ElementHeader) -> Result<Step, Error> {
        let Some(data) = self.gather(&header, "bytes of an EBML Header", EBML_HEADER)? else { return Ok(Step::More) };
        let declared = header.data_offset() + data.len() as u64;
        let (mut ebml, problem) = masters::ebml_header(&header, data, &self.options.limits);
        let Some(end) = self.settle(problem.as_ref(), declared)? else { return Ok(Step::More) };
        ebml.len = end - header.offset;
        let narrow = |own: u8, told: u64, least: u64| own.min(told.clamp(least, 8) as u8);
        self.limits.id_length = narrow(self.options.limits.id_length, ebml.max_id_length, 4);
        self.limits.size_length = narrow(self.options.limits.size_length, ebml.max_size_length, 1);
        self.accept(&header, end, true);
        Ok(self.tell(Event::EbmlHeader(ebml), problem))
    }

    /// An event, and after it what was wrong.
    fn tell(&mut self, event: Event, problem: Option<Problem>) -> Step {
        if let Some(Problem { id, offset, size, error, .. }) = problem {
            self.queue.push_back(Event::Skipped { id, offset, size, reason: Some(error) });
        }
        Step::Event(event)
    }

    /// Where an element ends that has this problem inside; its size says `end`. An element that does not fit counts
    /// all the same if something sensible follows it, or if what ends it stands inside it: then it ends there.
    /// `None` where that cannot be said yet.
    fn settle(&mut self, problem: Option<&Problem>, end: u64) -> Result<Option<u64>, Error> {
        let Some(problem) = problem.filter(|problem| problem.structural) else { return Ok(Some(end)) };
        let (answer, end) = match problem.foreign {
            // The element at hand begins with an ID of four bytes that is in its place, so what is inside is none.
            Some((at, id)) if at > self.position => (self.judge(at, id), at),
            Some(_) => (Some(false), end),
            None => match self.trusted(end, false) {
                None => return Ok(None),
                answer => (answer, end),
            },
        };
        match answer {
            Some(true) => Ok(Some(end)),
            Some(false) => Err(problem.error.clone()),
            None => {
                self.wait_for = self.input.end() + 1;
                Ok(None)
            }
        }
    }

    fn open_segment(&mut self, header: ElementHeader) -> Result<Step, Error> {
        self.segment = Some(Level { header, end: header.end_offset(), broken: None });
        self.accept(&header, header.data_offset(), true);
        Ok(Step::Event(Event::SegmentStart { offset: header.offset, size: header.size }))
    }

    fn open_cluster(&mut self, header: ElementHeader) -> Result<Step, Error> {
        self.cluster = Some(Level { header, end: header.end_offset(), broken: None });
        self.accept(&header, header.data_offset(), true);
        Ok(Step::Event(Event::ClusterStart { offset: header.offset, size: header.size }))
    }

    /// Info, Tracks or Tags.
    fn master(&mut self, header: ElementHeader) -> Result<Step, Error> {
        let limit = self.options.master.min(self.limits.element);
        let Some(data) = self.gather(&header, "bytes of one gathered element", limit)? else { return Ok(Step::More) };
        let declared = header.data_offset() + data.len() as u64;
        let limits = self.limits;
        let (mut event, problem) = match header.id {
            ids::INFO => {
                let (info, problem) = masters::info(&header, data, &limits);
                (Event::Info(Arc::new(info)), problem)
            }
            ids::TRACKS => {
                let (tracks, problem) = self.read_tracks(&header, data);
                (Event::Tracks(tracks), problem)
            }
            _ => {
                let (tags, problem) = masters::tags(&header, data, &limits);
                (Event::Tags(tags), problem)
            }
        };
        let Some(end) = self.settle(problem.as_ref(), declared)? else { return Ok(Step::More) };
        match &mut event {
            Event::Tracks(tracks) => self.tracks = Some(Arc::clone(tracks)),
            Event::Tags(tags) => tags.end = end,
            _ => {}
        }
        self.accept(&header, end, true);
        Ok(self.tell(event, problem))
    }

    /// A Tracks element; the one before where the bytes are the same.
    fn read_tracks(&mut self, header: &ElementHeader, data: Bytes) -> (Arc<Tracks>, Option<Problem>) {
        if let Some((known, limits)) = &self.known_tracks
            && *limits == self.limits
            && known.raw == data
        {
            return (Arc::clone(known), None);
        }
        let (tracks, problem) = tracks::tracks(header, data, &self.limits);
        let tracks = Arc::new(tracks);
        if problem.is_none() {
            self.known_tracks = Some((Arc::clone(&tracks), self.limits));
        }
        (tracks, problem)
    }

    /// A child of the open Cluster.
    fn in_cluster(&mut self, header: ElementHeader) -> Result<Step, Error> {
        match header.id {
            ids::SIMPLE_BLOCK | ids::BLOCK_GROUP => self.block(header),
            ids::TIMESTAMP => {
                let limit = 8;
                if header.size.known().is_none_or(|size| size > limit) {
                    let len = header.size.known().unwrap_or(u64::MAX);
                    let kind = ErrorKind::ValueLength { ty: "unsigned integer", len };
                    let error = self.error(header.offset, kind, Some(header.id));
                    return self.skip(header, Some(error), true);
                }
                let Some(data) = self.gather(&header, "bytes of a Timestamp", limit)? else { return Ok(Step::More) };
                let ticks = value::unsigned(&data).ok().and_then(|ticks| i64::try_from(ticks).ok());
                let kind = match ticks {
                    Some(_) if self.cluster_time.is_some() => "a second Timestamp in a Cluster",
                    Some(ticks) => {
                        self.cluster_time = Some(SegmentTicks(ticks));
                        self.accept(&header, header.data_offset() + data.len() as u64, false);
                        return Ok(Step::Event(Event::ClusterTimestamp(SegmentTicks(ticks))));
                    }
                    None => "a Timestamp beyond 63 bits",
                };
                let error = self.error(header.offset, ErrorKind::InvalidValue(kind), Some(header.id));
                self.skip(header, Some(error), true)
            }
            _ => self.skip(header, None, true),
        }
    }

    fn block(&mut self, header: ElementHeader) -> Result<Step, Error> {
        if let Some(step) = self.skim(&header)? {
            return Ok(step);
        }
        self.passing = None;
        let limit = self.limits.element;
        if !self.arrived(&header, "bytes of a block", limit)? {
            return Ok(Step::More);
        }
        let end = header.data_offset() + header.size.known().unwrap_or(0);
        if header.id == ids::SIMPLE_BLOCK && !self.plausible_block_at(&header) {
            // Legal, but as likely a piece of something else: what follows decides.
            match self.trusted(end, false) {
                None => return Ok(Step::More),
                Some(true) => {}
                Some(false) => {
                    let kind = ErrorKind::InvalidValue("a block of no known track that nothing sensible follows");
                    return Err(self.error(header.offset, kind, Some(header.id)));
                }
            }
        }
        let data = self.input.take(header.data_offset(), (end - header.data_offset()) as usize);
        let context = Context { cluster: self.cluster_time, tracks: self.tracks.as_deref(), limits: &self.limits };
        let block = match header.id {
            ids::SIMPLE_BLOCK => {
                simple_block(&header, data, &context).map_err(|kind| self.error(header.offset, kind, Some(header.id)))
            }
            _ => block_group(&header, data, &context)
                .map_err(|error| self.error(error.offset, error.kind, Some(header.id))),
        };
        match block {
            Ok(block) => {
                self.accept(&header, end, false);
                Ok(Step::Event(Event::Block(block)))
            }
            Err(error) => self.skip(header, Some(error), true),
        }
    }

    /// Whether the SimpleBlock of this header looks like one.
    pub(super) fn plausible_block_at(&mut self, header: &ElementHeader) -> bool {
        let mut scratch = [0; MAX_HEADER_LEN];
        let within = header.size.known().map_or(0, |size| size.min(MAX_HEADER_LEN as u64) as usize);
        let data = self.input.peek(header.data_offset(), &mut scratch);
        let block = block_header(data.get(..within).unwrap_or(data));
        block.is_some_and(|block| {
            // A track that is declared, and no reserved flag set.
            let known = |tracks: &Arc<Tracks>| tracks.entries.iter().any(|entry| entry.number == block.track_number);
            block.flags & FLAGS_RESERVED == 0 && self.tracks.as_ref().is_none_or(known)
        })
    }

    /// Passes over an element of known size. An `odd` one is only believed where something sensible follows it.
    fn skip(&mut self, header: ElementHeader, reason: Option<Error>, odd: bool) -> Result<Step, Error> {
        let Some(end) = header.end_offset() else {
            return Err(self.error(header.offset, ErrorKind::BeyondParent(u64::MAX), Some(header.id)));
        };
        if self.parent_end().is_none() && end - header.offset > self.limits.element {
            // No known size of an element around it speaks for one as large as that.
            let kind = ErrorKind::Limit { what: "bytes of an element that is passed over", limit: self.limits.element };
            return Err(self.error(header.offset, kind, Some(header.id)));
        }
        self.skipping = Some(Skipping { header, end, reason: reason.clone(), odd });
        if end > self.input.end() {
            if self.finished {
                return Err(self.error(header.offset, ErrorKind::Truncated, Some(header.id)));
            }
            return Ok(self.more(end));
        }
        if odd {
            let plain = reason.is_none() && Place::of(header.id) != Place::Unknown;
            match self.trusted(end, plain) {
                None => return Ok(Step::More),
                Some(true) => {}
                Some(false) => {
                    let kind = ErrorKind::InvalidValue("an element that nothing sensible follows");
                    return Err(reason.unwrap_or_else(|| self.error(header.offset, kind, Some(header.id))));
                }
            }
        }
        self.accept(&header, end, false);
        Ok(Step::Event(Event::Skipped { id: header.id, offset: header.offset, size: header.size, reason }))
    }
}

impl Level {
    /// Where it ends, and whether it is complete.
    fn close(&self, position: u64, in_order: bool) -> (u64, bool) {
        match self.broken {
            Some(broken) => (broken.max(self.header.data_offset()), false),
            None => (position, in_order && self.end.is_none_or(|end| end == position)),
        }
    }
}
