//! ListFragments: what a stream holds.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_kinesisvideoarchivedmedia::types::{FragmentSelector, FragmentSelectorType, TimestampRange};
use aws_smithy_types::DateTime;
use kineframe_fragment::{FragmentNumber, ProducerTimestamp, ServerTimestamp};

use crate::client::Points;
use crate::endpoint::Api;
use crate::error::{Error, ErrorKind};
use crate::sdk::answer;
use crate::stream::StreamHandle;

/// Which of a fragment's two timestamps is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Clock {
    /// When the producer says that it was taken.
    #[default]
    Producer,
    /// When the service received it.
    Server,
}

/// A half-open range of time, in nanoseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeRange {
    /// The clock of both.
    pub clock: Clock,
    /// The first instant inside.
    pub from: i128,
    /// The first instant after it.
    pub to: i128,
}

/// A fragment as ListFragments tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FragmentEntry {
    /// Its number.
    pub number: FragmentNumber,
    /// Its size in bytes.
    pub size: u64,
    /// When the producer says that it began.
    pub producer_timestamp: Option<ProducerTimestamp>,
    /// When the service began to receive it.
    pub server_timestamp: Option<ServerTimestamp>,
    /// How long the service says that it lasts; not to be relied on, it may be 0.
    pub duration: Option<Duration>,
}

impl FragmentEntry {
    /// Its start on a clock, in nanoseconds since the Unix epoch.
    pub fn start(&self, clock: Clock) -> Option<i128> {
        match clock {
            Clock::Producer => self.producer_timestamp.map(|time| time.0),
            Clock::Server => self.server_timestamp.map(|time| time.0),
        }
    }

    /// Its end on a clock, likewise, as far as the service tells its length.
    pub fn end(&self, clock: Clock) -> Option<i128> {
        let length = self.duration.map_or(0, |length| i128::try_from(length.as_nanos()).unwrap_or(i128::MAX));
        Some(self.start(clock)?.saturating_add(length))
    }
}

/// No fragment lasts longer (20 s by the quotas page), with room for clocks.
pub(crate) const LONGEST_FRAGMENT: i128 = 25_000_000_000;

/// Fragments a page; the most that the service gives. Each page costs its size of 10,000 points a second.
const PAGE: i64 = 1000;

impl StreamHandle {
    /// The fragments that *begin* within the range, all pages, by number, each once, whatever the order in which the
    /// service tells them.
    ///
    /// # Errors
    /// The service refused or could not be reached.
    pub async fn list_fragments(&self, range: TimeRange) -> Result<Vec<FragmentEntry>, Error> {
        if range.from >= range.to {
            return Ok(Vec::new());
        }
        let selector = self.selector(range)?;
        let mut entries = BTreeMap::new();
        let mut token: Option<String> = None;
        loop {
            let points = Points { metadata: PAGE as f64, media: 0.0 };
            let (api, label, inner) = (Api::ListFragments, self.label(), &self.client.inner);
            let call = |sdk: Arc<crate::sdk::Sdk>, endpoint| {
                let request = sdk
                    .archived(&endpoint)
                    .list_fragments()
                    .set_stream_name(self.id().as_name())
                    .set_stream_arn(self.id().as_arn())
                    .fragment_selector(selector.clone())
                    .max_results(PAGE)
                    .set_next_token(token.clone());
                async move { answer(api.operation(), label, inner.options.answer_timeout, request.send()).await }
            };
            let page = inner.data(api, self, points, call).await?;
            for fragment in page.fragments.unwrap_or_default() {
                let Some(number) = fragment.fragment_number.as_deref().and_then(FragmentNumber::new) else { continue };
                let nanos = |time: Option<DateTime>| time.map(|time| to_micros(time.as_nanos()));
                let entry = FragmentEntry {
                    size: u64::try_from(fragment.fragment_size_in_bytes).unwrap_or(0),
                    producer_timestamp: nanos(fragment.producer_timestamp).map(ProducerTimestamp),
                    server_timestamp: nanos(fragment.server_timestamp).map(ServerTimestamp),
                    duration: u64::try_from(fragment.fragment_length_in_milliseconds).ok().map(Duration::from_millis),
                    number: number.clone(),
                };
                // The service's range may be closed at its end.
                if entry.start(range.clock).is_none_or(|start| (range.from..range.to).contains(&start)) {
                    entries.insert(number, entry);
                }
            }
            let next = page.next_token.filter(|next| !next.is_empty());
            if next.is_none() || next == token {
                return Ok(entries.into_values().collect());
            }
            token = next;
        }
    }

    /// The fragments that *overlap* the range: those that begin within it, and the one before it that reaches in.
    ///
    /// # Errors
    /// As for [`list_fragments`](Self::list_fragments).
    pub async fn list_overlapping(&self, range: TimeRange) -> Result<Vec<FragmentEntry>, Error> {
        if range.from >= range.to {
            return Ok(Vec::new());
        }
        let wider = TimeRange { from: range.from.saturating_sub(LONGEST_FRAGMENT), ..range };
        let mut entries = self.list_fragments(wider).await?;
        keep_overlapping(&mut entries, range);
        Ok(entries)
    }

    fn selector(&self, range: TimeRange) -> Result<FragmentSelector, Error> {
        let illegal = |message: &str| {
            Error::new(Api::ListFragments.operation(), self.label(), ErrorKind::InvalidArgument, message)
        };
        let time = |nanos: i128| DateTime::from_nanos(nanos.max(0)).map_err(|_| illegal("a time is out of range"));
        let times = TimestampRange::builder().start_timestamp(time(range.from)?).end_timestamp(time(range.to)?);
        let clock = match range.clock {
            Clock::Producer => FragmentSelectorType::ProducerTimestamp,
            Clock::Server => FragmentSelectorType::ServerTimestamp,
        };
        let times = times.build().map_err(|error| illegal(&error.to_string()))?;
        let selector = FragmentSelector::builder().fragment_selector_type(clock).timestamp_range(times);
        selector.build().map_err(|error| illegal(&error.to_string()))
    }
}

/// To the nearest microsecond: times come as seconds in floating point, whose last digits are a quarter of that.
fn to_micros(nanos: i128) -> i128 {
    nanos.saturating_add(500).div_euclid(1000) * 1000
}

/// Drops what ends before the range. Told lengths may be too short: the last fragment that begins before the range
/// stays in any case, since the frames themselves tell.
fn keep_overlapping(entries: &mut Vec<FragmentEntry>, range: TimeRange) {
    let start = |entry: &FragmentEntry| entry.start(range.clock);
    let last_before = entries.iter().filter_map(start).filter(|start| *start < range.from).max();
    entries.retain(|entry| match start(entry).zip(entry.end(range.clock)) {
        None => true,
        Some((start, end)) => start >= range.from || Some(start) == last_before || end > range.from,
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(number: &str, start_s: i128, millis: u64) -> FragmentEntry {
        FragmentEntry {
            number: FragmentNumber::new(number).unwrap(),
            size: 1,
            producer_timestamp: Some(ProducerTimestamp(start_s * 1_000_000_000)),
            server_timestamp: None,
            duration: Some(Duration::from_millis(millis)),
        }
    }

    #[test]
    fn the_fragment_that_reaches_in_is_kept_even_if_its_length_is_not_told() {
        let range = TimeRange { clock: Clock::Producer, from: 10_000_000_000, to: 20_000_000_000 };
        let mut entries = vec![entry("1", 4, 2000), entry("2", 6, 5000), entry("3", 8, 0), entry("4", 10, 2000)];
        keep_overlapping(&mut entries, range);
        let numbers: Vec<&str> = entries.iter().map(|entry| entry.number.as_str()).collect();
        assert_eq!(numbers, ["2", "3", "4"]);
    }
}
