//! What a producer is told: acknowledgements and the errors in them.

use serde::Serialize;

/// An error acknowledgement's number and name, as the PutMedia documentation lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AckError {
    pub(crate) id: u32,
    pub(crate) code: &'static str,
}

macro_rules! errors {
    ($($name:ident = $id:literal),* $(,)?) => {
        impl AckError {
            $(pub(crate) const $name: AckError = AckError { id: $id, code: stringify!($name) };)*

            /// The error of this number; one that nobody has listed is an internal one.
            pub(crate) fn of(id: u32) -> AckError {
                let code = match id {
                    $($id => stringify!($name),)*
                    // Those of keys are only brought about on purpose.
                    4500 => "KMS_KEY_ACCESS_DENIED",
                    4501 => "KMS_KEY_DISABLED",
                    4502 => "KMS_KEY_VALIDATION_ERROR",
                    4503 => "KMS_KEY_UNAVAILABLE",
                    4504 => "KMS_KEY_INVALID_USAGE",
                    4505 => "KMS_KEY_INVALID_STATE",
                    4506 => "KMS_KEY_NOT_FOUND",
                    _ => "INTERNAL_ERROR",
                };
                AckError { id, code }
            }
        }
    };
}

errors! {
    STREAM_READ_ERROR = 4000,
    MAX_FRAGMENT_SIZE_REACHED = 4001,
    MAX_FRAGMENT_DURATION_REACHED = 4002,
    MAX_CONNECTION_DURATION_REACHED = 4003,
    FRAGMENT_TIMECODE_LESSER_THAN_PREVIOUS = 4004,
    INVALID_MKV_DATA = 4006,
    INVALID_PRODUCER_TIMESTAMP = 4007,
    STREAM_NOT_ACTIVE = 4008,
    FRAGMENT_METADATA_LIMIT_REACHED = 4009,
    TRACK_NUMBER_MISMATCH = 4010,
    FRAMES_MISSING_FOR_TRACK = 4011,
    MORE_THAN_ALLOWED_TRACKS_FOUND = 4012,
    ARCHIVAL_ERROR = 5001,
}

/// What an acknowledgement tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AckEvent {
    /// The first bytes of a fragment have come.
    Buffering,
    /// All of it has come.
    Received,
    /// It is in durable storage.
    Persisted,
    /// Nothing has come for a while.
    Idle,
    /// The fragment, or the whole stream, is refused.
    Error(AckError),
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Line<'a> {
    event_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    fragment_timecode: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fragment_number: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_id: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<&'static str>,
}

/// One acknowledgement as it goes over the wire: a JSON object and a line end.
pub(crate) fn ack_line(event: &AckEvent, timecode: Option<i64>, number: Option<&str>) -> String {
    let (event_type, error) = match event {
        AckEvent::Buffering => ("BUFFERING", None),
        AckEvent::Received => ("RECEIVED", None),
        AckEvent::Persisted => ("PERSISTED", None),
        AckEvent::Idle => ("IDLE", None),
        AckEvent::Error(error) => ("ERROR", Some(error)),
    };
    // An error that is about no fragment is about -1 and "".
    let (timecode, number) = match error {
        Some(_) => (Some(timecode.unwrap_or(-1)), Some(number.unwrap_or(""))),
        None => (timecode, number),
    };
    let line = Line {
        event_type,
        fragment_timecode: timecode,
        fragment_number: number,
        error_id: error.map(|error| error.id),
        error_code: error.map(|error| error.code),
    };
    let mut text = serde_json::to_string(&line).unwrap_or_default();
    text.push_str("\r\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_has_its_name() {
        for (id, name) in [
            (4000, "STREAM_READ_ERROR"),
            (4006, "INVALID_MKV_DATA"),
            (4500, "KMS_KEY_ACCESS_DENIED"),
            (4506, "KMS_KEY_NOT_FOUND"),
            (5000, "INTERNAL_ERROR"),
            (5001, "ARCHIVAL_ERROR"),
            (1, "INTERNAL_ERROR"),
        ] {
            assert_eq!(AckError::of(id), AckError { id, code: name });
        }
    }

    #[test]
    fn as_seen_on_the_wire() {
        assert_eq!(
            ack_line(&AckEvent::Buffering, Some(1_612_524_911_136), Some("9134")),
            "{\"EventType\":\"BUFFERING\",\"FragmentTimecode\":1612524911136,\"FragmentNumber\":\"9134\"}\r\n"
        );
        assert_eq!(
            ack_line(&AckEvent::Error(AckError::INVALID_MKV_DATA), None, None),
            "{\"EventType\":\"ERROR\",\"FragmentTimecode\":-1,\"FragmentNumber\":\"\",\"ErrorId\":4006,\
             \"ErrorCode\":\"INVALID_MKV_DATA\"}\r\n"
        );
        assert_eq!(ack_line(&AckEvent::Idle, None, None), "{\"EventType\":\"IDLE\"}\r\n");
    }
}
