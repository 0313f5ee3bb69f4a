//! What is asked of the service at most, counted by the local service.

mod common;

use std::time::{Duration, Instant};

use common::{options, payloads, put, server, stream, told, upload};
use kineframe_fragment::FragmentNumber;
use kineframe_server::Limits;
use kineframe_source::{MediaSource, StartSelector};
use kineframe_source_aws::{ArchiveOptions, Clock, StreamHandle, TimeRange};

/// The body of a list, over so many connections.
async fn read(stream: &StreamHandle, numbers: Vec<FragmentNumber>, connections: usize) -> Vec<u8> {
    let mut options = ArchiveOptions::default();
    options.connections = connections;
    let mut pieces = stream.fragment_list(numbers, options).open(&StartSelector::Earliest);
    let mut body = Vec::new();
    while let Some(piece) = std::future::poll_fn(|context| pieces.as_mut().poll_next(context)).await {
        body.extend_from_slice(&piece.expect("a piece"));
    }
    body
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_service_need_not_refuse() {
    let server = server(|options| {
        options.limits = Limits::default();
        options.limits.fragment_media_points = 250.0;
        options.limits.put_fragments = f64::INFINITY;
    })
    .await;
    let mut options = options(&server);
    options.quotas.fragment_media_points = 250.0;
    let stream = stream(options, "door").await;
    put(&stream, upload(0, 30), 60_000).await;
    let range = TimeRange { clock: Clock::Producer, from: 0, to: i128::from(i64::MAX) };
    let mut lists = Vec::new();
    for _ in 0..8 {
        lists.push(stream.list_fragments(range).await.expect("a list"));
    }
    let numbers: Vec<_> = lists[0].iter().map(|entry| entry.number.clone()).cycle().take(600).collect();
    let bytes = read(&stream, numbers, ArchiveOptions::default().connections).await.len();
    let usage = server.usage("door").expect("the stream");
    for (name, call) in &usage.calls {
        assert_eq!(call.refused, 0, "{name}: {usage:?}");
    }
    let read = usage.of("GetMediaForFragmentList");
    assert!(read.most_connections <= 5 && read.bytes as usize == bytes, "{read:?}");
    assert!(usage.of("ListFragments").made >= 8, "{usage:?}");
    // Within any second of the server's.
    for (name, call) in &usage.calls {
        assert!(call.most_in_a_second <= 5, "{name}: {usage:?}");
    }
    assert!(usage.most_media_points <= 250.0 && usage.most_metadata_points <= 10_000.0, "{usage:?}");
    server.stop().await;
}

/// Reads an archive of so many fragments over one connection and over four, where the service gives each connection
/// 80 kB a second; how long each took.
async fn archive(count: u64) -> (Duration, Duration) {
    let server = server(|options| {
        options.limits = Limits::default();
        options.limits.get_bytes = 80_000.0;
        options.limits.put_fragments = f64::INFINITY;
    })
    .await;
    let stream = stream(options(&server), "door").await;
    put(&stream, upload(0, count), 60_000).await;
    let range = TimeRange { clock: Clock::Producer, from: 0, to: i128::from(i64::MAX) };
    let listed = stream.list_fragments(range).await.expect("a list");
    let numbers: Vec<FragmentNumber> = listed.into_iter().map(|entry| entry.number).collect();
    let mut took = Vec::new();
    for connections in [1, 4] {
        // The second that is over counts no more.
        tokio::time::sleep(Duration::from_millis(1200)).await;
        let began = Instant::now();
        let body = read(&stream, numbers.clone(), connections).await;
        took.push(began.elapsed());
        let frames: Vec<_> = told(&body).into_iter().map(|(_, frames, _)| frames).collect();
        assert!(frames == payloads(0, count), "{connections} connections");
    }
    let usage = server.usage("door").expect("the stream");
    assert!(usage.calls.values().all(|call| call.refused == 0), "{usage:?}");
    let read = usage.of("GetMediaForFragmentList");
    // Within any second of the server's.
    assert!(usage.most_media_points <= 500.0 && usage.most_metadata_points <= 10_000.0, "{usage:?}");
    assert!(usage.calls.values().all(|call| call.most_in_a_second <= 5), "{usage:?}");
    println!("{count} fragments, {} bytes: {took:?}; {usage:?}", read.bytes / 2);
    assert_eq!(read.most_connections, 4);
    server.stop().await;
    (took[0], took[1])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_share_an_archive() {
    let (alone, together) = archive(400).await;
    assert!(alone > 2 * together, "{alone:?} and {together:?}");
}

/// The same where the service's points are what limits it: 500 fragments a second.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_archive_of_ten_thousand_fragments() {
    if std::env::var_os("KINEFRAME_SLOW").is_none() {
        println!("skipped: set KINEFRAME_SLOW to read 10,000 fragments twice, which takes two minutes");
        return;
    }
    let (alone, together) = archive(10_000).await;
    assert!(together >= Duration::from_secs(18), "{together:?}: more than 500 fragments a second");
    assert!(alone >= 3 * together, "{alone:?} and {together:?}");
}
