//! Times taking a body apart in memory, beside other crates and beside `memcpy`, all in one run.
//!
//! Lines with tabs come out: `right` or `wrong`, a peer, what was seen; `row`, what, ours and theirs in GB/s, the
//! ratio's median, least and greatest, the target. Every round runs each contender once, in turns, and a ratio is
//! taken within a round, so that what else the machine does falls on both.

mod peers;

use std::hint::black_box;
use std::process::ExitCode;
use std::sync::LazyLock;
use std::time::Instant;

use bytes::Bytes;
use kineframe_fragment::{Event, Options, Splitter};
use kineframe_matroska::{MuxFrame, MuxOptions, Muxer, SegmentTicks, TrackEntry, TrackType};

/// A turn takes at least so many seconds: the kernel's account of a thread advances with its clock's ticks.
const TURN: f64 = 0.2;

/// Seconds that this thread has run, where the kernel tells, so that a busy machine does not count; else the time.
fn seconds() -> f64 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let account = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    match account.and_then(|line| line.split(' ').next()?.parse::<u64>().ok()) {
        Some(nanoseconds) => nanoseconds as f64 / 1e9,
        None => START.elapsed().as_secs_f64(),
    }
}

/// The size of a piece as a socket gives it.
const PIECE: usize = 16 << 10;

const USAGE: &str = "usage: kineframe-bench-peers [--rounds N] [--mib N] BODY [CAPTURE…]\n\
    BODY is repeated and timed; a peer takes part when it is right on BODY and on every CAPTURE";

struct Task {
    rounds: usize,
    bytes: usize,
    captures: Vec<(String, Bytes)>,
}

fn main() -> ExitCode {
    match task(std::env::args().skip(1)) {
        Ok(task) => {
            run(&task);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}\n{USAGE}");
            ExitCode::FAILURE
        }
    }
}

fn task(mut args: impl Iterator<Item = String>) -> Result<Task, String> {
    let mut task = Task { rounds: 9, bytes: 256 << 20, captures: Vec::new() };
    while let Some(arg) = args.next() {
        let mut number = || {
            let value = args.next().and_then(|value| value.parse::<usize>().ok());
            value.filter(|value| *value > 0).ok_or(format!("{arg} needs a number above 0"))
        };
        match arg.as_str() {
            "--rounds" => task.rounds = number()?,
            "--mib" => task.bytes = number()? << 20,
            path => {
                let bytes = std::fs::read(path).map_err(|error| format!("{path}: {error}"))?;
                task.captures.push((path.to_owned(), bytes.into()));
            }
        }
    }
    if task.captures.first().is_none_or(|(_, body)| body.is_empty()) {
        return Err("a body is needed".to_owned());
    }
    Ok(task)
}

/// Our way: events of the splitter; the payload is handed out as it lies.
fn ours(pieces: impl IntoIterator<Item = Bytes>, mut visit: impl FnMut(&[u8])) {
    let mut splitter = Splitter::new(Options::default());
    let mut drain = |splitter: &mut Splitter| {
        while let Ok(Some(event)) = splitter.next_event() {
            if let Event::Frame(frame) = black_box(&event) {
                visit(&frame.data);
            }
        }
    };
    for piece in pieces {
        splitter.push(piece);
        drain(&mut splitter);
    }
    splitter.finish();
    drain(&mut splitter);
}

/// Pieces with memory of their own, as they come from a socket.
fn owned(body: &[u8]) -> Vec<Bytes> {
    body.chunks(PIECE).map(Bytes::copy_from_slice).collect()
}

/// A capture end to end until it is long enough.
fn repeated(body: &Bytes, bytes: usize) -> Bytes {
    body.repeat(bytes.div_ceil(body.len())).into()
}

/// Documents of about `size` bytes, with frames of 16 KiB.
fn fragments(size: usize, bytes: usize) -> Bytes {
    let frame = Bytes::from(vec![0x5A; 16 << 10]);
    let mut muxer =
        Muxer::new(MuxOptions::default(), &[TrackEntry::new(1, TrackType::VIDEO, "V_VP9")]).expect("a track");
    for index in 0..size / frame.len() {
        muxer.frame(MuxFrame::new(1, SegmentTicks(index as i64 * 4), index == 0, frame.clone())).expect("in order");
    }
    let mut document = muxer.take_chunks().concat();
    document.extend(muxer.finish().expect("short").chunks.concat());
    document.repeat(bytes.div_ceil(size)).into()
}

/// The peers that give the frames that we give, on every capture.
fn right(captures: &[(String, Bytes)]) -> Vec<(&'static str, peers::Split)> {
    let mut right = peers::ALL.to_vec();
    right.retain(|(name, split)| {
        for (path, body) in captures {
            let mut expected = Vec::new();
            ours([body.clone()], |frame| expected.push(frame.to_vec()));
            let (mut frames, mut equal) = (0, true);
            split(body, &mut |frame| {
                equal &= expected.get(frames).is_some_and(|expected| expected == frame);
                frames += 1;
            });
            if !equal || frames != expected.len() {
                let others = if equal { "" } else { ", and not the same" };
                println!("wrong\t{name}\t{frames} frames of {}{others}: {path}", expected.len());
                return false;
            }
        }
        println!("right\t{name}\tevery frame of {} captures", captures.len());
        true
    });
    right
}

/// Two things that are run in turns.
struct Race<'a> {
    what: String,
    target: &'a str,
    /// The bytes that each of the two takes apart.
    bytes: [usize; 2],
    ours: Box<dyn FnMut() + 'a>,
    theirs: Box<dyn FnMut() + 'a>,
}

impl Race<'_> {
    /// Prints its row. The ratio is our speed in theirs.
    fn run(mut self, rounds: usize) {
        // The first run touches memory that the kernel has yet to give; the second tells how often a turn repeats.
        let repeats = [&mut self.ours, &mut self.theirs].map(|run| {
            run();
            let start = seconds();
            run();
            (TURN / (seconds() - start).max(TURN / 100.0)).ceil() as usize
        });
        let time = |run: &mut dyn FnMut(), bytes: usize, repeats: usize| {
            let start = seconds();
            (0..repeats).for_each(|_| run());
            (bytes * repeats) as f64 / (seconds() - start).max(1e-9) / 1e9
        };
        let (mut ours, mut theirs, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..rounds {
            let one = time(&mut self.ours, self.bytes[0], repeats[0]);
            let other = time(&mut self.theirs, self.bytes[1], repeats[1]);
            ours.push(one);
            theirs.push(other);
            ratios.push(one / other);
        }
        for list in [&mut ours, &mut theirs, &mut ratios] {
            list.sort_by(f64::total_cmp);
        }
        println!(
            "row\t{}\t{:.2} GB/s\t{:.2} GB/s\t{:.3}\t{:.3}\t{:.3}\t{}",
            self.what,
            ours[rounds / 2],
            theirs[rounds / 2],
            ratios[rounds / 2],
            ratios[0],
            ratios[rounds - 1],
            self.target,
        );
    }
}

/// Bytes of payload that come out: what keeps the work from being left out.
fn payload(pieces: impl IntoIterator<Item = Bytes>) {
    let mut bytes = 0;
    ours(pieces, |frame| bytes += frame.len());
    black_box(bytes);
}

fn run(task: &Task) {
    let right = right(&task.captures);
    let body = repeated(&task.captures[0].1, task.bytes);
    let pieces = owned(&body);
    let body = &body;
    let mut copy = vec![0; body.len()];
    for (name, split) in right {
        let theirs = move || {
            let mut bytes = 0;
            split(body, &mut |frame| bytes += frame.len());
            black_box(bytes);
        };
        Race {
            what: format!("in memory, against {name}"),
            target: ">= 1.0",
            bytes: [body.len(); 2],
            ours: Box::new(|| payload([body.clone()])),
            theirs: Box::new(theirs),
        }
        .run(task.rounds);
    }
    let against_memcpy = |what: &str, target, ours, copy: &mut Vec<u8>| {
        Race {
            what: format!("{what}, against memcpy"),
            target,
            bytes: [body.len(); 2],
            ours,
            theirs: Box::new(|| copy.copy_from_slice(black_box(body))),
        }
        .run(task.rounds);
    };
    against_memcpy("in memory", "", Box::new(|| payload([body.clone()])), &mut copy);
    against_memcpy("pieces of 16 KiB", ">= 0.5", Box::new(|| payload(pieces.iter().cloned())), &mut copy);
    drop(copy);

    let [short, long] = [1 << 20, 8 << 20].map(|size| fragments(size, task.bytes));
    let [short_pieces, long_pieces] = [&short, &long].map(|body| owned(body));
    Race {
        what: "fragments of 8 MiB against 1 MiB, pieces of 16 KiB".to_owned(),
        target: ">= 0.833",
        bytes: [long.len(), short.len()],
        ours: Box::new(|| payload(long_pieces.iter().cloned())),
        theirs: Box::new(|| payload(short_pieces.iter().cloned())),
    }
    .run(task.rounds);
    Race {
        what: "fragments of 8 MiB against 1 MiB, in memory".to_owned(),
        target: ">= 0.833",
        bytes: [long.len(), short.len()],
        ours: Box::new(|| payload([long.clone()])),
        theirs: Box::new(|| payload([short.clone()])),
    }
    .run(task.rounds);
}
