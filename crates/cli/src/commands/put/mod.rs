//! `kineframe put`: media into a stream.

mod cut;
mod feed;
pub mod producer;
mod raw;
mod upload;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use kineframe::matroska::{SimpleTag, TagValue, Tracks};
use kineframe::mp4::MovieBox;
use kineframe::source::{File, MediaSource, StartSelector};
use kineframe::source_aws::{ErrorKind, StreamHandle};
use serde_json::json;

use crate::args::{Clock, Common, Input as InputArgs, Pace, Put, Service, Start};
use crate::input::Input;
use crate::kvs;
use crate::outcome::{Failure, Outcome};
use crate::output::Output;
use crate::signals::Stop;
use feed::Feed;
use producer::Outgoing;
use upload::{Tally, Upload};

/// A connection is left for the next before the service ends it, which it does after 45 minutes.
const CONNECTION: Duration = Duration::from_secs(40 * 60);

/// Runs the command.
///
/// # Errors
/// See [`Failure`].
pub fn run(args: &Put, common: &Common) -> Result<Outcome, Failure> {
    send(args, common, Output::new(common.json))
}

/// Runs the command; `output` says what comes back.
///
/// # Errors
/// See [`Failure`].
pub fn send(args: &Put, common: &Common, output: Output) -> Result<Outcome, Failure> {
    if args.rounds.is_some_and(|rounds| rounds != 1) && args.file == "-" {
        return Err(Failure::Usage("--loop needs a file: standard input can be read once".into()));
    }
    if let Some(duration) = args.fragment_duration
        && !(200_000_000..=18_000_000_000).contains(&duration.0)
    {
        return Err(Failure::Usage("--fragment-duration: the service takes fragments of 200ms to 18s".into()));
    }
    let stream = kvs::stream(&args.stream, &args.service)?;
    // What is to be made is made when the file has shown a fragment: one that has none leaves no stream behind.
    let retained = if args.create { None } else { Some(prepare(&stream, args)?) };
    let mut put = Putting {
        args,
        stream: &stream,
        retained,
        output,
        tally: Tally::default(),
        upload: None,
        stop: None,
        movie: None,
        common,
        shift: None,
        started: None,
        last_ms: None,
        next_round_ms: None,
    };
    let rounds = match args.rounds {
        None => 1,
        Some(0) => u64::MAX,
        Some(rounds) => rounds,
    };
    let result = (0..rounds).try_for_each(|_| put.round());
    // What is on its way is waited for, also where a signal came.
    let closed = put.close();
    result.and(closed)?;
    put.finish()
}

/// Whether the stream retains media; makes it where that is wanted.
fn prepare(stream: &StreamHandle, args: &Put) -> Result<bool, Failure> {
    let describe = || stream.client().block_on(stream.describe());
    let mut info = match describe() {
        Err(error) if error.kind == ErrorKind::NotFound && args.create => {
            stream.client().block_on(stream.create(args.retention, None)).map_err(kvs::failure)?;
            describe()
        }
        Err(mut error) if error.kind == ErrorKind::NotFound => {
            error.message = "with --create it is made".into();
            return Err(kvs::failure(error));
        }
        described => described,
    };
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        match info {
            Ok(info) if info.status == "ACTIVE" || info.status == "UPDATING" => return Ok(info.retention_hours > 0),
            Err(error) if error.kind != ErrorKind::NotFound || Instant::now() > deadline => {
                return Err(kvs::failure(error));
            }
            Ok(info) if Instant::now() > deadline => {
                return Err(Failure::Work(format!(
                    "{}: is {} and not ACTIVE; try again later",
                    args.stream, info.status
                )));
            }
            _ => std::thread::sleep(Duration::from_millis(500)),
        }
        info = describe();
    }
}

/// Gives the next piece of a file, `None` at its end.
type NextPiece = Box<dyn FnMut() -> Result<Option<Bytes>, Failure>>;

/// An upload in progress.
struct Putting<'a> {
    args: &'a Put,
    stream: &'a StreamHandle,
    /// Whether the stream retains media, once that is known.
    retained: Option<bool>,
    output: Output,
    tally: Tally,
    upload: Option<(Arc<Tracks>, Upload)>,
    stop: Option<Stop>,
    movie: Option<MovieBox>,
    common: &'a Common,
    /// What is added to the file's times, in milliseconds, once its first fragment is known.
    shift: Option<i64>,
    /// When the first fragment went out, and its time.
    started: Option<(Instant, i64)>,
    /// The time of the fragment before.
    last_ms: Option<i64>,
    /// Where the next round begins.
    next_round_ms: Option<i64>,
}

impl Putting<'_> {
    /// The file, once.
    fn round(&mut self) -> Result<(), Failure> {
        if let Some(next) = self.next_round_ms {
            // The first fragment of this round goes where the last one ended.
            self.shift = None;
            self.last_ms = Some(next - 1);
        }
        let service = Service::default();
        let file = InputArgs {
            input: self.args.file.clone(),
            from: None,
            to: None,
            clock: Clock::Producer,
            via: None,
            service,
        };
        if kvs::is_stream(&file.input) {
            return Err(Failure::Usage(
                "put sends a file; for a stream, pipe `kineframe merge kvs://… -o -` into it".into(),
            ));
        }
        let (mut pieces, movie) = self.pieces(&file)?;
        let mut feed = Feed::new(
            self.args.fragment_duration.map(|it| it.to_std()),
            movie,
            self.common.max_memory.map(|size| size.0),
        );
        let mut any = false;
        loop {
            let piece = pieces()?;
            let ended = piece.is_none();
            feed.push(piece).map_err(|error| named(error, &self.args.file))?;
            while let Some(fragment) = feed.next().map_err(|error| named(error, &self.args.file))? {
                any = true;
                self.fragment(&fragment)?;
            }
            if ended {
                break;
            }
        }
        if any {
            return Ok(());
        }
        Err(Failure::Work(format!(
            "{}: has no fragment with frames; `kineframe inspect` says what is in it",
            self.args.file
        )))
    }

    /// The pieces of the file, and what describes it where it is MP4 with that behind the media. Signals are watched
    /// once, by the input of the first round.
    fn pieces(&mut self, file: &InputArgs) -> Result<(NextPiece, Option<MovieBox>), Failure> {
        let Some(stop) = self.stop.clone() else {
            let mut input =
                if file.input == "-" { Input::open(file, self.common)? } else { Input::open_file(&file.input)? };
            self.stop = Some(input.stop().clone());
            self.movie = input.movie();
            return Ok((Box::new(move || input.next_piece()), self.movie.clone()));
        };
        let mut pieces = File::new(&file.input).open_blocking(&StartSelector::Earliest);
        let next = move || {
            stop.check()?;
            pieces.next().transpose().map_err(|error| Failure::Work(error.to_string()))
        };
        Ok((Box::new(next), self.movie.clone()))
    }

    /// The file's times on the wall: what is added to them.
    fn shift(&mut self, fragment: &Outgoing) -> i64 {
        let known = self.shift;
        *self.shift.insert(known.unwrap_or_else(|| {
            let now = || i64::try_from(kvs::now() / 1_000_000).unwrap_or(i64::MAX);
            let first = match (self.next_round_ms, self.args.start) {
                (Some(next), _) => next,
                (None, Some(Start::Now)) => now(),
                (None, Some(Start::At(nanos))) => i64::try_from(nanos / 1_000_000).unwrap_or(i64::MAX),
                (None, None) if fragment.wall => fragment.time_ms,
                (None, None) => now(),
            };
            first.saturating_sub(fragment.time_ms)
        }))
    }

    fn fragment(&mut self, fragment: &Outgoing) -> Result<(), Failure> {
        let time_ms = fragment.time_ms.saturating_add(self.shift(fragment));
        let timestamp = u64::try_from(time_ms)
            .map_err(|_| Failure::Work(format!("a fragment at {time_ms} ms, before 1970; give --start")))?;
        // A connection takes one set of tracks and times that rise.
        let same = self
            .upload
            .as_ref()
            .is_some_and(|(tracks, _)| Arc::ptr_eq(tracks, &fragment.tracks) || **tracks == *fragment.tracks);
        let rises = self.last_ms.is_none_or(|last| time_ms > last);
        let old = self.upload.as_ref().is_some_and(|(_, upload)| upload.age() > CONNECTION);
        if !same || !rises || old {
            self.close()?;
        }
        if self.upload.is_none() {
            let retained = match self.retained {
                Some(retained) => retained,
                None => *self.retained.insert(prepare(self.stream, self.args)?),
            };
            let mut upload = Upload::open(self.stream, retained, &mut self.tally)?;
            for piece in producer::head(&fragment.tracks)? {
                upload.send(piece, &mut self.tally, &mut self.output)?;
            }
            self.upload = Some((fragment.tracks.clone(), upload));
        }
        self.last_ms = Some(time_ms);
        self.next_round_ms = Some(time_ms.saturating_add(fragment.duration_ms.max(1)));
        let (began, first_ms) = *self.started.get_or_insert((Instant::now(), time_ms));
        let due = |offset_ms: i64| {
            let after = u64::try_from(time_ms.saturating_add(offset_ms).saturating_sub(first_ms)).unwrap_or(0);
            began + Duration::from_millis(after)
        };
        let Some((_, upload)) = &mut self.upload else { return Ok(()) };
        upload.began(time_ms, &mut self.tally);
        upload.send(producer::cluster(timestamp)?, &mut self.tally, &mut self.output)?;
        for frame in &fragment.frames {
            if self.args.pace == Pace::Realtime {
                wait(self.stop.as_ref(), due(frame.offset_ms))?;
            }
            for piece in producer::block(frame)? {
                upload.send(piece, &mut self.tally, &mut self.output)?;
            }
        }
        let given = self
            .args
            .tag
            .iter()
            .map(|(name, value)| SimpleTag { name: name.clone(), value: TagValue::String(value.clone()) });
        let tags: Vec<SimpleTag> = fragment.tags.iter().cloned().chain(given).collect();
        if let Some(piece) = producer::tags(&tags)? {
            upload.send(piece, &mut self.tally, &mut self.output)?;
        }
        self.output.flush()
    }

    fn close(&mut self) -> Result<(), Failure> {
        match self.upload.take() {
            Some((_, upload)) => upload.close(&mut self.tally, &mut self.output),
            None => Ok(()),
        }
    }

    fn finish(mut self) -> Result<Outcome, Failure> {
        let Tally { sent, bytes, acknowledged, connections, errors, first_error } = &self.tally;
        let summary = json!({ "summary": {
            "fragments": sent, "acknowledged": acknowledged, "bytes_sent": bytes, "connections": connections,
            "errors": errors,
        }});
        let kept = if self.retained == Some(true) { "stored" } else { "received" };
        self.output.item(&summary, || {
            if self.common.quiet {
                String::new()
            } else {
                format!("{acknowledged} of {sent} fragments {kept}, {bytes} bytes sent")
            }
        })?;
        self.output.flush()?;
        if acknowledged == sent {
            return Ok(Outcome::Good);
        }
        let why = first_error.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        Err(Failure::Work(format!(
            "{}: PutMedia: {} of {sent} fragments were not acknowledged as {kept}{why}; `kineframe inspect` shows what \
             is in the file",
            self.args.stream,
            sent - acknowledged
        )))
    }
}

/// The same failure, with the input's name.
fn named(failure: Failure, file: &str) -> Failure {
    match failure {
        Failure::Work(why) => Failure::Work(format!("{file}: {why}")),
        other => other,
    }
}

/// Waits, and sees a signal.
fn wait(stop: Option<&Stop>, until: Instant) -> Result<(), Failure> {
    loop {
        stop.map_or(Ok(()), Stop::check)?;
        let Some(left) = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) else {
            return Ok(());
        };
        std::thread::sleep(left.min(Duration::from_millis(100)));
    }
}
