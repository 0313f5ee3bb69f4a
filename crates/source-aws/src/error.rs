//! What the service, the network or the credentials answer instead of what was asked for.

use std::sync::Arc;
use std::time::Duration;

use kineframe_source::{SourceError, SourceErrorKind};

/// A call did not do what it was asked for: which call, on what, why, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{target}: {operation}: {kind}{}{}; {}", detail(.message), request(.request_id), .kind.advice())]
pub struct Error {
    /// The call, as the API reference names it; `Configuration` before any.
    pub operation: &'static str,
    /// The stream, or what else the call was about.
    pub target: Arc<str>,
    /// What happened.
    pub kind: ErrorKind,
    /// What the service or the network said of it, on one line; empty where it said nothing.
    pub message: String,
    /// The name that the service gave the request, for its support.
    pub request_id: Option<String>,
}

/// Why a call failed, by the *type* that the service names. Its HTTP status says little: throttling is a 400, and a
/// refusal is a 401 in the documentation and a 403 on the wire.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Nothing in the chain gave credentials.
    #[error("no AWS credentials were found")]
    NoCredentials,
    /// A profile was named that is in neither of the shared files.
    #[error("the AWS configuration has no such profile")]
    NoProfile,
    /// They were valid once.
    #[error("the AWS credentials have expired")]
    ExpiredCredentials,
    /// The service does not know the key, or the signature does not match it.
    #[error("the service does not accept the AWS credentials")]
    InvalidCredentials,
    /// The call was signed for another region than the endpoint's.
    #[error("the endpoint is not in the region that the call was signed for")]
    WrongRegion,
    /// The signature's time is too far from the service's.
    #[error("the service's clock and that of this machine differ too much")]
    ClockSkew,
    /// They are valid and do not allow this call.
    #[error("these credentials do not allow the call")]
    NotAuthorized,
    /// No region was configured.
    #[error("no AWS region is set")]
    NoRegion,
    /// The address that is configured for the service is none.
    #[error("the endpoint address is none")]
    InvalidEndpointUrl,
    /// No such stream in this region and account, or it is not active; or what was asked for is not in it.
    #[error("no such stream, or it is not active")]
    NotFound,
    /// The name is taken, or the resource is being changed.
    #[error("the resource is there already, or is being changed")]
    InUse,
    /// An argument is not legal.
    #[error("the service refuses an argument")]
    InvalidArgument,
    /// The calls, fragments or bytes a second are used up.
    #[error("the service's rate limit is reached")]
    Throttled,
    /// The connections that a stream may have are in use.
    #[error("the stream's connections are all in use")]
    ConnectionLimit,
    /// The address does not serve this stream (any more).
    #[error("the data endpoint does not serve this stream")]
    InvalidEndpoint,
    /// The stream keeps nothing.
    #[error("the stream retains no data")]
    NoDataRetention,
    /// The stream's version is not the one that was named.
    #[error("the stream was changed meanwhile")]
    VersionMismatch,
    /// The account has as many streams as it may.
    #[error("a limit of the account is reached")]
    AccountLimit,
    /// The media cannot be had in this form.
    #[error("the stream's media cannot be had in this form")]
    UnsupportedMedia,
    /// The service failed.
    #[error("the service failed")]
    Service,
    /// The service answered something that is no answer.
    #[error("the answer makes no sense")]
    InvalidResponse,
    /// The name of the host could not be resolved, the connection was refused or broke.
    #[error("cannot be reached")]
    Network,
    /// Nothing came in time.
    #[error("nothing came within {} s", .0.as_secs_f64())]
    Timeout(Duration),
    /// A type that this version has no name for.
    #[error("{0}")]
    Other(String),
}

impl ErrorKind {
    /// The kind of an error type as the service names it, with or without a namespace before `#` and a link after
    /// `:`. `message` tells apart what shares a type.
    pub fn of_type(name: &str, message: &str) -> ErrorKind {
        let name = name.rsplit('#').next().unwrap_or(name);
        let name = name.split(':').next().unwrap_or(name).trim();
        let skewed = || {
            let message = message.to_ascii_lowercase();
            message.contains("signature expired") || message.contains("not yet current")
        };
        let signature = matches!(
            name,
            "InvalidSignatureException"
                | "SignatureDoesNotMatch"
                | "UnrecognizedClientException"
                | "IncompleteSignature"
        );
        match name {
            "ResourceNotFoundException" => ErrorKind::NotFound,
            "NotAuthorizedException" | "AccessDeniedException" | "AccessDenied" | "OptInRequired" => {
                // NotAuthorizedException also stands for an expired token in the archived media API.
                if message.to_ascii_lowercase().contains("expired") {
                    ErrorKind::ExpiredCredentials
                } else {
                    ErrorKind::NotAuthorized
                }
            }
            "ExpiredTokenException" | "ExpiredToken" | "TokenRefreshRequired" => ErrorKind::ExpiredCredentials,
            "RequestExpired" | "RequestTimeTooSkewed" | "RequestInTheFuture" => ErrorKind::ClockSkew,
            _ if signature && message.to_ascii_lowercase().contains("valid region") => ErrorKind::WrongRegion,
            "InvalidSignatureException" | "SignatureDoesNotMatch" if skewed() => ErrorKind::ClockSkew,
            "InvalidSignatureException"
            | "SignatureDoesNotMatch"
            | "UnrecognizedClientException"
            | "InvalidClientTokenId"
            | "InvalidAccessKeyId"
            | "IncompleteSignature"
            | "IncompleteSignatureException"
            | "MissingAuthenticationToken"
            | "MissingAuthenticationTokenException" => ErrorKind::InvalidCredentials,
            "ClientLimitExceededException"
            | "ThrottlingException"
            | "Throttling"
            | "TooManyRequestsException"
            | "RequestLimitExceeded"
            | "SlowDown" => ErrorKind::Throttled,
            "ConnectionLimitExceededException" => ErrorKind::ConnectionLimit,
            "InvalidEndpointException" => ErrorKind::InvalidEndpoint,
            "NoDataRetentionException" => ErrorKind::NoDataRetention,
            "ResourceInUseException" => ErrorKind::InUse,
            "VersionMismatchException" => ErrorKind::VersionMismatch,
            "AccountStreamLimitExceededException"
            | "AccountChannelLimitExceededException"
            | "DeviceStreamLimitExceededException"
            | "StreamEdgeConfigurationNotFoundException"
            | "TagsPerResourceExceededLimitException" => ErrorKind::AccountLimit,
            "UnsupportedStreamMediaTypeException"
            | "MissingCodecPrivateDataException"
            | "InvalidCodecPrivateDataException"
            | "InvalidMediaFrameException" => ErrorKind::UnsupportedMedia,
            "InvalidArgumentException"
            | "InvalidDeviceException"
            | "InvalidResourceFormatException"
            | "ValidationException"
            | "ValidationError"
            | "SerializationException"
            | "IllegalArgumentException" => ErrorKind::InvalidArgument,
            "InternalFailure"
            | "InternalServerError"
            | "InternalServerException"
            | "InternalServiceException"
            | "ServiceUnavailable"
            | "ServiceUnavailableException" => ErrorKind::Service,
            "" => ErrorKind::Service,
            other => ErrorKind::Other(other.to_owned()),
        }
    }

    /// The same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        matches!(
            self,
            ErrorKind::Throttled
                | ErrorKind::ConnectionLimit
                | ErrorKind::InvalidEndpoint
                | ErrorKind::Service
                | ErrorKind::InvalidResponse
                | ErrorKind::Network
                | ErrorKind::Timeout(_)
                | ErrorKind::ExpiredCredentials
        )
    }

    /// The next step for a person.
    pub fn advice(&self) -> &'static str {
        match self {
            ErrorKind::NoCredentials => {
                "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a profile with --profile, or run `aws sso login`"
            }
            ErrorKind::NoProfile => {
                "check --profile; `aws configure list-profiles` lists what is there, `aws configure --profile NAME` adds one"
            }
            ErrorKind::ExpiredCredentials => "renew them, with `aws sso login` for example",
            ErrorKind::InvalidCredentials => "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY or --profile",
            ErrorKind::WrongRegion => "give the endpoint's region with --region or AWS_REGION",
            ErrorKind::ClockSkew => "set the clock of this machine",
            ErrorKind::NotAuthorized => "allow the action kinesisvideo:<call> on the stream in the IAM policy",
            ErrorKind::NoRegion => "give --region or set AWS_REGION",
            ErrorKind::InvalidEndpointUrl => "correct --endpoint-url or AWS_ENDPOINT_URL",
            ErrorKind::NotFound => "check the name and --region; `kineframe streams` lists what is there",
            ErrorKind::InUse => "choose another name, or try again when the change is done",
            ErrorKind::InvalidArgument => "check the value against the API reference",
            ErrorKind::Throttled => "try again later, or read with fewer readers at a time",
            ErrorKind::ConnectionLimit => {
                "stop another reader (GetMedia has 3 connections a stream, PutMedia 1), or share one connection"
            }
            ErrorKind::InvalidEndpoint => "ask for the endpoint again",
            ErrorKind::NoDataRetention => "set a retention of at least an hour, and read what arrives after that",
            ErrorKind::VersionMismatch => "describe it again and repeat the change",
            ErrorKind::AccountLimit => "delete what is not needed, or ask the service for more",
            ErrorKind::UnsupportedMedia => "read it with `--via fragments`, which takes every codec",
            ErrorKind::Service => "try again; if it stays, give the request id to the service's support",
            ErrorKind::InvalidResponse => "check the endpoint address and what answers there",
            ErrorKind::Network => "check the network, the region and the endpoint address",
            ErrorKind::Timeout(_) => "try again, or allow more time",
            ErrorKind::Other(_) => "see the API reference for this type",
        }
    }
}

impl Error {
    pub(crate) fn new(operation: &'static str, target: &Arc<str>, kind: ErrorKind, message: &str) -> Self {
        Error { operation, target: target.clone(), kind, message: one_line(message), request_id: None }
    }

    /// The error as a source reports it, after `offset` bytes.
    pub fn at(&self, input: &Arc<str>, offset: u64) -> SourceError {
        let (operation, kind) = (self.operation, &self.kind);
        let (detail, request) = (detail(&self.message), request(&self.request_id));
        let message = format!("{operation}: {kind}{detail}{request}; {}", kind.advice());
        SourceError {
            input: input.clone(),
            offset,
            kind: SourceErrorKind::Other { message, retry: kind.is_retryable() },
        }
    }
}

fn detail(message: &str) -> String {
    if message.is_empty() { String::new() } else { format!(" ({message})") }
}

fn request(id: &Option<String>) -> String {
    id.as_ref().map(|id| format!(" [request {id}]")).unwrap_or_default()
}

/// Foreign text on one line, without control characters, at most 400 of them.
pub(crate) fn one_line(text: &str) -> String {
    let mut line = String::new();
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()) {
        if !line.is_empty() {
            line.push(' ');
        }
        line.extend(word.chars().take(400));
        if line.len() > 400 {
            line = line.chars().take(400).collect();
            line.push('…');
            break;
        }
    }
    line.trim_end_matches(['.', ';']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_decide_with_namespace_and_link_or_without() {
        for name in [
            "ResourceNotFoundException",
            "com.amazonaws.kinesisvideo#ResourceNotFoundException",
            "ResourceNotFoundException:https://kinesisvideo.amazonaws.com/doc/2017-09-30/",
        ] {
            assert_eq!(ErrorKind::of_type(name, ""), ErrorKind::NotFound, "{name}");
        }
        assert_eq!(ErrorKind::of_type("InvalidSignatureException", "…does not match…"), ErrorKind::InvalidCredentials);
        assert_eq!(
            ErrorKind::of_type("InvalidSignatureException", "Signature expired: 20260101T000000Z is now earlier than"),
            ErrorKind::ClockSkew
        );
        assert_eq!(
            ErrorKind::of_type(
                "InvalidSignatureException",
                "Credential should be scoped to a valid region, not 'eu-west-1'."
            ),
            ErrorKind::WrongRegion
        );
        assert_eq!(ErrorKind::of_type("NewException", ""), ErrorKind::Other("NewException".into()));
    }

    #[test]
    fn an_error_is_one_line() {
        let error = Error {
            request_id: Some("r-1".into()),
            ..Error::new("GetMedia", &Arc::from("kvs://door"), ErrorKind::Throttled, "Rate\n exceeded.\u{1b}[31m")
        };
        assert_eq!(
            error.to_string(),
            "kvs://door: GetMedia: the service's rate limit is reached (Rate exceeded. [31m) [request r-1]; \
             try again later, or read with fewer readers at a time"
        );
        assert!(one_line(&"x y ".repeat(500)).chars().count() <= 401);
    }
}
