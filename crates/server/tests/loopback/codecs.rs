//! What PutMedia took in comes out of GetMedia, GetMediaForFragmentList and GetClip frame for frame, whatever the codec and
//! however the producer's bytes are cut.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use kineframe_fragment::{Event, Options as Splitting};
use kineframe_mp4::AnySplitter;
use kineframe_server::Server;
use kineframe_testkit::{Rng, ids};
use serde_json::{Value, json};

use crate::common::{Client, FrameAt, Producer, as_produced, options, read_damaged};

/// Bodies of every codec and of everything that a producer may write otherwise, and what GetClip says to them: `None`
/// where it gives the clip.
const BODIES: [(&str, Option<&str>); 19] = [
    ("h264-baseline-known-cluster", None),
    ("h264-baseline-unknown-cluster", None),
    ("h264-main-bframes", None),
    ("h264-high-bframes-aac", None),
    ("h264-slices-aud", None),
    ("h264-mulaw-acm", None),
    ("h264-annexb-private", Some("InvalidCodecPrivateDataException")),
    ("h265-main", None),
    ("av1-10bit", Some("UnsupportedStreamMediaTypeException")),
    ("av1-svt", Some("UnsupportedStreamMediaTypeException")),
    ("vp9", Some("UnsupportedStreamMediaTypeException")),
    ("mjpeg", Some("UnsupportedStreamMediaTypeException")),
    ("connect-like-audio", None),
    ("two-video-tracks", None),
    ("lacing-xiph", None),
    ("nul-padded-strings", None),
    ("seekhead-cues-stale", None),
    ("timestampscale-100us", None),
    ("unknown-elements", None),
];

fn body(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("../../testdata/generated/{name}.mkv"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", Path::display(&path)))
}

/// Where a producer's pieces end: of one byte to a MiB, small and large ones alike.
fn cuts(len: usize, rng: &mut Rng) -> Vec<usize> {
    let mut cuts = Vec::new();
    let mut at = 0;
    while at < len {
        let bits = rng.below(21) as u32;
        at = (at + 1 + rng.below(1 << bits)).min(len);
        cuts.push(at);
    }
    cuts
}

async fn put(client: &Client, name: &str, body: &[u8], cuts: Vec<usize>) -> Vec<Value> {
    let mut producer: Producer = client.put(name, "ABSOLUTE", "0").await;
    let sender = producer.sender.take().unwrap();
    let body = Bytes::copy_from_slice(body);
    tokio::spawn(async move {
        let mut from = 0;
        for to in cuts {
            if sender.send(body.slice(from..to)).await.is_err() {
                break;
            }
            from = to;
        }
    });
    producer.rest().await
}

/// The frames of all fragments in order. Damage is a body's own matter: it comes out as it went in.
fn frames(body: &[u8]) -> Vec<FrameAt> {
    read_damaged(body).0.into_iter().flat_map(|(_, frames)| frames).collect()
}

/// The bytes of the frames of each track of an MP4 file, by its number there.
fn clip_frames(file: Bytes) -> Vec<Vec<Bytes>> {
    let mut splitter = AnySplitter::new(Splitting::default());
    splitter.push(file);
    splitter.finish();
    let mut tracks: Vec<Vec<Bytes>> = Vec::new();
    while let Some(event) = splitter.next_event().unwrap() {
        if let Event::Frame(frame) = event {
            let at = frame.track_number as usize - 1;
            tracks.resize_with(tracks.len().max(at + 1), Vec::new);
            tracks[at].push(frame.data);
        }
    }
    tracks
}

/// A body put in these pieces, and read back by GetMedia and as a list.
async fn there_and_back(client: &Client, stream: &str, body: &[u8], cuts: Vec<usize>) -> Result<(), String> {
    let (sent, wanted) = (as_produced(body), frames(body));
    client.create(stream, 1).await;
    let acks = put(client, stream, &sent, cuts).await;
    if let Some(error) = acks.iter().find(|ack| ack["EventType"] == "ERROR") {
        return Err(error.to_string());
    }
    let persisted = acks.iter().filter(|ack| ack["EventType"] == "PERSISTED");
    let numbers: Vec<&Value> = persisted.map(|ack| &ack["FragmentNumber"]).collect();
    let start = json!({ "StartSelectorType": "EARLIEST" });
    let media = client.media("/getMedia", json!({ "StreamName": stream, "StartSelector": start })).await;
    if frames(&media) != wanted {
        return Err("other frames from GetMedia".to_owned());
    }
    let list = json!({ "StreamName": stream, "Fragments": numbers });
    if frames(&client.media("/getMediaForFragmentList", list).await) != wanted {
        return Err("other frames from the list".to_owned());
    }
    Ok(())
}

/// All of a stream as a clip: what kind of error there is, or the frames against those that were sent.
async fn as_clip(client: &Client, stream: &str, wanted: &[FrameAt], error: Option<&str>) -> Result<(), String> {
    let first = wanted[0].1.ok_or("no time")? as f64 / 1000.0;
    let range = json!({ "StartTimestamp": first - 3600.0, "EndTimestamp": first + 3600.0 });
    let selector = json!({ "FragmentSelectorType": "PRODUCER_TIMESTAMP", "TimestampRange": range });
    let input = json!({ "StreamName": stream, "ClipFragmentSelector": selector });
    let answer = client.open("/getClip", input).await;
    let (status, kind) = (answer.status(), answer.headers().get("x-amzn-errortype").cloned());
    let kind = kind.and_then(|kind| Some(kind.to_str().ok()?.split(':').next()?.to_owned()));
    if status != 200 || error.is_some() {
        let told = (status.as_u16(), kind.as_deref());
        return if told == (400, error) { Ok(()) } else { Err(format!("GetClip: {told:?}")) };
    }
    let found = clip_frames(answer.into_body().collect().await.unwrap().to_bytes());
    let mut numbers: Vec<u64> = wanted.iter().map(|frame| frame.0).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let of = |number: u64| wanted.iter().filter(move |frame| frame.0 == number).map(|frame| frame.2.clone());
    let wanted: Vec<Vec<Bytes>> = numbers.into_iter().map(|number| of(number).collect()).collect();
    let lengths = |tracks: &[Vec<Bytes>]| tracks.iter().map(Vec::len).collect::<Vec<_>>();
    if found == wanted { Ok(()) } else { Err(format!("GetClip: {:?} for {:?}", lengths(&found), lengths(&wanted))) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_codec_comes_out_as_it_went_in() {
    let mut options = options();
    options.idle_end = Duration::from_millis(60);
    let server = Server::start(options).await.unwrap();
    let client = Client::new(&server);
    let (mut rng, mut failed) = (Rng::new(2026), Vec::new());
    for (name, clip_error) in BODIES {
        let mut body = body(name);
        if name == "lacing-xiph" {
            // Its first fragment has no picture, and each fragment must have a frame of each track.
            let second = body[4..].windows(4).position(|window| window == ids::EBML.to_be_bytes()).unwrap();
            body.drain(..second + 4);
        }
        let (len, wanted) = (as_produced(&body).len(), frames(&body));
        assert!(wanted.len() > 10, "{name}");
        let mut ways = vec![cuts(len, &mut rng), cuts(len, &mut rng)];
        // The smallest one byte by byte as well.
        if name == "connect-like-audio" {
            ways.push((1..=len).collect());
        }
        for (way, cuts) in ways.into_iter().enumerate() {
            let stream = format!("{name}-{way}");
            let mut result = there_and_back(&client, &stream, &body, cuts).await;
            if way == 0 && result.is_ok() {
                result = as_clip(&client, &stream, &wanted, clip_error).await;
            }
            failed.extend(result.err().map(|error| format!("{stream}: {error}")));
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
    server.stop().await;
}

/// Bodies that a reader must bear, and that no producer may send.
#[tokio::test]
async fn bodies_that_the_service_does_not_take() {
    let server = Server::start(options()).await.unwrap();
    let client = Client::new(&server);
    for (name, id) in [("lacing-xiph", 4011), ("long-fragments", 4002), ("decreasing-cluster-times", 4004)] {
        client.create(name, 1).await;
        let sent = as_produced(&body(name));
        let acks = put(&client, name, &sent, vec![sent.len() / 2, sent.len()]).await;
        let errors: Vec<&Value> = acks.iter().filter(|ack| ack["EventType"] == "ERROR").collect();
        assert!(errors.len() == 1 && errors[0]["ErrorId"] == id, "{name}: {errors:?}");
    }
    server.stop().await;
}
