//! Bodies with their truths, and what a splitter tells of them.
#![allow(dead_code, reason = "each test uses its part")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use kineframe_fragment::{Event, FragmentHead, FragmentTail, Frame, Options, Output, Splitter};
use serde_json::Value;

/// The `testdata` folder.
pub fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata")
}

/// The folder of the whole media collection, where the environment names it; else a line says what is
/// skipped.
pub fn media(test: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("KINEFRAME_MEDIA").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("skipped: {test} needs KINEFRAME_MEDIA to name the media folder");
    }
    folder
}

/// Every `.mkv`, `.mka` and `.webm` under a folder, sorted.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ["mkv", "mka", "webm"].iter().any(|known| ending == *known))
            {
                found.push(path);
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "nothing in {}", folder.display());
    found
}

/// The truth beside a body.
pub fn truth(body: &Path) -> Value {
    let mut name = body.as_os_str().to_owned();
    name.push(".truth.json");
    let text = fs::read(&name).unwrap_or_else(|error| panic!("{}: {error}", name.to_string_lossy()));
    serde_json::from_slice(&text).unwrap()
}

/// The bytes of a body.
pub fn read(body: &Path) -> Bytes {
    fs::read(body).unwrap_or_else(|error| panic!("{}: {error}", body.display())).into()
}

/// All events of a body that comes in these pieces.
pub fn split<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Event> {
    split_with(Options::default(), pieces.into_iter().map(Bytes::copy_from_slice))
}

/// The same with options; pieces are passed on as they are.
pub fn split_with(options: Options, pieces: impl IntoIterator<Item = Bytes>) -> Vec<Event> {
    let mut splitter = Splitter::new(options);
    let mut events = Vec::new();
    for piece in pieces {
        splitter.push(piece);
        while let Some(event) = splitter.next_event().expect("damage is skipped by default") {
            events.push(event);
        }
    }
    splitter.finish();
    while let Some(event) = splitter.next_event().expect("damage is skipped by default") {
        events.push(event);
    }
    events
}

/// All events of a body that comes in one piece.
pub fn split_whole(body: &Bytes) -> Vec<Event> {
    split_with(Options::default(), [body.clone()])
}

/// A fragment with all that was told of it.
#[derive(Debug, Clone)]
pub struct Told {
    pub head: Arc<FragmentHead>,
    pub frames: Vec<Frame>,
    /// Tags that came before the first frame, and that came later.
    pub tags_at_start: usize,
    pub tail: Arc<FragmentTail>,
}

/// Sorts events by fragment, and checks their order on the way.
pub fn fragments(events: &[Event]) -> Vec<Told> {
    let mut told: Vec<Told> = Vec::new();
    let mut open: Option<(Arc<FragmentHead>, Vec<Frame>, Vec<_>, usize)> = None;
    let mut started = 0;
    for event in events {
        match event {
            Event::Started(head) => {
                assert!(open.is_none(), "a fragment starts within another");
                assert_eq!(head.index, started, "fragments are counted");
                started += 1;
                open = Some((Arc::clone(head), Vec::new(), Vec::new(), 0));
            }
            Event::Frame(frame) => match &mut open {
                Some((head, frames, ..)) => {
                    assert!(Arc::ptr_eq(head, &frame.fragment));
                    frames.push(frame.clone());
                }
                None => told.last_mut().expect("no frame before the first fragment").frames.push(frame.clone()),
            },
            Event::Tag(tag) => {
                if let Some((_, frames, tags, at_start)) = &mut open {
                    tags.push(tag.clone());
                    *at_start += usize::from(frames.is_empty());
                }
            }
            Event::Finished(tail) => {
                let (head, frames, tags, tags_at_start) = open.take().expect("only what has started finishes");
                assert_eq!(tail.tags, tags, "the tail has the tags that were told");
                told.push(Told { head, frames, tags_at_start, tail: Arc::clone(tail) });
            }
            Event::Amended(tail) => {
                assert!(open.is_none(), "only what is finished is amended");
                told.last_mut().expect("only what is finished is amended").tail = Arc::clone(tail);
            }
            _ => {}
        }
    }
    assert!(open.is_none(), "every fragment finishes");
    told
}

/// The events in short, one a line, for messages.
pub fn summary(events: &[Event]) -> String {
    let line = |event: &Event| match event {
        Event::Started(head) => format!("started {} at {}: {:?}", head.index, head.offset, head.number),
        Event::Frame(frame) => format!("frame {} of {} at {}", frame.index, frame.track_number, frame.position),
        Event::Tag(tag) => format!("tag {}", tag.name),
        Event::Finished(tail) => format!("finished {}: {} bytes, {}", tail.head.index, tail.length, tail.complete),
        Event::Amended(tail) => format!("amended {}: {} bytes", tail.head.index, tail.length),
        Event::Damage(damage) => format!("damage {}+{}: {}", damage.offset, damage.length, damage.error),
        other => format!("{other:?}"),
    };
    events.iter().map(|event| line(event) + "\n").collect()
}

/// The files that a maker of files asks for.
pub fn made(outputs: impl IntoIterator<Item = Output>) -> Vec<Vec<u8>> {
    let mut files: Vec<Vec<u8>> = Vec::new();
    let mut open: Option<Vec<u8>> = None;
    for output in outputs {
        match output {
            Output::Begin(start) => {
                assert!(open.replace(Vec::new()).is_none(), "a file begins within another");
                assert_eq!(start.index, files.len() as u64);
            }
            Output::Data(data) => open.as_mut().expect("data is of a file").extend_from_slice(&data),
            Output::Patch { position, data } => {
                let position = usize::try_from(position).unwrap();
                open.as_mut().expect("a patch is of a file")[position..][..data.len()].copy_from_slice(&data);
            }
            Output::End(end) => {
                let file = open.take().expect("only what has begun ends");
                assert_eq!(end.len, file.len() as u64);
                files.push(file);
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(open.is_none(), "every file ends");
    files
}
