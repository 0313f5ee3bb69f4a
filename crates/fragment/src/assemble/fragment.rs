//! A fragment while it is read.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use kineframe_matroska::{
    Block, BlockFrame, ElementSize, Error, ErrorKind, Info, SegmentTicks, SimpleTag, TagValue, Tracks,
};

use super::track::{BlockTimes, TrackCount};
use crate::service::{self, Meaning};
use crate::{
    ContinuationToken, Damage, Event, FragmentHead, FragmentNumber, FragmentTail, Frame, Options, ProducerTimestamp,
    ServerTimestamp, ServiceError,
};

/// How a fragment ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// Its closing tags, or the next fragment.
    InOrder,
    /// The input is over.
    EndOfInput,
}

/// A fragment while it is read.
#[derive(Debug)]
pub(super) struct OpenFragment {
    pub index: u64,
    pub offset: u64,
    pub info: Arc<Info>,
    pub tracks: Option<Arc<Tracks>>,
    pub first_cluster: Option<SegmentTicks>,
    /// The size of its Segment, once that has started.
    pub segment: Option<ElementSize>,
    /// A Cluster has started.
    pub clustered: bool,
    /// An element of it was cut, or bytes of it were lost.
    pub broken: bool,
    /// Told by `Started`; what comes later completes only the tail's head.
    head: Option<Arc<FragmentHead>>,
    /// Told by `Finished`.
    tail: Option<Arc<FragmentTail>>,
    number: Option<FragmentNumber>,
    producer_timestamp: Option<ProducerTimestamp>,
    server_timestamp: Option<ServerTimestamp>,
    token: Option<ContinuationToken>,
    millis_behind_now: Option<i64>,
    error: Option<ServiceError>,
    /// The tags that no tail has told yet.
    tags: Vec<SimpleTag>,
    tag_count: usize,
    tag_bytes: usize,
    tags_omitted: u64,
    counts: Vec<TrackCount>,
    frames: u64,
    payload_bytes: u64,
}

/// What the frames of a block have in common.
struct InBlock {
    /// Where the counts of its track stand.
    place: usize,
    track_number: u64,
    keyframe: bool,
    invisible: bool,
    discardable: bool,
    times: BlockTimes,
}

impl OpenFragment {
    pub fn new(index: u64, offset: u64) -> Self {
        OpenFragment {
            index,
            offset,
            info: Arc::default(),
            tracks: None,
            first_cluster: None,
            segment: None,
            clustered: false,
            broken: false,
            head: None,
            tail: None,
            number: None,
            producer_timestamp: None,
            server_timestamp: None,
            token: None,
            millis_behind_now: None,
            error: None,
            tags: Vec::new(),
            tag_count: 0,
            tag_bytes: 0,
            tags_omitted: 0,
            counts: Vec::new(),
            frames: 0,
            payload_bytes: 0,
        }
    }

    pub fn is_started(&self) -> bool {
        self.head.is_some()
    }

    pub fn is_finished(&self) -> bool {
        self.tail.is_some()
    }

    pub fn number(&self) -> Option<&FragmentNumber> {
        self.number.as_ref()
    }

    pub fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// Takes the tracks of the fragment, of which no frame was counted yet.
    pub fn set_tracks(&mut self, tracks: Arc<Tracks>, options: &Options) {
        let declared = tracks.entries.iter().take(options.tracks);
        self.counts = declared.map(|entry| TrackCount::new(entry.number, entry.default_duration)).collect();
        self.tracks = Some(tracks);
    }

    /// Tells `Started` and the tags so far, if that is still to do.
    #[inline]
    pub fn start(&mut self, out: &mut VecDeque<Event>) -> Arc<FragmentHead> {
        if let Some(head) = &self.head {
            return Arc::clone(head);
        }
        self.start_now(out)
    }

    fn start_now(&mut self, out: &mut VecDeque<Event>) -> Arc<FragmentHead> {
        let head = Arc::new(self.current_head());
        self.head = Some(Arc::clone(&head));
        out.push_back(Event::Started(Arc::clone(&head)));
        out.extend(self.tags.iter().cloned().map(Event::Tag));
        head
    }

    fn current_head(&self) -> FragmentHead {
        FragmentHead {
            index: self.index,
            offset: self.offset,
            number: self.number.clone(),
            producer_timestamp: self.producer_timestamp,
            server_timestamp: self.server_timestamp,
            info: Arc::clone(&self.info),
            tracks: self.tracks.clone(),
            first_cluster: self.first_cluster,
            timestamp_scale: self.info.timestamp_scale,
        }
    }

    /// Takes a tag of a Tags element at `offset`; what it means is the answer.
    pub fn tag(
        &mut self,
        tag: SimpleTag,
        offset: u64,
        options: &Options,
        out: &mut VecDeque<Event>,
    ) -> Option<Meaning> {
        let meaning = service::meaning(&tag.name);
        if let Some(meaning) = meaning {
            self.service_tag(meaning, &tag);
        }
        let bytes = tag.name.len().saturating_add(match &tag.value {
            TagValue::String(text) => text.len(),
            TagValue::Binary(bytes) => bytes.len(),
            TagValue::Absent => 0,
        });
        let total = self.tag_bytes.saturating_add(bytes);
        if self.tag_count >= options.tags || total > options.tag_bytes {
            self.tags_omitted += 1;
            if self.tags_omitted == 1 {
                let (what, limit) = if self.tag_count >= options.tags {
                    ("number of tags of a fragment", options.tags)
                } else {
                    ("bytes of tags of a fragment", options.tag_bytes)
                };
                let kind = ErrorKind::Limit { what, limit: u64::try_from(limit).unwrap_or(u64::MAX) };
                let error = Error::new(offset, kind);
                out.push_back(Event::Damage(Damage { fragment: Some(self.index), offset, length: 0, error }));
            }
            return meaning;
        }
        self.tag_bytes = total;
        self.tag_count += 1;
        if self.is_started() {
            out.push_back(Event::Tag(tag.clone()));
        }
        self.tags.push(tag);
        meaning
    }

    /// The first legal value of each kind counts: the service writes each but once, and what follows is no
    /// reason to give a fragment that was announced under one number another.
    fn service_tag(&mut self, meaning: Meaning, tag: &SimpleTag) {
        let Some(text) = service::text(tag) else { return };
        match meaning {
            Meaning::Number => self.number = self.number.take().or_else(|| FragmentNumber::new(text)),
            Meaning::ServerTimestamp => {
                self.server_timestamp = self.server_timestamp.or_else(|| ServerTimestamp::from_decimal(text));
            }
            Meaning::ProducerTimestamp => {
                self.producer_timestamp = self.producer_timestamp.or_else(|| ProducerTimestamp::from_decimal(text));
            }
            Meaning::MillisBehindNow => self.millis_behind_now = self.millis_behind_now.or_else(|| integer(text)),
            Meaning::ContinuationToken => self.token = self.token.take().or_else(|| ContinuationToken::new(text)),
            Meaning::ErrorId => {
                let error = self.error_mut();
                error.id = integer(text).or(error.id);
            }
            Meaning::ErrorCode => self.error_mut().code = Some(text.to_owned()),
            Meaning::ExceptionErrorCode => {
                let error = self.error_mut();
                error.id = error.id.or_else(|| integer(text));
                error.code.get_or_insert_with(|| text.to_owned());
            }
            Meaning::ExceptionMessage => self.error_mut().message = Some(text.to_owned()),
            Meaning::EndOfFragment => {}
        }
    }

    fn error_mut(&mut self) -> &mut ServiceError {
        self.error.get_or_insert(ServiceError { id: None, code: None, message: None, fragment_number: None })
    }

    /// Tells the frames of a block. A single one is the answer where nothing waits in front of it.
    #[inline]
    pub fn block(&mut self, block: &mut Block, options: &Options, out: &mut VecDeque<Event>) -> Option<Frame> {
        let head = self.start(out);
        let Some(place) = self.count_of(block.track_number, options) else {
            out.push_back(self.one_track_too_many(block, options));
            return None;
        };
        let times = BlockTimes::new(block, self.counts[place].default_duration, head.timestamp_scale);
        let around = InBlock {
            place,
            track_number: block.track_number,
            keyframe: block.keyframe,
            invisible: block.invisible,
            discardable: block.discardable,
            times,
        };
        if let [stored] = &mut block.frames[..]
            && out.is_empty()
        {
            match self.tell(&around, head, 0, stored) {
                Ok(frame) => return Some(frame),
                Err(damage) => out.push_back(Event::Damage(damage)),
            }
            return None;
        }
        for (index, stored) in block.frames.iter_mut().enumerate() {
            let told = self.tell(&around, Arc::clone(&head), index, stored);
            out.push_back(told.map_or_else(Event::Damage, Event::Frame));
        }
        None
    }

    /// Counts frame `index` of a block, and tells it.
    #[inline]
    fn tell(
        &mut self,
        around: &InBlock,
        head: Arc<FragmentHead>,
        index: usize,
        stored: &mut BlockFrame,
    ) -> Result<Frame, Damage> {
        let &mut BlockFrame { offset: position, stored_len, ref mut data } = stored;
        let times = &around.times;
        let nanos = times.nanos(index);
        let origin = head.first_cluster.map(|ticks| ticks.to_nanos(head.timestamp_scale));
        let offset = nanos.zip(origin).and_then(|(nanos, origin)| i64::try_from(nanos.checked_sub(origin)?).ok());
        let counted = self.counts[around.place].count(stored_len, around.keyframe, nanos, times.duration);
        self.frames += 1;
        self.payload_bytes = self.payload_bytes.saturating_add(stored_len);
        match std::mem::replace(data, Ok(Bytes::new())) {
            Ok(data) => Ok(Frame {
                track_number: around.track_number,
                index: counted,
                timestamp: times.ticks(index),
                offset,
                producer_time: head.producer_timestamp.zip(offset).and_then(|(t, by)| t.checked_add_nanos(by)),
                duration: times.duration,
                keyframe: around.keyframe,
                invisible: around.invisible,
                discardable: around.discardable,
                data,
                position,
                stored_len,
                fragment: head,
            }),
            Err(error) => Err(Damage { fragment: Some(head.index), offset: position, length: stored_len, error }),
        }
    }

    fn one_track_too_many(&self, block: &Block, options: &Options) -> Event {
        let limit = u64::try_from(options.tracks).unwrap_or(u64::MAX);
        let kind = ErrorKind::Limit { what: "number of tracks of a fragment", limit };
        let length = block.frames.iter().fold(0u64, |sum, frame| sum.saturating_add(frame.stored_len));
        let error = Error::new(block.offset, kind);
        Event::Damage(Damage { fragment: Some(self.index), offset: block.offset, length, error })
    }

    /// Where the counts of a track stand; tracks that Tracks does not declare are added behind.
    fn count_of(&mut self, number: u64, options: &Options) -> Option<usize> {
        if let Some(place) = self.counts.iter().position(|count| count.summary.number == number) {
            return Some(place);
        }
        if self.counts.len() >= options.tracks {
            return None;
        }
        self.counts.push(TrackCount::new(number, None));
        Some(self.counts.len() - 1)
    }

    /// Tells that the fragment is over, its bytes reaching up to `end`. Where `Finished` was told before,
    /// `Amended` tells what has changed since.
    pub fn finish(&mut self, end: u64, ending: Ending, closing_tags_due: bool, out: &mut VecDeque<Event>) {
        self.start(out);
        let closed = !closing_tags_due || self.is_closed();
        let missing_end = ending == Ending::EndOfInput && !closed && self.error.is_none();
        let length = end.saturating_sub(self.offset);
        let (complete, truncated) = (!self.broken && closed, self.broken || missing_end);
        if self.tail.as_ref().is_some_and(|told| {
            // All else that a tail tells comes from these.
            told.length == length
                && (told.complete, told.truncated) == (complete, truncated)
                && (told.frames, told.tags_omitted) == (self.frames, self.tags_omitted)
                && self.tags.is_empty()
                && told.head.tracks.is_some() == self.tracks.is_some()
        }) {
            return;
        }
        let mut tags = std::mem::take(&mut self.tags);
        if let Some(told) = &self.tail {
            tags = [&told.tags[..], &tags].concat();
        }
        let error = self.error.clone().map(|error| ServiceError { fragment_number: self.number.clone(), ..error });
        let tail = Arc::new(FragmentTail {
            head: self.completed_head(),
            length,
            continuation_token: self.token.clone(),
            millis_behind_now: self.millis_behind_now,
            complete,
            truncated,
            frames: self.frames,
            payload_bytes: self.payload_bytes,
            duration: self.duration(),
            tracks: self.counts.iter().map(|count| count.summary.clone()).collect(),
            tags,
            tags_omitted: self.tags_omitted,
            error,
        });
        match &self.tail {
            None => {
                out.extend(tail.error.clone().map(Event::ServiceError));
                out.push_back(Event::Finished(Arc::clone(&tail)));
            }
            Some(_) => out.push_back(Event::Amended(Arc::clone(&tail))),
        }
        self.tail = Some(tail);
    }

    /// Its closing tags were seen: a token behind a Cluster, or any token where there is no Cluster.
    fn is_closed(&self) -> bool {
        self.is_finished() || (!self.clustered && self.has_token())
    }

    fn completed_head(&self) -> Arc<FragmentHead> {
        let now = self.current_head();
        match &self.head {
            Some(told) if **told == now => Arc::clone(told),
            _ => Arc::new(now),
        }
    }

    /// Of the track that spans the longest time, with the duration of its last frame.
    fn duration(&self) -> Option<u64> {
        let (between, last) = self.counts.iter().filter_map(TrackCount::duration).max()?;
        between.checked_add(last)
    }
}

/// A decimal integer; a sign may stand in front.
fn integer(text: &str) -> Option<i64> {
    text.parse().ok()
}
