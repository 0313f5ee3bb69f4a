//! What the service allows, and what it says beyond that.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use http_body_util::BodyExt;
use kineframe_server::{Limits, Options, Server};
use serde_json::{Value, json};

use crate::common::{Client, fragments, options, producer_body};

fn refused() -> (u16, String) {
    (400, "ClientLimitExceededException".to_owned())
}

/// How many of `count` calls made at once are refused.
async fn refused_of(client: &Client, count: usize, path: &str, input: &Value) -> usize {
    let mut told = 0;
    for _ in 0..count {
        let answer = client.open(path, input.clone()).await;
        let kind = answer.headers().get("x-amzn-errortype").map(|kind| kind.to_str().unwrap().to_owned());
        if kind.is_some_and(|kind| kind.starts_with("ClientLimitExceededException:")) {
            assert_eq!(answer.status(), 400);
            told += 1;
        }
    }
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_beyond_the_rate_are_refused_by_type() {
    let mut options = Options::default();
    options.idle_end = Duration::from_millis(50);
    let server = Server::start(options).await.unwrap();
    let client = Client::new(&server);
    client.create("door", 1).await;
    client.create("gate", 1).await;
    let times = json!({ "StartTimestamp": 1, "EndTimestamp": 2 });
    let selector = json!({ "FragmentSelectorType": "SERVER_TIMESTAMP", "TimestampRange": times });
    let images = json!({
        "StreamName": "door", "ImageSelectorType": "SERVER_TIMESTAMP", "StartTimestamp": 1, "EndTimestamp": 2,
        "Format": "JPEG",
    });
    let calls = [
        ("/describeStream", json!({ "StreamName": "door" })),
        ("/getDataEndpoint", json!({ "StreamName": "door", "APIName": "GET_MEDIA" })),
        ("/listFragments", json!({ "StreamName": "door", "MaxResults": 1 })),
        ("/getMedia", json!({ "StreamName": "door", "StartSelector": { "StartSelectorType": "NOW" } })),
        ("/getMediaForFragmentList", json!({ "StreamName": "door", "Fragments": ["1"] })),
        ("/getClip", json!({ "StreamName": "door", "ClipFragmentSelector": selector })),
        ("/getImages", images),
        ("/getHLSStreamingSessionURL", json!({ "StreamName": "door" })),
    ];
    for (path, input) in &calls {
        let began = Instant::now();
        let told = refused_of(&client, 20, path, input).await;
        // A second's worth at once, and five more for each second that it took.
        let most = 6 + (began.elapsed().as_secs_f64() * 5.0).ceil() as usize;
        assert!((20usize.saturating_sub(most)..=15).contains(&told), "{path}: {told} in {:?}", began.elapsed());
    }
    // The limit is the stream's, and its last second is over soon.
    assert_eq!(client.open("/describeStream", json!({ "StreamName": "gate" })).await.status(), 200);
    let usage = server.usage("door").unwrap();
    for name in ["DescribeStream", "ListFragments", "GetImages"] {
        let call = usage.of(name);
        assert_eq!((call.made, call.most_in_a_second), (20, 20), "{name}");
        assert!(call.refused >= 10, "{name}");
    }
    assert_eq!(server.usage("gate").unwrap().of("DescribeStream").refused, 0);
    assert!(server.usage("nobody").is_none());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fragments_cost_points_whatever_the_number_of_calls() {
    let mut options = options();
    options.limits.fragment_media_points = 100.0;
    options.limits.fragment_metadata_points = 1000.0;
    let server = Server::start(options).await.unwrap();
    let client = Client::new(&server);
    client.create("door", 1).await;
    let list = |most: u32| json!({ "StreamName": "door", "MaxResults": most });
    client.call("/listFragments", list(1000)).await;
    assert_eq!(client.fails("/listFragments", list(1000)).await, refused());
    let numbers: Vec<String> = (1..=60).map(|number| number.to_string()).collect();
    let media = json!({ "StreamName": "door", "Fragments": numbers });
    assert_eq!(client.open("/getMediaForFragmentList", media.clone()).await.status(), 200);
    assert_eq!(client.open("/getMediaForFragmentList", media.clone()).await.status(), 200);
    assert_eq!(client.fails("/getMediaForFragmentList", media).await, refused());
    let usage = server.usage("door").unwrap();
    assert_eq!((usage.most_media_points, usage.most_metadata_points), (120.0, 1000.0));
    // The same over HTTP, for a program beside it.
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.write_all(b"GET /page/usage?stream=door HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let told: Value = serde_json::from_str(text.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    assert_eq!(told["calls"]["GetMediaForFragmentList"]["refused"], 1);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_go_at_the_rate_of_their_connection() {
    let mut options = options();
    options.limits.get_bytes = 200_000.0;
    options.limits.put_bytes = 400_000.0;
    options.idle_end = Duration::from_millis(50);
    let server = Server::start(options).await.unwrap();
    let client = Client::new(&server);
    client.create("door", 1).await;
    let mut sent = fragments(4);
    for fragment in &mut sent {
        fragment.frames[0].payload = vec![7; 50_000];
    }
    let body = producer_body(&sent).bytes;
    let began = Instant::now();
    client.put_all("door", "RELATIVE", "1700000000", &body, 5000).await;
    // 200 kB, of which 100 kB may come at once.
    assert!(began.elapsed() >= Duration::from_millis(230), "{:?}", began.elapsed());
    let get = json!({ "StreamName": "door", "StartSelector": { "StartSelectorType": "EARLIEST" } });
    let began = Instant::now();
    let media = client.media("/getMedia", get).await;
    // 50 kB at once, the rest at the rate.
    let (least, took) = ((media.len() as f64 - 50_000.0) / 200_000.0 * 0.9, began.elapsed().as_secs_f64());
    assert!(took >= least, "{} bytes in {took} s", media.len());
    let usage = server.usage("door").unwrap();
    assert_eq!(usage.of("PutMedia").bytes, body.len() as u64);
    assert_eq!(usage.of("GetMedia").bytes, media.len() as u64);
    server.stop().await;
}

/// How often each kind of acknowledgement came.
fn count(acks: &[Value], kind: &str) -> usize {
    acks.iter().filter(|ack| ack["EventType"] == kind).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn fragments_begin_so_many_in_a_second_and_none_is_refused() {
    let mut options = options();
    (options.limits.put_fragments, options.limits.get_fragments) = (20.0, 20.0);
    // Who is made to wait is not silent.
    (options.put_idle_end, options.put_idle_ack) = (Duration::from_millis(300), Duration::from_millis(200));
    options.idle_end = Duration::from_millis(50);
    let server = Server::start(options).await.unwrap();
    let client = Client::new(&server);
    let body = producer_body(&fragments(50)).bytes;
    // In small pieces, and in one that holds them all.
    for (name, piece) in [("door", 700), ("gate", body.len())] {
        client.create(name, 1).await;
        let began = Instant::now();
        let acks = client.put_all(name, "RELATIVE", "1700000000", &body, piece).await;
        // Twenty at once, twenty a second later, ten after another one.
        assert!(began.elapsed() >= Duration::from_secs(2), "{:?}", began.elapsed());
        for kind in ["BUFFERING", "RECEIVED", "PERSISTED"] {
            assert_eq!(count(&acks, kind), 50, "{kind}: {acks:?}");
        }
        assert_eq!(count(&acks, "ERROR") + count(&acks, "IDLE"), 0, "{acks:?}");
        assert_eq!(server.usage(name).unwrap().most_fragments, 20);
    }
    let get = json!({ "StreamName": "door", "StartSelector": { "StartSelectorType": "EARLIEST" } });
    let began = Instant::now();
    let told = crate::common::read(&client.media("/getMedia", get).await);
    assert_eq!(told.len(), 50);
    assert!(began.elapsed() >= Duration::from_secs(2), "{:?}", began.elapsed());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn five_fragments_a_second_are_what_the_service_takes() {
    let server = Server::start(Options::default()).await.unwrap();
    let client = Client::new(&server);
    client.create("door", 0).await;
    let began = Instant::now();
    let acks = client.put_all("door", "RELATIVE", "5", &producer_body(&fragments(6)).bytes, 1 << 16).await;
    assert_eq!(count(&acks, "RECEIVED"), 6, "{acks:?}");
    assert!(began.elapsed() >= Duration::from_secs(1), "{:?}", began.elapsed());
    assert_eq!(server.usage("door").unwrap().most_fragments, 5);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn how_long_and_how_large_a_fragment_may_be_is_set() {
    let mut options = options();
    options.max_fragment_time = Duration::from_millis(700);
    options.max_fragment_bytes = 50_000;
    let server = Server::start(options).await.unwrap();
    let client = Client::new(&server);
    client.create("door", 0).await;
    for (time, size, told) in [(700, 1000, None), (701, 1000, Some(4002)), (700, 60_000, Some(4001))] {
        let mut fragments = fragments(2);
        for frame in &mut fragments[1].frames {
            frame.relative = frame.relative.min(500);
        }
        let last = fragments[1].frames.last_mut().unwrap();
        (last.relative, last.payload) = (time, vec![7; size]);
        fragments[0].frames.truncate(2);
        let acks = client.put_all("door", "RELATIVE", "5", &producer_body(&fragments).bytes, 4000).await;
        assert_eq!(acks.last().unwrap()["ErrorId"].as_u64(), told, "{acks:?}");
        // What was whole before stays.
        assert_eq!(count(&acks, "RECEIVED"), if told.is_some() { 1 } else { 2 }, "{acks:?}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_vanishes_from_a_silent_stream_frees_its_connection() {
    let mut options = options();
    options.idle_end = Duration::from_secs(600);
    let server = Server::start(options).await.unwrap();
    let client = Client::new(&server);
    client.create("door", 1).await;
    let input = json!({ "StreamName": "door", "StartSelector": { "StartSelectorType": "NOW" } }).to_string();
    let head = format!("POST /getMedia HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{input}", input.len());
    let open = || {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).unwrap();
        (stream, String::from_utf8_lossy(&answer).into_owned())
    };
    let readers: Vec<_> = (0..3).map(|_| open()).collect();
    assert!(readers.iter().all(|(_, answer)| answer.ends_with("200")));
    assert!(open().1.ends_with("400"), "the fourth");
    drop(readers);
    let patience = Instant::now() + Duration::from_secs(10);
    while server.usage("door").unwrap().of("GetMedia").connections > 0 {
        assert!(Instant::now() < patience, "{:?}", server.usage("door"));
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let (again, answer) = open();
    assert!(answer.ends_with("200"));
    let usage = server.usage("door").unwrap().of("GetMedia");
    assert_eq!((usage.made, usage.refused, usage.connections, usage.most_connections), (5, 1, 1, 3));
    drop(again);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_player_has_limits_of_its_own() {
    let mut options = Options::default();
    options.limits = Limits::none();
    options.limits.hls_playlists = 3.0;
    let server = Server::start(options).await.unwrap();
    let client = Client::new(&server);
    client.create("door", 1).await;
    const BODY: &[u8] = include_bytes!("../../../../testdata/generated/h264-high-bframes-aac.mkv");
    client.put_all("door", "ABSOLUTE", "0", &crate::common::as_produced(BODY), 1 << 16).await;
    let url = client.call("/getHLSStreamingSessionURL", json!({ "StreamName": "door" })).await;
    let url = url["HLSStreamingSessionURL"].as_str().unwrap().to_owned();
    let path = url.strip_prefix(server.endpoint()).unwrap();
    let mut told = Vec::new();
    for _ in 0..5 {
        let request = hyper::Request::get(path).header("host", "localhost");
        let body = http_body_util::Full::new(bytes::Bytes::new()).boxed();
        told.push(client.send(request.body(body).unwrap()).await.status().as_u16());
    }
    assert_eq!(told, [200, 200, 200, 400, 400]);
    server.stop().await;
}
