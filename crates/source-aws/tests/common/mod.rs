//! What the tests of the client share.
#![allow(dead_code)] // Each test file uses a part of it.

use std::time::Duration;

use bytes::Bytes;
use kineframe_fragment::{Event, FragmentNumber, Options as Splitting, Splitter};
use kineframe_server::{Limits, Options as ServerOptions, Server};
use kineframe_source_aws::{AckEvent, Client, Options, PutTimecodes, StaticCredentials, StreamHandle};
use kineframe_testkit::{Element, Fragment, Size, ids};

pub async fn server(change: impl FnOnce(&mut ServerOptions)) -> Server {
    let mut options = ServerOptions::default();
    options.idle_end = Duration::from_millis(150);
    options.limits = Limits::none();
    change(&mut options);
    Server::start(options).await.expect("a free port")
}

pub fn options(server: &Server) -> Options {
    let mut options = Options::default();
    options.region = Some("us-east-1".into());
    options.endpoint_url = Some(server.endpoint().to_owned());
    options.credentials = Some(StaticCredentials {
        access_key_id: "AKIDEXAMPLE".into(),
        secret_access_key: "secret".into(),
        session_token: None,
    });
    options
}

pub async fn stream(options: Options, name: &str) -> StreamHandle {
    let client = Client::new(options).await.expect("a region");
    let stream = client.stream(name.parse().expect("a name"));
    stream.create(24, Some("video/h264")).await.expect("a new stream");
    stream
}

/// One EBML Header, one Segment, a Cluster for each fragment.
pub fn upload(first: u64, count: u64) -> Vec<u8> {
    upload_of((first..first + count).map(Fragment::new).collect())
}

/// The same of these fragments.
pub fn upload_of(fragments: Vec<Fragment>) -> Vec<u8> {
    let mut elements = fragments[0].elements();
    let Some(segment) = elements.pop() else { unreachable!() };
    let _ = segment;
    let mut level1 = Vec::new();
    for (index, fragment) in fragments.iter().enumerate() {
        let mut plain = fragment.clone();
        (plain.tags_before, plain.tags_after) = (Vec::new(), Vec::new());
        let body = plain.encode();
        // What stands in the Segment, without its head; Info and Tracks of the first alone.
        let header = Element::master(ids::SEGMENT, []).sized(plain.segment_size).encode();
        let at = body.windows(header.len()).position(|bytes| bytes == header).expect("a Segment") + header.len();
        let inside = &body[at..];
        let cluster = Element::master(ids::CLUSTER, []).sized(Size::Unknown(1)).encode();
        let start = inside.windows(cluster.len()).position(|bytes| bytes == cluster).expect("a Cluster");
        level1.extend_from_slice(if index == 0 { inside } else { &inside[start..] });
    }
    let mut out = kineframe_testkit::encode(&elements);
    out.extend(Element::master(ids::SEGMENT, []).sized(Size::Unknown(8)).encode());
    out.extend(level1);
    out
}

pub async fn put(stream: &StreamHandle, body: Vec<u8>, piece: usize) -> Vec<(AckEvent, Option<FragmentNumber>)> {
    let mut put = stream.put_media(PutTimecodes::Absolute);
    let sender = put.sender;
    let sending = async move {
        for piece in body.chunks(piece) {
            if sender.send(Bytes::copy_from_slice(piece)).await.is_err() {
                return;
            }
        }
    };
    let taking = async {
        let mut acks = Vec::new();
        while let Some(ack) = put.acks.next().await {
            let ack = ack.expect("an acknowledgement");
            acks.push((ack.event, ack.fragment_number));
        }
        acks
    };
    tokio::join!(sending, taking).1
}

/// Numbers of the fragments of a body, with their payloads; errors in band by their id.
pub fn told(body: &[u8]) -> Vec<(Option<FragmentNumber>, Vec<Bytes>, Option<i64>)> {
    let mut splitter = Splitter::new(Splitting::default());
    splitter.push(Bytes::copy_from_slice(body));
    splitter.finish();
    let (mut fragments, mut frames) = (Vec::new(), Vec::new());
    while let Some(event) = splitter.next_event().expect("not strict") {
        match event {
            Event::Frame(frame) => frames.push(frame.data),
            Event::Finished(tail) => {
                let error = tail.error.as_ref().and_then(|error| error.id);
                fragments.push((tail.head.number.clone(), std::mem::take(&mut frames), error));
            }
            Event::Damage(damage) => panic!("{damage:?}"),
            _ => {}
        }
    }
    fragments
}

/// A stored GetMedia body as its producer sent it: one Segment, without the tags of the service.
pub fn as_produced(body: &[u8]) -> Vec<u8> {
    let id = |bytes: &[u8], id: u32| bytes.windows(4).position(|window| window == id.to_be_bytes());
    let ebml = 0x1A45_DFA3;
    let (mut out, mut rest) = (Vec::new(), body);
    while !rest.is_empty() {
        let end = id(&rest[4..], ebml).map_or(rest.len(), |at| at + 4);
        let (document, behind) = rest.split_at(end);
        let cluster = id(document, ids::CLUSTER).expect("a Cluster");
        if out.is_empty() {
            out.extend_from_slice(&document[..id(document, ids::TAGS).map_or(cluster, |at| at.min(cluster))]);
        }
        let closing = document.windows(4).rposition(|window| window == ids::TAGS.to_be_bytes());
        out.extend_from_slice(&document[cluster..closing.filter(|at| *at > cluster).unwrap_or(document.len())]);
        rest = behind;
    }
    out
}

pub fn payloads(first: u64, count: u64) -> Vec<Vec<Bytes>> {
    let fragments = (first..first + count).map(Fragment::new);
    fragments.map(|made| made.frames.iter().map(|frame| Bytes::from(frame.payload.clone())).collect()).collect()
}
