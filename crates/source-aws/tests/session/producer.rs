//! A producer that sends every fragment until it is acknowledged as stored.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use kineframe_source_aws::{AckEvent, PutTimecodes, StreamHandle};

use crate::common::{payloads, upload};
use crate::schedule::{Schedule, Trouble, Upload};
use crate::service::Served;

/// What was sent.
pub struct Sent {
    /// The frames of each fragment, by its index.
    pub frames: Vec<Vec<Bytes>>,
    /// The fragments that were acknowledged as stored: number and index.
    pub persisted: BTreeMap<String, u64>,
}

/// Connections for one upload, after which the service is taken to be gone for good.
const MOST_TRIES: u32 = 500;

/// Sends what the schedule says, and lets its troubles come while it does.
pub async fn run(stream: &StreamHandle, schedule: &Schedule, served: &Served) -> Result<Sent, String> {
    let mut troubles = schedule.troubles.clone();
    troubles.sort_by_key(|(at, _)| *at);
    let mut way = Way { troubles: troubles.into_iter().collect(), pieces: 0, running: Vec::new(), served };
    let (mut next, mut persisted) = (0, BTreeMap::new());
    for part in &schedule.uploads {
        let end = next + part.fragments;
        let mut tries = 0;
        while next < end {
            tries += 1;
            if tries > MOST_TRIES {
                return Err(format!("fragment {next} is never stored"));
            }
            let kept = send(stream, next..end, part, &mut way).await;
            if kept.is_empty() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            for (number, index) in kept {
                next = next.max(index + 1);
                persisted.insert(number, index);
            }
        }
        tokio::time::sleep(Duration::from_millis(part.pause)).await;
    }
    way.end().await;
    Ok(Sent { frames: payloads(0, next), persisted })
}

/// What comes over the service while the producer is on its way.
struct Way<'a> {
    troubles: std::collections::VecDeque<(u64, Trouble)>,
    pieces: u64,
    running: Vec<tokio::task::JoinHandle<()>>,
    served: &'a Served,
}

impl Way<'_> {
    fn piece(&mut self) {
        self.pieces += 1;
        while self.troubles.front().is_some_and(|(at, _)| *at <= self.pieces) {
            self.trouble();
        }
    }

    /// It comes beside the producer, who goes on.
    fn trouble(&mut self) {
        let Some((_, trouble)) = self.troubles.pop_front() else { return };
        self.running.push(self.served.trouble(trouble));
    }

    async fn end(mut self) {
        while !self.troubles.is_empty() {
            self.trouble();
        }
        for running in self.running {
            running.await.expect("the service is there again");
        }
    }
}

/// One connection; the fragments that were acknowledged as stored on it.
async fn send(
    stream: &StreamHandle,
    range: std::ops::Range<u64>,
    part: &Upload,
    way: &mut Way<'_>,
) -> Vec<(String, u64)> {
    let body = upload(range.start, range.end - range.start);
    let mut put = stream.put_media(PutTimecodes::Absolute);
    let sender = put.sender;
    let sending = async move {
        for piece in body.chunks(part.piece) {
            way.piece();
            if sender.send(Bytes::copy_from_slice(piece)).await.is_err() {
                return;
            }
            if part.slow > 0 {
                tokio::time::sleep(Duration::from_millis(part.slow)).await;
            }
        }
    };
    let taking = async {
        let mut kept = Vec::new();
        // An error is the last one, and what was not stored is sent again.
        while let Some(Ok(ack)) = put.acks.next().await {
            if ack.event == AckEvent::Persisted
                && let (Some(number), Some(timecode)) = (ack.fragment_number, ack.fragment_timecode)
            {
                kept.push((number.to_string(), crate::reader::index_of(timecode)));
            }
        }
        kept
    };
    tokio::join!(sending, taking).1
}
