//! What is asked of a back end on one stream.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use bytes::Bytes;
use kineframe_bitstream::h264::RandomAccess;
use kineframe_codec::{DecodeError, DecodeErrorKind, DecoderFactory, Recovery};

use crate::damage::Random;
use crate::kit::{TestStream, TruePicture};
use crate::play::{Ready, Run, Script, Shown, is_limit, play, prepare};
use crate::report::{DamageCount, Mismatch, Outcome, Row, Verdict};
use crate::{Damage, Options};

/// Runs everything that applies.
pub(crate) fn examine(factory: &dyn DecoderFactory, stream: &TestStream, options: &Options) -> Row {
    let mut row = Row {
        stream: stream.name.clone(),
        pictures: stream.truth.len(),
        disputed: stream.disputed,
        whole: Verdict::Exact,
        time: Duration::ZERO,
        checks: Vec::new(),
        damage: Vec::new(),
    };
    let packets = prepare(stream, factory, 0);
    let started = Instant::now();
    let run = play(factory, &packets, Script::default());
    row.time = started.elapsed();
    row.whole = verdict(stream, &packets, &run);
    if matches!(row.whole, Verdict::Refused(_) | Verdict::Broken(_)) {
        return row;
    }
    row.checks.push(("limits", limits(factory, &packets)));
    let exact = row.whole.is_exact();
    if exact {
        row.checks.push(("reset", again(factory, stream, &packets, reset_script(&packets))));
        let early = Script { break_at: Some(stream.truth.len() / 2), ..Script::default() };
        row.checks.push(("break", again(factory, stream, &packets, early)));
        if packets.iter().skip(1).any(|packet| packet.random_access == RandomAccess::Idr) {
            let flushes = Script { flush_before_idr: true, ..Script::default() };
            row.checks.push(("flush", again(factory, stream, &packets, flushes)));
        }
        if let Some(other) = stream.out_of_band() {
            row.checks.push(("out-of-band", out_of_band(factory, &other)));
        }
    }
    // A stream of one IDR picture has nothing to damage that is not the start; what follows an IDR picture
    // directly as another one would break the rule on idr_pic_id.
    let ends_in_idr = packets.last().is_none_or(|packet| packet.random_access == RandomAccess::Idr);
    if stream.starts_at_idr() && !ends_in_idr && packets.len() > 2 {
        let (outcome, counts) = damaged(factory, stream, options, exact);
        row.checks.push(("damage", outcome));
        row.damage = counts;
    }
    row
}

/// Half of the packets, then everything.
fn reset_script(packets: &[Ready]) -> Script {
    Script { reset_after: Some(packets.len().div_ceil(2)), ..Script::default() }
}

fn verdict(stream: &TestStream, packets: &[Ready], run: &Run) -> Verdict {
    if let Some(reason) = &run.refused {
        return Verdict::Refused(reason.clone());
    }
    if let Some(broken) = breach(packets, run) {
        return Verdict::Broken(broken);
    }
    let mismatch = compare(stream, packets, run);
    let equal = mismatch.first.is_none() && mismatch.error.is_none();
    match mismatch.marked {
        0 if equal => Verdict::Exact,
        _ if stream.disputed => Verdict::Tolerated(mismatch),
        _ if equal && stream.forbidden_gap => Verdict::Cautious(mismatch),
        0 if gave_up(stream, packets, run) => Verdict::GaveUp(mismatch),
        _ => Verdict::Wrong(mismatch),
    }
}

/// Whether it found by itself that it cannot serve the stream, before it showed anything wrong.
fn gave_up(stream: &TestStream, packets: &[Ready], run: &Run) -> bool {
    let unsupported = |error: &DecodeError| {
        error.recovery == Recovery::Reopen && matches!(error.kind, DecodeErrorKind::Unsupported(_))
    };
    let true_of = |shown: &Shown| {
        let place = stream.order.iter().position(|packet| packets.get(*packet).is_some_and(|p| p.id == shown.id));
        place.and_then(|place| stream.truth.get(place)).is_some_and(|truth| equals(shown, truth))
    };
    !run.errors.is_empty() && run.errors.iter().all(|(_, error)| unsupported(error)) && run.shown.iter().all(true_of)
}

/// What no stream excuses.
fn breach(packets: &[Ready], run: &Run) -> Option<String> {
    if let Some(panic) = &run.panic {
        return Some(format!("a panic came through: {panic}"));
    }
    if let Some(breach) = run.breaches.first() {
        return Some(breach.clone());
    }
    let known: BTreeSet<u64> = packets.iter().map(|packet| packet.id).collect();
    let mut seen = BTreeSet::new();
    for shown in &run.shown {
        if !known.contains(&shown.id) {
            return Some(format!("a picture of packet {}, which there is not", shown.id));
        }
        if !seen.insert(shown.id) {
            return Some(format!("two pictures of packet {}", shown.id));
        }
    }
    None
}

/// Whether a picture is the one of the truth.
fn equals(shown: &Shown, truth: &TruePicture) -> bool {
    shown.sums.contains(&(truth.bytes, truth.md5))
}

fn compare(stream: &TestStream, packets: &[Ready], run: &Run) -> Mismatch {
    let id_of = |place: usize| stream.order.get(place).and_then(|packet| packets.get(*packet)).map(|packet| packet.id);
    let right = |place: usize, shown: &Shown, truth: &TruePicture| {
        equals(shown, truth) && id_of(place).is_none_or(|id| id == shown.id)
    };
    let pairs = run.shown.iter().zip(&stream.truth).enumerate();
    let equal = pairs.clone().filter(|(place, (shown, truth))| right(*place, shown, truth)).count();
    let first = pairs.clone().find(|(place, (shown, truth))| !right(*place, shown, truth)).map(|(place, _)| place);
    let shorter = run.shown.len().min(stream.truth.len());
    let counts_differ = run.shown.len() != stream.truth.len();
    Mismatch {
        shown: run.shown.len(),
        equal,
        first: first.or(counts_differ.then_some(shorter)),
        marked: run.shown.iter().filter(|shown| shown.damaged).count(),
        error: run.errors.first().map(|(id, error)| format!("at packet {id}: {error}")),
    }
}

/// The same pictures once more, by another way.
fn again(factory: &dyn DecoderFactory, stream: &TestStream, packets: &[Ready], script: Script) -> Outcome {
    let run = play(factory, packets, script);
    match verdict(stream, packets, &run) {
        verdict if verdict.is_exact() => Outcome::Passed,
        other => Outcome::Failed(other.to_string()),
    }
}

/// From a container's private data, with lengths: as exact as with start codes, or refused.
fn out_of_band(factory: &dyn DecoderFactory, stream: &TestStream) -> Outcome {
    let packets = prepare(stream, factory, 1_000_000);
    let run = play(factory, &packets, Script::default());
    match verdict(stream, &packets, &run) {
        verdict if verdict.is_exact() => Outcome::Passed,
        other => Outcome::Failed(other.to_string()),
    }
}

/// A bound below what the stream has is an error of that kind, before any picture.
fn limits(factory: &dyn DecoderFactory, packets: &[Ready]) -> Outcome {
    let Some(size) = packets.first().and_then(|packet| packet.params.as_ref()).and_then(|params| params.size) else {
        return Outcome::Passed;
    };
    let side = size.width.max(size.height) - 1;
    let run = play(factory, packets.get(..1).unwrap_or_default(), Script { side: Some(side), ..Script::default() });
    if let Some(wrong) = not_limited(&run) {
        return Outcome::Failed(format!("a side of {side}: {wrong}"));
    }
    // The first packet is one byte too long.
    let Some(first) = packets.get(..1) else { return Outcome::Passed };
    let bytes = first.iter().map(|packet| packet.data.len()).sum::<usize>().saturating_sub(1);
    let run = play(factory, first, Script { packet_bytes: Some(bytes), ..Script::default() });
    match not_limited(&run) {
        Some(wrong) => Outcome::Failed(format!("packets of {bytes} bytes: {wrong}")),
        None => Outcome::Passed,
    }
}

fn not_limited(run: &Run) -> Option<String> {
    if !run.shown.is_empty() {
        return Some("a picture came".to_owned());
    }
    match run.errors.first() {
        None => Some("no error".to_owned()),
        Some((_, error)) if !is_limit(error) => Some(format!("another error: {error}")),
        Some(_) => run.panic.clone(),
    }
}

/// Damages a packet of the first of two passes through the stream.
///
/// Pictures that were decoded before the damage and those of the second pass, which begins at an IDR picture,
/// must all come and be equal. In between the kit counts.
fn damaged(
    factory: &dyn DecoderFactory,
    stream: &TestStream,
    options: &Options,
    exact: bool,
) -> (Outcome, Vec<(Damage, DamageCount)>) {
    let first = prepare(stream, factory, 0);
    let offset = 3 * stream.packets.len() as u64;
    let second = prepare(stream, factory, offset);
    let mut counts = Vec::new();
    let mut outcome = Outcome::Passed;
    for kind in Damage::ALL {
        let mut sum = DamageCount::default();
        for seed in 0..options.seeds {
            let mut random = Random(seed ^ (kind as u64) << 32);
            let at = 1 + random.below(first.len() - 1);
            let mut packets = first.clone();
            match kind.apply(&packets[at].data, &mut random) {
                Some(bytes) => packets[at].data = Bytes::from(bytes),
                None => {
                    // Its parameters are then in force from the next random access point on.
                    let params = packets.remove(at).params;
                    let next = packets.iter_mut().skip(at).find(|p| p.random_access == RandomAccess::Idr);
                    if let (Some(next), Some(params)) = (next, params) {
                        next.params.get_or_insert(params);
                    }
                }
            }
            let damaged_id = 3 * at as u64;
            packets.extend(second.iter().cloned());
            let run = play(factory, &packets, Script::default());
            let mut judged = judge(stream, &run, &packets, damaged_id, offset, exact);
            if kind == Damage::Dropped && stream.losses_show && judged.count.unmarked > 0 {
                let why = format!("{} pictures built on a lost reference are not marked", judged.count.unmarked);
                judged.broken.get_or_insert(why);
            }
            sum = sum.plus(judged.count);
            if let (Outcome::Passed, Some(why)) = (&outcome, judged.broken) {
                outcome = Outcome::Failed(format!("packet {at} {kind}, seed {seed}: {why}"));
            }
        }
        counts.push((kind, sum));
    }
    (outcome, counts)
}

struct Judged {
    count: DamageCount,
    broken: Option<String>,
}

fn judge(stream: &TestStream, run: &Run, packets: &[Ready], damaged: u64, offset: u64, exact: bool) -> Judged {
    let mut count = DamageCount { runs: 1, errors: usize::from(!run.errors.is_empty()), ..Default::default() };
    let mut broken = breach(packets, run).or_else(|| run.refused.clone());
    if !exact || stream.order.is_empty() {
        return Judged { count, broken };
    }
    let shown: BTreeMap<u64, &Shown> = run.shown.iter().map(|shown| (shown.id, shown)).collect();
    let idrs = packets.iter().filter(|packet| packet.id > damaged && packet.random_access == RandomAccess::Idr);
    // A decoder that is given up takes what it holds back with it.
    let given_up = run.errors.iter().any(|(_, error)| error.recovery == Recovery::Reopen);
    let clean = idrs.map(|packet| packet.id).min().unwrap_or(offset);
    for pass in [0, offset] {
        for (place, truth) in stream.truth.iter().enumerate() {
            let id = pass + 3 * stream.order[place] as u64;
            let sound = id < damaged || id >= clean;
            match shown.get(&id) {
                Some(shown) if equals(shown, truth) => count.equal += 1,
                Some(shown) if shown.damaged => count.marked += 1,
                Some(_) => count.unmarked += 1,
                None => count.missing += 1,
            }
            let good = shown.get(&id).is_some_and(|shown| equals(shown, truth));
            let excused = given_up && id < damaged && !shown.contains_key(&id);
            if sound && !good && !excused && broken.is_none() {
                let how = if shown.contains_key(&id) { "is another" } else { "did not come" };
                let side = if id < damaged { "before the damage" } else { "after the next clean IDR picture" };
                broken = Some(format!("picture of packet {id}, {side}, {how}"));
            }
        }
    }
    Judged { count, broken }
}
