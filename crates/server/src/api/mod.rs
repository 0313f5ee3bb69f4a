//! The calls, by area.

pub(crate) mod archive;
pub(crate) mod clip;
pub(crate) mod configure;
pub(crate) mod control;
pub(crate) mod get_media;
pub(crate) mod hls;
pub(crate) mod images;
pub(crate) mod put_media;

use serde::Deserialize;
use serde_json::Number;

use crate::http::ApiError;

/// A time in JSON: seconds since the Unix epoch, with a fraction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Timestamp {
    pub(crate) millis: i64,
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = Number::deserialize(deserializer)?;
        // A double holds today's seconds to a quarter of a microsecond, so that milliseconds come out right.
        let millis = match number.as_i64() {
            Some(seconds) => seconds.checked_mul(1000),
            None => number
                .as_f64()
                .map(|seconds| (seconds * 1000.0).round())
                .filter(|millis| millis.abs() < 9.0e18)
                .map(|millis| millis as i64),
        };
        millis.map(|millis| Timestamp { millis }).ok_or_else(|| serde::de::Error::custom("a time out of range"))
    }
}

/// Milliseconds since the Unix epoch as a number of seconds.
pub(crate) fn epoch_seconds(millis: i64) -> f64 {
    millis as f64 / 1000.0
}

/// A stream by name or by ARN.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct StreamRef {
    pub(crate) stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    pub(crate) stream_arn: Option<String>,
}

/// `Err` with a message in the service's words unless the value is within the range.
pub(crate) fn in_range(name: &str, value: Option<i64>, least: i64, most: i64) -> Result<Option<i64>, ApiError> {
    match value {
        Some(value) if value < least || value > most => Err(ApiError::invalid_argument(format!(
            "1 validation error detected: Value '{value}' at '{name}' failed to satisfy constraint: Member must have \
             value between {least} and {most}"
        ))),
        value => Ok(value),
    }
}

/// The value of a member that must be there.
pub(crate) fn required<T>(name: &str, value: Option<T>) -> Result<T, ApiError> {
    value.ok_or_else(|| {
        ApiError::invalid_argument(format!(
            "1 validation error detected: Value null at '{name}' failed to satisfy constraint: Member must not be null"
        ))
    })
}

/// `Err` unless the value is one of these.
pub(crate) fn one_of(name: &str, value: &str, values: &[&str]) -> Result<(), ApiError> {
    if values.contains(&value) {
        return Ok(());
    }
    Err(ApiError::invalid_argument(format!(
        "1 validation error detected: Value at '{name}' failed to satisfy constraint: Member must satisfy enum value \
         set: [{}]",
        values.join(", ")
    )))
}
