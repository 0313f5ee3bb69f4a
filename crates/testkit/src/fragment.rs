//! Fragments as GetMedia and GetMediaForFragmentList send them: one EBML Document each, end to end.

use std::ops::Range;

use crate::{Element, ElementAt, Frame, Layout, Size, Track, ids, layout};

/// One fragment, to be written. Fields are free to be changed to anything before that.
#[derive(Debug, Clone, PartialEq)]
pub struct Fragment {
    /// `DocType`.
    pub doc_type: String,
    /// `TimestampScale` in nanoseconds.
    pub timestamp_scale: u64,
    /// The tracks; without any there is no `Tracks` element.
    pub tracks: Vec<Track>,
    /// Name and text of the tags before the Cluster, in order, in one `Tags` element.
    pub tags_before: Vec<(String, String)>,
    /// The Cluster's `Timestamp` in segment ticks; `None` for a fragment without a Cluster.
    pub cluster_timestamp: Option<u64>,
    /// The frames in the Cluster.
    pub frames: Vec<Frame>,
    /// The producer's tags after the Cluster.
    pub user_tags: Vec<(String, String)>,
    /// Name and text of the service's tags after the Cluster, which end the fragment.
    pub tags_after: Vec<(String, String)>,
    /// How the Segment's size is written.
    pub segment_size: Size,
    /// How the Cluster's size is written.
    pub cluster_size: Size,
}

impl Fragment {
    /// Fragment `index` of a GetMedia body: two seconds each, one H.264 track of five frames, a Cluster of unknown
    /// size, and all tags of the service.
    pub fn new(index: u64) -> Self {
        let seconds = 1_700_000_000 + 2 * index;
        let number = format!("91343852333181432392682062{:021}", 600_000_000_000_000_000 + index);
        let text = |name: &str, value: String| (format!("AWS_KINESISVIDEO_{name}"), value);
        Fragment {
            doc_type: "matroska".to_owned(),
            timestamp_scale: 1_000_000,
            tracks: vec![Track::h264(1)],
            tags_before: vec![
                text("FRAGMENT_NUMBER", number.clone()),
                text("SERVER_TIMESTAMP", format!("{seconds}.378")),
                text("PRODUCER_TIMESTAMP", format!("{seconds}.000")),
            ],
            cluster_timestamp: Some(seconds * 1000),
            frames: (0..5)
                .map(|n| Frame::h264(1, 400 * n, n == 0, 60 + 10 * n as usize, index * 100 + n as u64))
                .collect(),
            user_tags: Vec::new(),
            tags_after: vec![text("MILLIS_BEHIND_NOW", "0".to_owned()), text("CONTINUATION_TOKEN", number)],
            segment_size: Size::Unknown(1),
            cluster_size: Size::Unknown(1),
        }
    }

    /// The `AWS_KINESISVIDEO_FRAGMENT_NUMBER` before the Cluster, where there is one.
    pub fn number(&self) -> Option<&str> {
        let tag = self.tags_before.iter().find(|(name, _)| name.ends_with("FRAGMENT_NUMBER"));
        tag.map(|(_, value)| value.as_str())
    }

    /// The same with a producer's tag after the Cluster.
    #[must_use]
    pub fn user_tag(mut self, name: &str, value: &str) -> Self {
        self.user_tags.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The `EBML` and `Segment` elements, for tests that change the tree further.
    pub fn elements(&self) -> Vec<Element> {
        let header = Element::master(
            ids::EBML,
            [
                Element::uint(ids::EBML_VERSION, 1),
                Element::uint(ids::EBML_READ_VERSION, 1),
                Element::uint(ids::EBML_MAX_ID_LENGTH, 4),
                Element::uint(ids::EBML_MAX_SIZE_LENGTH, 8),
                Element::text(ids::DOC_TYPE, &self.doc_type),
                Element::uint(ids::DOC_TYPE_VERSION, 4),
                Element::uint(ids::DOC_TYPE_READ_VERSION, 2),
            ],
        );
        let info = Element::master(
            ids::INFO,
            [
                Element::data(ids::SEGMENT_UUID, (0..16).collect::<Vec<u8>>()),
                Element::uint(ids::TIMESTAMP_SCALE, self.timestamp_scale),
                Element::text(ids::MUXING_APP, "testkit"),
                Element::text(ids::WRITING_APP, "testkit"),
            ],
        );
        let mut level1 = vec![info];
        if !self.tracks.is_empty() {
            let tracks: Vec<_> = self.tracks.iter().map(Track::element).collect();
            level1.push(Element::master(ids::TRACKS, tracks));
        }
        // The service writes its sizes in four bytes (eight for the producer's tags), seldom the fewest.
        level1.extend(tags(&self.tags_before, 4));
        if let Some(timestamp) = self.cluster_timestamp {
            let mut cluster = vec![Element::uint(ids::TIMESTAMP, timestamp)];
            cluster.extend(self.frames.iter().map(Frame::element));
            level1.push(Element::master(ids::CLUSTER, cluster).sized(self.cluster_size));
        }
        level1.extend(tags(&self.user_tags, 8));
        level1.extend(tags(&self.tags_after, 4));
        vec![header, Element::master(ids::SEGMENT, level1).sized(self.segment_size)]
    }

    /// The bytes.
    pub fn encode(&self) -> Vec<u8> {
        crate::encode(&self.elements())
    }
}

fn tags(pairs: &[(String, String)], width: usize) -> Option<Element> {
    if pairs.is_empty() {
        return None;
    }
    let tags: Vec<_> = pairs.iter().map(|(name, value)| simple_tag(name, value, width)).collect();
    Some(Element::master(ids::TAGS, [Element::master(ids::TAG, tags).width(width)]).width(width))
}

/// A `SimpleTag` of a name and a text, sizes in `width` bytes.
pub fn simple_tag(name: &str, value: &str, width: usize) -> Element {
    let parts = [Element::text(ids::TAG_NAME, name).width(width), Element::text(ids::TAG_STRING, value).width(width)];
    Element::master(ids::SIMPLE_TAG, parts).width(width)
}

/// Where one frame of a body is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameAt {
    /// Which fragment, from 0.
    pub fragment: usize,
    /// Track number.
    pub track: u64,
    /// Ticks after the Cluster's Timestamp.
    pub relative: i16,
    /// Whether it is a key frame.
    pub keyframe: bool,
    /// Where its bytes are in the body.
    pub payload: Range<usize>,
}

/// A body, and where everything is in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KvsBody {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Where each fragment is.
    pub fragments: Vec<Range<usize>>,
    /// Each frame, in order.
    pub frames: Vec<FrameAt>,
    /// Each element, in the order of the headers.
    pub elements: Vec<ElementAt>,
}

impl KvsBody {
    /// The ranges of bytes that are structure, not frames, in order.
    pub fn structure(&self) -> Vec<Range<usize>> {
        Layout { bytes: self.bytes.clone(), elements: self.elements.clone() }.structure()
    }

    /// The first element with this ID at or behind byte `from`.
    pub fn find(&self, id: u32, from: usize) -> Option<&ElementAt> {
        self.elements.iter().find(|element| element.id == id && element.offset >= from)
    }
}

/// The body of a call that sends these fragments.
pub fn body(fragments: &[Fragment]) -> KvsBody {
    let mut body = KvsBody::default();
    let mut elements = Vec::new();
    let mut ends = Vec::new();
    for fragment in fragments {
        elements.extend(fragment.elements());
        ends.push(elements.len());
    }
    let Layout { bytes, elements: places } = layout(&elements);
    let tops: Vec<_> = places.iter().filter(|place| place.depth == 0).collect();
    let mut from = 0;
    for end in ends {
        let to = tops[end - 1].end;
        body.fragments.push(from..to);
        from = to;
    }
    let mut payloads = places.iter().filter_map(|place| place.payload.clone());
    for (index, fragment) in fragments.iter().enumerate() {
        let in_cluster = if fragment.cluster_timestamp.is_some() { &fragment.frames[..] } else { &[] };
        for frame in in_cluster {
            body.frames.push(FrameAt {
                fragment: index,
                track: frame.track,
                relative: frame.relative,
                keyframe: frame.keyframe,
                payload: payloads.next().expect("one payload per frame"),
            });
        }
    }
    body.bytes = bytes;
    body.elements = places;
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_knows_where_its_parts_are() {
        let mut empty = Fragment::new(2);
        empty.cluster_timestamp = None;
        let mut grouped = Fragment::new(3).user_tag("camera", "door");
        grouped.frames = vec![Frame::h264(1, 0, true, 40, 7).grouped(Some(33)), Frame::h264(1, 33, false, 30, 8)];
        let fragments = [Fragment::new(1), empty, grouped];
        let body = body(&fragments);
        assert_eq!(body.fragments.len(), 3);
        assert_eq!(body.fragments[2].end, body.bytes.len());
        for (fragment, range) in fragments.iter().zip(&body.fragments) {
            assert_eq!(body.bytes[range.clone()], fragment.encode()[..]);
        }
        assert_eq!(body.frames.len(), 5 + 2);
        let wanted = fragments[0].frames.iter().chain(&fragments[2].frames);
        for (at, frame) in body.frames.iter().zip(wanted) {
            assert_eq!(body.bytes[at.payload.clone()], frame.payload[..]);
        }
        let covered: usize = body.structure().iter().map(ExactSizeIterator::len).sum();
        let payload: usize = body.frames.iter().map(|frame| frame.payload.len()).sum();
        assert_eq!(covered + payload, body.bytes.len());
        assert_eq!(body.find(ids::CLUSTER, 0).unwrap().size, None);
        assert_eq!(fragments[0].number().unwrap().len(), 47);
    }
}
