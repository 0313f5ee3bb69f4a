//! Each error acknowledgement that a producer can bring about.

use std::time::Duration;

use kineframe_server::Server;
use kineframe_testkit::{Element, Fragment, Frame, Size, Track, ids};
use serde_json::Value;

use crate::common::{Client, fragments, options, producer_body};

/// Two sound fragments and a third that `change` spoils.
fn third(change: impl FnOnce(&mut Fragment)) -> Vec<u8> {
    let mut all = fragments(3);
    change(&mut all[2]);
    producer_body(&all).bytes
}

/// The body of one fragment with other tracks.
fn tracks(tracks: Vec<Track>) -> Vec<u8> {
    let mut all = fragments(1);
    all[0].frames = tracks.iter().map(|track| Frame::h264(track.number, 0, true, 20, track.number)).collect();
    all[0].tracks = tracks;
    producer_body(&all).bytes
}

fn with(change: impl FnOnce(&mut Track)) -> Vec<u8> {
    let mut track = Track::h264(1);
    change(&mut track);
    tracks(vec![track])
}

#[tokio::test]
async fn what_is_not_allowed_gets_its_error() {
    let sound = producer_body(&fragments(3)).bytes;
    let segment = sound.windows(4).position(|window| window == ids::SEGMENT.to_be_bytes()).unwrap();
    let first = producer_body(&fragments(1)).bytes;
    let again = [first.as_slice(), first.as_slice()].concat();
    let more_tracks = {
        let entry = Element::master(ids::TRACKS, [Track::h264(1).element()]);
        [first.as_slice(), &entry.encode()].concat()
    };
    let eleven = third(|fragment| fragment.user_tags = (0..11).map(|n| (format!("n{n}"), "v".to_owned())).collect());
    let cases: Vec<(&str, Vec<u8>, u64)> = vec![
        ("time goes back", third(|fragment| fragment.cluster_timestamp = Some(1999)), 4004),
        ("too long", third(|fragment| fragment.frames[4].relative = 20_001), 4002),
        ("a frame of no track", third(|fragment| fragment.frames[1].track = 2), 4010),
        ("a track without a frame", tracks_without_frames(), 4011),
        ("four tracks", tracks((1..=4).map(Track::h264).collect()), 4012),
        ("eleven tags", eleven, 4009),
        ("a long name", third(|fragment| fragment.user_tags = vec![("n".repeat(129), String::new())]), 4009),
        ("a long value", third(|fragment| fragment.user_tags = vec![("n".into(), "v".repeat(257))]), 4009),
        ("a name of the service", third(|fragment| fragment.user_tags = vec![("AWS_X".into(), "v".into())]), 4009),
        ("another document", again, 4006),
        ("tracks once more", more_tracks, 4006),
        ("no EBML Header", sound[segment..].to_vec(), 4006),
        ("noise", vec![0x55; 5000], 4006),
        (
            "an end within a Cluster of known size",
            third(|fragment| fragment.cluster_size = Size::Lie(100_000, 4)),
            4006,
        ),
        ("an end before any Cluster", sound[..segment + 60].to_vec(), 4006),
        ("a CodecPrivate over 1 MiB", with(|track| track.codec_private = Some(vec![1; (1 << 20) + 1])), 4006),
        ("a long CodecID", with(|track| track.codec_id = "V".repeat(33)), 4006),
        ("a long Name", with(|track| track.name = Some("n".repeat(33))), 4006),
    ];
    let server = Server::start(options()).await.unwrap();
    let client = Client::new(&server);
    for (index, (what, body, id)) in cases.into_iter().enumerate() {
        let name = format!("s{index}");
        client.create(&name, 1).await;
        for piece in [7, 1 << 20] {
            let acks =
                client.put_all(&name, "RELATIVE", "5", &body, if body.len() > 100_000 { 1 << 16 } else { piece }).await;
            let errors: Vec<&Value> = acks.iter().filter(|ack| ack["EventType"] == "ERROR").collect();
            assert_eq!(errors.len(), 1, "{what}: {acks:?}");
            assert_eq!(errors[0]["ErrorId"], id, "{what}: {acks:?}");
            // What was whole before is kept.
            let persisted = acks.iter().filter(|ack| ack["EventType"] == "PERSISTED").count();
            let received = acks.iter().filter(|ack| ack["EventType"] == "RECEIVED").count();
            assert_eq!(persisted, received, "{what}: {acks:?}");
        }
    }
    server.stop().await;
}

fn tracks_without_frames() -> Vec<u8> {
    let mut all = fragments(1);
    all[0].tracks.push(Track::aac(2));
    producer_body(&all).bytes
}

#[tokio::test]
async fn a_fragment_beyond_its_size() {
    let server = Server::start(options()).await.unwrap();
    let client = Client::new(&server);
    client.create("door", 0).await;
    let mut all = fragments(1);
    all[0].frames = (0..6).map(|n| Frame::h264(1, n, n == 0, 10 << 20, 1)).collect();
    let acks = client.put_all("door", "RELATIVE", "5", &producer_body(&all).bytes, 1 << 20).await;
    assert_eq!(acks.last().unwrap()["ErrorId"], 4001, "{acks:?}");
    server.stop().await;
}

#[tokio::test]
async fn clocks_of_a_connection() {
    let mut options = options();
    options.session_end = Duration::from_millis(150);
    options.put_idle_ack = Duration::from_millis(40);
    let server = Server::start(options).await.unwrap();
    let client = Client::new(&server);
    client.create("door", 0).await;
    let mut producer = client.put("door", "RELATIVE", "5").await;
    assert_eq!(producer.ack().await.unwrap()["EventType"], "IDLE");
    let mut last = Value::Null;
    while let Some(ack) = producer.ack().await {
        last = ack;
    }
    assert_eq!(last["ErrorId"], 4003);
    server.stop().await;
}

#[tokio::test]
async fn a_start_that_is_no_time() {
    let server = Server::start(options()).await.unwrap();
    let client = Client::new(&server);
    client.create("door", 0).await;
    let body = producer_body(&fragments(1)).bytes;
    let acks = client.put_all("door", "RELATIVE", "yesterday", &body, 100).await;
    assert_eq!(acks[0]["ErrorId"], 4007);
    // With absolute times no start is needed.
    let acks = client.put_all("door", "ABSOLUTE", "yesterday", &body, 100).await;
    assert_eq!(acks.len(), 2);
    server.stop().await;
}

/// The last acknowledgement of a connection on which the producer sends no more.
async fn last_of(mut producer: crate::common::Producer) -> Value {
    let mut last = Value::Null;
    while let Some(ack) = producer.ack().await {
        last = ack;
    }
    last
}

#[tokio::test]
async fn silence_and_a_stream_that_goes() {
    let mut options = options();
    options.put_idle_end = Duration::from_millis(150);
    let server = Server::start(options).await.unwrap();
    let client = Client::new(&server);
    let arn = client.create("door", 0).await;
    let body = producer_body(&fragments(1));
    // In the middle of a fragment.
    let producer = client.put("door", "RELATIVE", "5").await;
    producer.send(&body.bytes[..body.bytes.len() - 30]).await;
    let last = last_of(producer).await;
    assert_eq!((&last["ErrorId"], &last["ErrorCode"]), (&4000.into(), &"STREAM_READ_ERROR".into()));

    let mut producer = client.put("door", "RELATIVE", "5").await;
    producer.send(&body.bytes[..body.bytes.len() - 30]).await;
    assert_eq!(producer.ack().await.unwrap()["EventType"], "BUFFERING");
    client.call("/deleteStream", serde_json::json!({ "StreamARN": arn })).await;
    let last = last_of(producer).await;
    assert_eq!((&last["ErrorId"], &last["ErrorCode"]), (&4008.into(), &"STREAM_NOT_ACTIVE".into()));
    server.stop().await;
}
