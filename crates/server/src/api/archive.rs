//! What was stored: ListFragments and GetMediaForFragmentList.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::{StreamRef, Timestamp, epoch_seconds, in_range, required};
use crate::fault::FaultTarget;
use crate::http::peer::Peer;
use crate::http::{self, Answer, ApiError, Gone, PieceSender};
use crate::media::fragment::{Fragment, Next, Place};
use crate::media::stream::Stream;
use crate::media::tags;
use crate::service::Service;
use crate::usage::Points;

/// Text as a token: base64, as the model wants it.
pub(crate) fn token(text: &str) -> String {
    STANDARD.encode(text)
}

/// The text of a token.
pub(crate) fn untoken(token: &str) -> Result<String, ApiError> {
    let bad = || ApiError::invalid_argument("NextToken is not one that this service gave.");
    let bytes = STANDARD.decode(token).map_err(|_| bad())?;
    String::from_utf8(bytes).map_err(|_| bad())
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListFragments {
    #[serde(flatten)]
    stream: StreamRef,
    max_results: Option<i64>,
    next_token: Option<String>,
    fragment_selector: Option<FragmentSelector>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct FragmentSelector {
    fragment_selector_type: Option<String>,
    timestamp_range: Option<TimestampRange>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TimestampRange {
    start_timestamp: Option<Timestamp>,
    end_timestamp: Option<Timestamp>,
}

impl FragmentSelector {
    /// Whether times of the producer are meant.
    pub(crate) fn is_producer(&self) -> bool {
        self.fragment_selector_type.as_deref() == Some("PRODUCER_TIMESTAMP")
    }

    pub(crate) fn has_range(&self) -> bool {
        self.timestamp_range.is_some()
    }

    /// The same, with times of the server where it does not say which.
    pub(crate) fn or_server(mut self) -> Self {
        self.fragment_selector_type.get_or_insert_with(|| "SERVER_TIMESTAMP".to_owned());
        self
    }
}

/// Fragments that begin within a range of one of the two clocks, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Range {
    producer: bool,
    start: i64,
    end: i64,
}

impl Range {
    pub(crate) fn of(selector: FragmentSelector) -> Result<Self, ApiError> {
        let kind = required("fragmentSelector.fragmentSelectorType", selector.fragment_selector_type)?;
        let producer = match kind.as_str() {
            "PRODUCER_TIMESTAMP" => true,
            "SERVER_TIMESTAMP" => false,
            _ => {
                return Err(ApiError::invalid_argument(
                    "FragmentSelectorType can only be PRODUCER_TIMESTAMP or SERVER_TIMESTAMP.",
                ));
            }
        };
        let range = required("fragmentSelector.timestampRange", selector.timestamp_range)?;
        let start = required("fragmentSelector.timestampRange.startTimestamp", range.start_timestamp)?.millis;
        let end = required("fragmentSelector.timestampRange.endTimestamp", range.end_timestamp)?.millis;
        if end < start {
            return Err(ApiError::invalid_argument("EndTimestamp is before StartTimestamp."));
        }
        Ok(Range { producer, start, end })
    }

    /// The same where the end need not be given.
    pub(crate) fn open(mut selector: FragmentSelector) -> Result<Self, ApiError> {
        if let Some(range) = &mut selector.timestamp_range {
            range.end_timestamp.get_or_insert(Timestamp { millis: i64::MAX });
        }
        Range::of(selector)
    }

    pub(crate) fn span_ms(self) -> i64 {
        self.end.saturating_sub(self.start)
    }

    pub(crate) fn holds(self, fragment: &Fragment) -> bool {
        let time = if self.producer { fragment.producer_ms } else { fragment.server_ms };
        self.start <= time && time <= self.end
    }
}

/// Where the next page begins.
#[derive(Serialize, Deserialize)]
struct Page {
    range: Option<Range>,
    after: (u64, u64),
}

/// The service gives fragments in no order. So here the order is one that no client can take for another: the same
/// for all pages, and no order of time.
fn disorder(fragment: &Fragment) -> (u64, u64) {
    let mut hasher = DefaultHasher::new();
    fragment.number.hash(&mut hasher);
    (hasher.finish(), fragment.counter)
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct FragmentInfo<'a> {
    fragment_number: &'a str,
    fragment_size_in_bytes: u64,
    producer_timestamp: f64,
    server_timestamp: f64,
    fragment_length_in_milliseconds: u64,
}

/// ListFragments.
pub(crate) fn list_fragments(service: &Service, body: &[u8]) -> Result<Answer, ApiError> {
    let input: ListFragments = http::parse(body)?;
    let most = in_range("maxResults", input.max_results, 1, 1000)?.unwrap_or(100);
    let stream = service.stream(&input.stream)?;
    stream.meter.call("ListFragments", Points { media: 0.0, metadata: most as f64 })?;
    let page = match (input.next_token, input.fragment_selector) {
        (Some(token), _) => serde_json::from_str(&untoken(&token)?)
            .map_err(|_| ApiError::invalid_argument("NextToken is not one that this service gave."))?,
        (None, Some(selector)) => Page { range: Some(Range::of(selector)?), after: (0, 0) },
        (None, None) => Page { range: None, after: (0, 0) },
    };
    let wanted = |fragment: &Arc<Fragment>| {
        page.range.is_none_or(|range| range.holds(fragment)) && disorder(fragment) > page.after
    };
    let mut found: Vec<Arc<Fragment>> = stream.stored().into_iter().filter(wanted).collect();
    found.sort_by_cached_key(|fragment| disorder(fragment));
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let more = found.len() > most;
    found.truncate(most);
    let infos: Vec<FragmentInfo<'_>> = found
        .iter()
        .map(|fragment| FragmentInfo {
            fragment_number: &fragment.number,
            fragment_size_in_bytes: fragment.len() + fragment.head.len() as u64,
            producer_timestamp: epoch_seconds(fragment.producer_ms),
            server_timestamp: epoch_seconds(fragment.server_ms),
            fragment_length_in_milliseconds: fragment.facts().map_or(0, |facts| facts.duration_ms),
        })
        .collect();
    let mut answer = serde_json::json!({ "Fragments": infos });
    if let (true, Some(last)) = (more, found.last()) {
        let next = Page { range: page.range, after: disorder(last) };
        answer["NextToken"] = token(&serde_json::to_string(&next).unwrap_or_default()).into();
    }
    Ok(http::json(&answer))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetMediaForFragmentList {
    #[serde(flatten)]
    stream: StreamRef,
    fragments: Option<Vec<String>>,
}

/// GetMediaForFragmentList: the fragments in the order of the list.
pub(crate) fn get_media_for_fragment_list(service: &Service, body: &[u8], peer: &Peer) -> Result<Answer, ApiError> {
    let input: GetMediaForFragmentList = http::parse(body)?;
    let stream = service.stream(&input.stream)?;
    let numbers = required("fragments", input.fragments)?;
    let digits =
        |number: &String| (1..=128).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit());
    if !(1..=1000).contains(&numbers.len()) || !numbers.iter().all(digits) {
        return Err(ApiError::invalid_argument(
            "1 validation error detected: Value at 'fragments' failed to satisfy constraint: Member must have length \
             between 1 and 1000, each a number of 1 to 128 digits",
        ));
    }
    const NAME: &str = "GetMediaForFragmentList";
    stream.meter.call(NAME, Points { media: numbers.len() as f64, metadata: 0.0 })?;
    let connection = stream
        .meter
        .connect(NAME, service.options.max_get_media_for_fragment_list)
        .ok_or_else(|| ApiError::client_limit("Too many GetMediaForFragmentList connections are open."))?;
    let (sender, answer) = http::pieces("video/webm");
    let sender = sender.with_fault(service.faults.plan(FaultTarget::Get));
    let sender = sender.over(&connection, peer, service.options.limits.get_bytes);
    tokio::spawn(async move {
        let _ = send_list(&stream, &numbers, &sender).await;
        drop(connection); // before the body ends: a reader may begin anew at once
        drop(sender);
    });
    Ok(answer)
}

async fn send_list(stream: &Stream, numbers: &[String], sender: &PieceSender) -> Result<(), Gone> {
    for number in numbers {
        let Some(fragment) = stream.stored_by_number(number) else {
            for piece in tags::error_document(3000, "FRAGMENT_NOT_FOUND", Some(number)) {
                sender.send(piece).await?;
            }
            return Ok(());
        };
        send_stored(&fragment, sender).await?;
    }
    Ok(())
}

/// A whole fragment, without closing tags.
async fn send_stored(fragment: &Fragment, sender: &PieceSender) -> Result<(), Gone> {
    sender.send(fragment.head.clone()).await?;
    sender.send(tags::opening(fragment)).await?;
    let mut place = Place::default();
    while let Next::Bytes(bytes) = fragment.next(&mut place).await {
        sender.send(bytes).await?;
    }
    Ok(())
}
