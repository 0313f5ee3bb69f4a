//! Every call against the local service.

mod common;

use std::time::Duration;

use bytes::Bytes;
use common::{options, payloads, put, server, stream, told, upload};
use kineframe_fragment::{ContinuationToken, FragmentNumber, ProducerTimestamp};
use kineframe_source::{MediaSource, PieceStream, SourceErrorKind, StartSelector};
use kineframe_source_aws::{
    AckEvent, ArchiveOptions, Client, Clock, ErrorKind, Options, PutMedia, PutTimecodes, Quotas, RetryPolicy,
    StaticCredentials, TimeRange,
};

/// 2023-11-14T22:13:20Z, where testkit's fragments begin.
const START_MS: i128 = 1_700_000_000_000;

async fn read(mut pieces: PieceStream) -> Result<Vec<u8>, kineframe_source::SourceError> {
    let mut body = Vec::new();
    while let Some(piece) = std::future::poll_fn(|context| pieces.as_mut().poll_next(context)).await {
        body.extend_from_slice(&piece?);
    }
    Ok(body)
}

fn all_time() -> TimeRange {
    TimeRange { clock: Clock::Producer, from: 0, to: (START_MS + 1_000_000_000) * 1_000_000 }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_went_in_comes_out_of_every_call() {
    let server = server(|_| {}).await;
    let stream = stream(options(&server), "door").await;
    let acks = put(&stream, upload(0, 6), 1000).await;
    let persisted: Vec<FragmentNumber> = acks
        .iter()
        .filter(|(event, _)| *event == AckEvent::Persisted)
        .filter_map(|(_, number)| number.clone())
        .collect();
    assert_eq!(persisted.len(), 6, "{acks:?}");

    let entries = stream.list_fragments(all_time()).await.expect("a list");
    let listed: Vec<FragmentNumber> = entries.iter().map(|entry| entry.number.clone()).collect();
    assert_eq!(listed, persisted);
    assert_eq!(entries[0].producer_timestamp, Some(ProducerTimestamp(START_MS * 1_000_000)));

    let numbers = |body: &[u8]| told(body).into_iter().filter_map(|(number, ..)| number).collect::<Vec<_>>();
    let live = stream.get_media();
    let whole = read(live.open(&StartSelector::Earliest)).await.expect("a body");
    assert_eq!(numbers(&whole), persisted);
    assert_eq!(told(&whole).into_iter().map(|(_, frames, _)| frames).collect::<Vec<_>>(), payloads(0, 6));
    let token = ContinuationToken::new(persisted[3].as_str()).expect("a token");
    let selectors = [
        (StartSelector::AfterFragment(persisted[1].clone()), 2),
        (StartSelector::ContinuationToken(token), 4),
        (StartSelector::ProducerTimestamp(ProducerTimestamp((START_MS + 5_000) * 1_000_000)), 2),
    ];
    for (start, first) in selectors {
        let body = read(live.open(&start)).await.expect("a body");
        assert_eq!(numbers(&body), persisted[first..], "{start:?}");
    }

    // In the order of the list, whatever that is.
    let mut turned = persisted.clone();
    turned.reverse();
    let archive = stream.fragment_list(turned.clone(), ArchiveOptions::default());
    let body = read(archive.open(&StartSelector::Earliest)).await.expect("a body");
    assert_eq!(numbers(&body), turned);
    let rest = read(archive.open(&StartSelector::AfterFragment(turned[3].clone()))).await.expect("a body");
    assert_eq!(numbers(&rest), turned[4..]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_range_holds_the_fragment_that_reaches_in() {
    let server = server(|_| {}).await;
    let stream = stream(options(&server), "door").await;
    put(&stream, upload(0, 6), 4096).await;
    let nanos = |millis: i128| (START_MS + millis) * 1_000_000;
    let range = TimeRange { clock: Clock::Producer, from: nanos(4_500), to: nanos(8_000) };
    let starts = |entries: Vec<kineframe_source_aws::FragmentEntry>| {
        entries
            .iter()
            .filter_map(|entry| entry.start(Clock::Producer))
            .map(|at| at / 1_000_000 - START_MS)
            .collect::<Vec<_>>()
    };
    assert_eq!(starts(stream.list_overlapping(range).await.expect("a list")), [4_000, 6_000]);
    assert_eq!(starts(stream.list_fragments(range).await.expect("a list")), [6_000]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_lists_are_split_and_what_is_absent_is_told_in_its_place() {
    let server = server(|_| {}).await;
    let stream = stream(options(&server), "door").await;
    put(&stream, upload(0, 30), 60_000).await;
    let present: Vec<FragmentNumber> =
        stream.list_fragments(all_time()).await.expect("a list").into_iter().map(|entry| entry.number).collect();
    assert_eq!(present.len(), 30);
    let missing = FragmentNumber::new("91343852333181432392682062658249485133423434402").expect("a number");
    let mut wanted: Vec<FragmentNumber> = present.iter().cycle().take(300).cloned().collect();
    wanted.insert(17, missing.clone());
    let mut options = ArchiveOptions::default();
    (options.absent_tries, options.ahead) = (2, 10_000);
    let began = std::time::Instant::now();
    let body =
        read(stream.fragment_list(wanted.clone(), options).open(&StartSelector::Earliest)).await.expect("a body");
    let told = told(&body);
    assert_eq!(told.len(), wanted.len());
    for (index, ((number, frames, error), wanted)) in told.iter().zip(&wanted).enumerate() {
        assert_eq!(number.as_ref(), Some(wanted), "{index}");
        assert_eq!((error.is_some(), frames.is_empty()), (*wanted == missing, *wanted == missing), "{index}");
    }
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    server.stop().await;
}

/// A service that sends one piece of a body and then nothing, and tells when its client has gone.
fn silent() -> (String, std::sync::mpsc::Receiver<()>) {
    use std::io::{Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
    let (gone, seen) = std::sync::mpsc::channel();
    let own = endpoint.clone();
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let (mut connection, gone, own) = (connection.expect("a client"), gone.clone(), own.clone());
            std::thread::spawn(move || {
                let mut buffer = [0; 16 << 10];
                loop {
                    let length = connection.read(&mut buffer).unwrap_or(0);
                    let request = String::from_utf8_lossy(&buffer[..length]).into_owned();
                    if request.starts_with("POST /getDataEndpoint") {
                        let json = format!("{{\"DataEndpoint\":\"{own}\"}}");
                        let length = json.len();
                        let head =
                            format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}");
                        connection.write_all(format!("{head}\r\n\r\n{json}").as_bytes()).expect("an answer");
                    } else if request.starts_with("POST /getMedia") || request.starts_with("POST /putMedia") {
                        let head = "HTTP/1.1 200 OK\r\ncontent-type: video/webm\r\ntransfer-encoding: chunked";
                        let piece = if request.starts_with("POST /getMedia") { "4\r\nxxxx\r\n" } else { "" };
                        connection.write_all(format!("{head}\r\n\r\n{piece}").as_bytes()).expect("a piece");
                        // What comes next is the end, or a rest of the request.
                        while connection.read(&mut buffer).unwrap_or(0) > 0 {}
                        let _ = gone.send(());
                        return;
                    } else {
                        return;
                    }
                }
            });
        }
    });
    (endpoint, seen)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_ends_with_its_reader_also_while_nothing_comes() {
    let (endpoint, gone) = silent();
    let mut options = Options::default();
    (options.region, options.endpoint_url) = (Some("us-east-1".into()), Some(endpoint));
    let keys = StaticCredentials { access_key_id: "a".into(), secret_access_key: "b".into(), session_token: None };
    options.credentials = Some(keys);
    options.quotas = Quotas::default();
    options.quotas.get_media_connections = 1;
    let client = Client::new(options).await.expect("a region");
    let stream = client.stream("door".parse().expect("a name"));
    for _ in 0..3 {
        // One connection at a time is allowed on this side: each is given back when its reader goes.
        let mut pieces = stream.get_media().open(&StartSelector::Now);
        let piece = std::future::poll_fn(|context| pieces.as_mut().poll_next(context)).await;
        assert!(matches!(&piece, Some(Ok(piece)) if &piece[..] == b"xxxx"), "{piece:?}");
        drop(pieces);
        gone.recv_timeout(Duration::from_secs(5)).expect("the connection is closed, though nothing came on it");
    }
    // So does that of an upload, with the one that takes its acknowledgements.
    let PutMedia { sender, acks, .. } = stream.put_media(PutTimecodes::Absolute);
    sender.send(Bytes::from_static(b"media")).await.expect("the connection is open");
    assert!(gone.recv_timeout(Duration::from_millis(200)).is_err(), "the upload goes on");
    drop(acks);
    gone.recv_timeout(Duration::from_secs(5)).expect("the connection is closed, though the producer goes on");
    // Its producer is told, once what sent for it is gone as well.
    let told = async { while sender.send(Bytes::from_static(b"more")).await.is_ok() {} };
    tokio::time::timeout(Duration::from_secs(5), told).await.expect("the upload is over");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failures_are_told_by_kind() {
    let server = server(|_| {}).await;
    let client = Client::new(options(&server)).await.expect("a region");
    let nobody = client.stream("nobody".parse().expect("a name"));
    assert_eq!(nobody.describe().await.map_err(|error| error.kind), Err(ErrorKind::NotFound));
    let error = read(nobody.get_media().open(&StartSelector::Now)).await.expect_err("no such stream");
    assert!(matches!(error.kind, SourceErrorKind::Other { retry: false, .. }), "{error:?}");
    let number = FragmentNumber::new("1").expect("a number");
    let list = nobody.fragment_list(vec![number], ArchiveOptions::default());
    let error = read(list.open(&StartSelector::Earliest)).await.expect_err("no such stream");
    assert!(matches!(error.kind, SourceErrorKind::Other { retry: false, .. }), "{error:?}");
    assert!(error.to_string().contains("`kineframe streams` lists"), "{error}");
    let stream = stream(options(&server), "door").await;
    assert_eq!(stream.create(1, None).await.map_err(|error| error.kind), Err(ErrorKind::InUse));
    let acks = put(&stream, b"this is no Matroska at all, not even an EBML Header".to_vec(), 7).await;
    assert!(matches!(acks.last(), Some((AckEvent::Error, None))), "{acks:?}");
    stream.delete().await.expect("it goes");
    assert_eq!(stream.describe().await.map_err(|error| error.kind), Err(ErrorKind::NotFound));
    let endpoint = server.endpoint().to_owned();
    server.stop().await;
    let mut gone = Options::default();
    (gone.region, gone.endpoint_url) = (Some("us-east-1".into()), Some(endpoint));
    gone.retry = RetryPolicy::never();
    gone.credentials =
        Some(StaticCredentials { access_key_id: "a".into(), secret_access_key: "b".into(), session_token: None });
    let client = Client::new(gone).await.expect("a region");
    assert_eq!(client.list_streams("").await.map_err(|error| error.kind), Err(ErrorKind::Network));
}

#[test]
fn programs_without_a_runtime_read_too() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("threads");
    let server = runtime.block_on(server(|_| {}));
    let options = options(&server);
    let client = Client::blocking(options).expect("a region");
    let stream = client.stream("door".parse().expect("a name"));
    client.block_on(stream.create(1, None)).expect("a new stream");
    client.block_on(put(&stream, upload(0, 2), 512));
    let body: Vec<u8> = stream
        .get_media()
        .open_blocking(&StartSelector::Earliest)
        .flat_map(|piece| piece.expect("a piece").to_vec())
        .collect();
    assert_eq!(told(&body).len(), 2);
    runtime.block_on(server.stop());
}
