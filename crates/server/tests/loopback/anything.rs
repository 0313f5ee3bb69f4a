//! Anything that a stranger may send.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use kineframe_server::{Server, fuzzing};
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
