//! From flags to pictures: what `frames`, `frame` and `demo` have in common.

use std::collections::BTreeMap;
use std::sync::Arc;

use kineframe::codec::{ColorRange, Decoders, MatrixCoefficients, Picture, Size};
use kineframe::consumer::{
    self, At, DropReason, Every, FragmentRef, FragmentStart, Grid, MediaTime, Notice, Options, PictureInfo,
    PictureWork, Pictures, Summary,
};
use kineframe::fragment::FragmentNumber;
use kineframe::image_export::{self as export, Depth, ExportError, ExportOptions, Exporter, ImageFormat, Quality};

use crate::args::{Clock, Common, Damaged, Fit, Format, Input, Matrix, PictureOptions, Range, Selection, Track};
use crate::body::{DamageObject, cpu_ms};
use crate::input::{Input as Body, without_media};
use crate::outcome::{Failure, Outcome};
use crate::progress::Progress;
use crate::signals::Stop;
use crate::units::{Bound, Duration, Moment};

/// Encodes each picture on the worker that decoded it.
pub struct Encode {
    exporter: Exporter,
}

impl PictureWork for Encode {
    type Output = Result<(Vec<u8>, Size), ExportError>;

    fn picture(&mut self, info: &PictureInfo, picture: Picture<'_>) -> Self::Output {
        info.set_shape(&mut self.exporter);
        let mut bytes = Vec::new();
        let size = self.exporter.encode(&picture, &mut bytes)?;
        Ok((bytes, size))
    }

    fn weight(&self, output: &Self::Output, _: Size) -> usize {
        output.as_ref().map_or(0, |(bytes, _)| bytes.capacity())
    }
}

/// Makes a worker's encoder.
pub fn encoder(options: &ExportOptions) -> Encode {
    Encode { exporter: exporter(options) }
}

#[cfg(not(feature = "full"))]
fn exporter(options: &ExportOptions) -> Exporter {
    Exporter::new(options.clone())
}

#[cfg(feature = "full")]
fn exporter(options: &ExportOptions) -> Exporter {
    match kineframe::jpeg_turbo::TurboJpegEncoder::new() {
        Ok(jpeg) => Exporter::with_jpeg_encoder(options.clone(), Box::new(jpeg)),
        // It fails for want of memory; the built-in encoder needs none before its first picture.
        Err(_) => Exporter::new(options.clone()),
    }
}

/// What is read, chosen and decoded.
///
/// # Errors
/// A decoder, a fragment number or a bound that there is not.
pub fn options(input: &Input, selection: &Selection, common: &Common) -> Result<Options, Failure> {
    let mut options = Options::new(decoders(common)?);
    options.decode.check_slices = !common.trust_slices;
    if let Some(threads) = common.threads {
        options.threads = threads;
    }
    if let Some(size) = common.max_memory {
        options.memory = usize::try_from(size.0).unwrap_or(usize::MAX);
    }
    options.strict = common.strict;
    options.clock = match input.clock {
        Clock::Producer => consumer::Clock::Producer,
        Clock::Server => consumer::Clock::Server,
    };
    options.range = range(input)?;
    options.track = match selection.track {
        None => consumer::TrackChoice::FirstVideo,
        Some(Track::All) => consumer::TrackChoice::AllVideo,
        Some(Track::Number(number)) => consumer::TrackChoice::Number(number),
    };
    options.damaged = match selection.damaged {
        Damaged::Keep => consumer::Damaged::Keep,
        Damaged::Skip => consumer::Damaged::Skip,
    };
    options.selection = consumer::Selection {
        at: selection.at.iter().map(|moment| At::Time(time(*moment))).collect(),
        fragments: selection.fragment.iter().map(|number| fragment(number)).collect::<Result<_, _>>()?,
        every: step(selection)?.map(|step| Every { step: step.to_std(), grid: Grid::Start }),
        one_in: selection.one_in,
        keyframes: selection.keyframes,
        limit: selection.limit,
    };
    Ok(options)
}

/// The back ends: all of this build, or the one that was named.
///
/// # Errors
/// No back end has this name.
pub fn decoders(common: &Common) -> Result<Decoders, Failure> {
    let all = kineframe::decoders::default_list();
    let Some(name) = &common.decoder else { return Ok(all) };
    all.only(name).ok_or_else(|| {
        let names: Vec<&str> = all.0.iter().map(|factory| factory.name()).collect();
        Failure::Usage(format!("--decoder {name}: this build has {}", names.join(", ")))
    })
}

/// `--every`, which must go on.
///
/// # Errors
/// A step of no length.
pub fn step(selection: &Selection) -> Result<Option<Duration>, Failure> {
    match selection.every {
        Some(Duration(0)) => Err(Failure::Usage("--every 0s: give a length, such as 1s; without it all come".into())),
        every => Ok(every),
    }
}

/// How pictures are written; `format` is what the flags leave open.
///
/// # Errors
/// A size that is none.
pub fn export_options(args: &PictureOptions, format: ImageFormat) -> Result<ExportOptions, Failure> {
    let mut options = ExportOptions::new(match args.format {
        None => format,
        Some(Format::Jpeg) => ImageFormat::Jpeg,
        Some(Format::Png) => ImageFormat::Png,
        Some(Format::Webp) => ImageFormat::WebP,
        Some(Format::Npy) => ImageFormat::Npy,
        Some(Format::Yuv) => ImageFormat::Yuv,
    });
    options.quality = Quality::new(args.quality).unwrap_or_default();
    if let Some(size) = &args.size {
        options.resize = size.parse().map_err(|error| Failure::Usage(format!("--size {size}: {error}")))?;
    }
    options.fit = match args.fit {
        Fit::Stretch => export::Fit::Stretch,
        Fit::Contain => export::Fit::Contain,
        Fit::Cover => export::Fit::Cover,
    };
    options.square_pixels = args.square_pixels;
    options.depth = if args.depth == "16" { Depth::Sixteen } else { Depth::Eight };
    options.matrix = args.matrix.map(|matrix| match matrix {
        Matrix::Bt601 => MatrixCoefficients::Bt601,
        Matrix::Bt709 => MatrixCoefficients::Bt709,
        Matrix::Bt2020 => MatrixCoefficients::Bt2020,
    });
    options.range = args.range.map(|range| match range {
        Range::Limited => ColorRange::Limited,
        Range::Full => ColorRange::Full,
    });
    Ok(options)
}

/// A fragment by its number.
///
/// # Errors
/// What is not 1 to 128 digits.
pub fn fragment(number: &str) -> Result<FragmentRef, Failure> {
    number_of(number).map(FragmentRef::Number)
}

fn number_of(number: &str) -> Result<FragmentNumber, Failure> {
    FragmentNumber::new(number)
        .ok_or_else(|| Failure::Usage(format!("'{number}' is not a fragment number (1 to 128 digits)")))
}

/// A time of the flags as the consumer takes it.
pub fn time(moment: Moment) -> MediaTime {
    match moment {
        Moment::Wall(nanos) => MediaTime::Wall(nanos),
        Moment::FromStart(nanos) => MediaTime::Elapsed(nanos),
    }
}

fn range(input: &Input) -> Result<consumer::Range, Failure> {
    let mut range = consumer::Range::default();
    match &input.from {
        None | Some(Bound::Earliest | Bound::Now | Bound::Token(_)) => {}
        Some(Bound::At(moment)) => range.from = Some(time(*moment)),
        Some(Bound::AfterFirst(nanos)) => range.from = Some(MediaTime::Elapsed(*nanos)),
        Some(Bound::Fragment(number)) => range.from_fragment = Some(FragmentStart::At(number_of(number)?)),
        Some(Bound::AfterFragment(number)) => range.from_fragment = Some(FragmentStart::After(number_of(number)?)),
    }
    match &input.to {
        None => {}
        Some(Bound::At(moment)) => range.to = Some(time(*moment)),
        Some(Bound::AfterFirst(nanos)) => range.length = Some(Duration(*nanos).to_std()),
        Some(_) => {
            return Err(Failure::Usage("--to takes a time or +DURATION".into()));
        }
    }
    Ok(range)
}

/// A picture, encoded.
pub struct Written {
    /// Counts the pictures handed out, from 0.
    pub index: u64,
    /// What was known before it was decoded.
    pub info: Arc<PictureInfo>,
    /// The size of the encoded picture.
    pub size: Size,
    /// Built on missing or damaged references.
    pub damaged: bool,
    /// The file's bytes.
    pub bytes: Vec<u8>,
}

/// A read in progress: pictures come out, and what happens on the way is said.
pub struct Run {
    pictures: Pictures<Encode>,
    progress: Progress,
    stop: Stop,
    name: String,
    quiet: bool,
    verbose: bool,
    /// Notices said so far, by kind.
    said: BTreeMap<&'static str, u64>,
    failed: u64,
    lost: u64,
    /// Pictures built on missing or damaged references.
    marked: u64,
    undecodable: Option<String>,
}

/// Frames of which there should have been pictures, and are none.
fn undecoded(summary: &Summary) -> u64 {
    use DropReason::{AfterFailure, BeforeRandomAccess, Damaged, Empty, Undecodable};
    let lost = [AfterFailure, BeforeRandomAccess, Damaged, Empty, Undecodable];
    lost.iter().filter_map(|reason| summary.frames_dropped.get(reason)).sum()
}

/// Lines on standard error for one kind of notice; the rest is counted.
const SAID: u64 = 5;

impl Run {
    /// Begins to read.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn start(input: Body, mut options: Options, export: &ExportOptions, common: &Common) -> Result<Run, Failure> {
        let (name, stop, length) = (input.name().to_owned(), input.stop().clone(), input.length());
        let export = export.clone();
        options.movie = input.movie();
        let pictures = Pictures::of_pieces(Box::new(input.into_pieces()), options, move || encoder(&export))
            .map_err(|error| Failure::Work(error.to_string()))?;
        let progress = Progress::new(common, length);
        let (quiet, verbose) = (common.quiet, common.verbose > 0);
        let said = BTreeMap::new();
        Ok(Run {
            pictures,
            progress,
            stop,
            name,
            quiet,
            verbose,
            said,
            failed: 0,
            lost: 0,
            marked: 0,
            undecodable: None,
        })
    }

    /// The next picture; `None` at the end.
    ///
    /// # Errors
    /// The input cannot be read further, the first damage with `--strict`, or a signal.
    pub fn next(&mut self) -> Result<Option<Written>, Failure> {
        loop {
            let item = self.pictures.next();
            self.notices();
            self.stop.check()?;
            let Some(item) = item else { return Ok(None) };
            let item = item.map_err(|error| Failure::Work(error.to_string()))?;
            self.progress.at(self.pictures.bytes_read(), item.index + 1);
            match item.output {
                Ok((bytes, size)) => {
                    let (index, info, damaged) = (item.index, item.info, item.damaged);
                    self.marked += u64::from(damaged);
                    return Ok(Some(Written { index, info, size, damaged, bytes }));
                }
                Err(error) => {
                    self.failed += 1;
                    self.progress.say(&format!("kineframe: {}: picture {}: {error}", self.name, item.index));
                }
            }
        }
    }

    /// Says something that is not an error.
    pub fn say(&self, what: &str) {
        if !self.quiet {
            self.progress.say(&format!("kineframe: {}: {what}", self.name));
        }
    }

    /// What was done.
    pub fn summary(&self) -> Summary {
        self.pictures.summary()
    }

    /// The fields of a summary object.
    pub fn summary_json(&self) -> serde_json::Value {
        let summary = self.summary();
        let dropped: serde_json::Map<String, serde_json::Value> =
            summary.frames_dropped.iter().map(|(reason, count)| (reason.name().to_owned(), (*count).into())).collect();
        let damage: Vec<DamageObject> = summary.damage.iter().map(DamageObject::new).collect();
        serde_json::json!({
            "pictures": summary.pictures - self.failed.min(summary.pictures),
            "frames_seen": summary.frames_seen,
            "frames_decoded": summary.frames_decoded,
            "frames_dropped": dropped,
            "bytes_read": summary.bytes_read,
            "bytes_skipped": summary.bytes_skipped,
            "damage": damage,
            "wall_ms": u64::try_from(summary.wall.as_millis()).unwrap_or(u64::MAX),
            "cpu_ms": cpu_ms(),
        })
    }

    /// How it ended; `why` says what no picture at all means.
    ///
    /// # Errors
    /// There was no picture.
    pub fn finish(&mut self, why: impl FnOnce() -> String) -> Result<Outcome, Failure> {
        self.progress.done();
        self.say_rest();
        let summary = self.summary();
        if summary.pictures == self.failed {
            let nothing = summary.fragments == 0 && summary.frames_seen == 0;
            let nothing =
                nothing.then(|| without_media(&self.name, summary.bytes_read)).flatten().map(ToOwned::to_owned);
            let why = self.undecodable.take().or(nothing).unwrap_or_else(why);
            return Err(Failure::Work(format!("{}: {why}", self.name)));
        }
        let damaged = !summary.damage.is_empty() || summary.truncated > 0;
        let undecoded = undecoded(&summary);
        if !self.quiet && self.marked + undecoded > 0 {
            self.progress.say(&format!("kineframe: {}: {}", self.name, shortfall(self.marked, undecoded)));
        }
        let complete = self.failed + self.lost + self.marked + undecoded == 0;
        let sound = !damaged && complete && self.undecodable.is_none();
        Ok(if sound { Outcome::Good } else { Outcome::Damaged })
    }

    /// Says what happened since the last picture.
    fn notices(&mut self) {
        // What was cut because the user stopped is no news.
        let stopped = self.stop.check().is_err();
        for notice in self.pictures.take_notices() {
            if stopped && matches!(notice, Notice::Truncated(_) | Notice::Damage(_) | Notice::Lost { .. }) {
                continue;
            }
            let kind = match &notice {
                Notice::Lost { .. } => "losses",
                Notice::Service(_) => "errors of the service",
                Notice::NoDecoder(_) => "tracks without a decoder",
                Notice::Switched { .. } => "changes of the decoder",
                Notice::Damage(_) => "damaged places",
                Notice::Truncated(_) => "cut fragments",
                _ => "others",
            };
            match &notice {
                Notice::Lost { .. } | Notice::Service(_) => self.lost += 1,
                Notice::NoDecoder(why) => self.undecodable = Some(format!("{why}{}", other_builds(&why.codec))),
                _ => {}
            }
            let said = self.said.entry(kind).or_default();
            *said += 1;
            if !self.quiet && (*said <= SAID || self.verbose) {
                self.progress.say(&format!("kineframe: {}: {notice}", self.name));
            }
        }
    }

    /// Says how many notices were only counted.
    fn say_rest(&self) {
        for (kind, said) in self.said.iter().filter(|(_, said)| **said > SAID && !self.quiet && !self.verbose) {
            self.progress.say(&format!("kineframe: {}: {} more {kind}; -v names them", self.name, said - SAID));
        }
    }
}

/// What is said of pictures that are not what the encoder made, and of frames that gave none: of what there was alone.
fn shortfall(marked: u64, undecoded: u64) -> String {
    let count = |count: u64, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
    let marked = (marked > 0).then(|| {
        let pictures = count(marked, "picture is", "pictures are");
        format!("{pictures} built on missing or damaged references (--json marks them, --damaged skip leaves them out)")
    });
    let undecoded = (undecoded > 0).then(|| {
        let frames = count(undecoded, "frame", "frames");
        format!("{frames} gave no picture (frames_dropped in the summary of --json says why)")
    });
    [marked, undecoded].into_iter().flatten().collect::<Vec<_>>().join("; ")
}

/// What to do where no back end of this build takes a codec.
fn other_builds(codec: &str) -> String {
    match kineframe::decoders::features_for(codec).as_slice() {
        [] => String::new(),
        features => {
            let options: Vec<String> = features.iter().map(|feature| format!("`{feature}`")).collect();
            let full = if features.contains(&"vpx") { "; `--features full` has vpx" } else { "" };
            format!("\nA build with the feature {} may decode it{full}", options.join(" or "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_there_is_not_spoken_of() {
        let both = shortfall(2, 1);
        assert!(both.starts_with("2 pictures are built") && both.contains("; 1 frame gave no picture"), "{both}");
        let one = shortfall(1, 0);
        assert!(one.starts_with("1 picture is built") && !one.contains("gave"), "{one}");
        let none = shortfall(0, 100);
        assert!(none.starts_with("100 frames gave no picture") && !none.contains("references"), "{none}");
    }
}
