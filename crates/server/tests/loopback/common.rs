//! A plain HTTP client and a producer's body, for tests over loopback.
#![allow(dead_code, missing_docs)]

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http1;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use kineframe_fragment::{Event, FragmentTail, Options as Splitting, Splitter};
use kineframe_server::{Limits, Options, Server};
use kineframe_testkit::{Element, Fragment, ids};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

/// A server without limits of calls, in memory.
pub fn options() -> Options {
    let mut options = Options::default();
    options.limits = Limits::none();
    options
}

/// Talks to a server, a connection for each request.
pub struct Client {
    address: String,
}

type Body = http_body_util::combinators::BoxBody<Bytes, std::convert::Infallible>;

impl Client {
    pub fn new(server: &Server) -> Self {
        Client { address: server.endpoint().strip_prefix("http://").unwrap().to_owned() }
    }

    /// The same at another address.
    pub fn at(&self, address: std::net::SocketAddr) -> Self {
        Client { address: address.to_string() }
    }

    /// Sends a request and returns the beginning of the answer.
    pub async fn send(&self, request: Request<Body>) -> Response<Incoming> {
        let stream = TcpStream::connect(&self.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        sender.send_request(request).await.unwrap()
    }

    fn request(&self, path: &str) -> hyper::http::request::Builder {
        Request::post(path).header("host", &self.address)
    }

    /// A call with a body of JSON.
    pub async fn open(&self, path: &str, input: Value) -> Response<Incoming> {
        let body = Full::new(Bytes::from(input.to_string())).boxed();
        self.send(self.request(path).body(body).unwrap()).await
    }

    /// A call whose answer is JSON: its status, its error type, its body.
    pub async fn raw(&self, path: &str, body: impl Into<Bytes>) -> (u16, String, Value) {
        let answer = self.send(self.request(path).body(Full::new(body.into()).boxed()).unwrap()).await;
        let status = answer.status().as_u16();
        let kind = answer.headers().get("x-amzn-errortype").map(|kind| kind.to_str().unwrap().to_owned());
        let kind = kind.unwrap_or_default().split(':').next().unwrap_or_default().to_owned();
        assert!(answer.headers().contains_key("x-amzn-requestid"));
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (status, kind, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    /// A call that must succeed.
    pub async fn call(&self, path: &str, input: Value) -> Value {
        let (status, kind, answer) = self.raw(path, input.to_string()).await;
        assert_eq!(status, 200, "{path}: {kind} {answer}");
        answer
    }

    /// A call that must fail: its status and error type.
    pub async fn fails(&self, path: &str, input: Value) -> (u16, String) {
        let (status, kind, answer) = self.raw(path, input.to_string()).await;
        assert!(answer["Message"].is_string(), "{answer}");
        (status, kind)
    }

    /// The whole body that a media call answers.
    pub async fn media(&self, path: &str, input: Value) -> Bytes {
        let answer = self.open(path, input).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "video/webm");
        answer.into_body().collect().await.unwrap().to_bytes()
    }

    /// Makes a stream.
    pub async fn create(&self, name: &str, hours: u32) -> String {
        let input = json!({ "StreamName": name, "DataRetentionInHours": hours });
        self.call("/createStream", input).await["StreamARN"].as_str().unwrap().to_owned()
    }

    /// Begins a PutMedia call.
    pub async fn put(&self, name: &str, kind: &str, start: &str) -> Producer {
        let (sender, receiver) = mpsc::channel::<Bytes>(4);
        let frames = futures_util::stream::unfold(receiver, |mut receiver| async {
            receiver.recv().await.map(|piece| (Ok(Frame::data(piece)), receiver))
        });
        let request = self
            .request("/putMedia")
            .header("x-amzn-stream-name", name)
            .header("x-amzn-fragment-timecode-type", kind)
            .header("x-amzn-producer-start-timestamp", start)
            .body(BodyExt::boxed(StreamBody::new(sync(frames))))
            .unwrap();
        let answer = self.send(request).await;
        assert_eq!(answer.status(), 200);
        Producer { sender: Some(sender), acks: answer.into_body(), text: String::new() }
    }

    /// Puts a whole body and returns the acknowledgements.
    pub async fn put_all(&self, name: &str, kind: &str, start: &str, body: &[u8], piece: usize) -> Vec<Value> {
        let mut producer = self.put(name, kind, start).await;
        let sender = producer.sender.take().unwrap();
        let pieces: Vec<Bytes> = body.chunks(piece).map(Bytes::copy_from_slice).collect();
        tokio::spawn(async move {
            for piece in pieces {
                if sender.send(piece).await.is_err() {
                    break;
                }
            }
        });
        producer.rest().await
    }
}

/// `BodyExt::boxed` wants what can be shared; this one is polled by one task alone.
fn sync<S: futures_util::Stream + Send>(stream: S) -> impl futures_util::Stream<Item = S::Item> + Send + Sync {
    let mut stream = std::sync::Mutex::new(Box::pin(stream));
    futures_util::stream::poll_fn(move |context| {
        use futures_util::StreamExt;
        stream.get_mut().unwrap().poll_next_unpin(context)
    })
}

/// An open PutMedia call.
pub struct Producer {
    pub sender: Option<mpsc::Sender<Bytes>>,
    acks: Incoming,
    text: String,
}

impl Producer {
    pub async fn send(&self, bytes: &[u8]) {
        self.sender.as_ref().unwrap().send(Bytes::copy_from_slice(bytes)).await.unwrap();
    }

    /// The next acknowledgement; `None` at the end of the answer.
    pub async fn ack(&mut self) -> Option<Value> {
        loop {
            if let Some(end) = self.text.find('\n') {
                let line: String = self.text.drain(..=end).collect();
                return Some(serde_json::from_str(&line).unwrap());
            }
            let frame = tokio::time::timeout(Duration::from_secs(20), self.acks.frame()).await.unwrap()?;
            let Ok(frame) = frame else { return None };
            if let Ok(data) = frame.into_data() {
                self.text.push_str(std::str::from_utf8(&data).unwrap());
            }
        }
    }

    /// Ends the body and returns all further acknowledgements.
    pub async fn rest(mut self) -> Vec<Value> {
        self.sender = None;
        let mut acks = Vec::new();
        while let Some(ack) = self.ack().await {
            acks.push(ack);
        }
        acks
    }
}

/// A producer's body and where its parts start: one Segment, all Clusters.
pub struct ProducerBody {
    pub bytes: Vec<u8>,
    /// Where each Cluster starts, and the end.
    pub clusters: Vec<usize>,
}

/// The fragments as one PutMedia body, with their tags after the Clusters, without those of the service.
pub fn producer_body(fragments: &[Fragment]) -> ProducerBody {
    let mut bytes = Vec::new();
    let mut clusters = Vec::new();
    for (index, fragment) in fragments.iter().enumerate() {
        let mut fragment = fragment.clone();
        fragment.tags_before.clear();
        fragment.tags_after.clear();
        let whole = fragment.encode();
        let cluster = ids::CLUSTER.to_be_bytes();
        let start = whole.windows(4).position(|window| window == cluster).unwrap();
        if index == 0 {
            bytes.extend_from_slice(&whole[..start]);
        }
        clusters.push(bytes.len());
        bytes.extend_from_slice(&whole[start..]);
    }
    clusters.push(bytes.len());
    ProducerBody { bytes, clusters }
}

/// Fragments 0 to `count` of the testkit, their times counted from 0 in steps of two seconds.
pub fn fragments(count: u64) -> Vec<Fragment> {
    let relative = |index| {
        let mut fragment = Fragment::new(index);
        fragment.cluster_timestamp = Some(2000 * index);
        fragment
    };
    (0..count).map(relative).collect()
}

/// Track, producer time in milliseconds, and bytes of a frame.
pub type FrameAt = (u64, Option<i64>, Bytes);

/// What a body holds: each fragment with its frames (track, time, bytes).
pub fn read(body: &[u8]) -> Vec<(FragmentTail, Vec<FrameAt>)> {
    let (all, damaged) = read_damaged(body);
    assert!(!damaged);
    all
}

/// The same of a body that may be damaged, and whether it is.
pub fn read_damaged(body: &[u8]) -> (Vec<(FragmentTail, Vec<FrameAt>)>, bool) {
    let mut damaged = false;
    let mut splitter = Splitter::new(Splitting::default());
    splitter.push(Bytes::copy_from_slice(body));
    splitter.finish();
    let (mut all, mut frames) = (Vec::new(), Vec::new());
    while let Some(event) = splitter.next_event().unwrap() {
        match event {
            Event::Frame(frame) => {
                frames.push((frame.track_number, frame.producer_time.and_then(|time| time.as_millis()), frame.data));
            }
            Event::Finished(tail) => all.push((FragmentTail::clone(&tail), std::mem::take(&mut frames))),
            Event::Damage(_) => damaged = true,
            _ => {}
        }
    }
    (all, damaged)
}

/// The bytes of the frames of a fragment.
pub fn payloads(fragment: &Fragment) -> Vec<Vec<u8>> {
    fragment.frames.iter().map(|frame| frame.payload.clone()).collect()
}

/// An element with these children, as bytes.
pub fn bytes_of(element: &Element) -> Vec<u8> {
    element.encode()
}

/// A stored GetMedia body as the producer sent it: one Segment, without the tags of the service.
pub fn as_produced(body: &[u8]) -> Vec<u8> {
    let find = |data: &[u8], id: u32| data.windows(4).position(|window| window == id.to_be_bytes());
    let mut produced = Vec::new();
    for (tail, _) in read(body) {
        let start = tail.head.offset as usize;
        let document = &body[start..start + tail.length as usize];
        let cluster = find(document, ids::CLUSTER).unwrap();
        if produced.is_empty() {
            produced.extend_from_slice(&document[..find(document, ids::TAGS).unwrap().min(cluster)]);
        }
        let closing = document.windows(4).rposition(|window| window == ids::TAGS.to_be_bytes()).unwrap();
        let end = if closing > cluster { closing } else { document.len() };
        produced.extend_from_slice(&document[cluster..end]);
    }
    produced
}
