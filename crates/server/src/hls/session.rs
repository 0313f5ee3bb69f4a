//! A session: which fragments its playlist has, and when each is played.

use std::sync::{Arc, Mutex, PoisonError};

use crate::api::archive::Range;
use crate::http::ApiError;
use crate::limits::Bucket;
use crate::media::fragment::Fragment;
use crate::media::stream::{Stream, now_ms};
use crate::usage::Points;

/// `PlaybackMode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The newest fragments, on and on.
    Live,
    /// From some place on, as if that were live.
    LiveReplay,
    /// A range that is over.
    OnDemand,
}

/// `DiscontinuityMode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Discontinuity {
    Always,
    Never,
    /// Where there is a gap or an overlap.
    Gaps,
}

/// A gap or an overlap beyond this is one, in milliseconds.
const TOLERANCE_MS: i64 = 50;

/// A session.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) stream: Arc<Stream>,
    pub(crate) mode: Mode,
    pub(crate) range: Option<Range>,
    pub(crate) producer_clock: bool,
    pub(crate) discontinuity: Discontinuity,
    pub(crate) show_times: bool,
    pub(crate) most: usize,
    pub(crate) created_ms: i64,
    pub(crate) expires_ms: i64,
    /// What has been in the playlist, or is.
    pub(crate) items: Mutex<Vec<Item>>,
    /// Playlists that it may fetch.
    pub(crate) playlists: Mutex<Bucket>,
    /// Fragments that it may fetch.
    pub(crate) fragments: Mutex<Bucket>,
}

/// A fragment of a playlist.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) counter: u64,
    pub(crate) number: String,
    /// Its place in the session, from 0.
    pub(crate) sequence: usize,
    /// When it is played, on the session's timeline.
    pub(crate) start_ns: i64,
    pub(crate) duration_ns: i64,
    /// It does not follow on the one before.
    pub(crate) gap: bool,
    /// Its tracks are others than those of the one before.
    pub(crate) new_tracks: bool,
    /// The time that is shown of it, in milliseconds since the Unix epoch.
    pub(crate) shown_ms: i64,
    producer_ms: i64,
    head: bytes::Bytes,
}

impl Session {
    /// What the playlist has now, and whether it ends there.
    pub(crate) fn playlist(&self) -> (Vec<Item>, bool) {
        let mut items = self.items.lock().unwrap_or_else(PoisonError::into_inner);
        self.extend(&mut items);
        match self.mode {
            Mode::Live => {
                let from = items.len().saturating_sub(self.most);
                (items[from..].to_vec(), false)
            }
            Mode::OnDemand => (items.clone(), true),
            Mode::LiveReplay => {
                let played = now_ms().saturating_sub(self.created_ms).saturating_mul(1_000_000);
                let ahead = items.iter().take_while(|item| item.start_ns <= played).count().max(1).min(items.len());
                let from = ahead.saturating_sub(self.most);
                (items[from..ahead].to_vec(), false)
            }
        }
    }

    /// Counts a playlist, or the little that goes with one.
    pub(crate) fn playlist_call(&self, name: &'static str) -> Result<(), ApiError> {
        self.stream.meter.session_call(name, Points::default(), &self.playlists)
    }

    /// Counts a fragment.
    pub(crate) fn fragment_call(&self, name: &'static str) -> Result<(), ApiError> {
        self.stream.meter.session_call(name, Points { media: 1.0, metadata: 0.0 }, &self.fragments)
    }

    pub(crate) fn item(&self, counter: u64) -> Option<Item> {
        let items = self.items.lock().unwrap_or_else(PoisonError::into_inner);
        items.iter().find(|item| item.counter == counter).cloned()
    }

    /// Adds what has come in since.
    fn extend(&self, items: &mut Vec<Item>) {
        if self.mode == Mode::OnDemand && !items.is_empty() {
            return;
        }
        let after = items.last().map_or(0, |item| item.counter + 1);
        let wanted = |fragment: &Arc<Fragment>| {
            fragment.counter >= after && self.range.is_none_or(|range| range.holds(fragment))
        };
        let mut found: Vec<Arc<Fragment>> = self.stream.stored().into_iter().filter(wanted).collect();
        if self.mode == Mode::Live && items.is_empty() {
            found.drain(..found.len().saturating_sub(self.most));
        }
        for fragment in found {
            if self.mode == Mode::OnDemand && items.len() >= self.most {
                break;
            }
            items.push(self.next(items, &fragment));
        }
    }

    fn next(&self, items: &[Item], fragment: &Fragment) -> Item {
        let length = fragment.facts().map_or(0, |facts| facts.duration_ms);
        let duration_ns = i64::try_from(length).unwrap_or(0).saturating_mul(1_000_000);
        let last = items.last();
        // It lies as far behind the one before as its producer says, unless that would be on top of it.
        let (start_ns, gap) = match last {
            None => (0, false),
            Some(last) => {
                let end = last.start_ns.saturating_add(last.duration_ns);
                let distance = fragment.producer_ms.saturating_sub(last.producer_ms).saturating_mul(1_000_000);
                let told = last.start_ns.saturating_add(distance);
                let off = told.saturating_sub(end);
                (if off < -TOLERANCE_MS * 1_000_000 { end } else { told }, off.abs() > TOLERANCE_MS * 1_000_000)
            }
        };
        Item {
            counter: fragment.counter,
            number: fragment.number.clone(),
            sequence: items.len(),
            start_ns,
            duration_ns,
            gap,
            new_tracks: last.is_none_or(|last| last.head != fragment.head),
            shown_ms: if self.producer_clock { fragment.producer_ms } else { fragment.server_ms },
            producer_ms: fragment.producer_ms,
            head: fragment.head.clone(),
        }
    }
}
