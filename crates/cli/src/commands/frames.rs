//! `kineframe frames` and `kineframe frame`: pictures to files.

mod images;

use std::io::ErrorKind;
use std::path::Path;

use kineframe::consumer::{At, DropReason, Options, PictureInfo};
use kineframe::image_export::{
    Existing, ExportOptions, FileError, ImageFormat, NameFields, NameTemplate, Names, PictureFolder, write_file,
};
use serde::Serialize;
use serde_json::json;

use crate::args::{Clock, Common, Damaged, Frame, Frames, Input as InputArgs, Selection, Service, Track};
use crate::input::Input;
use crate::kvs::{self, Wanted};
use crate::outcome::{Failure, Outcome, until_signal};
use crate::output::Output;
use crate::pictures::{self, Run, Written};
use crate::units::{Moment, Offset};

/// The object of one picture.
#[derive(Serialize)]
struct PictureObject<'a> {
    index: u64,
    file: &'a str,
    fragment_number: Option<String>,
    frame: u64,
    track: u64,
    offset_ms: Option<i64>,
    producer_timestamp: Option<String>,
    server_timestamp: Option<String>,
    keyframe: bool,
    damaged: bool,
    width: u32,
    height: u32,
    bytes: usize,
}

/// Runs `kineframe frames`.
///
/// # Errors
/// See [`Failure`].
pub fn frames(args: &Frames, common: &Common) -> Result<Outcome, Failure> {
    let export = pictures::export_options(&args.picture, ImageFormat::Jpeg)?;
    let template = match &args.name {
        Some(name) => Some(name.parse().map_err(|error| Failure::Usage(format!("--name {name}: {error}")))?),
        None => None,
    };
    if images::is_wanted(&args.input) {
        return images::frames(args, template, common);
    }
    let options = pictures::options(&args.input, &args.selection, common)?;
    let input = Input::open_for(&args.input, &Wanted::of(&args.selection.fragment, &args.selection.at), common)?;
    let all_tracks = args.selection.track == Some(Track::All);
    let stream = kvs::name(&args.input.input);
    let mut folder =
        Folder { path: &args.output, template, all_tracks, existing: existing(common), stream: stream.as_deref() };
    folder.write(input, options, &export, common, &mut |_, _| {})
}

/// Runs `kineframe frame`.
///
/// # Errors
/// See [`Failure`].
pub fn frame(args: &Frame, common: &Common) -> Result<Outcome, Failure> {
    let format = format_of(args)?;
    let piped = args.output == Path::new("-");
    if piped && common.json {
        return Err(Failure::Usage(
            "standard output cannot hold the picture and --json both; name a file with -o".into(),
        ));
    }
    if images::is_wanted(&args.input) {
        return images::frame(args, format, common);
    }
    let export = pictures::export_options(&args.picture, format)?;
    let selection = Selection { limit: Some(1), track: args.track.map(Track::Number), ..unselected() };
    let mut options = pictures::options(&args.input, &selection, common)?;
    options.selection.at = vec![match (&args.fragment, args.at) {
        (Some(number), _) => match args.offset {
            None => At::First(pictures::fragment(number)?),
            Some(Offset(offset)) => At::Offset { fragment: pictures::fragment(number)?, offset },
        },
        (None, Some(moment)) => At::Time(pictures::time(moment)),
        (None, None) => return Err(Failure::Usage("give --fragment NUMBER or --at TIME".into())),
    }];
    let existing = existing(common);
    if existing == Existing::Keep && !piped && args.output.exists() {
        return Err(is_there(&args.output));
    }
    let mut output = Output::new(common.json);
    let wanted = Wanted::of(args.fragment.as_slice(), args.at.as_slice());
    let mut run = Run::start(Input::open_for(&args.input, &wanted, common)?, options, &export, common)?;
    while let Some(picture) = run.next()? {
        if let Some(nanos) = before(&picture.info, args).filter(|nanos| *nanos > STALE) {
            let older = nanos as f64 / 1e9;
            match (args.offset, picture.info.offset) {
                (Some(offset), Some(at)) => run.say(&format!(
                    "--offset {offset} lies past the fragment's end, or in a gap of it: the last picture before it is at \
                     {} ({older:.3} s older), and that is written",
                    Offset(at)
                )),
                _ => run.say(&format!("the picture is {older:.3} s older than the time asked for: none came between")),
            }
        }
        if piped {
            crate::output::bytes(&picture.bytes)?;
            continue;
        }
        write_file(&args.output, &picture.bytes, existing).map_err(file_failure)?;
        let file = args.output.display().to_string();
        output.item(&object(&picture, &file), || line(&picture, &file))?;
    }
    if let (Some(number), Some(offset @ Offset(..0))) = (&args.fragment, args.offset) {
        let summary = run.summary();
        if summary.pictures == 0 && summary.frames_seen > 0 {
            return Err(Failure::Usage(format!(
                "{}: --offset {offset} lies before the first picture of fragment {number}: give seconds from its start",
                args.input.input
            )));
        }
    }
    let outcome = run.finish(|| match (&args.fragment, args.at) {
        (Some(number), _) if args.offset.is_some() => {
            format!("fragment {number} is not in it, or has no picture that early; `kineframe fragments` lists them")
        }
        (Some(number), _) => {
            format!("fragment {number} is not in it, or has no picture; `kineframe fragments` lists them")
        }
        _ => "nothing is on screen at that time; `kineframe fragments` lists what there is".to_owned(),
    })?;
    output.item(&json!({ "summary": run.summary_json() }), String::new)?;
    output.flush()?;
    Ok(outcome)
}

/// A picture on screen for longer than this many nanoseconds is worth a word: the stream ended, or has a gap.
const STALE: i128 = 1_000_000_000;

/// How many nanoseconds before the time asked for a picture begins.
fn before(picture: &PictureInfo, args: &Frame) -> Option<i128> {
    let clock = match args.input.clock {
        Clock::Producer => picture.producer_time.map(|time| time.0),
        Clock::Server => picture.server_time.map(|time| time.0),
    };
    match (args.at, args.offset) {
        (Some(Moment::Wall(at)), _) => at.checked_sub(clock?),
        (Some(Moment::FromStart(at)), _) => at.checked_sub(picture.elapsed?),
        (None, Some(Offset(offset))) => Some(i128::from(offset) - i128::from(picture.offset?)),
        (None, None) => None,
    }
}

/// The format of `frame` where --format does not say it: what the file's name ends in; JPEG for a name without an ending.
fn format_of(args: &Frame) -> Result<ImageFormat, Failure> {
    let Some(ending) = args.output.extension() else { return Ok(ImageFormat::Jpeg) };
    match ending.to_str().and_then(ImageFormat::from_extension) {
        Some(format) => Ok(format),
        None if args.picture.format.is_some() => Ok(ImageFormat::Jpeg),
        None => Err(Failure::Usage(format!(
            "-o {}: no format has this ending; it can be jpg, png, webp, npy or yuv, or say --format",
            args.output.display()
        ))),
    }
}

/// Where pictures go, and under which names.
pub struct Folder<'a> {
    /// The folder; made with its first picture.
    pub path: &'a Path,
    /// How pictures are named; `None` for the default, which the first picture decides.
    pub template: Option<NameTemplate>,
    /// Pictures of several tracks come.
    pub all_tracks: bool,
    /// What is done with files that are there.
    pub existing: Existing,
    /// The stream's name, where the pictures are of one.
    pub stream: Option<&'a str>,
}

impl Folder<'_> {
    /// Writes the pictures; `each` sees them with their files.
    ///
    /// # Errors
    /// See [`Failure`].
    pub fn write(
        &mut self,
        input: Input,
        options: Options,
        export: &ExportOptions,
        common: &Common,
        each: &mut dyn FnMut(&Path, &Written),
    ) -> Result<Outcome, Failure> {
        let mut output = Output::new(common.json);
        let mut run = Run::start(input, options, export, common)?;
        let mut pictures: Option<PictureFolder> = None;
        let mut signal = None;
        while let Some(picture) = until_signal(run.next(), common.json, &mut signal)? {
            let target = match &mut pictures {
                Some(target) => target,
                // The first picture tells whether this is a body of fragments: that decides on the names.
                None => {
                    let template =
                        self.template.clone().unwrap_or_else(|| default_template(&picture.info, self.all_tracks));
                    let names = Names::new(template, export.format.extension());
                    pictures.insert(PictureFolder::create(self.path, names, self.existing).map_err(file_failure)?)
                }
            };
            let number = picture.info.fragment.number.as_ref().map(ToString::to_string);
            let fields = NameFields { stream: self.stream, ..name_fields(&picture, number.as_deref()) };
            let file = target.write(&fields, &picture.bytes).map_err(file_failure)?;
            each(&file, &picture);
            let file = file.display().to_string();
            output.item(&object(&picture, &file), || {
                if common.verbose > 0 { line(&picture, &file) } else { String::new() }
            })?;
            // Who reads along is told of each picture as soon as it is there.
            output.flush()?;
        }
        let outcome = match signal {
            Some(signal) => Err(signal),
            None => Ok(run.finish(|| "no picture matched; `kineframe fragments` shows what there is".to_owned())?),
        };
        let summary = run.summary();
        output.item(&json!({ "summary": run.summary_json() }), || {
            let skipped = summary.frames_dropped.get(&DropReason::NotNeeded).copied().unwrap_or(0);
            format!(
                "{} picture{} in {} ({} frames seen, {} decoded, {skipped} not needed)",
                summary.pictures,
                if summary.pictures == 1 { "" } else { "s" },
                self.path.display(),
                summary.frames_seen,
                summary.frames_decoded,
            )
        })?;
        output.flush()?;
        outcome
    }
}

/// What `frames` selects when no flag says anything.
pub fn everything(input: &str) -> (InputArgs, Selection) {
    let service = Service::default();
    let input = InputArgs { input: input.to_owned(), from: None, to: None, clock: Clock::Producer, via: None, service };
    (input, unselected())
}

/// No flag of the selection was given: every picture.
fn unselected() -> Selection {
    Selection {
        at: Vec::new(),
        fragment: Vec::new(),
        every: None,
        one_in: None,
        keyframes: false,
        limit: None,
        track: None,
        damaged: Damaged::Keep,
    }
}

fn default_template(info: &PictureInfo, all_tracks: bool) -> NameTemplate {
    let template = if info.fragment.number.is_some() { NameTemplate::by_fragment() } else { NameTemplate::by_index() };
    if all_tracks { template.with_track() } else { template }
}

fn name_fields<'a>(picture: &Written, number: Option<&'a str>) -> NameFields<'a> {
    let info = &picture.info;
    NameFields {
        fragment: number,
        document: info.fragment.index,
        offset_ms: offset_ms(info).unwrap_or(0),
        index: picture.index,
        producer_ms: info.producer_time.and_then(|time| time.as_millis()),
        server_ms: info.server_time.and_then(|time| time.as_millis()),
        stream: None,
        track: info.track,
    }
}

/// Frame time minus the Timestamp of the fragment's first Cluster, rounded down.
fn offset_ms(info: &PictureInfo) -> Option<i64> {
    info.offset.map(|nanos| nanos.div_euclid(1_000_000))
}

fn object<'a>(picture: &Written, file: &'a str) -> PictureObject<'a> {
    let info = &picture.info;
    PictureObject {
        index: picture.index,
        file,
        fragment_number: info.fragment.number.as_ref().map(ToString::to_string),
        frame: info.frame,
        track: info.track,
        offset_ms: offset_ms(info),
        producer_timestamp: info.producer_time.and_then(|time| time.to_rfc3339()),
        server_timestamp: info.server_time.and_then(|time| time.to_rfc3339()),
        keyframe: info.keyframe,
        damaged: picture.damaged,
        width: picture.size.width,
        height: picture.size.height,
        bytes: picture.bytes.len(),
    }
}

fn line(picture: &Written, file: &str) -> String {
    let info = &picture.info;
    let time =
        info.producer_time.and_then(|time| time.to_rfc3339()).map(|time| format!("  {time}")).unwrap_or_default();
    let number = info.fragment.number.as_ref().map(|number| format!("  fragment {number}")).unwrap_or_default();
    let damaged = if picture.damaged { "  DAMAGED" } else { "" };
    format!("{file}  {}x{}{time}{number} frame {}{damaged}", picture.size.width, picture.size.height, info.frame)
}

/// What is done with files that are there.
pub fn existing(common: &Common) -> Existing {
    if common.overwrite { Existing::Replace } else { Existing::Keep }
}

/// A file that could not be written ends the command.
pub fn file_failure(error: FileError) -> Failure {
    let path = error.path.display();
    let folder = error.path.parent().filter(|folder| !folder.as_os_str().is_empty());
    Failure::Work(match error.kind {
        ErrorKind::AlreadyExists if error.path.is_file() => return is_there(&error.path),
        ErrorKind::NotFound if folder.is_some_and(|folder| !folder.exists()) => {
            let folder = folder.unwrap_or(&error.path).display();
            format!("{path}: there is no folder {folder}; make it, or name another with -o")
        }
        _ => error.to_string(),
    })
}

fn is_there(path: &Path) -> Failure {
    let path = path.display();
    Failure::Work(format!("{path}: is there already; choose another name with -o, or replace it with --overwrite"))
}
