//! Documents, tracks, codecs, counts and problems.

use kineframe::matroska::{DemuxOptions, Demuxer, ElementSize, Event, Payload, Recover, TrackEntry};
use serde::Serialize;
use serde_json::json;

use crate::args::{Common, Inspect};
use crate::body::DamageObject;
use crate::input::Input;
use crate::json::TrackObject;
use crate::outcome::{Failure, Outcome};
use crate::output::Output;
use crate::tracks;

/// Runs `inspect` without `--tree`.
///
/// # Errors
/// See [`Failure`].
pub fn run(args: &Inspect, common: &Common) -> Result<Outcome, Failure> {
    let mut input = Input::open(&args.input, common)?;
    if input.is_mp4()? {
        return super::mp4::run(input, common);
    }
    let mut demuxer = Demuxer::new(DemuxOptions::default().recover(Recover::Resync).payload(Payload::Skip));
    let mut survey = Survey::default();
    loop {
        while let Some(event) = demuxer.next_event().map_err(|error| Failure::Work(error.to_string()))? {
            survey.take(event);
        }
        if demuxer.is_done() {
            break;
        }
        match input.next_piece()? {
            Some(piece) => demuxer.push(piece),
            None => demuxer.finish(),
        }
    }
    survey.close(input.bytes_read);
    if let (true, Some(problem)) = (common.strict, survey.problems.first()) {
        let DamageObject { offset, path, reason, .. } = problem;
        return Err(Failure::Work(format!("{}: byte {offset}: {path}: {reason}", input.name())));
    }
    let mut output = Output::new(common.json);
    let object = json!({
        "documents": survey.documents,
        "segments": survey.segments,
        "clusters": survey.clusters,
        "tracks": survey.tracks.iter().map(|track| &track.object).collect::<Vec<_>>(),
        "problems": survey.problems,
        "bytes_read": input.bytes_read,
    });
    output.item(&object, || words(&survey, &input))?;
    output.flush()?;
    Ok(if survey.problems.is_empty() { Outcome::Good } else { Outcome::Damaged })
}

#[derive(Default)]
struct Survey {
    documents: Vec<Document>,
    segments: u64,
    clusters: u64,
    tracks: Vec<SeenTrack>,
    /// Places in `tracks` of the current document's tracks.
    current: Vec<usize>,
    /// The open Segment and Cluster, where their sizes are known.
    segment: Option<Claim>,
    cluster: Option<Claim>,
    problems: Vec<DamageObject>,
    /// Problems that there was no room for.
    more_problems: u64,
}

#[derive(Serialize)]
struct Document {
    index: usize,
    offset: u64,
    length: u64,
    doc_type: String,
    segment_size: Option<u64>,
    clusters: u64,
    frames: u64,
    timestamp_scale_ns: Option<u64>,
    duration_ms: Option<u64>,
    title: Option<String>,
    muxing_app: Option<String>,
    writing_app: Option<String>,
}

struct SeenTrack {
    entry: TrackEntry,
    object: TrackObject,
}

/// An element that says how long it is.
struct Claim {
    offset: u64,
    size: u64,
    /// Problems before it: one inside it explains that it does not end where it should.
    problems: u64,
}

/// Problems that are named; all are counted.
const PROBLEMS_NAMED: usize = 1000;

impl Survey {
    fn take(&mut self, event: Event) {
        match event {
            Event::EbmlHeader(header) => {
                self.close(header.offset);
                self.current.clear();
                self.documents.push(Document {
                    index: self.documents.len(),
                    offset: header.offset,
                    length: 0,
                    doc_type: header.doc_type,
                    segment_size: None,
                    clusters: 0,
                    frames: 0,
                    timestamp_scale_ns: None,
                    duration_ms: None,
                    title: None,
                    muxing_app: None,
                    writing_app: None,
                });
            }
            Event::SegmentStart { offset, size } => {
                self.segments += 1;
                self.segment = self.claim(offset, size);
                if let (Some(document), ElementSize::Known(size)) = (self.documents.last_mut(), size) {
                    document.segment_size = Some(size);
                }
            }
            Event::Info(info) => {
                if let Some(document) = self.documents.last_mut() {
                    let scale = info.timestamp_scale.0.get();
                    document.timestamp_scale_ns = Some(scale);
                    // A float to integer cast saturates, so that no Duration is beyond it.
                    document.duration_ms = info.duration.map(|ticks| (ticks * scale as f64 / 1e6) as u64);
                    document.title = info.title.clone();
                    document.muxing_app = info.muxing_app.clone();
                    document.writing_app = info.writing_app.clone();
                }
            }
            Event::Tracks(tracks) => {
                self.current = tracks.entries.iter().map(|entry| self.place(entry)).collect();
            }
            Event::ClusterStart { offset, size } => {
                self.clusters += 1;
                self.cluster = self.claim(offset, size);
                if let Some(document) = self.documents.last_mut() {
                    document.clusters += 1;
                }
            }
            Event::ClusterEnd { offset, complete } => {
                let claim = self.cluster.take();
                self.ended(claim, "Segment/Cluster", offset, complete);
            }
            Event::SegmentEnd { offset, complete } => {
                let claim = self.segment.take();
                self.ended(claim, "Segment", offset, complete);
            }
            Event::Block(block) => {
                let frames = block.frames.len() as u64;
                if let Some(document) = self.documents.last_mut() {
                    document.frames += frames;
                }
                let places = self.current.iter().copied();
                let place = places.into_iter().find(|place| self.tracks[*place].entry.number == block.track_number);
                match place {
                    Some(place) => self.tracks[place].object.frames += frames,
                    None => self.problem(
                        block.offset,
                        0,
                        "Segment/Cluster".to_owned(),
                        format!("a block of track {}, which Tracks does not name", block.track_number),
                    ),
                }
                for frame in block.frames {
                    if let Err(error) = frame.data {
                        self.problem(frame.offset, frame.stored_len, error.path.to_string(), error.kind.to_string());
                    }
                }
            }
            Event::Skipped { offset, reason: Some(error), .. } => {
                self.problem(offset, 0, error.path.to_string(), error.kind.to_string());
            }
            Event::Damage { offset, length, error } => {
                self.problem(offset, length, error.path.to_string(), error.kind.to_string());
            }
            _ => {}
        }
    }

    /// The last document ends at `end`.
    fn close(&mut self, end: u64) {
        if let Some(document) = self.documents.last_mut() {
            document.length = end.saturating_sub(document.offset);
        }
    }

    /// Where a track is counted: with its like of an earlier document.
    fn place(&mut self, entry: &TrackEntry) -> usize {
        let same = |seen: &SeenTrack| {
            let seen = &seen.entry;
            let video = |entry: &TrackEntry| entry.video.as_ref().map(|video| (video.pixel_width, video.pixel_height));
            (seen.number, &seen.codec_id, &seen.name, &seen.codec_private, video(seen))
                == (entry.number, &entry.codec_id, &entry.name, &entry.codec_private, video(entry))
        };
        self.tracks.iter().position(same).unwrap_or_else(|| {
            self.tracks.push(SeenTrack { entry: entry.clone(), object: tracks::object(entry, 0) });
            self.tracks.len() - 1
        })
    }

    fn claim(&self, offset: u64, size: ElementSize) -> Option<Claim> {
        let problems = self.problems.len() as u64 + self.more_problems;
        size.known().map(|size| Claim { offset, size, problems })
    }

    /// An element ended at `end`: a problem where its size says otherwise and nothing inside it explains that.
    fn ended(&mut self, claim: Option<Claim>, path: &str, end: u64, complete: bool) {
        let Some(Claim { offset, size, problems }) = claim else { return };
        if !complete && problems == self.problems.len() as u64 + self.more_problems {
            let reason = format!("it ends at byte {end}, which is not the end that its size of {size} bytes gives");
            self.problem(offset, 0, path.to_owned(), reason);
        }
    }

    fn problem(&mut self, offset: u64, length: u64, path: String, reason: String) {
        if self.problems.len() < PROBLEMS_NAMED {
            self.problems.push(DamageObject { offset, length, path, reason });
        } else {
            self.more_problems += 1;
        }
    }
}

fn words(survey: &Survey, input: &Input) -> String {
    let count = |number: u64, what: &str| format!("{number} {what}{}", if number == 1 { "" } else { "s" });
    let mut lines = vec![format!(
        "{}: {} bytes, {}, {}, {}",
        input.name(),
        input.bytes_read,
        count(survey.documents.len() as u64, "EBML document"),
        count(survey.segments, "segment"),
        count(survey.clusters, "cluster"),
    )];
    for track in &survey.tracks {
        let what = format!("  track {} ({})", tracks::words(&track.object), track.object.kind);
        lines.push(format!("{what} frames{}", tracks::codec_words(&track.entry)));
    }
    for document in survey.documents.iter().take(20) {
        let size = if document.segment_size.is_some() { "known size" } else { "unknown size" };
        lines.push(format!(
            "  document {} at byte {}: {} bytes, {}, segment of {size}, {}, {}{}",
            document.index,
            document.offset,
            document.length,
            document.doc_type,
            count(document.clusters, "cluster"),
            count(document.frames, "frame"),
            document.muxing_app.as_deref().map(|app| format!(", by {app}")).unwrap_or_default(),
        ));
    }
    if survey.documents.len() > 20 {
        lines.push(format!("  … and {} more; --json names all", survey.documents.len() - 20));
    }
    for problem in &survey.problems {
        let DamageObject { offset, length, path, reason } = problem;
        let lost = if *length > 0 { format!("; {length} bytes") } else { String::new() };
        let path = if path.is_empty() { String::new() } else { format!("{path}: ") };
        lines.push(format!("  PROBLEM at byte {offset}: {path}{reason}{lost}"));
    }
    if survey.more_problems > 0 {
        lines.push(format!("  … and {} more problems", survey.more_problems));
    }
    lines.join("\n")
}
