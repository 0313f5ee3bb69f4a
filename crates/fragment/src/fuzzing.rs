//! Fuzz bodies: the invariants that hold for any input. The targets in `fuzz/` are one line each.

use bytes::Bytes;

use crate::{Event, FragmentFiles, Frame, Merger, Options, Output, RemuxOptions, Splitter};

/// Splits `data` whole, cut in two, and in small pieces of varying length: the events are the same, and what
/// they say fits together.
pub fn splitter(data: &[u8]) {
    let whole = Bytes::copy_from_slice(data);
    let expected = events(Options::default(), [whole.clone()]);
    check(&expected, whole.len());

    let cut = data.first().map_or(0, |byte| whole.len() * usize::from(*byte) / 256);
    let halves = [whole.slice(..cut), whole.slice(cut..)];
    assert!(events(Options::default(), halves) == expected, "cut at {cut}");

    let mut rest = whole.clone();
    let mut lengths = data.iter().rev().map(|byte| usize::from(byte % 17)).chain(std::iter::repeat(1));
    let pieces = std::iter::from_fn(|| {
        let length = lengths.next()?.min(rest.len());
        (!rest.is_empty()).then(|| rest.split_to(length))
    });
    assert!(events(Options::default(), pieces) == expected, "small pieces");

    // Strict reading tells the same up to its stop.
    let strict = events(Options { strict: true, ..Options::default() }, [whole]);
    let common = strict.iter().zip(&expected).take_while(|(a, b)| a == b).count();
    let is_head = |event: &Event| matches!(event, Event::Frame(_) | Event::Started(_));
    assert!(!strict[common..].iter().any(is_head), "strict reading tells what the other does not");
}

/// Splits `data`, makes files of it in each way, and reads those again: the frames are the same.
pub fn merger(data: &[u8]) {
    let told = events(Options::default(), [Bytes::copy_from_slice(data)]);
    let expected: Vec<_> = told.iter().filter_map(playable).collect();
    for patches in [true, false] {
        let options = RemuxOptions { patches };
        let mut merger = Merger::new(options);
        told.iter().for_each(|event| merger.push(event));
        merger.finish();
        compare(std::iter::from_fn(|| merger.next_output()), &expected);
        let mut maker = FragmentFiles::new(options);
        told.iter().for_each(|event| maker.push(event));
        maker.finish();
        // What follows the closing tags of a fragment is left out.
        if !told.iter().any(|event| matches!(event, Event::Amended(_))) {
            compare(std::iter::from_fn(|| maker.next_output()), &expected);
        }
    }
}

/// The content of a frame that a file can hold.
fn playable(event: &Event) -> Option<(u64, bool, Bytes)> {
    let Event::Frame(frame) = event else { return None };
    let tracks = frame.fragment.tracks.as_ref()?;
    let declared = tracks.entries.iter().any(|entry| entry.number == frame.track_number);
    (declared && frame.offset.is_some()).then(|| content(frame))
}

fn content(frame: &Frame) -> (u64, bool, Bytes) {
    (frame.track_number, frame.keyframe, frame.data.clone())
}

/// Makes the files, reads them again, and compares their frames; where a file cannot be made there is nothing to
/// compare.
fn compare(outputs: impl Iterator<Item = Output>, expected: &[(u64, bool, Bytes)]) {
    let mut found = Vec::new();
    let mut file: Vec<u8> = Vec::new();
    let mut open = None;
    for output in outputs {
        match output {
            Output::Begin(start) => {
                assert!(open.replace(start.index).is_none() && file.is_empty());
            }
            Output::Data(bytes) => file.extend_from_slice(&bytes),
            Output::Patch { position, data } => {
                let at = usize::try_from(position).expect("patches lie in the file");
                file[at..at + data.len()].copy_from_slice(&data);
            }
            Output::End(end) => {
                assert_eq!(open.take(), Some(end.index));
                let told = events(Options::default(), [Bytes::from(std::mem::take(&mut file))]);
                let frames =
                    told.iter().filter_map(|event| if let Event::Frame(frame) = event { Some(frame) } else { None });
                let before = found.len() as u64;
                found.extend(frames.map(content));
                assert_eq!(found.len() as u64 - before, end.frames);
            }
            Output::Failed { .. } => return,
        }
    }
    assert!(open.is_none());
    assert!(found == expected, "{} frames became {}", expected.len(), found.len());
}

/// All events; in strict mode up to the first error.
fn events(options: Options, pieces: impl IntoIterator<Item = Bytes>) -> Vec<Event> {
    let mut splitter = Splitter::new(options);
    let mut told = Vec::new();
    for piece in pieces {
        splitter.push(piece);
        loop {
            match splitter.next_event() {
                Ok(Some(event)) => told.push(event),
                Ok(None) => break,
                Err(_) => return told,
            }
        }
    }
    splitter.finish();
    while let Ok(Some(event)) = splitter.next_event() {
        told.push(event);
    }
    told
}

/// Fragments start, finish and lie in order, frames are counted, and all of it lies within the input.
fn check(events: &[Event], len: usize) {
    let len = u64::try_from(len).expect("inputs of a fuzzer are small");
    let mut open = None;
    let mut next = 0;
    let mut frames = 0;
    let mut refused = 0;
    for event in events {
        match event {
            Event::Started(head) => {
                assert!(open.is_none());
                assert_eq!(head.index, next);
                assert!(head.offset <= len);
                (open, next, frames, refused) = (Some(head.index), next + 1, 0, 0);
            }
            Event::Frame(frame) => {
                assert_eq!(frame.fragment.index + 1, next);
                assert!(frame.position.checked_add(frame.stored_len).is_some_and(|end| end <= len));
                frames += 1;
            }
            Event::Finished(tail) | Event::Amended(tail) => {
                assert_eq!(tail.head.index + 1, next);
                assert_eq!(open.is_some(), matches!(event, Event::Finished(_)));
                assert!(tail.head.offset.checked_add(tail.length).is_some_and(|end| end <= len));
                assert!(tail.frames >= frames && tail.frames <= frames + refused);
                assert!(!(tail.complete && tail.truncated));
                open = None;
            }
            Event::Damage(damage) => {
                assert!(damage.offset <= len);
                refused += 1;
            }
            Event::Tag(_) => assert!(next > 0),
            Event::ServiceError(_) => assert!(open.is_some()),
        }
    }
    assert!(open.is_none());
}

#[cfg(test)]
mod tests {
    use kineframe_testkit::{Fragment, Rng, body, flipped, garbled};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_invariants_hold_on_sound_and_damaged_bodies() {
        let body = body(&[0, 1, 2].map(|index| Fragment::new(index).user_tag("camera", "door"))).bytes;
        splitter(&[]);
        splitter(&body);
        merger(&body);
        let mut rng = Rng::new(7);
        for _ in 0..60 {
            let at = rng.below(body.len());
            let flipped = flipped(&body, at, rng.below(8) as u32);
            let garbled = garbled(&body, at..(at + 40).min(body.len()), rng.next_u64());
            for data in [&flipped[..], &body[..at], &body[at..], &garbled] {
                splitter(data);
                merger(data);
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn the_invariants_hold_on_anything(data in proptest::collection::vec(any::<u8>(), 0..400)) {
            splitter(&data);
            merger(&data);
        }
    }
}
