//! `--via images`: pictures that the service makes (GetImages), at times and at an interval. Nothing is decoded here.

use std::path::Path;

use bytes::Bytes;
use kineframe::image_export::{
    ExportOptions, Fit, ImageFormat, NameFields, NameTemplate, Names, PictureFolder, Resize, write_file,
};
use kineframe::source_aws::{Clock, ImageAbsence, ImageRequest, ImageSample, StreamHandle, TimeRange};
use serde::Serialize;
use serde_json::json;

use super::{existing, file_failure};
use crate::args::{Common, Damaged, Frame, Frames, Input as InputArgs, PictureOptions, Selection, Via};
use crate::input::check_range;
use crate::kvs;
use crate::outcome::{Failure, Outcome};
use crate::output::Output;
use crate::pictures;
use crate::signals::Stop;
use crate::units::{Bound, Moment};

/// The shortest interval that the service takes, and the longest range of one call, in nanoseconds.
const SHORTEST: i128 = 200_000_000;
const LONGEST: i128 = 300_000_000_000;

/// Whether the pictures are to be made by the service.
pub fn is_wanted(input: &InputArgs) -> bool {
    input.via == Some(Via::Images) && kvs::is_stream(&input.input)
}

/// Runs `kineframe frames --via images`.
///
/// # Errors
/// See [`Failure`].
pub fn frames(args: &Frames, template: Option<NameTemplate>, common: &Common) -> Result<Outcome, Failure> {
    let selection = &args.selection;
    refuse_choices(selection)?;
    let mut run = Run::new(&args.input, &args.picture, ImageFormat::Jpeg, common)?;
    run.limit = selection.limit;
    let template = template.unwrap_or_else(NameTemplate::by_index);
    let (extension, existing) = (run.export.format.extension(), existing(common));
    let mut folder: Option<PictureFolder> = None;
    let mut write = |fields: &NameFields<'_>, file: &Bytes| {
        let folder = match &mut folder {
            Some(folder) => folder,
            None => {
                let names = Names::new(template.clone(), extension);
                folder.insert(PictureFolder::create(&args.output, names, existing).map_err(file_failure)?)
            }
        };
        Ok(folder.write(fields, file).map_err(file_failure)?.display().to_string())
    };
    for at in &selection.at {
        run.at(*at, &mut write)?;
    }
    if let Some(step) = pictures::step(selection)? {
        run.every(&args.input, step.0, &mut write)?;
    }
    run.finish(&args.output)
}

/// Runs `kineframe frame --via images`.
///
/// # Errors
/// See [`Failure`].
pub fn frame(args: &Frame, format: ImageFormat, common: &Common) -> Result<Outcome, Failure> {
    let Some(at) = args.at else {
        return Err(Failure::Usage("--via images makes pictures of times: give --at TIME".into()));
    };
    if args.track.is_some() {
        return Err(Failure::Usage("--via images: the service chooses the track; leave --track out".into()));
    }
    let mut run = Run::new(&args.input, &args.picture, format, common)?;
    let piped = args.output == Path::new("-");
    if piped {
        run.output = Output::silent();
    }
    run.at(at, &mut |_, file| {
        if piped {
            crate::output::bytes(file)?;
            return Ok(String::new());
        }
        write_file(&args.output, file, existing(common)).map_err(file_failure)?;
        Ok(args.output.display().to_string())
    })?;
    run.finish(&args.output)
}

/// What only a decoder can choose.
fn refuse_choices(selection: &Selection) -> Result<(), Failure> {
    let flag = match selection {
        _ if !selection.fragment.is_empty() => "--fragment",
        _ if selection.one_in.is_some() => "--one-in",
        _ if selection.keyframes => "--keyframes",
        _ if selection.track.is_some() => "--track",
        _ if selection.damaged != Damaged::Keep => "--damaged",
        _ if selection.every.is_none() && selection.at.is_empty() => {
            return Err(Failure::Usage(
                "--via images makes pictures of times: give --every DURATION or --at TIME".into(),
            ));
        }
        _ => return Ok(()),
    };
    Err(Failure::Usage(format!("{flag} is for pictures that are decoded here: leave --via images out")))
}

/// The object of one picture: what the service does not tell is null.
#[derive(Serialize)]
struct ImageObject<'a> {
    index: u64,
    file: &'a str,
    fragment_number: Option<&'a str>,
    frame: Option<u64>,
    track: Option<u64>,
    offset_ms: Option<i64>,
    producer_timestamp: Option<String>,
    server_timestamp: Option<String>,
    keyframe: Option<bool>,
    damaged: bool,
    width: Option<u32>,
    height: Option<u32>,
    bytes: usize,
}

/// Writes a picture under a name, which it returns.
type Write<'a> = dyn FnMut(&NameFields<'_>, &Bytes) -> Result<String, Failure> + 'a;

struct Run<'a> {
    stream: StreamHandle,
    clock: Clock,
    export: ExportOptions,
    common: &'a Common,
    output: Output,
    stop: Stop,
    name: String,
    limit: Option<u64>,
    pictures: u64,
    /// Samples during which nothing was recorded.
    no_media: u64,
    /// Samples of which the service could not make a picture.
    failed: u64,
}

impl<'a> Run<'a> {
    fn new(
        input: &InputArgs,
        picture: &PictureOptions,
        format: ImageFormat,
        common: &'a Common,
    ) -> Result<Self, Failure> {
        check_range(input)?;
        let export = pictures::export_options(picture, format)?;
        if !matches!(export.format, ImageFormat::Jpeg | ImageFormat::Png) {
            return Err(Failure::Usage("--via images: the service makes JPEG and PNG".into()));
        }
        match export.resize {
            Resize::Both(..) if export.fit != Fit::Stretch => {
                return Err(Failure::Usage("--via images: the service stretches; leave --fit out".into()));
            }
            Resize::Width(_) => {
                return Err(Failure::Usage("--via images: the service takes --size WxH or xH".into()));
            }
            _ => {}
        }
        let stop = Stop::watch(|| {});
        let stop = stop.map_err(|error| Failure::Work(format!("signals cannot be watched: {error}")))?;
        Ok(Run {
            stream: kvs::stream(&input.input, &input.service)?,
            clock: kvs::clock(input.clock),
            export,
            common,
            output: Output::new(common.json),
            stop,
            name: input.input.clone(),
            limit: None,
            pictures: 0,
            no_media: 0,
            failed: 0,
        })
    }

    /// The first picture from this time on.
    fn at(&mut self, moment: Moment, write: &mut Write<'_>) -> Result<(), Failure> {
        let at = whole(kvs::wall(moment, "--at")?);
        // The fragment that holds the time has to begin within the range: the range begins no later than that, and the
        // second sample of it is the one that is meant.
        let first = self.first_start(at, at.saturating_add(1))?.map_or(at, whole);
        let before = at.saturating_sub(first);
        let interval = before.clamp(SHORTEST, LONGEST / 2);
        let from = if before > 0 { at.saturating_sub(interval) } else { at };
        self.samples(from, at.saturating_add(interval), interval, |time| time == millis(at), write)
    }

    /// Pictures of a range at an interval.
    fn every(&mut self, input: &InputArgs, step: i128, write: &mut Write<'_>) -> Result<(), Failure> {
        if !(SHORTEST..=LONGEST).contains(&step) || step % 1_000_000 != 0 {
            return Err(Failure::Usage("--via images: --every is 200ms to 300s, in whole milliseconds".into()));
        }
        let from = match &input.from {
            Some(Bound::At(moment)) => whole(kvs::wall(*moment, "--from")?),
            Some(Bound::Earliest) => {
                let first = self.first_start(0, kvs::now())?;
                first.ok_or_else(|| Failure::Work(format!("{}: nothing is stored", self.name)))?
            }
            _ => return Err(Failure::Usage("--via images: --from is a time or earliest".into())),
        };
        let to = match &input.to {
            Some(Bound::At(moment)) => kvs::wall(*moment, "--to")?,
            Some(Bound::AfterFirst(length)) => from.saturating_add(*length),
            None => kvs::now(),
            Some(_) => return Err(Failure::Usage("--to takes a time or +DURATION".into())),
        };
        // The service leaves out the fragment that began before the range: so the range begins before that, by whole
        // steps, and what comes of those is passed over.
        let first = self.first_start(from, from.saturating_add(1))?.unwrap_or(from);
        let before = from.saturating_sub(first).max(0);
        let start = from.saturating_sub((before + step - 1) / step * step);
        self.samples(start, to, step, |time| time >= millis(from), write)
    }

    /// Where the first fragment begins that overlaps the range.
    fn first_start(&self, from: i128, to: i128) -> Result<Option<i128>, Failure> {
        let range = TimeRange { clock: self.clock, from, to };
        let listed = self.stream.client().block_on(self.stream.list_overlapping(range)).map_err(kvs::failure)?;
        Ok(listed.iter().filter_map(|entry| entry.start(self.clock)).min())
    }

    fn samples(
        &mut self,
        from: i128,
        to: i128,
        interval: i128,
        wanted: impl Fn(i64) -> bool,
        write: &mut Write<'_>,
    ) -> Result<(), Failure> {
        let (width, height) = match self.export.resize {
            Resize::Both(width, height) => (Some(width), Some(height)),
            Resize::Height(height) => (None, Some(height)),
            _ => (None, None),
        };
        let side = |side: std::num::NonZeroU32| {
            u16::try_from(side.get()).map_err(|_| Failure::Usage("--size: the service makes at most 3840x2160".into()))
        };
        let request = ImageRequest {
            range: TimeRange { clock: self.clock, from, to },
            interval: std::time::Duration::from_nanos(u64::try_from(interval).unwrap_or(u64::MAX)),
            png: self.export.format == ImageFormat::Png,
            quality: Some(self.export.quality.get()),
            width: width.map(side).transpose()?,
            height: height.map(side).transpose()?,
        };
        let stream = self.stream.clone();
        let mut images = stream.images(request);
        while let Some(page) = stream.client().block_on(images.next_page()).map_err(kvs::failure)? {
            for sample in page {
                self.stop.check()?;
                if self.limit.is_some_and(|limit| self.pictures >= limit) {
                    return Ok(());
                }
                if sample.time.is_none_or(|time| wanted(millis(time))) {
                    self.sample(sample, write)?;
                }
            }
        }
        Ok(())
    }

    fn sample(&mut self, sample: ImageSample, write: &mut Write<'_>) -> Result<(), Failure> {
        let time = sample.time.map(millis);
        let file = match sample.image {
            Ok(file) => file,
            Err(absence) => {
                *(if absence == ImageAbsence::NoMedia { &mut self.no_media } else { &mut self.failed }) += 1;
                if !self.common.quiet && self.common.verbose > 0 {
                    eprintln!("kineframe: {}: {}: {absence}", self.name, time.map_or_else(String::new, rfc3339));
                }
                return Ok(());
            }
        };
        let producer = self.clock == Clock::Producer;
        let on = |clock: bool| time.filter(|_| clock);
        let fields = NameFields {
            index: self.pictures,
            producer_ms: on(producer),
            server_ms: on(!producer),
            stream: Some(self.stream.id().name()),
            ..NameFields::default()
        };
        let path = write(&fields, &file)?;
        let size = size(&file);
        let object = ImageObject {
            index: self.pictures,
            file: &path,
            fragment_number: None,
            frame: None,
            track: None,
            offset_ms: None,
            producer_timestamp: on(producer).map(rfc3339),
            server_timestamp: on(!producer).map(rfc3339),
            keyframe: None,
            damaged: false,
            width: size.map(|size| size.0),
            height: size.map(|size| size.1),
            bytes: file.len(),
        };
        self.pictures += 1;
        let line = || if self.common.verbose > 0 { path.clone() } else { String::new() };
        self.output.item(&object, line)
    }

    fn finish(mut self, place: &Path) -> Result<Outcome, Failure> {
        let Run { pictures, no_media, failed, .. } = self;
        if pictures == 0 {
            return Err(Failure::Work(format!(
                "{}: the service gave no picture ({no_media} times nothing was recorded, {failed} times it could not be \
                 decoded); read with --via fragments",
                self.name
            )));
        }
        let dropped = json!({ "no_media": no_media, "media_error": failed });
        let summary = json!({ "summary": { "pictures": pictures, "frames_dropped": dropped } });
        self.output.item(&summary, || {
            let plural = if pictures == 1 { "" } else { "s" };
            format!("{pictures} picture{plural} in {} ({no_media} samples without media)", place.display())
        })?;
        self.output.flush()?;
        Ok(if failed == 0 { Outcome::Good } else { Outcome::Damaged })
    }
}

/// Whole milliseconds, as the service has times.
fn whole(nanos: i128) -> i128 {
    nanos - nanos.rem_euclid(1_000_000)
}

/// The nearest millisecond: the service tells times as floating point.
fn millis(nanos: i128) -> i64 {
    i64::try_from(nanos.saturating_add(500_000).div_euclid(1_000_000)).unwrap_or(i64::MAX)
}

fn rfc3339(millis: i64) -> String {
    let time = kineframe::fragment::ProducerTimestamp(i128::from(millis) * 1_000_000);
    time.to_rfc3339().unwrap_or_else(|| format!("{millis} ms"))
}

/// Width and height of a JPEG or PNG file, as its header has them (ITU-T T.81 §B.2.2, PNG §11.2.2).
fn size(file: &[u8]) -> Option<(u32, u32)> {
    if file.starts_with(b"\x89PNG\r\n\x1a\n") {
        let side = |at: usize| Some(u32::from_be_bytes(*file.get(at..)?.first_chunk()?));
        return side(16).zip(side(20));
    }
    let mut rest = file.strip_prefix(b"\xFF\xD8")?;
    loop {
        let &[0xFF, marker, high, low, ..] = rest else { return None };
        let length = usize::from(u16::from_be_bytes([high, low]));
        // SOF0 to SOF15, without DHT, JPG and DAC, which stand between them.
        if matches!(marker, 0xC0..=0xCF) && !matches!(marker, 0xC4 | 0xC8 | 0xCC) {
            let &[_, lines_high, lines_low, columns_high, columns_low, ..] = rest.get(4..)? else { return None };
            let side = |high, low| u32::from(u16::from_be_bytes([high, low]));
            return Some((side(columns_high, columns_low), side(lines_high, lines_low)));
        }
        rest = rest.get(2 + length..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_from_headers() {
        let jpeg = b"\xFF\xD8\xFF\xE0\x00\x04ab\xFF\xC0\x00\x0B\x08\x00\x90\x01\x40\x01";
        assert_eq!(size(jpeg), Some((320, 144)));
        assert_eq!(size(b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x07\0\0\0\x09"), Some((7, 9)));
        for short in
            [&b""[..], b"\xFF\xD8", b"\xFF\xD8\xFF\xE0\x00", b"\xFF\xD8\xFF\xE0\xFF\xFFab", b"\x89PNG\r\n\x1a\n"]
        {
            assert_eq!(size(short), None);
        }
    }
}
