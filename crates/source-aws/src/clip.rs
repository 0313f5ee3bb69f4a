//! GetClip: MP4 that the service makes.

use std::sync::Arc;

use aws_sdk_kinesisvideoarchivedmedia::types::{ClipFragmentSelector, ClipFragmentSelectorType, ClipTimestampRange};
use aws_smithy_types::DateTime;
use kineframe_source::{MediaSource, PieceStream, StartSelector};

use crate::client::Points;
use crate::endpoint::Api;
use crate::error::{Error, ErrorKind};
use crate::listing::{Clock, FragmentEntry, LONGEST_FRAGMENT, TimeRange};
use crate::pump::{self, Body};
use crate::sdk::answer;
use crate::stream::StreamHandle;

/// Fragments and bytes of one clip; the service cuts what is beyond without a word.
const MAX_FRAGMENTS: usize = 200;
const MAX_BYTES: u64 = 95_000_000;
/// The longest range of one call, in nanoseconds: a day.
const LONGEST: i128 = 24 * 3600 * 1_000_000_000;

/// A longer time than this between the end of a fragment and the start of the next, in nanoseconds, begins another clip:
/// an MP4 file of the service says nothing of when its fragments were taken.
const GAP: i128 = 1_000_000_000;

/// One legal GetClip call: whole fragments, those that begin from its start to its end.
///
/// The body is an MP4 file, as the service made it: a [`MediaSource`] that is read from its beginning.
#[derive(Debug, Clone)]
pub struct Clip {
    stream: StreamHandle,
    clock: Clock,
    /// The start of its first fragment, in nanoseconds since the Unix epoch.
    first: i128,
    /// The start of its last fragment. The service's range is closed at its end.
    last: i128,
    fragments: usize,
}

impl StreamHandle {
    /// The calls that bring a range of any length: listed fragments, in calls of at most 200 fragments, 95 MB and
    /// a day, each of which the service answers whole. No call reaches over a gap of more than a second.
    ///
    /// `entries` are what [`list_overlapping`](Self::list_overlapping) gave, on the same clock.
    pub fn clips(&self, clock: Clock, entries: &[FragmentEntry]) -> Vec<Clip> {
        let mut listed: Vec<Listed> = entries.iter().filter_map(|entry| Listed::of(entry, clock)).collect();
        listed.sort_unstable_by_key(|fragment| fragment.start);
        group(&listed)
            .into_iter()
            .map(|(first, last, fragments)| Clip { stream: self.clone(), clock, first, last, fragments })
            .collect()
    }
}

/// A fragment on a clock.
#[derive(Debug, Clone, Copy)]
struct Listed {
    start: i128,
    end: i128,
    bytes: u64,
}

impl Listed {
    fn of(entry: &FragmentEntry, clock: Clock) -> Option<Self> {
        let (start, told) = (entry.start(clock)?, entry.end(clock)?);
        // A length of 0 is not known.
        let end = if told > start { told } else { start.saturating_add(LONGEST_FRAGMENT) };
        Some(Listed { start, end, bytes: entry.size })
    }
}

/// First start, last start and count of each call. Fragments that begin at the same time cannot be told apart by
/// time, and stay together.
fn group(listed: &[Listed]) -> Vec<(i128, i128, usize)> {
    let mut groups: Vec<(i128, i128, usize)> = Vec::new();
    let (mut sum, mut reached) = (0u64, i128::MAX);
    for &Listed { start, end, bytes } in listed {
        sum = sum.saturating_add(bytes);
        let goes_on = start <= reached.saturating_add(GAP);
        reached = end;
        match groups.last_mut() {
            Some((first, last, count))
                if *last == start
                    || (goes_on && *count < MAX_FRAGMENTS && sum <= MAX_BYTES && start - *first < LONGEST) =>
            {
                *last = start;
                *count += 1;
            }
            _ => {
                groups.push((start, start, 1));
                sum = bytes;
            }
        }
    }
    groups
}

impl Clip {
    /// The start of its first fragment and of its last, in nanoseconds since the Unix epoch.
    pub fn starts(&self) -> TimeRange {
        TimeRange { clock: self.clock, from: self.first, to: self.last }
    }

    async fn call(&self) -> Result<Body, Error> {
        let (api, label, inner) = (Api::GetClip, self.stream.label(), &self.stream.client.inner);
        let illegal = |message: &str| Error::new(api.operation(), label, ErrorKind::InvalidArgument, message);
        let time = |nanos: i128| DateTime::from_nanos(nanos).map_err(|_| illegal("a time is out of range"));
        // Times are sent in milliseconds; the end is rounded up, which no other fragment's start lies within.
        let times = ClipTimestampRange::builder()
            .start_timestamp(time(self.first)?)
            .end_timestamp(time(self.last.saturating_add(1_000_000))?)
            .build()
            .map_err(|error| illegal(&error.to_string()))?;
        let selector = ClipFragmentSelector::builder()
            .fragment_selector_type(match self.clock {
                Clock::Producer => ClipFragmentSelectorType::ProducerTimestamp,
                Clock::Server => ClipFragmentSelectorType::ServerTimestamp,
            })
            .timestamp_range(times)
            .build()
            .map_err(|error| illegal(&error.to_string()))?;
        let points = Points { metadata: self.fragments as f64, media: self.fragments as f64 };
        let call = |sdk: Arc<crate::sdk::Sdk>, endpoint| {
            let request = sdk
                .archived(&endpoint)
                .get_clip()
                .set_stream_name(self.stream.id().as_name())
                .set_stream_arn(self.stream.id().as_arn())
                .clip_fragment_selector(selector.clone());
            async move { answer(api.operation(), label, inner.options.answer_timeout, request.send()).await }
        };
        let output = inner.data(api, &self.stream, points, call).await?;
        Ok(Body::new(output.payload, api.operation(), label, inner.options.read_timeout))
    }
}

impl MediaSource for Clip {
    fn open(&self, _start: &StartSelector) -> PieceStream {
        let clip = self.clone();
        pump::spawn(self.stream.client.handle(), |sender| async move {
            let label = clip.stream.label();
            let mut offset = 0u64;
            let mut body = match clip.call().await {
                Ok(body) => body,
                Err(error) => return drop(sender.send(Err(error.at(label, 0))).await),
            };
            while let Some(piece) = body.next().await {
                offset = offset.saturating_add(piece.as_ref().map_or(0, |piece| piece.len() as u64));
                let failed = piece.is_err();
                if sender.send(piece.map_err(|error| error.at(label, offset))).await.is_err() || failed {
                    return;
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_legal_and_leave_nothing_out() {
        let second = 1_000_000_000;
        let listed = |count: i128, every: i128, length: i128, bytes| -> Vec<Listed> {
            let start = |i| i * every * second;
            (0..count).map(|i| Listed { start: start(i), end: start(i) + length * second, bytes }).collect()
        };
        let groups = group(&listed(1000, 2, 2, 1_000_000));
        assert_eq!(groups.iter().map(|(_, _, count)| count).sum::<usize>(), 1000);
        assert!(groups.iter().all(|(_, _, count)| *count <= 95), "{groups:?}");
        assert_eq!(group(&listed(1000, 2, 2, 1000)).len(), 5);
        assert_eq!(group(&listed(4, 20 * 3600, 20 * 3600, 1000)).len(), 2);
        assert!(group(&[]).is_empty());
    }

    #[test]
    fn no_call_reaches_over_a_gap() {
        let second = 1_000_000_000;
        let at = |start: i128| Listed { start: start * second, end: (start + 2) * second, bytes: 1 };
        let groups = group(&[at(0), at(2), at(5), at(60), at(62)]);
        let ends: Vec<_> = groups.iter().map(|(first, last, count)| (first / second, last / second, *count)).collect();
        assert_eq!(ends, [(0, 5, 3), (60, 62, 2)]);
    }
}
