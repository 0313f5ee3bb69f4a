//! Bodies of fuzz targets.

use bytes::Bytes;
use kineframe_fragment::{Event, Options};

use crate::{AnySplitter, ReadError, find_movie};

/// Most events that are looked at.
const EVENTS: usize = 1 << 16;

/// The events of `data` in pieces of `piece` bytes; with the movie box found beforehand where `ahead` is set.
fn events(data: &[u8], piece: usize, ahead: bool) -> (Vec<Event>, Option<ReadError>) {
    let movie = ahead.then(|| find_movie(&mut std::io::Cursor::new(data), 1 << 20).ok().flatten()).flatten();
    let mut splitter = AnySplitter::new(Options::default()).with_memory(1 << 20).with_movie(movie);
    let mut found = Vec::new();
    let mut pieces = data.chunks(piece.max(1));
    loop {
        match splitter.next_event() {
            Ok(Some(event)) => found.push(event),
            Err(error) => return (found, Some(error)),
            Ok(None) => match pieces.next() {
                Some(piece) => splitter.push(Bytes::copy_from_slice(piece)),
                None if splitter.bytes_pushed() == data.len() as u64 && splitter.is_finished() => {
                    return (found, None);
                }
                None => splitter.finish(),
            },
        }
        if found.len() > EVENTS {
            return (found, None);
        }
    }
}

/// Events up to the first damage are the same however the input is cut; frames lie within it.
pub fn pieces(data: &[u8]) {
    // Only what is MP4: the rest is another target's.
    if !crate::is_mp4(data) || data.len() > 1 << 20 {
        return;
    }
    let (whole, error) = events(data, data.len(), false);
    for event in &whole {
        if let Event::Frame(frame) = event {
            assert_eq!(frame.data.len() as u64, frame.stored_len);
            assert!(frame.position + frame.stored_len <= data.len() as u64);
        }
    }
    let cut = events(data, 1 + data.len() / 7, false);
    if error.is_none() && cut.1.is_none() && whole.len() <= EVENTS {
        // Behind damage a sample may be told to lie where bytes were let go of: whether they still are there is up to
        // the pieces.
        let sound = |events: &[Event]| events.iter().position(|event| matches!(event, Event::Damage(_)));
        let before = sound(&whole).unwrap_or(whole.len()).min(sound(&cut.0).unwrap_or(cut.0.len()));
        assert_eq!(whole.get(..before), cut.0.get(..before));
    }
    events(data, 1 + data.len() / 3, true);
}
