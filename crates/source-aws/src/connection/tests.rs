//! What goes over the wire, with proxies and without.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener};
use std::sync::mpsc::{Receiver, channel};

use super::*;

/// Listens once: answers what it is sent with each of `answers` in turn, says no more, and tells what it was sent.
fn listen(answers: &'static [&'static str]) -> (SocketAddr, Receiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    let (sender, sent) = channel();
    std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().expect("a client");
        let mut buffer = [0; 4096];
        for answer in answers {
            let length = socket.read(&mut buffer).expect("a request");
            sender.send(buffer[..length].to_vec()).expect("somebody listens");
            socket.write_all(answer.as_bytes()).expect("an answer");
        }
        socket.shutdown(Shutdown::Write).expect("an open socket");
        let length = socket.read(&mut buffer).unwrap_or(0);
        let _ = sender.send(buffer[..length].to_vec());
    });
    (address, sent)
}

fn connections(proxies: Matcher) -> OwnConnections {
    OwnConnections(Arc::new(Inner { connect_timeout: Duration::from_secs(5), proxies, tls: OnceLock::new() }))
}

fn post(to: &str) -> HttpRequest {
    let request = Request::post(to).body(SdkBody::from("body")).expect("a request");
    HttpRequest::try_from(request).expect("a request of the SDK's")
}

async fn body(response: HttpResponse) -> Vec<u8> {
    let mut body = aws_smithy_types::byte_stream::ByteStream::new(response.into_body());
    let mut whole = Vec::new();
    while let Some(piece) = body.next().await {
        whole.extend_from_slice(&piece.expect("a piece"));
    }
    whole
}

fn lower(sent: Vec<u8>) -> String {
    String::from_utf8(sent).expect("text").to_ascii_lowercase()
}

const YES: &str = "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nyes";

#[tokio::test]
async fn a_server_is_told_its_host_and_the_path() {
    let (address, sent) = listen(&[YES]);
    let own = connections(Matcher::builder().build());
    let response = own.answer(post(&format!("http://{address}/getMedia?a=b"))).await.expect("an answer");
    assert_eq!((response.status().as_u16(), body(response).await), (200, b"yes".to_vec()));
    let request = lower(sent.recv().expect("a request"));
    assert!(request.starts_with("post /getmedia?a=b http/1.1\r\n"), "{request}");
    assert!(request.contains(&format!("\r\nhost: {address}\r\n")), "{request}");
    // The answer is gone, and its connection with it.
    assert_eq!(sent.recv().expect("the end"), b"");
}

#[tokio::test]
async fn a_proxy_is_told_the_whole_address() {
    let (address, sent) = listen(&[YES]);
    let own = connections(Matcher::builder().http(format!("http://user:word@{address}")).build());
    let response = own.answer(post("http://media.example/getMedia")).await.expect("an answer");
    assert_eq!(body(response).await, b"yes");
    let request = lower(sent.recv().expect("a request"));
    assert!(request.starts_with("post http://media.example/getmedia http/1.1\r\n"), "{request}");
    assert!(request.contains("\r\nhost: media.example\r\n"), "{request}");
    assert!(request.contains("\r\nproxy-authorization: basic "), "{request}");
}

#[tokio::test]
async fn secrets_go_through_a_proxy_by_a_tunnel() {
    let (address, sent) = listen(&["HTTP/1.1 200 OK\r\n\r\n"]);
    let own = connections(Matcher::builder().https(format!("http://user:word@{address}")).build());
    if let Err(why) = own.0.with_tls(()) {
        println!("skipped: {why}");
        return;
    }
    let answer = own.answer(post("https://media.example/getMedia")).await;
    // The tunnel's other end hangs up on a greeting.
    assert!(answer.is_err_and(|error| error.is_io()));
    let request = lower(sent.recv().expect("a request"));
    assert!(request.starts_with("connect media.example:443 http/1.1\r\n"), "{request}");
    assert!(request.contains("\r\nproxy-authorization: basic "), "{request}");
    let greeting = sent.recv().expect("what comes through the tunnel");
    // RFC 8446, section 5.1: a record of type handshake, and the name of the server in it.
    assert_eq!(greeting.first(), Some(&22), "{greeting:?}");
    assert!(greeting.windows(13).any(|bytes| bytes == b"media.example"), "{greeting:?}");
}

#[tokio::test]
async fn who_cannot_be_reached_is_told_by_kind() {
    let own = connections(Matcher::builder().build());
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let refused = own.answer(post(&format!("http://{address}/"))).await;
    assert!(refused.is_err_and(|error| error.is_io()));
    let (address, _sent) = listen(&["HTTP/1.1 200 OK\r\ncontent-length: 30\r\n\r\nand no more"]);
    let response = own.answer(post(&format!("http://{address}/"))).await.expect("an answer");
    let mut body = aws_smithy_types::byte_stream::ByteStream::new(response.into_body());
    assert_eq!(body.next().await.expect("a piece").expect("a whole one"), &b"and no more"[..]);
    assert!(body.next().await.is_some_and(|piece| piece.is_err()));
}
