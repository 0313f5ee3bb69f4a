//! Sessions over a source that fails in every way, the same way for the same seed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use kineframe_fragment::{Event, FragmentNumber, Options, Splitter, StartSelector};
use kineframe_source::{Chopped, FaultKind, Faulty, MediaSource, Memory, PieceStream, Trigger};
use kineframe_testkit::{Fragment as Made, Frame, Rng, Size, Track};
use proptest::prelude::*;

use super::*;
use crate::{Consumer, Item};

/// What the tests compare: fragment, track, index, payload.
type Seen = Vec<(String, u64, u64, Bytes)>;

/// A stream of the service: documents, each with its number.
#[derive(Debug, Clone)]
struct Stream {
    documents: Arc<[(FragmentNumber, Bytes)]>,
    frames: u64,
    piece: usize,
    /// A fault in each read, as long as there are faults left; the seed moves on with each read.
    faults: Vec<FaultKind>,
    seed: u64,
    reads: Arc<AtomicU64>,
    /// Something was lost that leaves sound documents.
    unseen: Arc<AtomicBool>,
}

impl Stream {
    /// Whether so many bytes are as long as blocks that follow each other in one of these documents. Without them the
    /// document is as sound as before, wherever in a block they begin: the first block ends with the last one's bytes.
    fn is_whole_blocks(&self, first: usize, bytes: u64) -> bool {
        (first..self.documents.len()).any(|index| {
            let blocks: Vec<u64> = sizes(index as u64, self.frames).map(block_length).collect();
            (0..blocks.len()).any(|from| (from..blocks.len()).any(|to| blocks[from..=to].iter().sum::<u64>() == bytes))
        })
    }
}

/// Bytes of the frames of a document.
fn sizes(index: u64, frames: u64) -> impl Iterator<Item = u64> {
    (0..frames).map(move |n| 40 + (n * 37 + index * 11) % 200)
}

/// Bytes of a SimpleBlock: its ID, its size in one byte or two, track, time and flags, and the frame.
fn block_length(frame: u64) -> u64 {
    let size = frame + 4;
    1 + if size <= 126 { 1 } else { 2 } + size
}

fn number(index: u64) -> FragmentNumber {
    FragmentNumber::new(Made::new(index).number().unwrap()).unwrap()
}

fn stream(fragments: u64, frames: u64, faults: Vec<FaultKind>, seed: u64) -> Stream {
    let documents = (0..fragments).map(|index| (number(index), document(index, frames))).collect();
    let piece = 1 + (seed % 700) as usize;
    Stream { documents, frames, piece, faults, seed, reads: Arc::default(), unseen: Arc::default() }
}

/// A fragment as GetMedia sends it: Clusters of known and of unknown size, one track or two, with and without frames.
fn document(index: u64, frames: u64) -> Bytes {
    let mut made = Made::new(index);
    if index % 3 == 1 {
        made.cluster_size = Size::Minimal;
        made.tracks.push(Track::aac(2));
    }
    made.frames = (0..)
        .zip(sizes(index, frames))
        .map(|(n, size)| {
            let track = if index % 3 == 1 { 1 + n % 2 } else { 1 };
            Frame::h264(track, 40 * n as i16, n == 0, size as usize, index * 100 + n)
        })
        .collect();
    made.encode().into()
}

/// The document with which the service says that a place is not there.
fn refusal() -> Vec<u8> {
    let mut made = Made::new(0);
    made.cluster_timestamp = None;
    made.tracks.clear();
    let text = |name: &str, value: &str| (format!("AWS_KINESISVIDEO_{name}"), value.to_owned());
    made.tags_before = vec![text("ERROR_CODE", "FRAGMENT_NOT_FOUND"), text("ERROR_ID", "4000")];
    made.tags_after.clear();
    made.encode()
}

impl MediaSource for Stream {
    fn open(&self, start: &StartSelector) -> PieceStream {
        let after =
            |wanted: &str| self.documents.iter().position(|(number, _)| number.as_str() == wanted).map(|at| at + 1);
        let first = match start {
            StartSelector::AfterFragment(number) => after(number.as_str()),
            StartSelector::ContinuationToken(token) => after(token.as_str()),
            _ => Some(0),
        };
        let body: Vec<u8> = match first {
            Some(first) => self.documents[first..].iter().flat_map(|(_, bytes)| bytes.to_vec()).collect(),
            None => refusal(),
        };
        let read = self.reads.fetch_add(1, Ordering::SeqCst);
        let length = body.len() as u64;
        let memory = Memory::new("kvs://made", body);
        let Some(fault) = self.faults.get(read as usize) else {
            return Chopped::every(memory, self.piece).open(&StartSelector::Earliest);
        };
        // A body of which nothing comes is an idle end, and no fault.
        let at = self.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(read as u32 * 7) % length.max(1) + 1;
        if let FaultKind::Lose(bytes) = fault
            && self.is_whole_blocks(first.unwrap_or(0), *bytes)
        {
            self.unseen.store(true, Ordering::SeqCst);
        }
        let faulty = Faulty::new(memory, self.seed ^ read).with(fault.clone(), Trigger::Bytes(at));
        Chopped::every(faulty, self.piece).open(&StartSelector::Earliest)
    }
}

fn options(integrity: Integrity) -> SessionOptions {
    SessionOptions {
        until: Until::Idle,
        backoff: Duration::from_micros(1),
        idle_pause: Duration::from_micros(1),
        integrity,
        ..SessionOptions::default()
    }
}

fn seen(source: &dyn MediaSource) -> (Seen, u64) {
    let (mut frames, mut troubles) = (Vec::new(), 0);
    for item in Consumer::open(source).without_bytes() {
        match item.expect("a session bears what passes") {
            Item::Frame(frame) => {
                let number = frame.fragment.number.as_ref().map(ToString::to_string).unwrap_or_default();
                frames.push((number, frame.track_number, frame.index, frame.data));
            }
            Item::Damage(_) | Item::ServiceError(_) => troubles += 1,
            Item::Fragment(fragment) if fragment.tail().truncated => troubles += 1,
            _ => {}
        }
    }
    (frames, troubles)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Cuts and errors anywhere, frames handed out at once: nothing is lost, nothing comes twice.
    #[test]
    fn nothing_is_lost_nor_doubled(
        seed in any::<u64>(),
        fragments in 1u64..6,
        frames in 0u64..9,
        errors in proptest::collection::vec(any::<bool>(), 0..12),
    ) {
        let kinds = errors.iter().map(|&error| if error { FaultKind::Error("reset".into()) } else { FaultKind::Cut });
        let faulty = stream(fragments, frames, kinds.collect(), seed);
        let (whole, _) = seen(&Memory::new("whole", body(&faulty)));
        // Where nothing at all was read, an error is for the reader.
        let session = Session::new(Retried(faulty), options(Integrity::Lowest));
        let (got, troubles) = seen(&session);
        prop_assert_eq!(got, whole);
        prop_assert_eq!(troubles, 0);
        prop_assert_eq!(session.monitor().report().gaps, 0);
    }

}

/// Also with bytes put in or left out on the way, where a frame waits for the element behind it: what came out is what
/// was sent.
///
/// One kind of damage leaves nothing to be seen: where as many bytes are lost as some blocks in a row have, what is left
/// is a sound document with fewer frames. Of a case with such a loss only the order is held against what was sent; the
/// hundred of every run are equal all the same.
#[test]
fn damage_on_the_way_is_read_again() {
    let (mut wrong, mut excused) = (Vec::new(), 0);
    for case in 0..cases(100) {
        let (whole, got, notices, unseen) = damaged(case);
        if got != whole && unseen {
            excused += 1;
        } else if got != whole {
            let places = |seen: &Seen| -> Vec<String> {
                let place = |(number, track, index, data): &(String, u64, u64, Bytes)| {
                    let number = number.get(number.len().saturating_sub(4)..).unwrap_or_default();
                    let sum = data.iter().fold(0u16, |sum, byte| sum.rotate_left(1) ^ u16::from(*byte));
                    format!("{number}:{track}.{index}[{}]{sum:04x}", data.len())
                };
                seen.iter().map(place).collect()
            };
            let (sent, came) = (places(&whole), places(&got));
            let missing: Vec<_> = sent.iter().filter(|place| !came.contains(place)).collect();
            let extra: Vec<_> = came.iter().filter(|place| !sent.contains(place)).collect();
            wrong.push(format!("case {case}: missing {missing:?}, not sent {extra:?}, {notices:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
    assert!(excused * 500 < cases(100), "{excused} cases of damage that leaves nothing to be seen");
}

/// What was sent, what came out, what was noticed, and whether damage may have been that leaves nothing to be seen.
fn damaged(case: u64) -> (Seen, Seen, Vec<SessionNotice>, bool) {
    let mut rng = Rng::new(case);
    let faults = (0..rng.below(8)).map(|_| match rng.below(4) {
        0 => FaultKind::Cut,
        1 => FaultKind::Error("connection reset".into()),
        2 => FaultKind::Garbage(1 + rng.below(600)),
        _ => FaultKind::Lose(1 + rng.below(600) as u64),
    });
    let faults: Vec<FaultKind> = faults.collect();
    let faulty = stream(1 + rng.below(5) as u64, 1 + rng.below(8) as u64, faults, rng.next_u64());
    let (whole, _) = seen(&Memory::new("whole", body(&faulty)));
    let unseen = faulty.unseen.clone();
    let session = Session::new(Retried(faulty), options(Integrity::Checked));
    let (got, _) = seen(&session);
    // Fragments never go back, nor do the frames of a track in one of them.
    let mut last = std::collections::BTreeMap::new();
    assert!(got.is_sorted_by_key(|(number, ..)| number.clone()), "case {case}");
    for (number, track, index, _) in &got {
        let before = last.insert((number, track), index);
        assert!(before.is_none_or(|before| before < index), "case {case}: {number}, track {track}, frame {index}");
    }
    (whole, got, session.monitor().take_notices(), unseen.load(Ordering::SeqCst))
}

/// How many cases: these, or as many as `KINEFRAME_SEEDS` says.
fn cases(few: u64) -> u64 {
    std::env::var("KINEFRAME_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(few)
}

fn body(stream: &Stream) -> Vec<u8> {
    stream.documents.iter().flat_map(|(_, bytes)| bytes.to_vec()).collect()
}

/// A first read that fails is tried again, as a client of the service does by itself.
#[derive(Debug)]
struct Retried(Stream);

impl MediaSource for Retried {
    fn open(&self, start: &StartSelector) -> PieceStream {
        loop {
            let mut peek = self.0.open(start);
            let first = kineframe_source::block_on(std::future::poll_fn(|context| peek.as_mut().poll_next(context)));
            match first {
                Some(Err(_)) => {}
                Some(Ok(piece)) => {
                    let head = futures_util::stream::iter([Ok(piece)]);
                    return Box::pin(futures_util::StreamExt::chain(head, peek));
                }
                None => return Box::pin(futures_util::stream::empty()),
            }
        }
    }
}

#[test]
fn a_session_tells_where_to_go_on() {
    let made = stream(4, 3, Vec::new(), 1);
    let session = Session::new(made.clone(), options(Integrity::Lowest));
    let monitor = session.monitor();
    assert_eq!(monitor.resume_point(), None);
    let mut pieces = session.open_blocking(&StartSelector::Earliest);
    while monitor.report().fragments < 2 {
        pieces.next().unwrap().unwrap();
    }
    drop(pieces);
    let resume = monitor.resume_point().unwrap();
    assert_eq!(
        resume,
        StartSelector::ContinuationToken(kineframe_fragment::ContinuationToken::new(number(1).as_str()).unwrap())
    );
    let rest = Session::new(made, options(Integrity::Lowest));
    let pieces: Vec<Bytes> = rest.open_blocking(&resume).map(|piece| piece.unwrap()).collect();
    let mut splitter = Splitter::new(Options::default());
    splitter.push(pieces.concat().into());
    splitter.finish();
    let mut numbers = Vec::new();
    while let Some(event) = splitter.next_event().unwrap() {
        if let Event::Finished(tail) = event {
            numbers.push(tail.head.number.clone().unwrap());
        }
    }
    assert_eq!(numbers, [number(2), number(3)]);
}

#[test]
fn a_token_that_the_service_has_forgotten_is_a_gap_and_not_the_end() {
    let mut made = stream(5, 3, vec![FaultKind::Cut], 0);
    let whole = made.documents.clone();
    // The first read ends behind fragment 1; then the first three are gone.
    let first: Vec<u8> = whole[..2].iter().flat_map(|(_, bytes)| bytes.to_vec()).collect();
    made.documents = whole[3..].into();
    made.faults.clear();
    let source = Forgetful { first: Memory::new("kvs://made", first), then: made, opened: AtomicU64::new(0) };
    let session = Session::new(source, options(Integrity::Lowest));
    let (frames, troubles) = seen(&session);
    assert_eq!((frames.len(), troubles), (4 * 3, 0));
    let gaps: Vec<SessionGap> = session
        .monitor()
        .take_notices()
        .into_iter()
        .filter_map(|notice| match notice {
            SessionNotice::Gap(gap) => Some(gap),
            _ => None,
        })
        .collect();
    let [gap] = gaps.as_slice() else { panic!("{gaps:?}") };
    assert_eq!((gap.after.clone(), gap.before.clone()), (Some(number(1)), Some(number(3))));
    assert_eq!(gap.to.unwrap().as_millis(), Some(1_700_000_006_000));
}

/// Serves one body, then another stream.
#[derive(Debug)]
struct Forgetful {
    first: Memory,
    then: Stream,
    opened: AtomicU64,
}

impl MediaSource for Forgetful {
    fn open(&self, start: &StartSelector) -> PieceStream {
        match self.opened.fetch_add(1, Ordering::SeqCst) {
            0 => self.first.open(&StartSelector::Earliest),
            _ => self.then.open(start),
        }
    }
}

#[test]
fn a_first_error_is_told_at_once() {
    let failing = Faulty::new(Memory::new("kvs://made", body(&stream(3, 3, Vec::new(), 0))), 0)
        .with(FaultKind::Error("refused".into()), Trigger::Bytes(0));
    let session = Session::new(failing, options(Integrity::Lowest));
    let mut items: Vec<_> = session.open_blocking(&StartSelector::Earliest).collect();
    assert!(items.pop().unwrap().is_err());
}

/// Sessions with up to a dozen cuts and errors each: a few dozen, or as many as `KINEFRAME_SEEDS` says.
#[test]
fn sessions_of_many_seeds() {
    let (mut reads, seeds) = (0, cases(40));
    for seed in 0..seeds {
        let kinds = (0..seed % 13).map(|index| match (seed >> (index % 8)) & 1 {
            0 => FaultKind::Cut,
            _ => FaultKind::Error("reset".into()),
        });
        let faulty = stream(1 + seed % 7, seed % 11, kinds.collect(), seed);
        let (whole, _) = seen(&Memory::new("whole", body(&faulty)));
        let session = Session::new(Retried(faulty), options(Integrity::Lowest));
        let (got, troubles) = seen(&session);
        assert_eq!((got, troubles), (whole, 0), "seed {seed}");
        reads += session.monitor().report().reads;
    }
    println!("{seeds} sessions, {reads} reads");
}

/// Six fragments that are so far behind the newest, over cut reads in pieces of every kind: who is behind gets key
/// frames until he is not, each once.
#[test]
fn who_is_behind_gets_key_frames_until_he_has_caught_up() {
    let behind = [0, 5000, 8000, 3000, 900, 0];
    let made = |index: u64| {
        let mut made = Made::new(index);
        made.cluster_size = if index.is_multiple_of(2) { Size::Minimal } else { Size::Unknown(1) };
        made.tags_after[0].1 = behind[index as usize].to_string();
        // The second key frame is in the middle; no frame of the second track is marked as one.
        made.tracks.push(Track::aac(2));
        made.frames = (0..10)
            .map(|n| {
                Frame::h264(1 + n % 2, 40 * n as i16, n == 0 || n == 6, 3 + 700 * (n % 3) as usize, index * 100 + n)
            })
            .collect();
        made
    };
    for seed in 0..60 {
        let faults = (0..seed % 5).map(|_| FaultKind::Error("reset".into())).collect();
        let mut source = stream(6, 1, faults, seed);
        source.documents = (0..6).map(|index| (number(index), made(index).encode().into())).collect();
        let (whole, _) = seen(&Memory::new("whole", body(&source)));
        let mut options = options(if seed.is_multiple_of(2) { Integrity::Lowest } else { Integrity::Checked });
        options.slow_reader = SlowReader::KeyFrames(Duration::from_secs(2));
        let session = Session::new(Retried(source), options);
        let monitor = session.monitor();
        let (got, troubles) = seen(&session);
        let payloads = |frames: &Seen| frames.iter().map(|(.., data)| data.clone()).collect::<Vec<_>>();
        let thin: Vec<String> = [2, 3, 4].map(|index| number(index).to_string()).into();
        // Of the ten: the first of each track, and the key frame.
        let kept = |at: usize| [0, 1, 6].contains(&(at % 10));
        let wanted = whole.iter().enumerate().filter(|(at, (number, ..))| !thin.contains(number) || kept(*at));
        assert_eq!(payloads(&got), payloads(&wanted.map(|(_, frame)| frame.clone()).collect()), "seed {seed}");
        assert_eq!(troubles, 0, "seed {seed}");
        let report = monitor.report();
        assert_eq!((report.frames_left_out, report.fragments, report.gaps), (21, 6, 0), "seed {seed}");
        let told: Vec<_> = monitor
            .take_notices()
            .into_iter()
            .filter(|notice| matches!(notice, SessionNotice::Behind { .. } | SessionNotice::CaughtUp(_)))
            .collect();
        let [SessionNotice::Behind { by, after }, SessionNotice::CaughtUp(left_out)] = told.as_slice() else {
            panic!("seed {seed}: {told:?}")
        };
        assert_eq!((*by, after), (Duration::from_secs(5), &number(1)));
        assert_eq!((left_out.fragments, left_out.frames, left_out.bytes), (3, 21, report.bytes_left_out));
        assert_eq!((left_out.after.clone(), left_out.to.clone()), (Some(number(1)), Some(number(4))));
    }
}

/// A source that takes no token and no number, and begins a little early: with the fragments that were handed out.
#[derive(Debug)]
struct Stubborn(Stream);

impl MediaSource for Stubborn {
    fn open(&self, start: &StartSelector) -> PieceStream {
        match start {
            StartSelector::ContinuationToken(_) | StartSelector::AfterFragment(_) => {
                Memory::new("kvs://made", refusal()).open(&StartSelector::Earliest)
            }
            _ => self.0.open(&StartSelector::Earliest),
        }
    }
}

#[test]
fn what_was_handed_out_before_is_not_handed_out_again() {
    for seed in 0..60 {
        let faults = (0..1 + seed % 3).map(|_| FaultKind::Error("reset".into())).collect();
        let made = stream(5, 4, faults, seed);
        let whole = made.documents.iter().flat_map(|(_, bytes)| bytes.to_vec()).collect::<Vec<_>>();
        let (whole, _) = seen(&Memory::new("whole", whole));
        let session = Session::new(Stubborn(made), options(Integrity::Lowest));
        let (mut got, mut troubles) = (Vec::new(), 0);
        // What fails before anything was read is told at once.
        for item in Consumer::open(&session).without_bytes().take(200) {
            match item {
                Ok(Item::Frame(frame)) => got.push(frame.data),
                Ok(Item::Damage(_) | Item::ServiceError(_)) => troubles += 1,
                _ => {}
            }
        }
        let wanted: Vec<Bytes> = whole.into_iter().map(|(.., data)| data).collect();
        assert!(wanted.starts_with(&got) && troubles == 0, "seed {seed}");
        assert!(got == wanted || session.monitor().report().bytes == 0, "seed {seed}: {} frames", got.len());
    }
}
