//! The JSON objects of the command's contract that several commands write.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use kineframe::fragment::{FragmentTail, ServiceError};
use kineframe::matroska::{SimpleTag, TagValue};
use serde::Serialize;

use crate::tracks;

/// A fragment: one object per top-level EBML Header.
#[derive(Debug, Serialize)]
pub struct FragmentObject {
    index: u64,
    offset: u64,
    length: u64,
    fragment_number: Option<String>,
    producer_timestamp: Option<String>,
    server_timestamp: Option<String>,
    millis_behind_now: Option<i64>,
    continuation_token: Option<String>,
    complete: bool,
    truncated: bool,
    frames: u64,
    payload_bytes: u64,
    duration_ms: Option<u64>,
    tracks: Vec<TrackObject>,
    tags: Vec<TagObject>,
    error: Option<ErrorObject>,
}

/// A track, with its frames counted.
#[derive(Debug, Serialize)]
pub struct TrackObject {
    /// `TrackNumber`.
    pub number: u64,
    /// `video`, `audio`, …
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// `CodecID`.
    pub codec_id: String,
    /// `Name`.
    pub name: Option<String>,
    /// Columns shown.
    pub width: Option<u64>,
    /// Lines shown.
    pub height: Option<u64>,
    /// Frames counted.
    pub frames: u64,
}

/// A tag: text, or bytes in base64.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum TagObject {
    Text { name: String, value: Option<String> },
    Binary { name: String, binary: String },
}

/// An error that the service reported in band.
#[derive(Debug, Serialize)]
pub struct ErrorObject {
    code: Option<String>,
    id: Option<i64>,
    message: Option<String>,
}

impl FragmentObject {
    /// The object for a fragment that is over.
    pub fn new(tail: &FragmentTail) -> FragmentObject {
        let head = &tail.head;
        FragmentObject {
            index: head.index,
            offset: head.offset,
            length: tail.length,
            fragment_number: head.number.as_ref().map(ToString::to_string),
            producer_timestamp: head.producer_timestamp.map(|time| time.to_string()),
            server_timestamp: head.server_timestamp.map(|time| time.to_string()),
            millis_behind_now: tail.millis_behind_now,
            continuation_token: tail.continuation_token.as_ref().map(ToString::to_string),
            complete: tail.complete,
            truncated: tail.truncated,
            frames: tail.frames,
            payload_bytes: tail.payload_bytes,
            duration_ms: tail.duration.map(|nanos| nanos / 1_000_000),
            tracks: tracks::objects(tail),
            tags: tail.tags.iter().map(tag).collect(),
            error: tail.error.as_ref().map(error),
        }
    }
}

fn tag(tag: &SimpleTag) -> TagObject {
    let name = tag.name.clone();
    match &tag.value {
        TagValue::String(text) => TagObject::Text { name, value: Some(text.clone()) },
        TagValue::Absent => TagObject::Text { name, value: None },
        TagValue::Binary(bytes) => TagObject::Binary { name, binary: BASE64.encode(bytes) },
    }
}

/// The object for an error in band.
pub fn error(error: &ServiceError) -> ErrorObject {
    ErrorObject { code: error.code.clone(), id: error.id, message: error.message.clone() }
}
