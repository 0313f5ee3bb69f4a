//! What many reads in one process cost: connections and tasks, and no thread of their own.
#![cfg(target_os = "linux")]

mod common;

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use common::{options, payloads, put, server, told, upload};
use kineframe_consumer::{Session, SessionMonitor, SessionOptions};
use kineframe_source::{MediaSource, StartSelector};
use kineframe_source_aws::{Client, Quotas, StreamHandle};
use tokio::task::JoinHandle;

const STREAMS: usize = 60;
const FRAGMENTS: u64 = 3;

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").expect("this process").count()
}

/// Reads a stream in an endless session until so many fragments are whole; their payloads.
fn read(stream: &StreamHandle) -> (SessionMonitor, JoinHandle<Vec<Vec<Bytes>>>) {
    let mut options = SessionOptions::default();
    options.idle_pause = Duration::from_millis(200);
    let session = Session::new(stream.get_media(), options);
    let monitor = session.monitor();
    let seen = session.monitor();
    let reading = tokio::spawn(async move {
        let (mut pieces, mut body) = (session.open(&StartSelector::Earliest), Vec::new());
        while seen.report().fragments < FRAGMENTS {
            let piece = poll_fn(|context| pieces.as_mut().poll_next(context)).await.expect("a session goes on");
            body.extend_from_slice(&piece.expect("a piece"));
        }
        drop(pieces);
        told(&body).into_iter().map(|(_, frames, _)| frames).collect()
    });
    (monitor, reading)
}

/// Live reads, and the pauses between them while nothing comes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_endless_sessions_take_no_thread_each() {
    let server = server(|_| {}).await;
    let mut options = options(&server);
    options.quotas = Quotas::default();
    options.quotas.calls_per_second = f64::INFINITY;
    options.quotas.control_calls_per_second = f64::INFINITY;
    let client = Client::new(options).await.expect("a region");
    let mut streams = Vec::new();
    for index in 0..STREAMS {
        let stream = client.stream(format!("door-{index}").parse().expect("a name"));
        // Kept in memory alone: the service here is to need no thread for its files.
        stream.create(0, Some("video/h264")).await.expect("a new stream");
        streams.push(stream);
    }
    let before = threads();
    let (most, over) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let counting = {
        let (most, over) = (most.clone(), over.clone());
        tokio::spawn(async move {
            while !over.load(Ordering::Acquire) {
                most.fetch_max(threads(), Ordering::AcqRel);
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        })
    };
    let (monitors, sessions): (Vec<_>, Vec<_>) = streams.iter().map(read).unzip();
    // Each has read, paused and read again.
    while monitors.iter().any(|monitor| monitor.report().reads < 3) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let open: Vec<_> = (0..STREAMS).filter_map(|index| server.usage(&format!("door-{index}"))).collect();
    assert!(open.iter().all(|usage| usage.of("GetMedia").most_connections == 1), "{open:?}");
    for stream in &streams {
        put(stream, upload(0, FRAGMENTS), 7000).await;
    }
    let wanted = payloads(0, FRAGMENTS);
    for (index, session) in sessions.into_iter().enumerate() {
        assert!(session.await.expect("a session ends") == wanted, "stream {index}");
    }
    over.store(true, Ordering::Release);
    counting.await.expect("the counter ends");
    let most = most.load(Ordering::Acquire);
    // One thread wakes all that pause.
    assert!(most <= before + 1, "{before} threads before the reads, {most} while there were {STREAMS}");
    server.stop().await;
}
