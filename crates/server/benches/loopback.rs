//! A stream in by PutMedia and out by GetMedia, over loopback.

use std::hint::black_box;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kineframe_server::{Limits, Options, Server};

/// Sends a request with `Connection: close` and returns all of the answer.
fn call(address: &str, path: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).expect("the server listens");
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n"
    );
    stream.write_all(head.as_bytes()).expect("sent");
    stream.write_all(body).expect("sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    answer
}

fn bench(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let mut options = Options::default();
    options.idle_end = Duration::from_millis(1);
    options.limits = Limits::none();
    let server = runtime.block_on(Server::start(options)).expect("a free port");
    let address = server.address().to_string();

    // One Segment out of a real capture's first fragment: its Cluster is what counts.
    let capture: &[u8] = include_bytes!("../../../testdata/captures/output_get_media.mkv");
    let second = capture[4..].windows(4).position(|window| window == [0x1A, 0x45, 0xDF, 0xA3]).expect("two") + 4;
    let tags = |from: usize| capture[from..].windows(4).position(|window| window == [0x12, 0x54, 0xC3, 0x67]);
    let end = (0..second).rev().find(|at| tags(*at) == Some(0)).expect("closing tags");
    let cluster = capture.windows(4).position(|window| window == [0x1F, 0x43, 0xB6, 0x75]).expect("a Cluster");
    let own = (0..cluster).rev().find(|at| tags(*at) == Some(0)).expect("tags");
    let body = [&capture[..own], &capture[cluster..end]].concat();
    let put = "x-amzn-stream-name: bench\r\nx-amzn-fragment-timecode-type: RELATIVE\r\n\
               x-amzn-producer-start-timestamp: 1\r\n";

    let mut group = criterion.benchmark_group("loopback");
    group.throughput(Throughput::Bytes(body.len() as u64));
    group.sample_size(20);
    call(&address, "/createStream", "", br#"{"StreamName":"bench"}"#);
    group.bench_function("put", |bencher| {
        bencher.iter(|| black_box(call(&address, "/putMedia", put, &body)));
    });
    call(&address, "/createStream", "", br#"{"StreamName":"read"}"#);
    call(&address, "/putMedia", &put.replace("bench", "read"), &body);
    let get = br#"{"StreamName":"read","StartSelector":{"StartSelectorType":"EARLIEST"}}"#;
    group.bench_function("get", |bencher| bencher.iter(|| black_box(call(&address, "/getMedia", "", get))));
    group.finish();
    runtime.block_on(server.stop());
}

criterion_group!(benches, bench);
criterion_main!(benches);
