//! A reader that is slower than its stream.

use std::time::Duration;

use bytes::Bytes;
use kineframe_consumer::{Consumer, Item, Session, SessionNotice, SessionOptions, SlowReader, Until};
use kineframe_source::{MediaSource, StartSelector};
use kineframe_source_aws::{AckEvent, PutTimecodes};
use kineframe_testkit::{Fragment, Frame};

use crate::common::{options, server, stream, upload_of};

const FRAGMENTS: u64 = 80;
const FRAMES: u64 = 12;
const FRAME: usize = 40_000;

/// Fragments of a key frame and others that are built on it.
fn fragment(index: u64) -> Fragment {
    let mut made = Fragment::new(index);
    let frame = |n: u64| Frame::h264(1, 100 * n as i16, n == 0, FRAME, index * FRAMES + n);
    made.frames = (0..FRAMES).map(frame).collect();
    made
}

#[test]
fn a_reader_that_is_behind_gets_key_frames_until_it_has_caught_up() {
    let _alone = crate::alone();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("threads");
    let (server, door) = runtime.block_on(async {
        let server = server(|options| options.idle_end = Duration::from_millis(400)).await;
        let mut options = options(&server);
        options.quotas.calls_per_second = 1000.0;
        let door = stream(options, "door").await;
        (server, door)
    });
    // Twenty fragments a second, as a camera would send them.
    let producer = door.clone();
    let producing = runtime.spawn(async move {
        let body = upload_of((0..FRAGMENTS).map(fragment).collect());
        let mut put = producer.put_media(PutTimecodes::Absolute);
        let sending = async {
            let mut clock = tokio::time::interval(Duration::from_millis(50));
            for piece in body.chunks(body.len().div_ceil(FRAGMENTS as usize)) {
                clock.tick().await;
                put.sender.send(Bytes::copy_from_slice(piece)).await.expect("the connection stands");
            }
            drop(put.sender);
        };
        let taking = async {
            let mut persisted = 0;
            while let Some(ack) = put.acks.next().await {
                persisted += u64::from(ack.expect("an acknowledgement").event == AckEvent::Persisted);
            }
            persisted
        };
        tokio::join!(sending, taking).1
    });
    let mut options = SessionOptions::default();
    options.until = Until::Stopped;
    options.idle_pause = Duration::from_millis(5);
    options.slow_reader = SlowReader::KeyFrames(Duration::from_millis(300));
    let session = Session::new(door.get_media(), options);
    let monitor = session.monitor();
    let (mut got, mut most_waiting) = (vec![Vec::new(); FRAGMENTS as usize], 0);
    let mut producing = Some(producing);
    let frames = |index: u64| fragment(index).frames.into_iter().map(|frame| frame.payload).collect::<Vec<_>>();
    let mut index = 0;
    let pieces = session.open_blocking(&StartSelector::Earliest);
    for item in Consumer::of_pieces(pieces).without_bytes() {
        match item.expect("a session goes on") {
            Item::Started(head) => {
                let millis = head.producer_timestamp.and_then(|at| at.as_millis()).expect("a time");
                index = (millis / 1000 - 1_700_000_000) as usize / 2;
            }
            Item::Frame(frame) => {
                got[index].push(frame.data);
                // Every frame would take 80 × 12 × 12 ms: three times as long as they come.
                std::thread::sleep(Duration::from_millis(12));
                let sent = server.usage("door").expect("the stream").of("GetMedia").bytes;
                most_waiting = most_waiting.max(sent.saturating_sub(monitor.report().bytes));
            }
            Item::Damage(damage) => panic!("{damage:?}"),
            _ => {}
        }
        if let Some(done) = producing.take_if(|producing| producing.is_finished()) {
            assert_eq!(runtime.block_on(done).expect("it ends"), FRAGMENTS);
            monitor.finish_when_idle();
        }
    }
    let report = monitor.report();
    let received: u64 = got.iter().map(|frames| frames.len() as u64).sum();
    println!("{received} frames of {}, at most {most_waiting} bytes on the way; {report:?}", FRAGMENTS * FRAMES);
    for (index, got) in (0u64..).zip(&got) {
        let sent = frames(index);
        let only_key = got.len() == 1 && got[0] == sent[0];
        assert!(only_key || *got == sent, "fragment {index}: {} frames", got.len());
    }
    assert_eq!(received + report.frames_left_out, FRAGMENTS * FRAMES);
    assert_eq!((report.fragments, report.gaps), (FRAGMENTS, 0));
    let notices = monitor.take_notices();
    let behind = notices.iter().filter(|notice| matches!(notice, SessionNotice::Behind { .. })).count();
    let caught_up: Vec<_> = notices
        .iter()
        .filter_map(|notice| match notice {
            SessionNotice::CaughtUp(left_out) => Some(left_out),
            _ => None,
        })
        .collect();
    assert!(!caught_up.is_empty() && behind - caught_up.len() <= 1, "{notices:?}");
    let told: u64 = caught_up.iter().map(|left_out| left_out.frames).sum();
    assert!(told > 0 && told <= report.frames_left_out, "{notices:?} {report:?}");
    // What the sockets of this machine hold, and little else; the stream is 38 MB.
    assert!(most_waiting < 20_000_000, "{most_waiting}");
    runtime.block_on(server.stop());
}
