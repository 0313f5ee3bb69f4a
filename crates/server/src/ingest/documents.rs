//! A GetMedia body taken apart into fragments that can be handed on: bytes in, [`DocumentStep`]s out, no I/O and no
//! clock.
//!
//! The bytes of a fragment are given on as they come, frame by frame, without the tags of the service: those are told
//! apart, so that the fragment keeps its number and its times and gets tags of its own where it goes out again.

use bytes::{Bytes, BytesMut};
use kineframe_fragment::{FragmentNumber, ProducerTimestamp, ServerTimestamp, tag};
use kineframe_matroska::{DemuxOptions, Demuxer, Event, Limits, Recover};

use super::counts::{self, Counts};
use super::rope::Rope;
use super::tags::{Found, user_tags};
use super::{Facts, PROLOGUE, UserTag, open_segment};

/// What happened in the body.
#[derive(Debug, PartialEq)]
pub(crate) enum DocumentStep {
    /// A fragment begins.
    Started(Identity),
    /// Bytes of the open fragment: of its Cluster, or of what follows it.
    Media(Vec<Bytes>),
    /// The open fragment is whole.
    Finished(Facts),
    /// The open fragment will not become whole.
    Broken,
    /// The service told this error in band.
    Refused {
        /// Its number.
        id: i64,
        /// Its name.
        code: String,
    },
}

/// What the service says of a fragment before its media.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Identity {
    pub(crate) number: FragmentNumber,
    /// Milliseconds since the Unix epoch.
    pub(crate) server_ms: i64,
    /// Milliseconds since the Unix epoch.
    pub(crate) producer_ms: i64,
    /// EBML Header, Segment header, Info, Tracks: what stands before the service's tags.
    pub(crate) head: Bytes,
}

/// Takes a GetMedia body apart.
#[derive(Debug)]
pub(crate) struct Documents {
    demuxer: Demuxer,
    rope: Rope,
    stage: Stage,
    head: BytesMut,
    service: ServiceTags,
    scale: u64,
    timecode: Option<i64>,
    counts: Counts,
    tags: Vec<UserTag>,
    queue: std::collections::VecDeque<DocumentStep>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Stage {
    /// Where no fragment is, or none that can be handed on.
    Outside,
    /// Before a fragment's first Cluster.
    Head,
    /// In a fragment.
    Open,
}

/// The service's own tags of a document.
#[derive(Debug, Default)]
struct ServiceTags {
    number: Option<FragmentNumber>,
    server_ms: Option<i64>,
    producer_ms: Option<i64>,
    error: Option<(i64, String)>,
}

impl Documents {
    /// `element` bounds the bytes of one element.
    pub(crate) fn new(element: u64) -> Self {
        let mut bounds = Limits::default();
        bounds.element = element;
        let mut options = DemuxOptions::from(bounds).recover(Recover::Resync);
        options.master = PROLOGUE;
        Documents {
            demuxer: Demuxer::new(options),
            rope: Rope::default(),
            stage: Stage::Outside,
            head: BytesMut::new(),
            service: ServiceTags::default(),
            scale: 1_000_000,
            timecode: None,
            counts: Counts::default(),
            tags: Vec::new(),
            queue: std::collections::VecDeque::new(),
        }
    }

    /// Adds the next bytes of the body.
    pub(crate) fn push(&mut self, piece: Bytes) {
        self.rope.push(piece.clone());
        self.demuxer.push(piece);
    }

    /// The body has come to its end.
    pub(crate) fn finish(&mut self) {
        self.demuxer.finish();
    }

    /// The next step; `None`: push more, or, after [`Self::finish`], all is told.
    pub(crate) fn next_step(&mut self) -> Option<DocumentStep> {
        loop {
            if let Some(step) = self.queue.pop_front() {
                return Some(step);
            }
            match self.demuxer.next_event() {
                Ok(Some(event)) => self.event(event),
                Ok(None) if self.demuxer.is_done() && self.stage != Stage::Outside => self.leave(),
                Ok(None) => return None,
                // It goes on behind the damage, which is told as an event.
                Err(_) => self.demuxer.resync(),
            }
        }
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::EbmlHeader(_) => {
                self.leave();
                (self.head, self.service) = (BytesMut::new(), ServiceTags::default());
                (self.scale, self.timecode, self.tags) = (1_000_000, None, Vec::new());
                self.counts = Counts::default();
                self.stage = Stage::Head;
            }
            Event::SegmentStart { .. } if self.stage == Stage::Head => {
                let header = self.rope.take_whole(self.demuxer.position());
                self.head.extend_from_slice(&open_segment(&header));
                return;
            }
            Event::Info(info) if self.stage == Stage::Head => self.scale = info.timestamp_scale.0.get(),
            Event::Tracks(tracks) if self.stage == Stage::Head => self.counts.set_tracks(&tracks.entries),
            Event::Tags(tags) => return self.tags(tags.end),
            Event::ClusterStart { offset, .. } if self.stage == Stage::Head => {
                let before = self.rope.take_whole(offset);
                self.head.extend_from_slice(&before);
                self.start();
            }
            Event::ClusterTimestamp(ticks) if self.timecode.is_none() => {
                self.counts.start(ticks.0);
                self.timecode = counts::millis(ticks.0, self.scale);
            }
            Event::Block(block) => {
                let frames = block.frames.len() as u64;
                self.counts.frame(block.track_number, block.timestamp.map(|time| time.0), frames);
            }
            _ => {}
        }
        self.read();
    }

    /// Hands on what has been read, as it is: damage that the service has stored is stored damage.
    fn read(&mut self) {
        let bytes = self.rope.take(self.demuxer.position());
        match self.stage {
            Stage::Outside => {}
            Stage::Head => {
                bytes.iter().for_each(|bytes| self.head.extend_from_slice(bytes));
                if self.head.len() as u64 > PROLOGUE {
                    self.stage = Stage::Outside;
                }
            }
            Stage::Open if bytes.is_empty() => {}
            Stage::Open => self.queue.push_back(DocumentStep::Media(bytes)),
        }
    }

    fn tags(&mut self, end: u64) {
        let raw = self.rope.take_whole(self.demuxer.position().max(end));
        let found = user_tags(&raw);
        if self.service.add(&found) {
            let closing = |tag: &UserTag| matches!(tag.name.as_str(), tag::CONTINUATION_TOKEN | tag::MILLIS_BEHIND_NOW);
            if let Some((id, code)) = self.service.error.take() {
                self.leave();
                self.queue.push_back(DocumentStep::Refused { id, code });
            } else if found.tags.iter().any(closing) {
                self.close();
            }
            return;
        }
        if !found.targeted {
            self.tags.extend(found.tags);
        }
        match self.stage {
            Stage::Outside => {}
            Stage::Head => self.head.extend_from_slice(&raw),
            Stage::Open => self.queue.push_back(DocumentStep::Media(vec![raw])),
        }
    }

    fn start(&mut self) {
        // Without a number nobody could ask for it, nor tell it from another.
        let Some(number) = self.service.number.take() else {
            self.stage = Stage::Outside;
            return;
        };
        let head = std::mem::take(&mut self.head).freeze();
        let (server_ms, producer_ms) = (self.service.server_ms, self.service.producer_ms);
        self.queue.push_back(DocumentStep::Started(Identity {
            number,
            server_ms: server_ms.unwrap_or(0),
            producer_ms: producer_ms.unwrap_or(0),
            head,
        }));
        self.stage = Stage::Open;
    }

    /// The closing tags are there.
    fn close(&mut self) {
        // A fragment may hold tags alone.
        if self.stage == Stage::Head {
            self.start();
        }
        if self.stage == Stage::Open {
            let counted = self.counts.sum(self.scale);
            self.queue.push_back(DocumentStep::Finished(Facts {
                timecode: self.timecode.unwrap_or(0),
                duration_ms: counted.duration_ms,
                frames: counted.frames,
                tags: std::mem::take(&mut self.tags),
            }));
        }
        self.stage = Stage::Outside;
    }

    /// What is open has no closing tags.
    fn leave(&mut self) {
        if std::mem::replace(&mut self.stage, Stage::Outside) == Stage::Open {
            self.queue.push_back(DocumentStep::Broken);
        }
    }
}

impl ServiceTags {
    /// Takes what the service says in these tags; whether they are the service's.
    fn add(&mut self, found: &Found) -> bool {
        let mut own = false;
        let (mut id, mut code) = (None, None);
        for UserTag { name, value } in &found.tags {
            own = true;
            match name.as_str() {
                tag::FRAGMENT_NUMBER => self.number = FragmentNumber::new(value),
                tag::SERVER_TIMESTAMP | tag::SERVER_SIDE_TIMESTAMP => {
                    self.server_ms = ServerTimestamp::from_decimal(value).and_then(ServerTimestamp::as_millis);
                }
                tag::PRODUCER_TIMESTAMP | tag::PRODUCER_SIDE_TIMESTAMP => {
                    self.producer_ms = ProducerTimestamp::from_decimal(value).and_then(ProducerTimestamp::as_millis);
                }
                tag::ERROR_ID => id = value.parse().ok(),
                tag::ERROR_CODE => code = Some(value.clone()),
                tag::CONTINUATION_TOKEN | tag::MILLIS_BEHIND_NOW => {}
                _ => return false,
            }
        }
        if id.is_some() || code.is_some() {
            self.error = Some((id.unwrap_or(0), code.unwrap_or_default()));
        }
        own
    }
}

#[cfg(test)]
mod tests {
    use kineframe_testkit::{Fragment, body, flipped};
    use proptest::prelude::*;

    use super::*;
    use crate::fuzzing::{documents as read, media_body};

    #[test]
    fn a_capture_without_the_tags_of_the_service() {
        let capture: &[u8] = include_bytes!("../../../../testdata/captures/output_get_media.mkv");
        let whole = read(capture, 4096);
        let headers = capture.windows(4).filter(|window| *window == [0x1A, 0x45, 0xDF, 0xA3]).count();
        assert_eq!(whole.len(), headers);
        let (first, bytes, facts) = &whole[0];
        assert_eq!(first.number.as_str(), "91343852333181432392682062607743920146159169392");
        assert_eq!(first.server_ms, 1_511_852_109_126);
        assert!(facts.frames > 10 && facts.duration_ms > 500, "{facts:?}");
        for part in [&first.head[..], bytes] {
            assert!(!part.windows(19).any(|window| window == b"AWS_KINESISVIDEO_FR".as_slice()));
        }
        // What is left out is the service's tags, and nothing else.
        let kept: usize = whole.iter().map(|(identity, bytes, _)| identity.head.len() + bytes.len()).sum();
        let tags = crate::media::tags::tags(&[
            (tag::FRAGMENT_NUMBER, first.number.as_str()),
            (tag::SERVER_TIMESTAMP, "1511852109.126"),
            (tag::PRODUCER_TIMESTAMP, "1511852108.513"),
        ]);
        assert!(capture.len() - kept >= headers * (tags.len() + 171) - 8 * headers, "{}", capture.len() - kept);
        assert!(capture.len() - kept <= headers * (tags.len() + 180), "{}", capture.len() - kept);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn the_same_however_it_is_cut(
            piece in 0u8..=255,
            bits in proptest::collection::vec(0usize..60_000, 0..3),
            end in 1usize..9000,
        ) {
            let fragments: Vec<Fragment> = (0..4).map(Fragment::new).collect();
            let mut bytes = body(&fragments).bytes;
            for bit in bits {
                bytes = flipped(&bytes, bit / 8 % bytes.len(), (bit % 8) as u32);
            }
            bytes.truncate(end);
            bytes.insert(0, piece);
            media_body(&bytes);
        }
    }
}
