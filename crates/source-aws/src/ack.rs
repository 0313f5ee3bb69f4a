//! What the service answers to PutMedia, fragment by fragment.

use kineframe_fragment::FragmentNumber;
use serde::Deserialize;
use serde_json::Value;

/// One acknowledgement of PutMedia.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ack {
    /// What is acknowledged.
    pub event: AckEvent,
    /// The Cluster's Timestamp as the producer sent it, in milliseconds. Absent or −1 where it is about no fragment.
    pub fragment_timecode: Option<i64>,
    /// The number that the service gave the fragment.
    pub fragment_number: Option<FragmentNumber>,
    /// `ErrorId`, for [`AckEvent::Error`].
    pub error_id: Option<i64>,
    /// `ErrorCode`, for [`AckEvent::Error`].
    pub error_code: Option<String>,
}

/// What an acknowledgement says (`EventType`).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AckEvent {
    /// The service has begun to receive a fragment.
    Buffering,
    /// It has all of it.
    Received,
    /// It is stored. Only where the stream retains data.
    Persisted,
    /// Nothing came for a while; the connection stands.
    Idle,
    /// The fragment, or the connection, has failed.
    Error,
    /// A type that this version has no name for.
    Other(String),
}

impl AckEvent {
    /// As the service names it.
    pub fn name(&self) -> &str {
        match self {
            AckEvent::Buffering => "BUFFERING",
            AckEvent::Received => "RECEIVED",
            AckEvent::Persisted => "PERSISTED",
            AckEvent::Idle => "IDLE",
            AckEvent::Error => "ERROR",
            AckEvent::Other(name) => name,
        }
    }

    fn of(name: &str) -> Self {
        match name {
            "BUFFERING" => AckEvent::Buffering,
            "RECEIVED" => AckEvent::Received,
            "PERSISTED" => AckEvent::Persisted,
            "IDLE" => AckEvent::Idle,
            "ERROR" => AckEvent::Error,
            other => AckEvent::Other(other.to_owned()),
        }
    }
}

/// Field by field as on the wire; the number is text there and a number in the documentation.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[derive(Default)]
struct Wire {
    event_type: String,
    fragment_timecode: Option<i64>,
    fragment_number: Value,
    error_id: Option<i64>,
    error_code: Option<String>,
}

/// Longest acknowledgement that is waited for.
const LONGEST: usize = 64 << 10;

/// Takes bytes of the answer, gives acknowledgements: JSON objects end to end, with or without white space.
#[derive(Debug, Default)]
pub(crate) struct AckParser {
    buffer: Vec<u8>,
}

impl AckParser {
    pub(crate) fn push(&mut self, piece: &[u8]) {
        self.buffer.extend_from_slice(piece);
    }

    /// The next one; `Ok(None)` where more bytes are needed.
    pub(crate) fn next(&mut self) -> Result<Option<Ack>, String> {
        let mut values = serde_json::Deserializer::from_slice(&self.buffer).into_iter::<Value>();
        let value = match values.next() {
            None => {
                self.buffer.clear();
                return Ok(None);
            }
            Some(Ok(value)) => value,
            Some(Err(error)) if error.is_eof() && self.buffer.len() <= LONGEST => return Ok(None),
            Some(Err(error)) => return Err(error.to_string()),
        };
        let used = values.byte_offset();
        self.buffer.drain(..used);
        // The documentation wraps each in an object of this name; the service does not.
        let inner = value.get("Acknowledgement").cloned().unwrap_or(value);
        let wire: Wire = serde_json::from_value(inner).map_err(|error| error.to_string())?;
        let number = match &wire.fragment_number {
            Value::String(text) => FragmentNumber::new(text),
            Value::Number(number) => FragmentNumber::new(&number.to_string()),
            _ => None,
        };
        Ok(Some(Ack {
            event: AckEvent::of(&wire.event_type),
            fragment_timecode: wire.fragment_timecode,
            fragment_number: number,
            error_id: wire.error_id,
            error_code: wire.error_code,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: &[u8], piece: usize) -> Result<Vec<Ack>, String> {
        let (mut parser, mut acks) = (AckParser::default(), Vec::new());
        for piece in bytes.chunks(piece) {
            parser.push(piece);
            while let Some(ack) = parser.next()? {
                acks.push(ack);
            }
        }
        Ok(acks)
    }

    #[test]
    fn acknowledgements_however_they_are_cut() {
        let text = br#"{"EventType":"BUFFERING","FragmentTimecode":1612524911136,"FragmentNumber":"9134"}
            {"EventType":"IDLE"}{"Acknowledgement":{"EventType":"PERSISTED","FragmentTimecode":0,"FragmentNumber":"9135"}}
            {"EventType":"ERROR","FragmentTimecode":-1,"FragmentNumber":"","ErrorId":4006,"ErrorCode":"INVALID_MKV_DATA"}"#;
        for piece in [1, 7, 4096] {
            let acks = all(text, piece).unwrap();
            let names: Vec<&str> = acks.iter().map(|ack| ack.event.name()).collect();
            assert_eq!(names, ["BUFFERING", "IDLE", "PERSISTED", "ERROR"]);
            assert_eq!(acks[0].fragment_number, FragmentNumber::new("9134"));
            assert_eq!((acks[1].fragment_timecode, &acks[1].fragment_number), (None, &None));
            assert_eq!((acks[3].error_id, &acks[3].fragment_number), (Some(4006), &None));
        }
    }

    #[test]
    fn what_is_no_acknowledgement_is_told_and_bounded() {
        assert!(all(b"<html>", 3).is_err());
        assert!(all(&[b'['; 100_000], 1000).is_err());
    }
}
