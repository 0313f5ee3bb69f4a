//! Which stream is meant.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// A stream, by name or by ARN.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum StreamId {
    /// 1 to 256 characters `a-z A-Z 0-9 _ . -`.
    Name(Arc<str>),
    /// `arn:<partition>:kinesisvideo:<region>:<account>:stream/<name>/<creation>`.
    Arn(Arc<str>),
}

/// Text that names no stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a stream: give kvs://NAME, NAME or its ARN (arn:aws:kinesisvideo:REGION:ACCOUNT:stream/NAME/CREATION); a name \
     has 1 to 256 of a-z A-Z 0-9 _ . -"
)]
pub struct InvalidStreamId;

impl StreamId {
    /// The ARN's region, where there is one: the stream is read there whatever else is configured.
    pub fn region(&self) -> Option<&str> {
        match self {
            StreamId::Name(_) => None,
            StreamId::Arn(arn) => arn.split(':').nth(3),
        }
    }

    /// The name alone.
    pub fn name(&self) -> &str {
        match self {
            StreamId::Name(name) => name,
            StreamId::Arn(arn) => arn.split('/').nth(1).unwrap_or(arn),
        }
    }

    pub(crate) fn as_name(&self) -> Option<String> {
        matches!(self, StreamId::Name(_)).then(|| self.name().to_owned())
    }

    pub(crate) fn as_arn(&self) -> Option<String> {
        match self {
            StreamId::Name(_) => None,
            StreamId::Arn(arn) => Some(arn.to_string()),
        }
    }
}

/// A name without a scheme.
fn is_name(text: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    (1..=256).contains(&text.len()) && text.bytes().all(legal)
}

impl FromStr for StreamId {
    type Err = InvalidStreamId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bare = text.strip_prefix("kvs://").unwrap_or(text);
        if bare.starts_with("arn:") {
            let fields: Vec<&str> = bare.splitn(6, ':').collect();
            let [_, partition, "kinesisvideo", region, account, resource] = fields.as_slice() else {
                return Err(InvalidStreamId);
            };
            let parts: Vec<&str> = resource.split('/').collect();
            let named = matches!(parts.as_slice(), ["stream", name, created]
                if is_name(name) && !created.is_empty() && created.bytes().all(|byte| byte.is_ascii_digit()));
            let legal = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
            return if named && legal(partition) && legal(region) && legal(account) {
                Ok(StreamId::Arn(Arc::from(bare)))
            } else {
                Err(InvalidStreamId)
            };
        }
        if is_name(bare) { Ok(StreamId::Name(Arc::from(bare))) } else { Err(InvalidStreamId) }
    }
}

/// As it is written as an input: `kvs://NAME`, or the ARN.
impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StreamId::Name(name) => write!(f, "kvs://{name}"),
            StreamId::Arn(arn) => f.write_str(arn),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_arns() {
        let arn = "arn:aws:kinesisvideo:eu-west-1:123456789012:stream/front-door/1511852108513";
        let id: StreamId = arn.parse().unwrap();
        assert_eq!((id.region(), id.name(), id.to_string().as_str()), (Some("eu-west-1"), "front-door", arn));
        let id: StreamId = "kvs://front.door_2".parse().unwrap();
        assert_eq!((id.region(), id.name(), id.to_string().as_str()), (None, "front.door_2", "kvs://front.door_2"));
        assert_eq!("front.door_2".parse(), Ok(id));
        for text in [
            "",
            "kvs://",
            "kvs://a/b",
            "kvs://../x",
            "türe",
            "arn:aws:s3:::bucket",
            "arn:aws:kinesisvideo:eu-west-1:123456789012:stream/front-door",
            "arn:aws:kinesisvideo:eu-west-1:1/2:stream/front-door/15",
            &"x".repeat(257),
        ] {
            assert_eq!(text.parse::<StreamId>(), Err(InvalidStreamId), "{text}");
        }
    }
}
