//! `kineframe audio`: each audio track as a file of its own.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::BufWriter;
use std::path::Path;

use kineframe::audio::{Format, Output as Recorded, Problem, RecordOptions, Recorder, RecordingEnd, RecordingStart};
use kineframe::fragment::{Event, Payload, ProducerTimestamp};
use kineframe::image_export::{AtomicFile, NameFields, NameTemplate};
use serde::Serialize;
use serde_json::json;

use super::frames::{existing, file_failure};
use crate::args::{Audio, Common};
use crate::body::Body;
use crate::outcome::{Failure, Outcome};
use crate::output::Output;
use crate::window::FrameWindow;

/// The object of one file.
#[derive(Serialize)]
struct RecordingObject<'a> {
    file: &'a str,
    track: u64,
    name: Option<&'a str>,
    codec_id: &'a str,
    format: &'static str,
    sample_rate: u32,
    channels: u16,
    frames: u64,
    samples: u64,
    producer_timestamp: Option<String>,
    duration_ms: u64,
    silence_ms: u64,
    gaps: u64,
    bytes: u64,
}

/// Runs the command.
///
/// # Errors
/// See [`Failure`].
pub fn run(args: &Audio, common: &Common) -> Result<Outcome, Failure> {
    let mut window = FrameWindow::new(&args.input)?;
    let mut body = Body::open(&args.input, Payload::Keep, common)?;
    let mut options = RecordOptions::default();
    options.fill = !args.no_fill;
    let mut recorder = Recorder::new(options);
    let mut files = Files::new(&args.output, &args.input.input, common);
    let mut output = Output::new(common.json);
    let ended = loop {
        match body.next_event() {
            Ok(Some(Event::Started(head))) if window.is_over(&head) => break Ok(()),
            Ok(Some(Event::Started(head))) => recorder.start(&head),
            Ok(Some(Event::Frame(frame))) => {
                if let Some(part) = window.part(&frame)? {
                    recorder.frame(&frame, part);
                }
            }
            Ok(Some(_)) => continue,
            Ok(None) => break Ok(()),
            Err(failure) => break Err(failure),
        }
        files.take(&mut recorder, &mut output)?;
    };
    // What was recorded until a signal came or the input failed is kept, but not what the first damage should end.
    if ended.is_err() && common.strict {
        return ended.map(|()| Outcome::Good);
    }
    recorder.finish();
    files.take(&mut recorder, &mut output)?;
    let report = body.report();
    let mut summary = report.json();
    summary["files"] = files.written.into();
    let written = files.written;
    output.item(&json!({ "summary": summary }), || {
        format!("{written} file{} in {}", if written == 1 { "" } else { "s" }, args.output.display())
    })?;
    output.flush()?;
    ended?;
    let outcome = report.outcome(common);
    if written == 0 {
        let why = if files.lost { "no sound that can be written" } else { "no audio track with frames in it" };
        let next = "`kineframe inspect` lists the tracks";
        return Err(Failure::Work(format!("{}: {why}; {next}", report.input)));
    }
    Ok(if files.lost { Outcome::Damaged } else { outcome })
}

/// The files that are being written.
struct Files<'a> {
    folder: &'a Path,
    input: &'a str,
    common: &'a Common,
    open: HashMap<u64, BufWriter<AtomicFile>>,
    names: HashSet<String>,
    written: u64,
    /// Sound that was there is in no file.
    lost: bool,
}

impl<'a> Files<'a> {
    fn new(folder: &'a Path, input: &'a str, common: &'a Common) -> Self {
        let (open, names) = (HashMap::new(), HashSet::new());
        Files { folder, input, common, open, names, written: 0, lost: false }
    }

    /// Does what a recorder says.
    fn take(&mut self, recorder: &mut Recorder, output: &mut Output) -> Result<(), Failure> {
        while let Some(next) = recorder.next_output() {
            match &next {
                Recorded::Begin(start) => {
                    fs::create_dir_all(self.folder).map_err(|error| Failure::output(self.folder.display(), &error))?;
                    let path = self.folder.join(self.name(start));
                    let file = AtomicFile::create(&path, existing(self.common)).map_err(file_failure)?;
                    self.open.insert(start.index, BufWriter::with_capacity(64 << 10, file));
                }
                Recorded::End(end) => self.commit(end, output)?,
                Recorded::Problem(problem) => self.say(problem),
                bytes => {
                    let file = bytes.recording().and_then(|index| self.open.get_mut(&index));
                    let Some(file) = file else { continue };
                    bytes.write_to(file).map_err(|error| Failure::output(file.get_ref().path().display(), &error))?;
                }
            }
        }
        Ok(())
    }

    /// `track-<number>[-<safe name>].<ending>`, a clash numbered.
    fn name(&mut self, start: &RecordingStart) -> String {
        let safe = start.name.as_deref().map(safe).filter(|name| !name.is_empty());
        let dash = if safe.is_some() { "-" } else { "" };
        let base = format!("track-{}{dash}{}", start.track, safe.unwrap_or_default());
        let ending = start.format.extension();
        let numbered = (2u64..).map(|count| format!("{base}-{count}.{ending}"));
        let mut names = std::iter::once(format!("{base}.{ending}")).chain(numbered);
        let name = names.find(|name| !self.names.contains(name)).unwrap_or_default();
        self.names.insert(name.clone());
        name
    }

    /// Puts a whole file in its place and tells of it.
    fn commit(&mut self, end: &RecordingEnd, output: &mut Output) -> Result<(), Failure> {
        let Some(file) = self.open.remove(&end.start.index) else { return Ok(()) };
        let path = file.get_ref().path().display().to_string();
        let file = file.into_inner().map_err(|error| Failure::output(&path, error.error()))?;
        file.commit().map_err(file_failure)?;
        self.written += 1;
        output.item(&object(end, &path), || line(end, &path))?;
        output.flush()
    }

    fn say(&mut self, problem: &Problem) {
        self.lost |= problem.kind.is_loss();
        if !self.common.quiet {
            let name = problem.name.as_deref().map(|name| format!(" {name:?}")).unwrap_or_default();
            eprintln!("kineframe: {}: track {}{name}: {}", self.input, problem.track, problem.kind);
        }
    }
}

/// A track's name as a part of a file's.
fn safe(name: &str) -> String {
    match "{stream}".parse::<NameTemplate>() {
        Ok(template) => template.render(&NameFields { stream: Some(name), ..NameFields::default() }),
        Err(_) => String::new(),
    }
}

fn object<'a>(end: &'a RecordingEnd, file: &'a str) -> RecordingObject<'a> {
    let start = &end.start;
    RecordingObject {
        file,
        track: start.track,
        name: start.name.as_deref(),
        codec_id: &start.codec_id,
        format: match start.format {
            Format::Pcm(_) => "wav",
            _ => "adts",
        },
        sample_rate: start.rate(),
        channels: start.channels(),
        frames: end.frames,
        samples: end.samples,
        producer_timestamp: start.producer_time.and_then(ProducerTimestamp::to_rfc3339),
        duration_ms: end.duration() / 1_000_000,
        silence_ms: end.silent_duration() / 1_000_000,
        gaps: end.gaps,
        bytes: end.len,
    }
}

fn line(end: &RecordingEnd, path: &str) -> String {
    let (start, seconds) = (&end.start, |nanos: u64| nanos as f64 / 1e9);
    let silence = match end.gaps {
        0 => String::new(),
        1 => format!(", {:.3} s of it silence in 1 gap", seconds(end.silent_duration())),
        gaps => format!(", {:.3} s of it silence in {gaps} gaps", seconds(end.silent_duration())),
    };
    let (rate, channels) = (start.rate(), start.channels());
    format!(
        "{path}  {:.3} s{silence}  {rate} Hz  {channels} channel{}",
        seconds(end.duration()),
        if channels == 1 { "" } else { "s" }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_tracks_stay_in_their_folder_and_are_not_long() {
        assert_eq!(safe("AUDIO_FROM_CUSTOMER"), "AUDIO_FROM_CUSTOMER");
        assert!(!safe("../../etc/passwd\0").contains(['/', '\0', '\\']));
        assert!(safe(&"ä".repeat(500)).len() <= 128);
    }
}
