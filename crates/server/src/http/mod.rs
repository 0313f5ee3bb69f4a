//! HTTP: which call a request is, its JSON, and how answers and errors look on the wire.

pub(crate) mod body;
pub(crate) mod error;
pub(crate) mod peer;

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;

pub(crate) use body::{AnswerBody, Gone, PieceSender};
pub(crate) use error::ApiError;

/// The answer to a request.
pub(crate) type Answer = Response<AnswerBody>;

/// Bytes of the JSON of a request: a thousand fragment numbers of full length fit.
const JSON: usize = 1 << 20;

const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");

/// A request's body, whole, if it comes within this time.
pub(crate) async fn read(body: Incoming, within: Duration) -> Result<Bytes, ApiError> {
    match tokio::time::timeout(within, Limited::new(body, JSON).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(_)) => Err(ApiError::serialization("the request body is beyond 1 MiB, or it was cut")),
        Err(_) => Err(ApiError::request_timeout("the request body did not come in time")),
    }
}

/// The request's JSON. An empty body is an empty object.
pub(crate) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    let body = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|error| ApiError::serialization(error.to_string()))
}

/// An answer of JSON.
pub(crate) fn json(value: &impl Serialize) -> Answer {
    let mut answer = Response::new(AnswerBody::whole(serde_json::to_vec(value).unwrap_or_default()));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}

/// An answer whose body is sent while it is made.
pub(crate) fn pieces(content_type: &'static str) -> (PieceSender, Answer) {
    let (sender, body) = AnswerBody::pieces();
    let mut answer = Response::new(body);
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    (sender, answer)
}

/// An error as the service answers it.
pub(crate) fn error(error: &ApiError) -> Answer {
    let mut answer = json(&serde_json::json!({ "Message": error.message }));
    *answer.status_mut() = error.status;
    let kind = format!("{}:https://kinesisvideo.amazonaws.com/doc/2017-09-30/", error.kind);
    if let Ok(kind) = HeaderValue::from_str(&kind) {
        answer.headers_mut().insert(ERROR_TYPE, kind);
    }
    answer
}

/// Gives an answer its identifier.
pub(crate) fn identify(mut answer: Answer) -> Answer {
    if let Ok(id) = HeaderValue::from_str(&crate::names::request_id()) {
        answer.headers_mut().insert(REQUEST_ID, id);
    }
    answer
}

/// An empty answer of this status.
pub(crate) fn empty(status: StatusCode) -> Answer {
    let mut answer = Response::new(AnswerBody::whole(Bytes::new()));
    *answer.status_mut() = status;
    answer
}
