//! Errors as the service answers them: a type in a header, a message in the body.

use std::borrow::Cow;

use hyper::StatusCode;

/// An error answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiError {
    pub(crate) status: StatusCode,
    pub(crate) kind: &'static str,
    pub(crate) message: Cow<'static, str>,
}

macro_rules! kinds {
    ($($function:ident: $status:ident $kind:literal;)*) => {
        impl ApiError {
            $(pub(crate) fn $function(message: impl Into<Cow<'static, str>>) -> Self {
                ApiError { status: StatusCode::$status, kind: $kind, message: message.into() }
            })*
        }
    };
}

kinds! {
    access_denied: FORBIDDEN "AccessDeniedException";
    invalid_codec_private: BAD_REQUEST "InvalidCodecPrivateDataException";
    invalid_media_frame: BAD_REQUEST "InvalidMediaFrameException";
    missing_codec_private: BAD_REQUEST "MissingCodecPrivateDataException";
    unsupported_media: BAD_REQUEST "UnsupportedStreamMediaTypeException";
    expired_token: FORBIDDEN "ExpiredTokenException";
    incomplete_signature: FORBIDDEN "IncompleteSignatureException";
    invalid_signature: FORBIDDEN "InvalidSignatureException";
    missing_token: FORBIDDEN "MissingAuthenticationTokenException";
    unrecognized_client: FORBIDDEN "UnrecognizedClientException";
    client_limit: BAD_REQUEST "ClientLimitExceededException";
    connection_limit: BAD_REQUEST "ConnectionLimitExceededException";
    in_use: BAD_REQUEST "ResourceInUseException";
    internal_failure: INTERNAL_SERVER_ERROR "InternalFailure";
    invalid_argument: BAD_REQUEST "InvalidArgumentException";
    invalid_endpoint: BAD_REQUEST "InvalidEndpointException";
    no_retention: BAD_REQUEST "NoDataRetentionException";
    not_found: NOT_FOUND "ResourceNotFoundException";
    request_timeout: REQUEST_TIMEOUT "RequestTimeoutException";
    serialization: BAD_REQUEST "SerializationException";
    too_many_streams: BAD_REQUEST "AccountStreamLimitExceededException";
    too_many_tags: BAD_REQUEST "TagsPerResourceExceededLimitException";
    unknown_operation: NOT_FOUND "UnknownOperationException";
    validation: BAD_REQUEST "ValidationException";
    version_mismatch: BAD_REQUEST "VersionMismatchException";
}

impl ApiError {
    /// The stream is not there.
    pub(crate) fn no_stream() -> Self {
        ApiError::not_found("The requested stream is not found or not active.")
    }
}
