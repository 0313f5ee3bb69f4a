//! `--via clip`: the MP4 files that GetClip makes, as one body of Matroska documents with wall times.
//!
//! The service puts up to 200 fragments into one file and says neither where they begin in it nor what their numbers
//! are: each file becomes one document, whose time is that of its first fragment.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use kineframe::fragment::{Event, Frame, tag};
use kineframe::matroska::{SimpleTag, TagValue, Tracks};
use kineframe::mp4::AnySplitter;
use kineframe::source::{MediaSource, PieceStream, SourceError, SourceErrorKind, StartSelector};
use kineframe::source_aws::{Clip, Clock, FragmentEntry};

use crate::commands::put::producer::{self, Sample};
use crate::outcome::Failure;

/// A file of the service is no larger than 100 MB, and may have its description behind the media.
const LARGEST: u64 = 128 << 20;
/// Milliseconds of a Cluster: what the 16 bits of a block hold, with room for frames that are shown before others.
const CLUSTER_MS: i64 = 20_000;

/// Clips one after the other.
#[derive(Debug)]
pub struct Clips {
    clips: Arc<[(Clip, Start)]>,
}

/// When a clip's first fragment began, in milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy)]
struct Start {
    producer_ms: Option<i64>,
    server_ms: Option<i64>,
}

impl Clips {
    /// These clips of these fragments.
    pub fn new(clips: Vec<Clip>, clock: Clock, entries: &[FragmentEntry]) -> Self {
        let with_start = clips.into_iter().map(|clip| {
            let first = clip.starts().from;
            let entry = entries.iter().find(|entry| entry.start(clock) == Some(first));
            let start = Start {
                producer_ms: entry.and_then(|entry| entry.producer_timestamp?.as_millis()),
                server_ms: entry.and_then(|entry| entry.server_timestamp?.as_millis()),
            };
            (clip, start)
        });
        Clips { clips: with_start.collect() }
    }
}

impl MediaSource for Clips {
    fn open(&self, _: &StartSelector) -> PieceStream {
        let reader = Reader { clips: Arc::clone(&self.clips), next: 0, reading: None, out: VecDeque::new() };
        Box::pin(stream::unfold(reader, |mut reader| async move {
            let piece = reader.next().await?;
            Some((piece, reader))
        }))
    }
}

struct Reader {
    clips: Arc<[(Clip, Start)]>,
    next: usize,
    reading: Option<Reading>,
    out: VecDeque<Bytes>,
}

struct Reading {
    pieces: PieceStream,
    splitter: AnySplitter,
    document: Document,
    ended: bool,
}

impl Reader {
    async fn next(&mut self) -> Option<Result<Bytes, SourceError>> {
        loop {
            if let Some(piece) = self.out.pop_front() {
                return Some(Ok(piece));
            }
            let Some(reading) = &mut self.reading else {
                let (clip, start) = self.clips.get(self.next)?;
                self.next += 1;
                self.reading = Some(Reading {
                    pieces: clip.open(&StartSelector::Earliest),
                    splitter: AnySplitter::new(kineframe::fragment::Options::default()).with_memory(LARGEST),
                    document: Document::new(*start),
                    ended: false,
                });
                continue;
            };
            let failed = match reading.splitter.next_event() {
                Ok(Some(event)) => match reading.document.event(event, &mut self.out) {
                    Ok(()) => continue,
                    Err(Failure::Work(message) | Failure::Usage(message)) => message,
                    Err(_) => return None,
                },
                Ok(None) if reading.ended => {
                    self.reading = None;
                    continue;
                }
                Ok(None) => match reading.pieces.next().await {
                    Some(Ok(piece)) => {
                        reading.splitter.push(piece);
                        continue;
                    }
                    Some(Err(error)) => {
                        self.stop();
                        return Some(Err(error));
                    }
                    None => {
                        reading.splitter.finish();
                        reading.ended = true;
                        continue;
                    }
                },
                Err(error) => error.to_string(),
            };
            self.stop();
            let kind = SourceErrorKind::Other { message: failed, retry: false };
            return Some(Err(SourceError { input: Arc::from("a clip of the service"), offset: 0, kind }));
        }
    }

    fn stop(&mut self) {
        self.reading = None;
        self.next = self.clips.len();
    }
}

/// One MP4 file as Matroska.
#[derive(Debug)]
struct Document {
    start: Start,
    tracks: Option<Arc<Tracks>>,
    /// The Timestamp of the open Cluster.
    cluster_ms: Option<i64>,
}

impl Document {
    fn new(start: Start) -> Self {
        Document { start, tracks: None, cluster_ms: None }
    }

    fn event(&mut self, event: Event, out: &mut VecDeque<Bytes>) -> Result<(), Failure> {
        match event {
            Event::Started(head) => (self.tracks, self.cluster_ms) = (head.tracks.clone(), None),
            Event::Frame(frame) => self.frame(&frame, out)?,
            Event::Damage(damage) => {
                let (offset, error) = (damage.offset, damage.error);
                return Err(Failure::Work(format!("byte {offset} of a clip: {error}; read with --via fragments")));
            }
            _ => {}
        }
        Ok(())
    }

    fn frame(&mut self, frame: &Frame, out: &mut VecDeque<Bytes>) -> Result<(), Failure> {
        let nanos = frame.timestamp.map_or(0, |time| time.to_nanos(frame.fragment.timestamp_scale));
        let at = i64::try_from(nanos.div_euclid(1_000_000)).unwrap_or(i64::MAX);
        let after = |cluster: i64| at.saturating_sub(cluster);
        let cluster = match self.cluster_ms.filter(|cluster| (-CLUSTER_MS..CLUSTER_MS).contains(&after(*cluster))) {
            Some(cluster) => cluster,
            None => {
                let cluster = at.max(0);
                if self.cluster_ms.is_none() {
                    self.head(cluster, out)?;
                }
                out.push_back(producer::cluster(cluster.unsigned_abs())?);
                self.cluster_ms = Some(cluster);
                cluster
            }
        };
        out.extend(producer::block(&Sample::of(frame, after(cluster)))?);
        Ok(())
    }

    /// What stands before the first Cluster.
    fn head(&self, cluster_ms: i64, out: &mut VecDeque<Bytes>) -> Result<(), Failure> {
        let Some(tracks) = &self.tracks else {
            return Err(Failure::Work("a clip without tracks; read with --via fragments".into()));
        };
        out.extend(producer::head(tracks)?);
        // The frames of a fragment count from its first Cluster.
        let time = |name: &str, start: Option<i64>| {
            let millis = start?.checked_add(cluster_ms)?;
            let text = format!("{}.{:03}", millis.div_euclid(1000), millis.rem_euclid(1000));
            Some(SimpleTag { name: name.to_owned(), value: TagValue::String(text) })
        };
        let times = [(tag::SERVER_TIMESTAMP, self.start.server_ms), (tag::PRODUCER_TIMESTAMP, self.start.producer_ms)];
        let times: Vec<SimpleTag> = times.into_iter().filter_map(|(name, start)| time(name, start)).collect();
        out.extend(producer::tags(&times)?);
        Ok(())
    }
}
