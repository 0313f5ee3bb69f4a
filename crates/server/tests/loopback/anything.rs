//! Anything that a stranger may send.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use kineframe_server::{Data, Server, fuzzing};
use kineframe_testkit::flipped;
use proptest::prelude::*;
use serde_json::json;

use crate::common::{Client, fragments, options, producer_body};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn damaged_bodies(piece in 0u8..=255, bits in proptest::collection::vec(0usize..30_000, 0..4), end in 0usize..4000) {
        let mut body = producer_body(&fragments(3)).bytes;
        body.truncate(end.max(1));
        for bit in bits {
            body = flipped(&body, bit / 8 % body.len(), (bit % 8) as u32);
        }
        body.insert(0, piece);
        fuzzing::put_media(&body);
    }

    #[test]
    fn made_up_requests(head in "(/[ -~]{0,30}\n)?([ -~]{0,40}\n){0,4}\n", body in "[ -~]{0,80}") {
        fuzzing::requests(format!("{head}{body}").as_bytes());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_outlives_what_is_no_request() {
    let server = Server::start(options()).await.unwrap();
    let address = server.address();
    let mut long = b"POST /createStream HTTP/1.1\r\n".to_vec();
    long.extend(std::iter::repeat_n(b"a: b\r\n", 100_000).flatten());
    let requests: Vec<Vec<u8>> = vec![
        b"\0\0\0\0".to_vec(),
        b"GET /../../etc/passwd HTTP/1.1\r\nhost: localhost\r\n\r\n".to_vec(),
        b"GET /hls/v1/../../x?SessionToken=../.. HTTP/1.1\r\nhost: localhost\r\n\r\n".to_vec(),
        b"POST /createStream HTTP/1.1\r\ncontent-length: 99999999999999999999\r\n\r\n".to_vec(),
        b"POST /createStream HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n".to_vec(),
        b"POST /putMedia HTTP/1.1\r\nx-amzn-stream-name: \xff\r\ncontent-length: 3\r\n\r\nabc".to_vec(),
        b"PUT / HTTP/9.9\r\n\r\n".to_vec(),
        long,
    ];
    tokio::task::spawn_blocking(move || {
        for request in requests {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
            let _ = stream.write_all(&request);
            let mut answer = [0; 16];
            let count = stream.read(&mut answer).unwrap_or(0);
            assert!(
                !answer[..count].starts_with(b"HTTP/1.1 200"),
                "{:?}",
                String::from_utf8_lossy(&request[..40.min(request.len())])
            );
        }
    })
    .await
    .unwrap();
    let client = Client::new(&server);
    client.create("door", 0).await;
    assert_eq!(
        client.call("/describeStream", json!({ "StreamName": "door" })).await["StreamInfo"]["StreamName"],
        "door"
    );
    server.stop().await;
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream
}

/// The status of an answer; `None` where the connection is closed without one.
fn status(stream: &mut TcpStream) -> Option<u16> {
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).ok()?;
    std::str::from_utf8(&answer[9..]).unwrap().parse().ok()
}

/// What a client sends without end is not kept.
#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_end_is_refused() {
    let server = Server::start(options()).await.unwrap();
    let address = server.address();
    tokio::task::spawn_blocking(move || {
        // A header of a MiB.
        let mut stream = connect(address);
        let header = [b"POST /listStreams HTTP/1.1\r\nx: ".as_slice(), &vec![b'a'; 1 << 20], b"\r\n\r\n"].concat();
        let _ = stream.write_all(&header);
        assert!(matches!(status(&mut stream), Some(431) | None));

        // A body in chunks that never ends: it is broken off soon after 1 MiB.
        let mut stream = connect(address);
        stream.write_all(b"POST /listStreams HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n").unwrap();
        let chunk = [b"10000\r\n".as_slice(), &[b' '; 1 << 16], b"\r\n"].concat();
        let sent = (0..2000).take_while(|_| stream.write_all(&chunk).is_ok()).count();
        assert!(sent < 1000, "{sent} chunks of 64 KiB");

        // JSON that is deeper than any is, and longer than it may be.
        for (body, wanted) in [
            ("[".repeat(500_000), 400),
            (format!("{{\"StreamName\":{}", "{\"a\":".repeat(100_000)), 400),
            (" ".repeat(1 << 20), 400),
            (" ".repeat((1 << 20) + 1), 400),
        ] {
            let mut stream = connect(address);
            write!(stream, "POST /describeStream HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}", body.len())
                .unwrap();
            assert_eq!(status(&mut stream), Some(wanted), "{}", &body[..10]);
        }
    })
    .await
    .unwrap();
    server.stop().await;
}

/// Clients that send next to nothing do not keep others out for long.
#[tokio::test(flavor = "multi_thread")]
async fn slow_clients_are_left() {
    let mut options = options();
    options.request_time = Duration::from_millis(150);
    options.max_connections = 8;
    let server = Server::start(options).await.unwrap();
    let address = server.address();
    tokio::task::spawn_blocking(move || {
        let slow: Vec<TcpStream> = (0..8)
            .map(|index| {
                let mut stream = connect(address);
                let sent: &[u8] = match index % 4 {
                    0 => b"",
                    1 => b"P",
                    2 => b"POST /listStreams HTTP/1.1\r\nhost: x\r\n",
                    _ => b"POST /listStreams HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n{",
                };
                stream.write_all(sent).unwrap();
                stream
            })
            .collect();
        // The ninth waits for a place.
        let started = Instant::now();
        let mut ninth = connect(address);
        ninth
            .write_all(b"POST /listStreams HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
            .unwrap();
        assert_eq!(status(&mut ninth), Some(200));
        assert!(started.elapsed() >= Duration::from_millis(100), "{:?}", started.elapsed());
        for (index, mut stream) in slow.into_iter().enumerate() {
            let told = status(&mut stream);
            assert!(
                if index % 4 == 3 { told == Some(408) } else { matches!(told, None | Some(408)) },
                "{index}: {told:?}"
            );
            let mut rest = Vec::new();
            stream.read_to_end(&mut rest).unwrap(); // it is closed
        }
    })
    .await
    .unwrap();
    server.stop().await;
}

/// Files and folders below this one.
fn tree(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(tree(&path));
        }
        found.push(path.to_str().unwrap().to_owned());
    }
    found.sort();
    found
}

/// No name becomes a path.
#[tokio::test(flavor = "multi_thread")]
async fn names_do_not_lead_out_of_the_folder() {
    let above = tempfile::tempdir().unwrap();
    let folder = above.path().join("in").join("data");
    let mut options = options();
    options.data = Data::Folder(folder.clone());
    let server = Server::start(options).await.unwrap();
    let client = Client::new(&server);
    let body = producer_body(&fragments(1)).bytes;
    let long = "n".repeat(257);
    for name in ["../x", "..%2f", "%2e%2e", "..\\x", "/etc/passwd", "a\0", "", "a b", "ü", &long] {
        let (status, kind) = client.fails("/createStream", json!({ "StreamName": name })).await;
        assert_eq!((status, kind.as_str()), (400, "InvalidArgumentException"), "{name:?}");
    }
    // These are names, and no more than that.
    for name in ["..", ".", "...", "-rf", "con", &long[..256]] {
        client.create(name, 1).await;
        let acks = client.put_all(name, "RELATIVE", "1700000000", &body, 1 << 20).await;
        assert_eq!(acks.last().unwrap()["EventType"], "PERSISTED", "{name}");
        let (status, text) = crate::playing::get(&client, &format!("/page/fragments?stream={name}")).await;
        assert!(status == 200 && text.contains("\"frames\":"), "{name}: {status} {text}");
    }
    for path in [
        "/../../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/hls/v1/../../index.redb",
        "/page/../index.redb",
        "/index.redb",
        "/media",
    ] {
        let (status, _) = crate::playing::get(&client, path).await;
        assert!(matches!(status, 400 | 403 | 404), "{path}: {status}");
    }
    server.stop().await;
    let found = tree(above.path());
    let data = folder.to_str().unwrap();
    let outside: Vec<_> =
        found.iter().filter(|path| !path.starts_with(data) && !data.starts_with(path.as_str())).collect();
    assert!(outside.is_empty(), "{outside:?}");
    let strange = |path: &&String| {
        !path[data.len()..].bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/.".contains(&byte))
            || path.contains("..")
    };
    let inside: Vec<_> = found.iter().filter(|path| path.starts_with(data)).filter(strange).collect();
    assert!(inside.is_empty() && found.len() > 6, "{found:?}");
}
