//! Times taking a body apart in memory, beside other crates and beside `memcpy`, all in one run.
//!
//! Lines with tabs come out: `right` or `wrong`, a peer, what was seen; `row`, what, ours and theirs in GB/s, the
//! ratio's median, least and greatest, the target. Every round runs each contender once, in turns, and a ratio is
//! taken within a round, so that what else the machine does falls on both.

mod peers;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::hint::black_box;
use std::process::ExitCode;
use std::sync::LazyLock;
use std::time::Instant;

use bytes::Bytes;
use kineframe_fragment::{Event, Options, Splitter};
use kineframe_matroska::{
    MuxFrame, MuxOptions, Muxer, SegmentTicks, SimpleTag, TagValue, TrackEntry, TrackType,
};
use peers::Item;

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
fn ours(pieces: impl IntoIterator<Item = Bytes>, mut visit: impl FnMut(Item<'_>)) {
    let mut splitter = Splitter::new(Options::default());
    let mut drain = |splitter: &mut Splitter| {
        while let Ok(Some(event)) = splitter.next_event() {
            match black_box(&event) {
                Event::Frame(frame) => visit(Item::Frame(&frame.data)),
                Event::Tag(SimpleTag { name, value: TagValue::String(text) }) => visit(Item::Tag(name, text)),
                _ => {}
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

/// What came out of a body: frames, their bytes, tags, and a sum over all of them in order.
#[derive(Default, PartialEq, Clone, Copy)]
struct Found {
    frames: usize,
    payload: usize,
    tags: usize,
    frame_sum: u64,
    tag_sum: u64,
}

impl Found {
    fn note(&mut self, item: &Item<'_>) {
        let (sum, parts) = match item {
            Item::Frame(data) => {
                self.frames += 1;
                self.payload += data.len();
                (&mut self.frame_sum, [*data, &[]])
            }
            Item::Tag(name, text) => {
                self.tags += 1;
                (&mut self.tag_sum, [name.as_bytes(), text.as_bytes()])
            }
        };
        let mut hasher = DefaultHasher::new();
        (*sum, parts).hash(&mut hasher);
        *sum = hasher.finish();
    }
}

/// How far a peer is right.
#[derive(Clone, Copy, PartialEq)]
enum Right {
    /// Every frame and every tag of every capture.
    Whole,
    /// Every frame, not every tag: what fragment a frame belongs to, and its time, stay unknown.
    Frames,
}

/// The peers that give the frames that we give, on every capture. Prints what each gives of each capture.
fn right(captures: &[(String, Bytes)]) -> Vec<(&'static str, peers::Split, Right)> {
    let judge = |(name, split): (&'static str, peers::Split)| {
        let mut right = Some(Right::Whole);
        for (path, body) in captures {
            let (mut expected, mut found) = (Found::default(), Found::default());
            ours([body.clone()], |item| expected.note(&item));
            split(body, &mut |item| found.note(&item));
            let frames = (found.frames, found.frame_sum) == (expected.frames, expected.frame_sum);
            let tags = (found.tags, found.tag_sum) == (expected.tags, expected.tag_sum);
            let counts = format!(
                "{} of {} frames, {} of {} bytes, {} of {} tags",
                found.frames, expected.frames, found.payload, expected.payload, found.tags, expected.tags
            );
            let verdict = if frames && tags { "right" } else { "wrong" };
            println!("{verdict}\t{name}\t{counts}: {path}");
            right = match (right, frames, tags) {
                (_, false, _) | (None, ..) => None,
                (Some(Right::Whole), true, true) => Some(Right::Whole),
                (Some(_), true, _) => Some(Right::Frames),
            };
        }
        Some((name, split, right?))
    };
    peers::ALL.into_iter().filter_map(judge).collect()
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

fn len(item: &Item<'_>) -> usize {
    match item {
        Item::Frame(data) => data.len(),
        Item::Tag(name, text) => name.len() + text.len(),
    }
}

/// Bytes of payload that come out: what keeps the work from being left out.
fn payload(pieces: impl IntoIterator<Item = Bytes>) {
    let mut bytes = 0;
    ours(pieces, |item| bytes += len(&item));
    black_box(bytes);
}

fn run(task: &Task) {
    let right = right(&task.captures);
    let body = repeated(&task.captures[0].1, task.bytes);
    let pieces = owned(&body);
    let body = &body;
    let mut copy = vec![0; body.len()];
    for (name, split, right) in right {
        let theirs = move || {
            let mut bytes = 0;
            split(body, &mut |item| bytes += len(&item));
            black_box(bytes);
        };
        let (lack, target) = match right {
            Right::Whole => ("", ">= 1.0"),
            Right::Frames => (", which loses tags", ""),
        };
        Race {
            what: format!("in memory, against {name}{lack}"),
            target,
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
