//! A consumer at twelve-fold speed: its memory, its descriptors, what it asks of the service.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use kineframe_consumer::{Consumer, Item, Session, SessionOptions};
use kineframe_server::{Options as ServerOptions, Server};
use kineframe_source::{MediaSource, StartSelector};
use kineframe_source_aws::{AckEvent, Client, Options, PutTimecodes, StaticCredentials};
use kineframe_testkit::{Fragment, Frame};

use crate::common::{stream, upload_of};
use crate::plot::{Line, svg};

/// How much faster than a camera.
const SPEED: f64 = 12.0;
/// Fragments of two seconds and 50 frames, one megabit a second.
const FRAMES: u64 = 50;
const FRAME: usize = 5_000;
/// Fragments of an upload, after which the camera pauses for longer than a read stays open.
const UPLOAD: u64 = 60;
const PAUSE: Duration = Duration::from_millis(600);

/// What tells a process that it is the service, and for how many seconds a camera sends to it.
const ASKED: &str = "KINEFRAME_TEST_HOUR";
const READY: &str = "serving at ";
const SENT: &str = "sent ";

fn fragment(index: u64) -> Fragment {
    let mut made = Fragment::new(index);
    made.frames = (0..FRAMES).map(|n| Frame::h264(1, 40 * n as i16, n == 0, FRAME, index * FRAMES + n)).collect();
    made
}

fn client_options(endpoint: &str) -> Options {
    let mut options = Options::default();
    options.region = Some("us-east-1".into());
    options.endpoint_url = Some(endpoint.to_owned());
    let keys = StaticCredentials { access_key_id: "A".into(), secret_access_key: "b".into(), session_token: None };
    options.credentials = Some(keys);
    options
}

/// The service and a camera, in a process of their own, where a test asks for it.
#[test]
fn serve_an_hour() {
    let Some(seconds) = std::env::var(ASKED).ok().and_then(|text| text.parse::<f64>().ok()) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("threads");
    let _server = runtime.block_on(async {
        // The service's own limits; its clocks, and what it takes of a camera, as much faster as that is.
        let mut options = ServerOptions::default();
        options.idle_end = Duration::from_millis(250);
        options.limits.put_fragments *= SPEED;
        options.limits.get_fragments *= SPEED;
        options.session_end = Duration::from_secs_f64(seconds.min(300.0) * 0.75);
        options.memory_bytes = 64 << 20;
        let server = Server::start(options).await.expect("a free port");
        let door = stream(client_options(server.endpoint()), "door").await;
        println!("{READY}{}", server.endpoint());
        let fragments = (seconds * SPEED / 2.0) as u64;
        let (mut next, mut persisted) = (0, 0);
        while next < fragments {
            let count = UPLOAD.min(fragments - next);
            let body = Bytes::from(upload_of((next..next + count).map(fragment).collect()));
            let mut put = door.put_media(PutTimecodes::Absolute);
            let pieces = count * 20;
            let sending = async {
                let mut clock = tokio::time::interval(Duration::from_secs_f64(2.0 / SPEED / 20.0));
                let size = body.len().div_ceil(pieces as usize);
                for at in (0..body.len()).step_by(size) {
                    clock.tick().await;
                    if put.sender.send(body.slice(at..body.len().min(at + size))).await.is_err() {
                        break;
                    }
                }
                drop(put.sender);
            };
            let taking = async {
                let mut persisted = 0;
                while let Some(Ok(ack)) = put.acks.next().await {
                    persisted += u64::from(ack.event == AckEvent::Persisted);
                }
                persisted
            };
            let stored = tokio::join!(sending, taking).1;
            // What the end of the connection cut is sent again.
            persisted += stored;
            next += stored;
            tokio::time::sleep(PAUSE).await;
        }
        println!("{SENT}{persisted}");
        server
    });
    let _ = std::io::stdin().read(&mut [0]);
    std::process::exit(0);
}

/// Resident memory of this process in MiB, its open descriptors, its threads.
fn sample() -> (f64, usize, usize) {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kib =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")).and_then(|rest| rest.split_whitespace().next());
    let count = |folder: &str| fs::read_dir(folder).map_or(0, Iterator::count);
    (
        kib.and_then(|kib| kib.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0,
        count("/proc/self/fd"),
        count("/proc/self/task"),
    )
}

/// Open descriptors once runtimes that were dropped have ended.
fn settled() -> usize {
    let (mut count, mut same) = (sample().1, 0);
    while same < 25 {
        std::thread::sleep(Duration::from_millis(20));
        let now = sample().1;
        (count, same) = if now == count { (count, same + 1) } else { (now, 0) };
    }
    count
}

/// What the service counted of the stream.
fn usage(endpoint: &str) -> serde_json::Value {
    let address = endpoint.strip_prefix("http://").expect("an address");
    let mut connection = TcpStream::connect(address).expect("it serves");
    let request = format!("GET /page/usage?stream=door HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).expect("it serves");
    let mut answer = String::new();
    connection.read_to_string(&mut answer).expect("it answers");
    let at = answer.find('{').expect("an object");
    let end = answer.rfind('}').expect("an object");
    serde_json::from_str(&answer[at..=end]).expect("JSON")
}

/// KINEFRAME_HOUR is its length in seconds, 300 for an hour at twelve-fold speed; KINEFRAME_PLOT takes a plot.
#[test]
fn an_hour_at_twelve_fold_speed() {
    if !cfg!(target_os = "linux") {
        println!("skipped: it reads /proc");
        return;
    }
    let _alone = crate::alone();
    let seconds: f64 = std::env::var("KINEFRAME_HOUR").ok().and_then(|text| text.parse().ok()).unwrap_or(8.0);
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["--exact", "hour::serve_an_hour", "--nocapture"]).env(ASKED, seconds.to_string());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines().map_while(Result::ok);
    let ready = lines.find_map(|line| line.split_once(READY).map(|(_, address)| address.trim().to_owned()));
    let endpoint = ready.expect("it listens");

    let mut options = client_options(&endpoint);
    options.quotas.get_media_connections = 1;
    // What a process opens once and keeps is no leak: a client comes and goes before anything is counted.
    let first = Client::blocking(options.clone()).expect("a region");
    first.block_on(first.stream("door".parse().expect("a name")).describe()).expect("a stream");
    drop(first);
    let before = settled();
    let client = Client::blocking(options).expect("a region");
    let mut going_on = SessionOptions::default();
    going_on.idle_pause = Duration::from_millis(80);
    let session = Session::new(client.stream("door".parse().expect("a name")).get_media(), going_on);
    let monitor = session.monitor();
    let reading = std::thread::spawn(move || {
        // Those of whole fragments, and the fragments that an upload's end cut: these are sent again.
        let (mut frames, mut bytes, mut open, mut cut) = (0u64, 0u64, 0u64, 0u64);
        for item in Consumer::of_pieces(session.open_blocking(&StartSelector::Earliest)).without_bytes() {
            match item.expect("a session goes on") {
                Item::Frame(frame) => (open, bytes) = (open + 1, bytes + frame.data.len() as u64),
                Item::Fragment(fragment) if fragment.tail().continuation_token.is_none() => (open, cut) = (0, cut + 1),
                Item::Fragment(_) => (frames, open) = (frames + open, 0),
                Item::Damage(damage) => panic!("{damage:?}"),
                _ => {}
            }
        }
        (frames, bytes, cut)
    });
    let (told, sent) = mpsc::channel();
    std::thread::spawn(move || {
        let sent = lines.find_map(|line| line.strip_prefix(SENT).and_then(|count| count.parse::<u64>().ok()));
        let _ = told.send(sent);
        // The pipe stays as open as it was.
        lines.for_each(drop);
    });
    let done = Arc::new(AtomicBool::new(false));
    let (mut samples, began, mut fragments) = (Vec::new(), Instant::now(), None);
    let step = Duration::from_secs_f64((seconds / 300.0).max(0.05));
    while !reading.is_finished() {
        samples.push(sample());
        if let Ok(sent) = sent.try_recv() {
            fragments = Some(sent.expect("the camera ends"));
            monitor.finish_when_idle();
            done.store(true, Ordering::SeqCst);
        }
        assert!(began.elapsed().as_secs_f64() < seconds * 2.0 + 30.0, "{:?}", monitor.report());
        std::thread::sleep(step);
    }
    let took = began.elapsed();
    let (frames, bytes, cut) = reading.join().expect("a session goes on");
    let usage = usage(&endpoint);
    drop(client);
    let after = settled();
    let _ = child.kill();
    let _ = child.wait();

    let report = monitor.report();
    let most = |of: fn(&(f64, usize, usize)) -> f64| samples.iter().map(of).fold(0.0, f64::max);
    let median = |part: &[(f64, usize, usize)]| {
        let mut memory: Vec<f64> = part.iter().map(|sample| sample.0).collect();
        memory.sort_by(f64::total_cmp);
        memory[memory.len() / 2]
    };
    let quarter = samples.len() / 4;
    let (early, late) = (median(&samples[quarter..2 * quarter]), median(&samples[3 * quarter..]));
    println!(
        "{:.1} minutes of stream in {took:.0?}: {frames} frames, {bytes} bytes, {report:?}\nmemory {early:.1} MiB in the second \
         quarter, {late:.1} in the last, at most {:.1}; descriptors {before} before, at most {}, {after} after; threads at \
         most {}\n{usage}",
        seconds * SPEED / 60.0,
        most(|sample| sample.0),
        most(|sample| sample.1 as f64),
        most(|sample| sample.2 as f64),
    );
    if let Some(path) = std::env::var_os("KINEFRAME_PLOT") {
        let lines = [
            Line { name: "resident memory, MiB", color: "#1660a8", values: samples.iter().map(|it| it.0).collect() },
            Line { name: "open descriptors", color: "#a8431b", values: samples.iter().map(|it| it.1 as f64).collect() },
        ];
        let title = format!("A session at twelve-fold speed: {frames} frames in {} reads", report.reads);
        fs::write(path, svg(&title, &lines, took.as_secs_f64() * SPEED / 60.0, "minutes of the stream"))
            .expect("written");
    }
    assert_eq!((Some(frames), report.gaps), (fragments.map(|fragments| fragments * FRAMES), cut));
    assert!(done.load(Ordering::SeqCst) && report.reads >= 2, "{report:?}");
    assert!(late <= early * 1.1 + 2.0, "memory grows: {early:.1} MiB, then {late:.1}");
    assert!(after <= before, "descriptors are left: {before} before, {after} after");
    assert!(most(|sample| sample.1 as f64) <= before as f64 + 24.0, "descriptors");
    for (name, call) in usage["calls"].as_object().expect("calls") {
        if name != "PutMedia" && name != "CreateStream" {
            assert!(call["refused"] == 0 && call["most_in_a_second"].as_u64() <= Some(5), "{name}: {call}");
        }
    }
    assert_eq!(usage["calls"]["GetMedia"]["most_connections"], 1);
}
