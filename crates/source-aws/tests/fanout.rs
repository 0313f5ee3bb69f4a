//! One connection to the service, many readers.

mod common;

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use common::{options, payloads, put, server, stream, upload};
use kineframe_consumer::{Consumer, Item, Session, SessionOptions, Until};
use kineframe_server::{Limits, RelayOptions};
use kineframe_source::{MediaSource, StartSelector};
use kineframe_source_aws::{AckEvent, Client};

const CONNECTIONS: u64 = 4;
const FRAGMENTS: u64 = 3;

/// The frames of each fragment that a source brings, from its beginning until it has been idle for a while.
fn read(source: impl MediaSource + 'static) -> Vec<Vec<Bytes>> {
    let mut options = SessionOptions::default();
    options.until = Until::IdleAfter(SystemTime::now() + Duration::from_millis(2500));
    options.idle_pause = Duration::from_millis(5);
    let session = Session::new(source, options);
    let monitor = session.monitor();
    let pieces = session.open_blocking(&StartSelector::Earliest);
    let (mut got, mut open) = (Vec::new(), Vec::new());
    for item in Consumer::of_pieces(pieces).without_bytes() {
        match item.expect("a session goes on") {
            Item::Frame(frame) => open.push(frame.data),
            Item::Fragment(_) => got.push(std::mem::take(&mut open)),
            Item::Damage(damage) => panic!("{damage:?}"),
            _ => {}
        }
    }
    assert_eq!(monitor.report().gaps, 0);
    got
}

#[test]
fn ten_readers_get_every_frame_once_over_one_connection() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("threads");
    let (service, local, relay, upstream, door) = runtime.block_on(async {
        // The service ends reads often, and allows what it allows.
        let service = server(|options| {
            options.limits = Limits::default();
            options.limits.calls = 100.0;
            (options.limits.put_fragments, options.limits.get_fragments) = (100.0, 100.0);
            options.idle_end = Duration::from_millis(60);
            options.session_end = Duration::from_millis(300);
        })
        .await;
        let mut quick = options(&service);
        quick.quotas.calls_per_second = 100.0;
        let door = stream(quick, "door").await;
        let local = server(|options| {
            options.limits = Limits::default();
            options.idle_end = Duration::from_millis(100);
        })
        .await;
        let mut going_on = SessionOptions::default();
        going_on.idle_pause = Duration::from_millis(5);
        going_on.backoff = Duration::from_millis(5);
        let session = Session::new(door.get_media(), going_on);
        let upstream = session.monitor();
        let mut from_the_first = RelayOptions::default();
        from_the_first.start = StartSelector::Earliest;
        let relay = local.relay("door", session, from_the_first).await.expect("a new stream");
        (service, local, relay, upstream, door)
    });
    let producing = runtime.spawn(async move {
        let mut stored = Vec::new();
        for connection in 0..CONNECTIONS {
            let acks = put(&door, upload(connection * FRAGMENTS, FRAGMENTS), 700).await;
            // The service ends uploads too: what counts is what it acknowledged.
            let kept = acks.iter().filter(|(event, _)| *event == AckEvent::Persisted).count() as u64;
            stored.extend(payloads(connection * FRAGMENTS, kept));
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        stored
    });
    let readers: Vec<std::thread::JoinHandle<Vec<Vec<Bytes>>>> = runtime.block_on(async {
        let mut client = options(&local);
        client.quotas.get_media_connections = 10;
        client.quotas.calls_per_second = 1000.0;
        client.quotas.control_calls_per_second = 1000.0;
        let client = Client::new(client).await.expect("a region");
        let over_http = client.stream("door".parse().expect("a name"));
        let here = local.stream("door").expect("a stream");
        (0..10)
            .map(|index| {
                let (over_http, here) = (over_http.get_media(), here.clone());
                std::thread::spawn(move || if index % 2 == 0 { read(over_http) } else { read(here) })
            })
            .collect()
    });
    let wanted = runtime.block_on(producing).expect("the producer ends");
    assert!(wanted.len() as u64 > FRAGMENTS, "{} fragments stored", wanted.len());
    for (index, reader) in readers.into_iter().enumerate() {
        let got = reader.join().expect("a reader ends");
        assert!(got == wanted, "reader {index}: {} fragments of {}", got.len(), wanted.len());
    }
    let usage = service.usage("door").expect("the stream").of("GetMedia");
    assert_eq!(usage.most_connections, 1, "{usage:?}");
    // The next read may be on its way.
    assert!(upstream.report().reads.abs_diff(usage.made) <= 1, "{usage:?} {:?}", upstream.report());
    assert!(upstream.report().reads > 2, "{:?}", upstream.report());
    let local_usage = local.usage("door").expect("the stream");
    assert!(local_usage.calls.values().all(|call| call.refused == 0), "{local_usage:?}");
    assert!(local_usage.of("GetMedia").most_connections >= 5, "{local_usage:?}");
    drop(relay);
    runtime.block_on(async {
        local.stop().await;
        service.stop().await;
    });
}
