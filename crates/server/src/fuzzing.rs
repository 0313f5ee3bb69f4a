//! Fuzz bodies: what a stranger sends, and what must hold whatever it is.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::watch;

use crate::api::{archive, clip, control, get_media, hls, images};
use crate::auth::{Guard, Payload};
use crate::http::peer::Peer;
use crate::ingest::{DocumentStep, Documents, Facts, Identity, Ingest, IngestLimits, Step};
use crate::limits::Limits;
use crate::moves::{Door, Moves};
use crate::names::{StreamArn, is_stream_name};
use crate::options::{Auth, Options};
use crate::server::serve;
use crate::service::Service;

/// A PutMedia body: the first byte is the size of its pieces, the rest is sent twice, in one piece and in such ones.
///
/// # Panics
/// The two ways give other fragments, or a fragment is told out of order.
pub fn put_media(data: &[u8]) {
    let Some((size, body)) = data.split_first() else { return };
    let whole = fragments(body, body.len().max(1));
    let pieces = fragments(body, usize::from(*size).max(1));
    assert_eq!(whole, pieces, "a body in pieces of {size} bytes");
}

/// Head, bytes and facts of each fragment; an open one at the end has no facts.
fn fragments(body: &[u8], size: usize) -> Vec<(Bytes, Vec<u8>, Option<Facts>)> {
    let limits = IngestLimits { fragment_bytes: 1 << 20, ..IngestLimits::default() };
    let mut ingest = Ingest::new(limits);
    let (mut all, mut open, mut failed) = (Vec::new(), None, false);
    let mut steps = |ingest: &mut Ingest| {
        while let Some(step) = ingest.next_step() {
            assert!(!failed, "a step after the failure: {step:?}");
            match step {
                Step::Started(start) => {
                    assert!(open.is_none() && !start.head.is_empty());
                    open = Some((start.head, Vec::new()));
                }
                Step::Media(bytes) => {
                    let open: &mut (Bytes, Vec<u8>) = open.as_mut().expect("media of an open fragment");
                    bytes.iter().for_each(|bytes| open.1.extend_from_slice(bytes));
                }
                Step::Finished(facts) => {
                    let (head, bytes) = open.take().expect("the end of an open fragment");
                    all.push((head, bytes, Some(facts)));
                }
                // How much of a fragment came before its failure depends on the pieces.
                Step::Failed { .. } => (failed, open) = (true, None),
            }
        }
    };
    for piece in body.chunks(size) {
        ingest.push(Bytes::copy_from_slice(piece));
        steps(&mut ingest);
    }
    ingest.finish();
    steps(&mut ingest);
    all
}

/// A GetMedia body that is relayed: the first byte is the size of its pieces, the rest is read twice, in one piece and
/// in such ones.
///
/// # Panics
/// The two ways give other fragments, or something is told out of order.
pub fn media_body(data: &[u8]) {
    let Some((size, body)) = data.split_first() else { return };
    let whole = documents(body, body.len().max(1));
    assert_eq!(whole, documents(body, usize::from(*size).max(1)), "a body in pieces of {size} bytes");
}

/// What is told of each whole fragment before its media, its bytes, and its facts.
pub(crate) fn documents(body: &[u8], size: usize) -> Vec<(Identity, Vec<u8>, Facts)> {
    let mut documents = Documents::new(1 << 20);
    let (mut all, mut open) = (Vec::new(), None);
    let mut steps = |documents: &mut Documents| {
        while let Some(step) = documents.next_step() {
            match step {
                DocumentStep::Started(identity) => {
                    assert!(open.is_none(), "a fragment within a fragment");
                    open = Some((identity, Vec::new()));
                }
                DocumentStep::Media(bytes) => {
                    let open: &mut (Identity, Vec<u8>) = open.as_mut().expect("media of an open fragment");
                    bytes.iter().for_each(|bytes| open.1.extend_from_slice(bytes));
                }
                DocumentStep::Finished(facts) => {
                    let (identity, bytes) = open.take().expect("the end of an open fragment");
                    all.push((identity, bytes, facts));
                }
                DocumentStep::Broken => assert!(open.take().is_some(), "the end of an open fragment"),
                DocumentStep::Refused { .. } => assert!(open.is_none(), "an error within a fragment"),
            }
        }
    };
    for piece in body.chunks(size) {
        documents.push(Bytes::copy_from_slice(piece));
        steps(&mut documents);
    }
    documents.finish();
    steps(&mut documents);
    all
}

/// Bytes of all answers on a connection, at most.
const ANSWERS: u64 = 64 << 20;

/// A connection, through all of HTTP: the first byte says whether requests must be signed, the rest is what the client
/// sends before it closes its side.
///
/// # Panics
/// An answer is none of HTTP, a stream has a name that none can have, or someone without the secret changed something.
pub fn connection(data: &[u8]) {
    let Some((first, sent)) = data.split_first() else { return };
    let signed = first & 1 == 1;
    let short = Duration::from_millis(2);
    let keys = || Auth::SigV4 { access_key_id: "AKID".into(), secret_access_key: "secret".into() };
    let options = Options {
        limits: Limits::none(),
        auth: if signed { keys() } else { Auth::Off },
        idle_end: short,
        put_idle_ack: short,
        put_idle_end: 2 * short,
        session_end: 20 * short,
        request_time: 20 * short,
        ..Options::default()
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(async {
        let (_stop, stopping) = watch::channel(false);
        let service = Arc::new(Service::new(options, stopping, None, Vec::new(), Moves::new().0));
        let make = br#"{"StreamName":"door","DataRetentionInHours":1}"#;
        assert!(control::answer(&service, "/createStream", make, "").await.is_ok());
        let (client, socket) = tokio::io::duplex(64 << 10);
        tokio::spawn(serve(socket, Peer::default(), Door::HOME, Arc::clone(&service)));
        let (reader, mut writer) = tokio::io::split(client);
        let send = async {
            // The server may be done with it before it has read all.
            let _ = (writer.write_all(sent).await, writer.shutdown().await);
        };
        let (mut answers, mut reader) = (Vec::new(), reader.take(ANSWERS));
        let receive = async { drop(reader.read_to_end(&mut answers).await) };
        tokio::join!(send, receive);
        assert!(answers.is_empty() || answers.starts_with(b"HTTP/1."), "{:?}", answers.get(..40));
        assert!((answers.len() as u64) < ANSWERS, "an answer without end");
        let names: Vec<_> = service.streams(|_| true).iter().map(|stream| stream.settings().name.clone()).collect();
        assert!(names.iter().all(|name| is_stream_name(name)), "{names:?}");
        assert!(!signed || names == ["door"], "{names:?}");
    });
}

/// A request: each line is the value of a header, what follows an empty line is the body. It is sent to every call.
pub fn requests(data: &[u8]) {
    let end = data.windows(2).position(|window| window == b"\n\n");
    let (head, body) = data.split_at(end.map_or(data.len(), |end| end + 2));
    let head = String::from_utf8_lossy(head);
    let mut lines = head.lines();
    for text in lines.clone() {
        let _ = (text.parse::<crate::Fault>(), StreamArn::parse(text));
    }
    let mut request = hyper::Request::post(lines.next().filter(|uri| uri.starts_with('/')).unwrap_or("/"));
    for (name, value) in ["host", "authorization", "x-amz-date", "x-amz-content-sha256"].into_iter().zip(lines) {
        request = request.header(name, value);
    }
    if let Ok(request) = request.body(()) {
        let auth = Auth::SigV4 { access_key_id: "AKID".into(), secret_access_key: "secret".into() };
        let guard = Guard::new(auth, "us-east-1".into());
        let (parts, ()) = request.into_parts();
        // Who does not know the secret gets nowhere.
        assert!(guard.check(&parts, Payload::Whole(body), 0).is_err());
        assert!(guard.check(&parts, Payload::Streamed, 0).is_err());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(async {
        let (_stop, stopping) = watch::channel(false);
        let service = Service::new(Options::default(), stopping, None, Vec::new(), Moves::new().0);
        let make = br#"{"StreamName":"door","DataRetentionInHours":1}"#;
        assert!(control::answer(&service, "/createStream", make, "").await.is_ok());
        let peer = Peer::default();
        let _ = (get_media::get_media(&service, body, &peer), archive::list_fragments(&service, body));
        let _ = (archive::get_media_for_fragment_list(&service, body, &peer), clip::get_clip(&service, body).await);
        let _ = images::get_images(&service, body).await;
        let _ = hls::get_url(&service, body, "localhost");
        let _ = crate::hls::answer(&service.sessions, "getMP4MediaFragment.mp4", &head).await;
        let _ = crate::page::answer(&service, "/page/fragments", &head, "localhost");
        for (path, _) in control::CALLS {
            let _ = control::answer(&service, path, body, &head).await;
        }
    });
}
