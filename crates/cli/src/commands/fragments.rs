//! `kineframe fragments`: one line per fragment, as soon as its closing tags have arrived.

use serde_json::json;

use crate::args::{Common, Fragments};
use crate::body::{Body, Report};
use crate::json::FragmentObject;
use crate::outcome::{Failure, Outcome, until_signal};
use crate::output::Output;
use crate::range::{FragmentRange, Place};
use crate::tracks;

use kineframe::fragment::{Event, FragmentTail, Payload};

/// Runs the command.
///
/// # Errors
/// See [`Failure`].
pub fn run(args: &Fragments, common: &Common) -> Result<Outcome, Failure> {
    let mut output = Output::new(common.json);
    let mut body = Body::open(&args.input, Payload::Skip, common)?;
    let mut range = FragmentRange::new(&args.input);
    let mut fragments = 0u64;
    let mut signal = None;
    while let Some(event) = until_signal(body.next_event(), common.json, &mut signal)? {
        let Event::Finished(tail) = event else { continue };
        match range.place(&tail)? {
            Place::Before => continue,
            Place::After => break,
            Place::Inside => {}
        }
        fragments += 1;
        output.item(&FragmentObject::new(&tail), || line(&tail))?;
        output.flush()?;
    }
    let report = body.report();
    output.item(&json!({ "summary": report.json() }), || summary(fragments, &report))?;
    output.flush()?;
    match signal {
        Some(signal) => Err(signal),
        None => Ok(report.outcome(common)),
    }
}

fn line(tail: &FragmentTail) -> String {
    let head = &tail.head;
    let number = head.number.as_ref().map_or_else(|| format!("(document {})", head.index), ToString::to_string);
    let time = head.producer_timestamp.map_or_else(|| "-".to_owned(), |time| time.to_string());
    let duration = tail.duration.map_or_else(|| "-".to_owned(), |nanos| format!("{:.3} s", nanos as f64 / 1e9));
    let tracks: Vec<String> = tracks::objects(tail).iter().map(tracks::words).collect();
    let mut line = format!("{number}  {time}  {duration:>9}  {:>4} frames  [{}]", tail.frames, tracks.join(", "));
    if let Some(error) = &tail.error {
        let (code, id) = (error.code.as_deref().unwrap_or("unnamed"), error.id);
        line += &format!("  SERVICE ERROR {code}{}", id.map(|id| format!(" ({id})")).unwrap_or_default());
    }
    if tail.truncated {
        line += "  TRUNCATED";
    } else if !tail.complete {
        line += "  INCOMPLETE";
    }
    line
}

fn summary(fragments: u64, report: &Report) -> String {
    let plural = if fragments == 1 { "" } else { "s" };
    format!("{fragments} fragment{plural}, {} bytes read", report.bytes_read)
}
