//! The tags that the service itself writes, under the names of both dialects.
//!
//! GetMedia writes the plain names; the documentation of GetMediaForFragmentList spells the timestamps with
//! `_SIDE_` and reports errors as `EXCEPTION_*`, while bodies seen on the wire have the plain names there
//! too. Both spellings mean the same here, in any body.

use kineframe_matroska::{SimpleTag, TagValue};

/// Names of the tags that the service writes, and of those by which a producer asks it for something.
pub mod tag {
    /// The fragment number.
    pub const FRAGMENT_NUMBER: &str = "AWS_KINESISVIDEO_FRAGMENT_NUMBER";
    /// When the service began to receive the fragment, in decimal seconds.
    pub const SERVER_TIMESTAMP: &str = "AWS_KINESISVIDEO_SERVER_TIMESTAMP";
    /// The same, as the documentation of GetMediaForFragmentList spells it.
    pub const SERVER_SIDE_TIMESTAMP: &str = "AWS_KINESISVIDEO_SERVER_SIDE_TIMESTAMP";
    /// When the producer says that the fragment began, in decimal seconds.
    pub const PRODUCER_TIMESTAMP: &str = "AWS_KINESISVIDEO_PRODUCER_TIMESTAMP";
    /// The same, as the documentation of GetMediaForFragmentList spells it.
    pub const PRODUCER_SIDE_TIMESTAMP: &str = "AWS_KINESISVIDEO_PRODUCER_SIDE_TIMESTAMP";
    /// How far the fragment is behind the newest of the stream, in milliseconds. GetMedia only.
    pub const MILLIS_BEHIND_NOW: &str = "AWS_KINESISVIDEO_MILLIS_BEHIND_NOW";
    /// Where to go on after the fragment. GetMedia only; always in the last Tags element of a fragment.
    pub const CONTINUATION_TOKEN: &str = "AWS_KINESISVIDEO_CONTINUATION_TOKEN";
    /// The name of an error in band.
    pub const ERROR_CODE: &str = "AWS_KINESISVIDEO_ERROR_CODE";
    /// The number of an error in band.
    pub const ERROR_ID: &str = "AWS_KINESISVIDEO_ERROR_ID";
    /// The number or name of an error, as the documentation of GetMediaForFragmentList spells it.
    pub const EXCEPTION_ERROR_CODE: &str = "AWS_KINESISVIDEO_EXCEPTION_ERROR_CODE";
    /// What an error says for people.
    pub const EXCEPTION_MESSAGE: &str = "AWS_KINESISVIDEO_EXCEPTION_MESSAGE";
    /// A producer asks for managed images of the fragment.
    pub const IMAGE_GENERATION: &str = "AWS_KINESISVIDEO_IMAGE_GENERATION";
    /// The key prefix of those images.
    pub const IMAGE_PREFIX: &str = "AWS_KINESISVIDEO_IMAGE_PREFIX";
    /// A producer asks for a notification about the fragment.
    pub const NOTIFICATION: &str = "AWS_KINESISVIDEO_NOTIFICATION";
    /// A producer says that the fragment is over.
    pub const END_OF_FRAGMENT: &str = "AWS_KINESISVIDEO_END_OF_FRAGMENT";
}

/// What a tag of the service tells of a fragment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    Number,
    ServerTimestamp,
    ProducerTimestamp,
    MillisBehindNow,
    ContinuationToken,
    ErrorCode,
    ErrorId,
    ExceptionErrorCode,
    ExceptionMessage,
    EndOfFragment,
}

/// What a tag of this name means; `None` for the producer's own.
pub(crate) fn meaning(name: &str) -> Option<Meaning> {
    Some(match name {
        tag::FRAGMENT_NUMBER => Meaning::Number,
        tag::SERVER_TIMESTAMP | tag::SERVER_SIDE_TIMESTAMP => Meaning::ServerTimestamp,
        tag::PRODUCER_TIMESTAMP | tag::PRODUCER_SIDE_TIMESTAMP => Meaning::ProducerTimestamp,
        tag::MILLIS_BEHIND_NOW => Meaning::MillisBehindNow,
        tag::CONTINUATION_TOKEN => Meaning::ContinuationToken,
        tag::ERROR_CODE => Meaning::ErrorCode,
        tag::ERROR_ID => Meaning::ErrorId,
        tag::EXCEPTION_ERROR_CODE => Meaning::ExceptionErrorCode,
        tag::EXCEPTION_MESSAGE => Meaning::ExceptionMessage,
        tag::END_OF_FRAGMENT => Meaning::EndOfFragment,
        _ => return None,
    })
}

/// The text of a tag: `TagString`, or a `TagBinary` that holds text, cut at the first NUL.
pub(crate) fn text(tag: &SimpleTag) -> Option<&str> {
    match &tag.value {
        TagValue::String(text) => Some(text),
        TagValue::Binary(bytes) => {
            let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
            std::str::from_utf8(bytes.get(..end)?).ok()
        }
        TagValue::Absent => None,
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn both_spellings_mean_the_same() {
        assert_eq!(meaning(tag::SERVER_TIMESTAMP), meaning(tag::SERVER_SIDE_TIMESTAMP));
        assert_eq!(meaning(tag::PRODUCER_TIMESTAMP), meaning(tag::PRODUCER_SIDE_TIMESTAMP));
        assert_ne!(meaning(tag::PRODUCER_TIMESTAMP), meaning(tag::SERVER_TIMESTAMP));
        assert_eq!(meaning("camera"), None);
        assert_eq!(meaning("parent/AWS_KINESISVIDEO_FRAGMENT_NUMBER"), None);
    }

    #[test]
    fn binary_values_can_hold_text() {
        let tag = |value| SimpleTag { name: String::from("x"), value };
        assert_eq!(text(&tag(TagValue::Binary(Bytes::from_static(b"42\0\0")))), Some("42"));
        assert_eq!(text(&tag(TagValue::Binary(Bytes::from_static(b"\xff")))), None);
        assert_eq!(text(&tag(TagValue::String(String::from("a")))), Some("a"));
        assert_eq!(text(&tag(TagValue::Absent)), None);
    }
}
