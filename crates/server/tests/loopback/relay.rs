//! A stream of another service, read once and served on.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use kineframe_fragment::{Event, Options as Splitting, Splitter};
use kineframe_server::{Data, RelayError, RelayOptions, Server};
use kineframe_source::{MediaSource, Memory, PieceStream, SourceError, StartSelector};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::common::{Client, options, read};

/// A real GetMedia body.
const CAPTURE: &[u8] = include_bytes!("../../../../testdata/captures/output_get_media.mkv");

fn from(start: &str) -> Value {
    json!({ "StreamName": "door", "StartSelector": { "StartSelectorType": start } })
}

fn quick() -> kineframe_server::Options {
    let mut options = options();
    options.idle_end = Duration::from_millis(150);
    options
}

fn earliest() -> RelayOptions {
    let mut options = RelayOptions::default();
    options.start = StartSelector::Earliest;
    options
}

/// All but how far behind the newest it was.
fn the_same(found: &[u8], expected: &[u8]) {
    let (found, expected) = (read(found), read(expected));
    assert_eq!(found.len(), expected.len());
    for ((tail, frames), (other, wanted)) in found.iter().zip(&expected) {
        assert_eq!((&tail.head.number, tail.complete), (&other.head.number, true));
        assert_eq!(tail.head.producer_timestamp, other.head.producer_timestamp);
        assert_eq!(tail.head.server_timestamp, other.head.server_timestamp);
        assert_eq!(tail.continuation_token, other.continuation_token);
        let tags = |tail: &kineframe_fragment::FragmentTail| {
            let all = tail.tags.iter().map(|tag| format!("{tag:?}"));
            all.filter(|tag| !tag.contains("MILLIS_BEHIND_NOW")).collect::<Vec<_>>()
        };
        assert_eq!(tags(tail), tags(other));
        assert!(frames == wanted, "{:?}", tail.head.number);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relayed_stream_is_the_one_that_is_read() {
    let server = Server::start(quick()).await.unwrap();
    let client = Client::new(&server);
    let start = earliest();
    let mut relay =
        server.relay("door", Memory::new("the capture", Bytes::from_static(CAPTURE)), start.clone()).await.unwrap();
    assert_eq!(relay.ended().await, Ok(()));
    the_same(&client.media("/getMedia", from("EARLIEST")).await, CAPTURE);

    // By the calls of the archive too, and without the limits of the service.
    let listed = client.call("/listFragments", json!({ "StreamName": "door", "MaxResults": 1000 })).await;
    let listed: HashSet<String> =
        listed["Fragments"].as_array().unwrap().iter().map(|info| info["FragmentNumber"].to_string()).collect();
    let numbers: Vec<String> =
        read(CAPTURE).iter().map(|(tail, _)| tail.head.number.as_ref().unwrap().to_string()).collect();
    assert_eq!(listed, numbers.iter().map(|number| format!("\"{number}\"")).collect());
    let after = json!({ "StreamName": "door", "StartSelector": {
        "StartSelectorType": "FRAGMENT_NUMBER", "AfterFragmentNumber": numbers[1] } });
    assert_eq!(read(&client.media("/getMedia", after).await).len(), numbers.len() - 2);
    let request = json!({ "StreamName": "door" });
    assert_eq!(client.open("/getHLSStreamingSessionURL", request).await.status(), 200, "it comes in now");

    // Nobody else fills it.
    let answer = client.fails("/putMedia", json!({})).await;
    assert_eq!(answer.0, 400);
    let again = server.relay("no name/", Memory::new("nothing", Bytes::new()), start.clone()).await;
    assert!(matches!(again, Err(RelayError::Name(_))), "{again:?}");
    server.stop().await;
}

/// A source that is fed by a test, and what it was asked for.
#[derive(Debug, Clone, Default)]
struct Fed {
    pieces: Arc<Mutex<Option<mpsc::UnboundedReceiver<Bytes>>>>,
    asked: Arc<Mutex<Vec<StartSelector>>>,
}

impl Fed {
    fn new() -> (mpsc::UnboundedSender<Bytes>, Self) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (sender, Fed { pieces: Arc::new(Mutex::new(Some(receiver))), asked: Arc::default() })
    }
}

impl MediaSource for Fed {
    fn open(&self, start: &StartSelector) -> PieceStream {
        self.asked.lock().unwrap().push(start.clone());
        let receiver = self.pieces.lock().unwrap().take();
        Box::pin(futures_util::stream::unfold(receiver, |receiver| async {
            let mut receiver = receiver?;
            let piece = receiver.recv().await?;
            Some((Ok::<_, SourceError>(piece), Some(receiver)))
        }))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_go_on_before_their_fragment_is_whole_to_every_reader_once() {
    let mut options = quick();
    options.idle_end = Duration::from_secs(20);
    options.max_get_media = 1;
    let server = Server::start(options).await.unwrap();
    let client = Client::new(&server);
    let (feed, source) = Fed::new();
    let relay = server.relay("door", source, RelayOptions::default()).await.unwrap();
    assert!(matches!(
        server.relay("door", Memory::new("nothing", Bytes::new()), RelayOptions::default()).await,
        Err(RelayError::Busy(_))
    ));
    let mut readers = Vec::new();
    for _ in 0..10 {
        let answer = client.open("/getMedia", from("NOW")).await;
        assert_eq!(answer.status(), 200);
        readers.push(answer.into_body());
    }
    let mut here = server.stream("door").unwrap().open(&StartSelector::Now);
    let expected: Vec<Bytes> = read(CAPTURE).into_iter().flat_map(|(_, frames)| frames).map(|frame| frame.2).collect();
    // Half of it: in the middle of a frame of a fragment that is far from whole.
    let half = CAPTURE.len() / 2;
    for piece in CAPTURE[..half].chunks(3000) {
        feed.send(Bytes::copy_from_slice(piece)).unwrap();
    }
    let seen = |splitter: &mut Splitter, all: &mut Vec<Bytes>| {
        while let Some(event) = splitter.next_event().unwrap() {
            if let Event::Frame(frame) = event {
                all.push(frame.data);
            }
        }
    };
    let whole_in_half = {
        let (mut splitter, mut all) = (Splitter::new(Splitting::default()), Vec::new());
        splitter.push(Bytes::from_static(&CAPTURE[..half]));
        seen(&mut splitter, &mut all);
        all.len()
    };
    assert!(whole_in_half > 20);
    let mut states: Vec<(Splitter, Vec<Bytes>)> =
        (0..11).map(|_| (Splitter::new(Splitting::default()), Vec::new())).collect();
    for target in [whole_in_half, expected.len()] {
        for (index, (splitter, all)) in states.iter_mut().enumerate() {
            while all.len() < target {
                let piece = match readers.get_mut(index) {
                    Some(body) => body.frame().await.unwrap().unwrap().into_data().unwrap(),
                    None => std::future::poll_fn(|context| here.as_mut().poll_next(context)).await.unwrap().unwrap(),
                };
                splitter.push(piece);
                seen(splitter, all);
            }
            assert!(*all == expected[..target], "reader {index}");
        }
        if target == whole_in_half {
            for piece in CAPTURE[half..].chunks(5000) {
                feed.send(Bytes::copy_from_slice(piece)).unwrap();
            }
        }
    }
    let usage = server.usage("door").unwrap();
    assert_eq!((usage.of("GetMedia").most_connections, usage.of("GetMedia").refused), (10, 0));
    drop(relay);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_goes_on_where_it_ended_and_a_cut_fragment_stays_cut() {
    let folder = tempfile::tempdir().unwrap();
    let start = || {
        let mut options = quick();
        options.data = Data::Folder(folder.path().to_owned());
        Server::start(options)
    };
    let all = read(CAPTURE);
    let end_of = |index: usize| (all[index].0.head.offset + all[index].0.length) as usize;
    let number = |index: usize| all[index].0.head.number.clone().unwrap();

    let server = start().await.unwrap();
    // The second fragment is cut.
    let first = Bytes::from_static(&CAPTURE[..end_of(1) - 5000]);
    let mut relay = server.relay("door", Memory::new("a part", first), earliest()).await.unwrap();
    assert_eq!(relay.ended().await, Ok(()));
    server.stop().await;

    let server = start().await.unwrap();
    let (feed, source) = Fed::new();
    let asked = Arc::clone(&source.asked);
    let mut relay = server.relay("door", source, earliest()).await.unwrap();
    feed.send(Bytes::from_static(&CAPTURE[end_of(0)..])).unwrap();
    drop(feed);
    assert_eq!(relay.ended().await, Ok(()));
    assert_eq!(*asked.lock().unwrap(), [StartSelector::AfterFragment(number(0))]);
    the_same(&Client::new(&server).media("/getMedia", from("EARLIEST")).await, CAPTURE);

    // What the other service says in band is the end.
    let error = include_bytes!("../../../../testdata/generated/error-only-4000.mkv");
    let mut relay = server.relay("gone", Memory::new("an error", Bytes::from_static(error)), earliest()).await.unwrap();
    assert!(matches!(relay.ended().await, Err(RelayError::Refused { id: 4000, .. })));
    server.stop().await;
}
