//! Many producers and readers at once: no byte is lost, and each frame comes out at once.
//!
//! By default a small crowd for a moment; with `KINEFRAME_CROWD=SECONDS` (`cargo xtask crowd`) the whole of it: twenty
//! producers of 4 Mbit/s and sixty readers, with a data folder.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use http_body_util::BodyExt;
use kineframe_fragment::{Event, Options as Splitting, Splitter};
use kineframe_server::{Data, Limits, Options, Server};
use kineframe_testkit::{Fragment, Frame, Rng};
use serde_json::json;
use tokio::time::sleep_until;

use crate::common::{Client, producer_body};

/// Frames of a fragment, which lasts a second.
const RATE: u64 = 25;
/// Bytes of a frame: 4 Mbit/s.
const FRAME: usize = 4_000_000 / 8 / RATE as usize;
/// GetMedia connections of a stream.
const READERS: usize = 3;

/// What a frame holds behind its sender and its number.
static NOISE: LazyLock<Vec<u8>> = LazyLock::new(|| Rng::new(7).bytes(FRAME + 251));

/// The bytes of a frame: no two are the same.
fn payload(producer: u64, index: u64) -> Vec<u8> {
    let mut payload = [producer.to_be_bytes(), index.to_be_bytes()].concat();
    payload.extend_from_slice(noise(producer, index));
    payload
}

fn noise(producer: u64, index: u64) -> &'static [u8] {
    let start = ((index * 7 + producer * 31) % 251) as usize;
    &NOISE[start..start + FRAME - 16]
}

/// When frames were sent, in microseconds since the beginning.
struct Sent {
    began: Instant,
    at: Vec<AtomicU64>,
}

/// A fragment's bytes as its producer sends them, cut behind each frame.
fn pieces(producer: u64, fragment: u64) -> Vec<Vec<u8>> {
    let mut whole = Fragment::new(fragment);
    whole.cluster_timestamp = Some(1000 * fragment);
    let frame = |n: u64| Frame::new(1, (1000 * n / RATE) as i16, n == 0, payload(producer, fragment * RATE + n));
    whole.frames = (0..RATE).map(frame).collect();
    let body = producer_body(&[whole]);
    let mut rest = &body.bytes[if fragment == 0 { 0 } else { body.clusters[0] }..];
    let mut pieces = Vec::new();
    for n in 0..RATE {
        let stamp = [producer.to_be_bytes(), (fragment * RATE + n).to_be_bytes()].concat();
        let start = rest.windows(16).position(|window| window == stamp).unwrap();
        let (piece, behind) = rest.split_at(start + FRAME);
        pieces.push(piece.to_vec());
        rest = behind;
    }
    pieces.push(rest.to_vec());
    pieces
}

async fn produce(client: &Client, producer: u64, fragments: u64, sent: &Sent) {
    let mut put = client.put(&format!("s{producer}"), "RELATIVE", "1700000000").await;
    let sender = put.sender.take().unwrap();
    let sending = async {
        for fragment in 0..fragments {
            for (n, piece) in pieces(producer, fragment).into_iter().enumerate() {
                let index = fragment * RATE + n as u64;
                // At real speed, each producer a little later than the one before.
                let due = Duration::from_millis(1000 * index / RATE) + Duration::from_micros(1700 * producer);
                sleep_until((sent.began + due).into()).await;
                if let Some(at) = sent.at.get(index as usize).filter(|_| n < RATE as usize) {
                    at.store(sent.began.elapsed().as_micros() as u64, Ordering::Release);
                }
                sender.send(piece.into()).await.unwrap();
            }
        }
        drop(sender);
    };
    let ((), acks) = tokio::join!(sending, put.rest());
    let persisted = acks.iter().filter(|ack| ack["EventType"] == "PERSISTED").count() as u64;
    assert_eq!(persisted, fragments, "{:?}", acks.last());
}

/// Reads all frames of a producer and returns how long after it was sent each came, in microseconds.
async fn read(client: &Client, producer: u64, frames: u64, sent: &Sent) -> Vec<u64> {
    let selector = json!({ "StartSelectorType": "NOW" });
    let answer =
        client.open("/getMedia", json!({ "StreamName": format!("s{producer}"), "StartSelector": selector })).await;
    assert_eq!(answer.status(), 200);
    let mut body = answer.into_body();
    let mut splitter = Splitter::new(Splitting::default());
    let mut waits = Vec::new();
    while (waits.len() as u64) < frames {
        let frame = tokio::time::timeout(Duration::from_secs(30), body.frame()).await.expect("it goes on");
        let Ok(data) = frame.expect("more").expect("whole").into_data() else { continue };
        splitter.push(data);
        while let Some(event) = splitter.next_event().unwrap() {
            match event {
                Event::Frame(frame) => {
                    let index = waits.len() as u64;
                    let (stamp, rest) = frame.data.split_at(16);
                    assert_eq!(
                        stamp,
                        [producer.to_be_bytes(), index.to_be_bytes()].concat(),
                        "frame {index} of {producer}"
                    );
                    assert!(rest == noise(producer, index), "frame {index} of {producer}");
                    let now = sent.began.elapsed().as_micros() as u64;
                    waits.push(now.saturating_sub(sent.at[index as usize].load(Ordering::Acquire)));
                }
                Event::Damage(damage) => panic!("{damage:?}"),
                _ => {}
            }
        }
    }
    waits
}

/// A figure of this process: a line of `/proc/self/status` in KiB.
fn status(name: &str) -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    text.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}

async fn crowd(options: Options, producers: u64, seconds: u64) {
    let server = Server::start(options).await.unwrap();
    let client = Client::new(&server);
    for producer in 0..producers {
        client.create(&format!("s{producer}"), 1).await;
    }
    let frames = seconds * RATE;
    // The readers are there before anything comes.
    let began = Instant::now() + Duration::from_millis(200);
    let (mut sending, mut reading) = (tokio::task::JoinSet::new(), tokio::task::JoinSet::new());
    for producer in 0..producers {
        let sent = Arc::new(Sent { began, at: (0..frames).map(|_| AtomicU64::new(0)).collect() });
        for _ in 0..READERS {
            let (client, sent) = (Client::new(&server), Arc::clone(&sent));
            reading.spawn(async move { read(&client, producer, frames, &sent).await });
        }
        let client = Client::new(&server);
        sending.spawn(async move { produce(&client, producer, seconds, &sent).await });
    }
    sending.join_all().await;
    let mut waits: Vec<u64> = reading.join_all().await.concat();
    waits.sort_unstable();
    assert_eq!(waits.len() as u64, producers * READERS as u64 * frames);
    let millis = |part: usize| waits[(waits.len() - 1) * part / 1000] as f64 / 1000.0;
    println!(
        "{producers} producers and {} readers of 4 Mbit/s for {seconds} s: {} frames sent, {} read, none lost; from sent to read \
         {:.1} ms in the middle, {:.1} ms for 99 of 100, {:.1} ms at most; {:.1} s of work on the clock, memory at most {} MiB",
        producers * READERS as u64,
        producers * frames,
        waits.len(),
        millis(500),
        millis(990),
        millis(1000),
        began.elapsed().as_secs_f64(),
        status("VmHWM:").unwrap_or(0) >> 10,
    );
    for producer in 0..producers {
        let usage = server.usage(&format!("s{producer}")).unwrap().of("GetMedia");
        assert_eq!(usage.most_connections, READERS, "{usage:?}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_frame_is_lost_in_a_crowd() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = Options::default();
    options.data = Data::Folder(folder.path().to_owned());
    // As the service has them, but that all streams are made at once.
    options.limits = Limits::default();
    options.limits.account_calls = 1e9;
    options.idle_end = Duration::from_secs(10);
    match std::env::var("KINEFRAME_CROWD").ok().and_then(|text| text.parse().ok()) {
        Some(seconds) => crowd(options, 20, seconds).await,
        None => crowd(options, 4, 2).await,
    }
}
