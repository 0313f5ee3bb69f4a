//! One stream: what is configured, its fragments, and who is connected to it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::fragment::{Fragment, Phase};
use crate::api::configure::{ImageGeneration, Notification};
use crate::ingest::{Facts, Identity};
use crate::limits::Limits;
use crate::names;
use crate::store::StoredStream;
use crate::usage::Meter;

/// Milliseconds since the Unix epoch.
pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// What the control plane knows of a stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Settings {
    pub(crate) name: String,
    pub(crate) arn: String,
    pub(crate) created_ms: i64,
    pub(crate) version: String,
    pub(crate) device_name: Option<String>,
    pub(crate) media_type: Option<String>,
    pub(crate) kms_key_id: String,
    pub(crate) retention_hours: u32,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) image_generation: Option<ImageGeneration>,
    pub(crate) notification: Option<Notification>,
    pub(crate) storage_tier: String,
}

/// What is kept of a stream.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Keep {
    /// How long, without retention.
    pub(crate) time: Duration,
    /// How many bytes, without retention.
    pub(crate) bytes: u64,
    /// How many bytes, with retention.
    pub(crate) archive_bytes: u64,
}

/// Fragments whose bytes stay in memory though they are on disk.
const HOT: usize = 3;

/// A stream.
#[derive(Debug)]
pub(crate) struct Stream {
    /// Made at random: it names what the store has of the stream.
    pub(crate) id: String,
    settings: Mutex<Settings>,
    media: Mutex<Media>,
    /// Bytes of all fragments that are kept.
    bytes: AtomicU64,
    changes: watch::Sender<u64>,
    gone: watch::Sender<bool>,
    pub(crate) meter: Meter,
}

#[derive(Debug, Default)]
struct Media {
    /// In order of their counters.
    fragments: VecDeque<Arc<Fragment>>,
    /// The counter given last.
    counter: u64,
    /// The PutMedia session that it was given to.
    session: u64,
    sessions: u64,
    /// Fragments below this counter hold no bytes in memory that are on disk.
    cooled: u64,
    /// Number of the newest fragment that is no longer kept.
    expired: Option<String>,
    /// Numbers do not rise with counters: they come from another service, which may do as it likes.
    unordered: bool,
}

/// Waits for a stream's end.
#[derive(Debug)]
pub(crate) struct Deletion(watch::Receiver<bool>);

impl Deletion {
    /// Returns once the stream is deleted.
    pub(crate) async fn wait(&mut self) {
        let _ = self.0.wait_for(|gone| *gone).await;
    }
}

/// Where a reader begins.
#[derive(Debug, PartialEq)]
pub(crate) enum Begin {
    /// At the first fragment of this counter or a greater one.
    At(u64),
    /// At a fragment that is not kept.
    Gone,
}

impl Stream {
    pub(crate) fn new(settings: Settings, limits: Limits) -> Self {
        Stream {
            id: names::random_text::<20>(),
            settings: Mutex::new(settings),
            media: Mutex::default(),
            bytes: AtomicU64::new(0),
            changes: watch::Sender::new(0),
            gone: watch::Sender::new(false),
            meter: Meter::new(limits),
        }
    }

    /// One that was found on disk.
    pub(crate) fn restored(stored: StoredStream, limits: Limits) -> Self {
        let StoredStream { id, settings, counter, fragments, .. } = stored;
        let mut stream = Stream { id, ..Stream::new(settings, limits) };
        let fragments: VecDeque<_> =
            fragments.into_iter().map(|fragment| Arc::new(Fragment::restored(fragment))).collect();
        stream.bytes = AtomicU64::new(fragments.iter().map(|fragment| fragment.len()).sum());
        // Fragments that readers saw and that were not yet on disk may have had numbers of the next thousand.
        let counter = if counter == 0 { 0 } else { names::next_session(counter) };
        let mut pairs = fragments.iter().zip(fragments.iter().skip(1));
        let unordered = pairs.any(|(one, next)| order(&next.number, &one.number).is_le());
        stream.media = Mutex::new(Media { fragments, counter, unordered, ..Media::default() });
        stream
    }

    pub(crate) fn settings(&self) -> MutexGuard<'_, Settings> {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn media(&self) -> MutexGuard<'_, Media> {
        self.media.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells readers that something is new.
    fn changed(&self) {
        self.changes.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Changes as they happen.
    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Ends everything that goes on with the stream.
    pub(crate) fn delete(&self) {
        self.gone.send_replace(true);
        let mut media = self.media();
        media.fragments.drain(..).for_each(|fragment| self.uncount(&fragment));
        drop(media);
        self.changed();
    }

    pub(crate) fn is_deleted(&self) -> bool {
        *self.gone.borrow()
    }

    /// Tells when the stream is deleted.
    pub(crate) fn deletion(&self) -> Deletion {
        Deletion(self.gone.subscribe())
    }

    /// A PutMedia session begins: its number, and the counter that its first fragment will have.
    pub(crate) fn open_session(&self) -> (u64, u64) {
        let mut media = self.media();
        media.sessions += 1;
        (media.sessions, names::next_session(media.counter))
    }

    /// The counter given last.
    pub(crate) fn counter(&self) -> u64 {
        self.media().counter
    }

    /// A fragment begins.
    pub(crate) fn start(&self, session: u64, producer_ms: i64, head: Bytes) -> Arc<Fragment> {
        let mut media = self.media();
        let same = media.session == session;
        let counter = if same { media.counter + 1 } else { names::next_session(media.counter) };
        (media.counter, media.session) = (counter, session);
        let server_ms = now_ms();
        let number = names::fragment_number(counter, server_ms, u32::from_le_bytes(names::random()));
        self.add(media, Fragment::new(counter, number, server_ms, producer_ms, head))
    }

    /// A fragment begins that has its number and its times already.
    pub(crate) fn adopt(&self, session: u64, identity: Identity) -> Arc<Fragment> {
        let Identity { number, server_ms, producer_ms, head } = identity;
        let mut media = self.media();
        let last = media.fragments.back();
        media.unordered |= last.is_some_and(|last| order(number.as_str(), &last.number).is_le());
        let counter = media.counter + 1;
        (media.counter, media.session) = (counter, session);
        let fragment = Fragment::new(counter, number.as_str().to_owned(), server_ms, producer_ms, head);
        self.add(media, fragment.came(now_ms()))
    }

    fn add(&self, mut media: MutexGuard<'_, Media>, fragment: Fragment) -> Arc<Fragment> {
        let fragment = Arc::new(fragment);
        media.fragments.push_back(Arc::clone(&fragment));
        drop(media);
        self.changed();
        fragment
    }

    /// Bytes of an open fragment came in.
    pub(crate) fn append(&self, fragment: &Fragment, bytes: Vec<Bytes>) {
        self.bytes.fetch_add(fragment.append(bytes), Ordering::AcqRel);
        self.changed();
    }

    /// A fragment is whole.
    pub(crate) fn finish(&self, fragment: &Fragment, facts: Facts) {
        fragment.close(Phase::Whole(facts));
        self.changed();
    }

    /// A fragment will not become whole: it is forgotten, and who reads it is told.
    pub(crate) fn abandon(&self, fragment: &Fragment) {
        fragment.close(Phase::Broken);
        let mut media = self.media();
        let at = media.fragments.binary_search_by_key(&fragment.counter, |other| other.counter);
        if let Some(fragment) = at.ok().and_then(|at| media.fragments.remove(at)) {
            self.uncount(&fragment);
        }
        drop(media);
        self.changed();
    }

    /// Lets go of bytes in memory that are on disk as well, but for the newest fragments: those are being read.
    pub(crate) fn cool(&self) {
        let mut media = self.media();
        let end = media.fragments.len().saturating_sub(HOT);
        let from = media.fragments.partition_point(|fragment| fragment.counter < media.cooled);
        for at in from..end {
            let Some(fragment) = media.fragments.get(at) else { break };
            // One that waits for the disk keeps those behind it waiting too; they come the next time.
            if !fragment.cool() && fragment.is_pending() {
                break;
            }
            media.cooled = fragment.counter + 1;
        }
    }

    /// Forgets what is too old, or too much; returns the counter below which nothing is kept, if that has changed.
    pub(crate) fn expire(&self, keep: Keep) -> Option<u64> {
        let retention = self.settings().retention_hours;
        let (age, most) = match retention {
            0 => (keep.time, keep.bytes),
            hours => (Duration::from_secs(u64::from(hours) * 3600), keep.archive_bytes),
        };
        let oldest = now_ms().saturating_sub(i64::try_from(age.as_millis()).unwrap_or(i64::MAX));
        let mut media = self.media();
        let mut below = None;
        while let Some(first) = media.fragments.front()
            && first.facts().is_some()
            && (first.came_ms < oldest || self.bytes.load(Ordering::Acquire) > most)
        {
            self.uncount(first);
            below = Some(first.counter + 1);
            media.expired = Some(first.number.clone());
            media.fragments.pop_front();
        }
        below
    }

    /// A fragment is not kept any more.
    fn uncount(&self, fragment: &Fragment) {
        self.bytes.fetch_sub(fragment.len(), Ordering::AcqRel);
    }

    /// The first fragment whose counter is not below this one.
    pub(crate) fn at_counter(&self, counter: u64) -> Option<Arc<Fragment>> {
        let media = self.media();
        let at = media.fragments.partition_point(|fragment| fragment.counter < counter);
        media.fragments.get(at).cloned()
    }

    /// The newest fragment.
    pub(crate) fn newest(&self) -> Option<Arc<Fragment>> {
        self.media().fragments.back().cloned()
    }

    /// The counter that the next fragment has at least.
    pub(crate) fn next_counter(&self) -> u64 {
        self.media().counter + 1
    }

    /// It has an archive: media are kept for some hours.
    pub(crate) fn has_archive(&self) -> bool {
        self.settings().retention_hours > 0
    }

    /// All fragments that are in the archive: a stream without retention has none.
    pub(crate) fn stored(&self) -> Vec<Arc<Fragment>> {
        if !self.has_archive() {
            return Vec::new();
        }
        self.media().fragments.iter().filter(|fragment| fragment.is_archived()).cloned().collect()
    }

    /// The fragment of this number, if it is in the archive.
    pub(crate) fn stored_by_number(&self, number: &str) -> Option<Arc<Fragment>> {
        if !self.has_archive() {
            return None;
        }
        let media = self.media();
        let at = media.place_of(number)?;
        let fragment = media.fragments.get(at)?;
        fragment.is_archived().then(|| Arc::clone(fragment))
    }

    /// Where the fragment after this number is.
    pub(crate) fn after_number(&self, number: &str) -> Begin {
        let media = self.media();
        if let Some(fragment) = media.place_of(number).and_then(|at| media.fragments.get(at)) {
            return Begin::At(fragment.counter + 1);
        }
        // Before the oldest that is kept there may have been others.
        if media.expired.as_deref().is_some_and(|expired| order(number, expired).is_lt()) {
            return Begin::Gone;
        }
        let next = media.fragments.partition_point(|fragment| order(&fragment.number, number).is_le());
        Begin::At(media.fragments.get(next).map_or(media.counter + 1, |fragment| fragment.counter))
    }

    /// The first fragment that holds this time by the given clock, or that begins after it.
    pub(crate) fn at_time(&self, millis: i64, clock: impl Fn(&Fragment) -> i64) -> u64 {
        let media = self.media();
        let holds = |fragment: &&Arc<Fragment>| {
            let start = clock(fragment);
            let length =
                fragment.facts().map_or(i64::MAX, |facts| i64::try_from(facts.duration_ms).unwrap_or(i64::MAX));
            start >= millis || millis < start.saturating_add(length)
        };
        media.fragments.iter().find(holds).map_or(media.counter + 1, |fragment| fragment.counter)
    }
}

impl Media {
    /// Where the fragment of this number is.
    fn place_of(&self, number: &str) -> Option<usize> {
        if self.unordered {
            return self.fragments.iter().position(|fragment| fragment.number == number);
        }
        // The order of counters is the order of numbers.
        self.fragments.binary_search_by(|fragment| order(&fragment.number, number)).ok()
    }
}

/// The order of fragment numbers: by length, then by digits.
fn order(one: &str, other: &str) -> std::cmp::Ordering {
    one.len().cmp(&other.len()).then_with(|| one.cmp(other))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_kept_is_so_from_when_it_came_here() {
        let stream = stream();
        let identity = Identity {
            number: kineframe_fragment::FragmentNumber::new("7").unwrap(),
            server_ms: 1_500_000_000_000,
            producer_ms: 0,
            head: Bytes::new(),
        };
        let fragment = stream.adopt(1, identity);
        stream.finish(&fragment, Facts::default());
        let keep = |seconds| Keep { time: Duration::from_secs(seconds), bytes: 1 << 20, archive_bytes: 0 };
        assert_eq!(stream.expire(keep(60)), None);
        std::thread::sleep(Duration::from_millis(2));
        assert_eq!(stream.expire(keep(0)), Some(2));
    }

    fn stream() -> Stream {
        let settings = Settings {
            name: "door".into(),
            arn: String::new(),
            created_ms: 0,
            version: String::new(),
            device_name: None,
            media_type: None,
            kms_key_id: String::new(),
            retention_hours: 0,
            tags: BTreeMap::new(),
            image_generation: None,
            notification: None,
            storage_tier: String::new(),
        };
        Stream::new(settings, Limits::none())
    }

    proptest! {
        #[test]
        fn what_is_kept_is_counted(steps in proptest::collection::vec((0u8..6, 0usize..500), 0..200)) {
            let stream = stream();
            let mut open: Option<Arc<Fragment>> = None;
            for (step, size) in steps {
                match (step, open.take()) {
                    (0, None) => open = Some(stream.start(1, 0, Bytes::new())),
                    (1, Some(fragment)) => stream.finish(&fragment, Facts::default()),
                    (2, Some(fragment)) => stream.abandon(&fragment),
                    (3, before) => {
                        let keep = Keep { time: Duration::from_secs(60), bytes: 700, archive_bytes: 0 };
                        stream.expire(keep);
                        open = before;
                    }
                    (_, Some(fragment)) => {
                        stream.append(&fragment, vec![Bytes::from(vec![0; size])]);
                        open = Some(fragment);
                    }
                    (_, None) => {}
                }
                let kept: u64 = stream.media().fragments.iter().map(|fragment| fragment.len()).sum();
                prop_assert_eq!(stream.bytes.load(Ordering::Acquire), kept);
            }
            stream.delete();
            prop_assert_eq!(stream.bytes.load(Ordering::Acquire), 0);
        }
    }
}
