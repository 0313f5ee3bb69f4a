//! What PutMedia takes in comes out of GetMedia and GetMediaForFragmentList.

use std::time::Duration;

use crate::common::{Client, fragments, payloads, producer_body, read};
use kineframe_server::{Options, Server};
use kineframe_testkit::{Fragment, Size};
use serde_json::{Value, json};

fn options() -> Options {
    let mut options = crate::common::options();
    options.idle_end = Duration::from_millis(150);
    options
}

fn kinds(acks: &[Value]) -> Vec<&str> {
    acks.iter().map(|ack| ack["EventType"].as_str().unwrap()).collect()
}

fn from(start: &str) -> Value {
    json!({ "StreamName": "door", "StartSelector": { "StartSelectorType": start } })
}

fn same_frames(body: &[u8], expected: &[Fragment]) {
    let found = read(body);
    assert_eq!(found.len(), expected.len());
    for ((_, frames), expected) in found.iter().zip(expected) {
        let found: Vec<_> = frames.iter().map(|(_, _, data)| data.to_vec()).collect();
        assert_eq!(found, payloads(expected));
    }
}

#[tokio::test]
async fn a_stream_is_put_listed_and_read_back() {
    let server = Server::start(options()).await.unwrap();
    let client = Client::new(&server);
    client.create("door", 1).await;
    for (kind, cluster) in [("unknown", Size::Unknown(1)), ("known", Size::Minimal)] {
        let mut sent = fragments(3);
        for (index, fragment) in sent.iter_mut().enumerate() {
            fragment.cluster_size = cluster;
            *fragment = fragment.clone().user_tag("shot", &index.to_string());
        }
        let name = format!("door-{kind}");
        client.create(&name, 1).await;
        let body = producer_body(&sent);
        let acks = client.put_all(&name, "RELATIVE", "1700000000.5", &body.bytes, 1000).await;
        assert_eq!(kinds(&acks), ["BUFFERING", "RECEIVED", "PERSISTED"].repeat(3), "{acks:?}");
        assert_eq!(acks[3]["FragmentTimecode"], 2000);

        let get = json!({ "StreamName": name, "StartSelector": { "StartSelectorType": "EARLIEST" } });
        let media = client.media("/getMedia", get).await;
        same_frames(&media, &sent);
        let found = read(&media);
        for (index, (tail, frames)) in found.iter().enumerate() {
            assert!(tail.complete, "{tail:?}");
            let number = tail.head.number.as_ref().unwrap().to_string();
            assert_eq!(number, acks[3 * index]["FragmentNumber"].as_str().unwrap());
            assert_eq!(tail.continuation_token.as_ref().unwrap().to_string(), number);
            let start = 1_700_000_000_500 + 2000 * index as i64;
            assert_eq!(tail.head.producer_timestamp.unwrap().as_millis(), Some(start));
            assert_eq!(frames[0].1, Some(start));
            let own: Vec<_> = tail.tags.iter().filter(|tag| tag.name == "shot").collect();
            assert_eq!(own.len(), 1);
            assert_eq!(format!("{:?}", own[0].value), format!("String(\"{index}\")"));
        }
        assert_eq!(found[2].0.millis_behind_now, Some(0));

        let listed = client.call("/listFragments", json!({ "StreamName": name })).await;
        let mut listed: Vec<Value> = listed["Fragments"].as_array().unwrap().clone();
        listed.sort_by_key(|info| info["FragmentNumber"].as_str().unwrap().to_owned());
        assert_eq!(listed.len(), 3);
        assert_eq!(listed[1]["ProducerTimestamp"], 1_700_000_002.5);
        assert_eq!(listed[1]["FragmentLengthInMilliseconds"], 2000);

        // Any order, with the same one twice.
        let numbers: Vec<&str> = [2, 0, 2].map(|at| listed[at]["FragmentNumber"].as_str().unwrap()).into();
        let list = json!({ "StreamName": name, "Fragments": numbers });
        let media = client.media("/getMediaForFragmentList", list).await;
        same_frames(&media, &[sent[2].clone(), sent[0].clone(), sent[2].clone()]);
        assert!(read(&media).iter().all(|(tail, _)| tail.continuation_token.is_none() && tail.complete));
    }
    server.stop().await;
}

#[tokio::test]
async fn every_start_selector() {
    let server = Server::start(options()).await.unwrap();
    let client = Client::new(&server);
    client.create("door", 1).await;
    let sent = fragments(4);
    let acks = client.put_all("door", "RELATIVE", "1700000000.000", &producer_body(&sent).bytes, 4096).await;
    let numbers: Vec<&Value> = acks.iter().step_by(3).map(|ack| &ack["FragmentNumber"]).collect();
    let get = async |selector: Value| {
        client.media("/getMedia", json!({ "StreamName": "door", "StartSelector": selector })).await
    };
    same_frames(&get(json!({ "StartSelectorType": "EARLIEST" })).await, &sent);
    same_frames(
        &get(json!({ "StartSelectorType": "FRAGMENT_NUMBER", "AfterFragmentNumber": numbers[1] })).await,
        &sent[2..],
    );
    same_frames(
        &get(json!({ "StartSelectorType": "CONTINUATION_TOKEN", "ContinuationToken": numbers[0] })).await,
        &sent[1..],
    );
    // Within a fragment, at its start, and just before the next.
    for (time, first) in [(1_700_000_002.0, 1), (1_700_000_003.5, 1), (1_700_000_003.999, 1), (1_699_999_999.0, 0)] {
        let selector = json!({ "StartSelectorType": "PRODUCER_TIMESTAMP", "StartTimestamp": time });
        same_frames(&get(selector).await, &sent[first..]);
    }
    let selector = json!({ "StartSelectorType": "SERVER_TIMESTAMP", "StartTimestamp": 1_000_000_000 });
    same_frames(&get(selector).await, &sent);
    let selector = json!({ "StartSelectorType": "SERVER_TIMESTAMP", "StartTimestamp": 4_000_000_000u64 });
    same_frames(&get(selector).await, &[]);
    server.stop().await;
}

#[tokio::test]
async fn frames_come_out_before_their_fragment_is_whole() {
    let mut options = options();
    options.idle_end = Duration::from_secs(5);
    let server = Server::start(options).await.unwrap();
    let client = Client::new(&server);
    client.create("door", 0).await;
    let sent = fragments(2);
    let body = producer_body(&sent);
    let mut producer = client.put("door", "RELATIVE", "1700000000").await;
    // The Cluster's beginning and its first frames, cut in the middle of the last.
    let middle = body.clusters[1] - 20;
    producer.send(&body.bytes[..middle]).await;
    assert_eq!(producer.ack().await.unwrap()["EventType"], "BUFFERING");
    let mut answer = client.open("/getMedia", from("NOW")).await.into_body();
    let mut got = Vec::new();
    let whole = |wanted: usize, got: &Vec<u8>| read(got).last().is_some_and(|(_, frames)| frames.len() >= wanted);
    while !whole(4, &got) {
        use http_body_util::BodyExt;
        let frame = answer.frame().await.unwrap().unwrap();
        got.extend_from_slice(&frame.into_data().unwrap());
    }
    assert!(!whole(5, &got));
    producer.send(&body.bytes[middle..]).await;
    let acks = producer.rest().await;
    assert_eq!(kinds(&acks), ["RECEIVED", "BUFFERING", "RECEIVED"]);
    server.stop().await;
}

#[tokio::test]
async fn a_producer_that_breaks_off_leaves_no_half_fragment() {
    let server = Server::start(options()).await.unwrap();
    let client = Client::new(&server);
    client.create("door", 1).await;
    let sent = fragments(2);
    let body = producer_body(&sent);
    let address = server.endpoint().strip_prefix("http://").unwrap().to_owned();
    let mut raw = tokio::net::TcpStream::connect(&address).await.unwrap();
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let head = "POST /putMedia HTTP/1.1\r\nhost: x\r\nx-amzn-stream-name: door\r\n\
                x-amzn-fragment-timecode-type: RELATIVE\r\nx-amzn-producer-start-timestamp: 5.5\r\n\
                transfer-encoding: chunked\r\n\r\n";
    let cut = body.clusters[1] + 200;
    raw.write_all(head.as_bytes()).await.unwrap();
    raw.write_all(format!("{cut:x}\r\n").as_bytes()).await.unwrap();
    raw.write_all(&body.bytes[..cut]).await.unwrap();
    raw.write_all(b"\r\n").await.unwrap();
    let mut seen = String::new();
    while seen.matches("BUFFERING").count() < 2 {
        let mut buffer = [0; 1000];
        let count = raw.read(&mut buffer).await.unwrap();
        seen.push_str(&String::from_utf8_lossy(&buffer[..count]));
    }
    drop(raw);
    // The reader began with the half fragment still open or sees none of it: never as a whole one.
    let found = read(&client.media("/getMedia", from("EARLIEST")).await);
    assert!(found[0].0.complete);
    assert!(found[1..].iter().all(|(tail, _)| !tail.complete), "{found:?}");
    let listed = client.call("/listFragments", json!({ "StreamName": "door" })).await;
    assert_eq!(listed["Fragments"].as_array().unwrap().len(), 1);
    // The next session has a number of its own.
    let acks = client.put_all("door", "RELATIVE", "9", &body.bytes, 100).await;
    assert_eq!(kinds(&acks).len(), 6);
    server.stop().await;
}

#[tokio::test]
async fn connections_are_counted() {
    let server = Server::start(options()).await.unwrap();
    let client = Client::new(&server);
    client.create("door", 0).await;
    let open = [
        client.open("/getMedia", from("NOW")).await,
        client.open("/getMedia", from("NOW")).await,
        client.open("/getMedia", from("NOW")).await,
    ];
    let refused = client.fails("/getMedia", from("NOW")).await;
    assert_eq!(refused, (400, "ConnectionLimitExceededException".to_owned()));
    drop(open);
    // They end by themselves as well: nothing comes.
    loop {
        if client.open("/getMedia", from("NOW")).await.status() == 200 {
            break;
        }
        tokio::task::yield_now().await;
    }
    server.stop().await;
}

#[tokio::test]
async fn in_band_errors() {
    let server = Server::start(options()).await.unwrap();
    let client = Client::new(&server);
    client.create("door", 1).await;
    let list = json!({ "StreamName": "door", "Fragments": ["91343852333181432392682062607743920146159169392"] });
    let found = read(&client.media("/getMediaForFragmentList", list).await);
    let error = found[0].0.error.clone().unwrap();
    assert_eq!((error.id, error.code.as_deref()), (Some(3000), Some("FRAGMENT_NOT_FOUND")));
    assert!(error.fragment_number.is_some());
    server.stop().await;
}

#[tokio::test]
async fn what_loses_its_retention_is_no_longer_in_an_archive() {
    let server = Server::start(options()).await.unwrap();
    let client = Client::new(&server);
    client.create("door", 1).await;
    let sent = fragments(2);
    let acks = client.put_all("door", "RELATIVE", "5", &producer_body(&sent).bytes, 1000).await;
    let number = acks.last().unwrap()["FragmentNumber"].clone();
    let listed = async || {
        let listed = client.call("/listFragments", json!({ "StreamName": "door" })).await;
        listed["Fragments"].as_array().unwrap().len()
    };
    assert_eq!(listed().await, 2);
    let version =
        client.call("/describeStream", json!({ "StreamName": "door" })).await["StreamInfo"]["Version"].clone();
    let change = |hours: u32| {
        json!({ "StreamName": "door", "CurrentVersion": version, "Operation": "DECREASE_DATA_RETENTION",
                "DataRetentionChangeInHours": hours })
    };
    let (_, _, refused) = client.raw("/updateDataRetention", change(82).to_string()).await;
    assert!(refused["Message"].as_str().is_some_and(|why| why.contains("'82'") && !why.contains('-')), "{refused}");
    client.call("/updateDataRetention", change(1)).await;
    assert_eq!(listed().await, 0);
    let list = json!({ "StreamName": "door", "Fragments": [number] });
    let found = read(&client.media("/getMediaForFragmentList", list).await);
    assert_eq!(found[0].0.error.as_ref().unwrap().id, Some(3000));
    // What came in the last minutes is still there for GetMedia, as of a stream that never had an archive.
    same_frames(&client.media("/getMedia", from("EARLIEST")).await, &sent);
    server.stop().await;
}
