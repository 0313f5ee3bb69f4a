//! Reads a stored GetMedia body and says where to go on after it: the token for the next GetMedia call.
//!
//! `resume-point FILE`, or without a file a capture from the test data.

use bytes::Bytes;
use kineframe_fragment::{Event, Options, Splitter};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).unwrap_or_else(|| {
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/captures/output_get_media.mkv").to_owned()
    });
    let body = Bytes::from(std::fs::read(path)?);
    let mut splitter = Splitter::new(Options::default());
    let mut token = None;
    // A socket would give such pieces one by one.
    for start in (0..body.len()).step_by(16 << 10) {
        splitter.push(body.slice(start..body.len().min(start + (16 << 10))));
        while let Some(event) = splitter.next_event()? {
            token = handle(event).or(token);
        }
    }
    splitter.finish();
    while let Some(event) = splitter.next_event()? {
        token = handle(event).or(token);
    }
    println!("go on after {}", token.ok_or("no fragment was complete")?);
    Ok(())
}

/// Prints what is worth a line; the token of a fragment that is whole.
fn handle(event: Event) -> Option<String> {
    match event {
        Event::Finished(fragment) => {
            let number = fragment.head.number.as_ref().map_or("?".to_owned(), ToString::to_string);
            println!("{number}: {} frames, {} bytes", fragment.frames, fragment.payload_bytes);
            let token = fragment.continuation_token.as_ref().map(ToString::to_string);
            token.filter(|_| fragment.complete)
        }
        Event::ServiceError(error) => {
            println!("the service says: {error:?}");
            None
        }
        Event::Damage(damage) => {
            println!("{} bytes lost at {}: {}", damage.length, damage.offset, damage.error);
            None
        }
        _ => None,
    }
}
