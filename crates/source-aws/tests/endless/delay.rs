//! How long a frame takes from the server to its event.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use bytes::Bytes;
use kineframe_consumer::{Consumer, Item, Session, SessionOptions};
use kineframe_source::{MediaSource, StartSelector};
use kineframe_source_aws::PutTimecodes;
use kineframe_testkit::{Fragment, Frame};

use crate::common::{options, server, stream, upload_of};

const FRAGMENTS: u64 = 20;
const FRAMES: u64 = 25;

fn fragment(index: u64) -> Fragment {
    let mut made = Fragment::new(index);
    let frame = |n: u64| Frame::h264(1, 40 * n as i16, n == 0, if n == 0 { 20_000 } else { 3_000 }, index * FRAMES + n);
    made.frames = (0..FRAMES).map(frame).collect();
    made
}

/// Delays of frames, and of ends of fragments, in order of length.
fn delays() -> (Vec<Duration>, Vec<Duration>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("threads");
    let (server, door) = runtime.block_on(async {
        let server = server(|_| {}).await;
        let door = stream(options(&server), "door").await;
        (server, door)
    });
    let made: Vec<Fragment> = (0..FRAGMENTS).map(fragment).collect();
    let payloads: Vec<Vec<u8>> = made.iter().flat_map(|made| &made.frames).map(|frame| frame.payload.clone()).collect();
    let body = Bytes::from(upload_of(made));
    // Each piece ends with the last byte of a frame.
    let (mut pieces, mut from) = (Vec::new(), 0);
    for payload in &payloads {
        let end = from + body[from..].windows(payload.len()).position(|bytes| bytes == payload).expect("it is there");
        pieces.push(body.slice(from..end + payload.len()));
        from = end + payload.len();
    }
    let producer = door.clone();
    let producing = runtime.spawn(async move {
        let mut put = producer.put_media(PutTimecodes::Absolute);
        let mut sent = Vec::new();
        for piece in pieces {
            tokio::time::sleep(Duration::from_millis(4)).await;
            // A little before the server has it: the way there counts as well.
            sent.push(Instant::now());
            put.sender.send(piece).await.expect("the connection stands");
        }
        drop(put.sender);
        while put.acks.next().await.is_some() {}
        sent
    });
    let session = Session::new(door.get_media(), SessionOptions::default());
    let monitor = session.monitor();
    let (mut frames, mut ends) = (HashMap::new(), Vec::new());
    for item in Consumer::of_pieces(session.open_blocking(&StartSelector::Earliest)).without_bytes() {
        match item.expect("a session goes on") {
            Item::Frame(frame) => drop(frames.insert(frame.data.to_vec(), Instant::now())),
            Item::Fragment(_) => {
                ends.push(Instant::now());
                if ends.len() as u64 == FRAGMENTS {
                    monitor.finish_when_idle();
                }
            }
            _ => {}
        }
    }
    let sent = runtime.block_on(producing).expect("the producer ends");
    let mut delays: Vec<Duration> =
        payloads.iter().zip(&sent).map(|(payload, sent)| frames[payload].saturating_duration_since(*sent)).collect();
    // A Cluster of unknown size ends where the next one begins, in the piece of that one's first frame.
    let next = sent.iter().step_by(FRAMES as usize).skip(1);
    let mut ends: Vec<Duration> =
        ends.iter().zip(next).map(|(end, next)| end.saturating_duration_since(*next)).collect();
    delays.sort();
    ends.sort();
    runtime.block_on(server.stop());
    (delays, ends)
}

#[test]
fn a_frame_is_told_two_milliseconds_after_its_last_byte() {
    let _alone = crate::alone();
    let mut least = Duration::MAX;
    // A machine that has other things to do may have to be asked again.
    for _ in 0..3 {
        let (frames, ends) = delays();
        let at = |delays: &[Duration], part: f64| delays[(delays.len() as f64 * part) as usize];
        let profile = if cfg!(debug_assertions) { "dev" } else { "release" };
        println!(
            "delay of {} frames ({profile}): median {:?}, 90 % {:?}, 99 % {:?}, most {:?}; of ends of fragments: median {:?}",
            frames.len(),
            at(&frames, 0.5),
            at(&frames, 0.9),
            at(&frames, 0.99),
            frames[frames.len() - 1],
            at(&ends, 0.5),
        );
        least = least.min(at(&frames, 0.5)).max(Duration::from_nanos(1));
        if least < Duration::from_millis(2) && at(&ends, 0.5) < Duration::from_millis(4) {
            return;
        }
    }
    panic!("the median of a frame's delay is {least:?}");
}
