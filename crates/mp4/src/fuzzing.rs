//! Bodies of fuzz targets.

use bytes::Bytes;
use kineframe_fragment::{Event, Options};

use crate::{AnySplitter, ReadError, find_movie};

/// Most events that are looked at.
const EVENTS: usize = 1 << 16;

/// The events of `data` in pieces of `piece` bytes, of which `memory` may be held; with the movie box found beforehand where `ahead` is set.
fn events(data: &[u8], piece: usize, memory: u64, ahead: bool) -> (Vec<Event>, Option<ReadError>) {
    let movie = ahead.then(|| find_movie(&mut std::io::Cursor::new(data), 1 << 20).ok().flatten()).flatten();
    let mut splitter = AnySplitter::new(Options::default()).with_memory(memory).with_movie(movie);
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

/// The same events and the same error however the input is cut, damage included; frames lie within it.
pub fn pieces(data: &[u8]) {
    // Only what is MP4: the rest is another target's.
    if !crate::is_mp4(data) || data.len() > 1 << 20 {
        return;
    }
    for (memory, ahead) in [(1 << 20, false), (1 << 20, true), (data.len() as u64 / 3, false)] {
        let whole = events(data, data.len(), memory, ahead);
        for event in &whole.0 {
            if let Event::Frame(frame) = event {
                assert_eq!(frame.data.len() as u64, frame.stored_len);
                assert!(frame.position + frame.stored_len <= data.len() as u64);
            }
        }
        for parts in [3, 7, 100] {
            let cut = events(data, 1 + data.len() / parts, memory, ahead);
            let differs = whole.0.iter().zip(&cut.0).position(|(one, other)| one != other);
            assert_eq!(differs, None, "in {parts} pieces, {memory} bytes held: the first event that differs");
            assert_eq!((whole.0.len(), &whole.1), (cut.0.len(), &cut.1), "in {parts} pieces, {memory} bytes held");
        }
    }
}
