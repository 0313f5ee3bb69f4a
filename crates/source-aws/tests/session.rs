//! A session over GetMedia, with a service that ends connections and a network that breaks them.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use common::{options, payloads, put, server, stream, upload};
use kineframe_consumer::{Consumer, Integrity, Item, Session, SessionOptions, Until};
use kineframe_fragment::StartSelector;
use kineframe_source::{FaultKind, Faulty, MediaSource, PieceStream, Trigger};
use kineframe_source_aws::{AckEvent, GetMedia};

/// Breaks each read of a stream, each another way.
#[derive(Debug)]
struct Broken {
    inner: GetMedia,
    seed: u64,
    reads: Arc<AtomicU64>,
}

impl MediaSource for Broken {
    fn open(&self, start: &StartSelector) -> PieceStream {
        let read = self.reads.fetch_add(1, Ordering::SeqCst);
        let random = (self.seed ^ read).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let kind = if random & 1 == 0 { FaultKind::Cut } else { FaultKind::Error("connection reset".into()) };
        // Half of the reads stay whole, so that the end of the stream is seen.
        let at = (random >> 32) % 20_000 + 1;
        Faulty::new(self.inner.clone(), random).with(kind, Trigger::Bytes(at)).open(start)
    }
}

/// What the service does wrong besides, by seed; the 45 minutes are up in each, after 400 ms.
const FAULTS: [&[&str]; 7] = [
    &[],
    &["stall@p=0.3"],
    &["reset@p=0.4"],
    &["throttle@p=0.3"],
    &["error:3002@p=0.4"],
    &["error:5000@p=0.3", "cut@p=0.3"],
    &["garbage@p=0.4"],
];

/// A producer in pauses and connections of its own, a reader through all of it.
fn session_of(seed: u64) {
    const CONNECTIONS: u64 = 4;
    const FRAGMENTS: u64 = 3;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("threads");
    let faults = FAULTS[(seed % FAULTS.len() as u64) as usize];
    let (server, stream) = runtime.block_on(async {
        let server = server(|options| {
            options.idle_end = Duration::from_millis(60);
            options.session_end = Duration::from_millis(400);
            let fault = |fault: &&str| format!("{fault},seed={seed}").parse().expect("a fault");
            options.faults = faults.iter().map(fault).collect();
        })
        .await;
        let mut options = options(&server);
        options.read_timeout = Duration::from_millis(100);
        options.quotas.calls_per_second = 1000.0;
        options.retry.base = Duration::from_millis(5);
        let stream = stream(options, "door").await;
        (server, stream)
    });
    let producer = stream.clone();
    let producing = runtime.spawn(async move {
        let mut stored = Vec::new();
        for connection in 0..CONNECTIONS {
            let piece = 200 + (seed as usize * 131 + connection as usize * 37) % 3000;
            let acks = put(&producer, upload(connection * FRAGMENTS, FRAGMENTS), piece).await;
            // The service ends uploads too: what counts is what it acknowledged.
            let kept = acks.iter().filter(|(event, _)| *event == AckEvent::Persisted).count() as u64;
            stored.extend(payloads(connection * FRAGMENTS, kept));
            tokio::time::sleep(Duration::from_millis(40 * (seed % 4))).await;
        }
        stored
    });
    let mut options = SessionOptions::default();
    options.until = Until::IdleAfter(SystemTime::now() + Duration::from_millis(1500));
    options.backoff = Duration::from_millis(2);
    options.idle_pause = Duration::from_millis(5);
    // An error in band may be written into the middle of a block, which then ends in bytes of the error's document.
    if faults.iter().any(|fault| fault.starts_with("garbage") || fault.starts_with("error")) {
        options.integrity = Integrity::Checked;
    }
    let broken = Broken { inner: stream.get_media(), seed, reads: Arc::default() };
    let session = Session::new(broken, options);
    let monitor = session.monitor();
    // The stream is there and empty, or not: what comes first must be media, so that an error is borne.
    let mut pieces = session.open_blocking(&StartSelector::Earliest);
    let first = pieces.next();
    let pieces = Box::new(first.into_iter().chain(pieces));
    let (mut got, mut open): (Vec<Vec<Bytes>>, Vec<Bytes>) = (Vec::new(), Vec::new());
    for item in Consumer::of_pieces(pieces).without_bytes() {
        match item.unwrap_or_else(|error| panic!("seed {seed}: {error}")) {
            Item::Frame(frame) => {
                assert_eq!(frame.index, open.len() as u64, "seed {seed}");
                open.push(frame.data);
            }
            Item::Fragment(fragment) => {
                assert!(!fragment.tail().truncated, "seed {seed}");
                got.push(std::mem::take(&mut open));
            }
            Item::Damage(damage) => panic!("seed {seed}: {damage:?}"),
            Item::ServiceError(error) => panic!("seed {seed}: {error:?}"),
            _ => {}
        }
    }
    let wanted = runtime.block_on(producing).expect("the producer ends");
    assert!(wanted.len() as u64 > FRAGMENTS, "seed {seed}: {} fragments stored", wanted.len());
    assert_eq!(got.len(), wanted.len(), "seed {seed}: {:?}", monitor.report());
    assert_eq!(got, wanted, "seed {seed}");
    assert_eq!(monitor.report().gaps, 0, "seed {seed}");
    runtime.block_on(server.stop());
}

#[test]
fn a_session_brings_every_frame_once() {
    for seed in 0..14 {
        session_of(seed);
    }
}

/// As many as KINEFRAME_SEEDS says, from the first that the short test leaves out.
#[test]
fn sessions_by_the_hundred() {
    let Some(seeds) = std::env::var("KINEFRAME_SEEDS").ok().and_then(|seeds| seeds.parse::<u64>().ok()) else {
        println!("skipped: set KINEFRAME_SEEDS to a number of sessions");
        return;
    };
    for seed in 14..14 + seeds {
        session_of(seed);
    }
}
