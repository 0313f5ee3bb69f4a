//! What is in an MP4 file, in the form of the survey of Matroska: a movie is a document.

use std::sync::Arc;

use kineframe::fragment::{Event, FragmentTail, Options, Payload};
use kineframe::mp4::AnySplitter;
use serde_json::{Value, json};

use crate::args::Common;
use crate::body::DamageObject;
use crate::input::Input;
use crate::outcome::{Failure, Outcome};
use crate::output::Output;
use crate::tracks;

/// Problems that are named.
const PROBLEMS_NAMED: usize = 1000;

/// Runs `inspect` on an input that is MP4.
///
/// # Errors
/// See [`Failure`].
pub fn run(mut input: Input, common: &Common) -> Result<Outcome, Failure> {
    let mut options = Options::default();
    options.strict = common.strict;
    options.payload = Payload::Skip;
    let mut splitter = AnySplitter::new(options).with_movie(input.movie());
    if let Some(size) = common.max_memory {
        splitter = splitter.with_memory(size.0);
    }
    let name = input.name().to_owned();
    let (mut movies, mut problems): (Vec<Arc<FragmentTail>>, Vec<DamageObject>) = Default::default();
    let mut ended = false;
    loop {
        let event = splitter.next_event().map_err(|error| Failure::Work(format!("{name}: {error} (--max-memory)")))?;
        match event {
            Some(Event::Finished(tail)) => movies.push(tail),
            Some(Event::Damage(damage)) if problems.len() < PROBLEMS_NAMED => {
                problems.push(DamageObject::new(&damage));
            }
            Some(_) => {}
            None if ended => break,
            None => match input.next_piece()? {
                Some(piece) => splitter.push(piece),
                None => {
                    splitter.finish();
                    ended = true;
                }
            },
        }
    }
    let mut output = Output::new(common.json);
    let object = json!({
        "documents": movies.iter().map(|tail| document(tail)).collect::<Vec<_>>(),
        "segments": 0,
        "clusters": 0,
        "tracks": movies.iter().flat_map(|tail| tracks::objects(tail)).collect::<Vec<_>>(),
        "problems": problems,
        "bytes_read": input.bytes_read,
    });
    output.item(&object, || words(&input, &movies, &problems))?;
    output.flush()?;
    Ok(if problems.is_empty() { Outcome::Good } else { Outcome::Damaged })
}

fn document(tail: &FragmentTail) -> Value {
    json!({
        "index": tail.head.index,
        "offset": tail.head.offset,
        "length": tail.length,
        "doc_type": "mp4",
        "segment_size": null,
        "clusters": 0,
        "frames": tail.frames,
        "timestamp_scale_ns": null,
        "duration_ms": tail.duration.map(|nanos| nanos / 1_000_000),
        "title": null,
        "muxing_app": null,
        "writing_app": null,
    })
}

fn words(input: &Input, movies: &[Arc<FragmentTail>], problems: &[DamageObject]) -> String {
    let count = movies.len();
    let plural = if count == 1 { "" } else { "s" };
    let mut lines = vec![format!("{}: {} bytes, MP4, {count} movie{plural}", input.name(), input.bytes_read)];
    for tail in movies {
        let entries = tail.head.tracks.iter().flat_map(|tracks| &tracks.entries);
        for (object, entry) in tracks::objects(tail).iter().zip(entries) {
            let what = format!("  track {} ({})", tracks::words(object), object.kind);
            lines.push(format!("{what} frames{}", tracks::codec_words(entry)));
        }
    }
    for problem in problems {
        let DamageObject { offset, length, path, reason } = problem;
        lines.push(format!("  PROBLEM at byte {offset}: {path}: {reason}; {length} bytes"));
    }
    lines.join("\n")
}
