//! `kvs://STREAM` as an input: which calls bring what the flags ask for.

mod clip;
mod lead;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use kineframe::consumer::{GapReason, Session, SessionMonitor, SessionNotice, SessionOptions, Until};
use kineframe::fragment::{ContinuationToken, FragmentNumber, ProducerTimestamp, ServerTimestamp, ServiceError};
use kineframe::source::{MediaSource, PieceStream, StartSelector};
use kineframe::source_aws::{
    ArchiveOptions, Client, Clock as ServiceClock, Error, ErrorKind, FragmentEntry, Options, StaticCredentials,
    StreamHandle, StreamId, TimeRange,
};

use lead::Led;

use crate::args::{Clock, Input, Service, Via};
use crate::outcome::Failure;
use crate::units::{Bound, Moment};

/// How far a producer's clock may be ahead of ours, in nanoseconds.
const AHEAD: i128 = 3_600_000_000_000;

/// How long after a moment the fragment that holds it may still be coming in, and so not be in the archive, in
/// nanoseconds: a fragment lasts 20 s at most, and is archived within seconds of its end.
const COMING: i128 = 30_000_000_000;

/// By how much later than asked for a range may begin without a word, in nanoseconds.
const LATE: i128 = 1_000_000_000;

/// A source, and where to begin.
pub struct Opened {
    /// The source.
    pub source: Box<dyn MediaSource>,
    /// Where the read begins.
    pub start: StartSelector,
    /// What a session tells of itself.
    pub monitor: Option<SessionMonitor>,
}

impl Opened {
    /// Says on standard error what happened to the session.
    pub fn say(&self) {
        if let Some(monitor) = &self.monitor {
            say(monitor);
        }
    }
}

/// Says on standard error what happened to a session since this was last called.
pub fn say(monitor: &SessionMonitor) {
    for notice in monitor.take_notices() {
        match notice {
            SessionNotice::Gap(gap) => {
                let time = |time: Option<ProducerTimestamp>| {
                    time.and_then(|time| time.to_rfc3339()).unwrap_or_else(|| "an unknown time".into())
                };
                let why = match gap.reason {
                    GapReason::SlowReader => "passed over, to keep up with the stream",
                    _ => "the stream has nothing there: none came, or it is kept no longer",
                };
                eprintln!("kineframe: gap from {} to {}: {why}", time(gap.from), time(gap.to));
            }
            SessionNotice::Failed { error, pause } => {
                eprintln!("kineframe: {error}; going on in {:.1} s", pause.as_secs_f64());
            }
            SessionNotice::Refused { error, pause } => {
                let code = reported(&error);
                eprintln!("kineframe: the service reported {code}; going on in {:.1} s", pause.as_secs_f64());
            }
            _ => {}
        }
    }
}

/// An error in band by name and number.
pub fn reported(error: &ServiceError) -> String {
    match (&error.code, error.id) {
        (Some(code), Some(id)) => format!("{code} ({id})"),
        (Some(code), None) => code.clone(),
        (None, Some(id)) => format!("error {id}"),
        (None, None) => "an error without a name".into(),
    }
}

/// Fragments and times that are wanted by themselves (`--fragment`, `--at`).
#[derive(Debug, Default)]
pub struct Wanted {
    fragments: Vec<String>,
    at: Vec<Moment>,
    /// Frames are to be decoded.
    decoded: bool,
}

impl Wanted {
    /// Pictures: what `--fragment` and `--at` name, or all of a range.
    pub fn of(fragments: &[String], at: &[Moment]) -> Self {
        Wanted { fragments: fragments.to_vec(), at: at.to_vec(), decoded: true }
    }
}

/// Whether an input names a stream of the service.
pub fn is_stream(input: &str) -> bool {
    input.starts_with("kvs://") || input.starts_with("arn:")
}

/// The name of the stream that an input names.
pub fn name(input: &str) -> Option<String> {
    let id: StreamId = is_stream(input).then_some(input)?.parse().ok()?;
    Some(id.name().to_owned())
}

/// A flag that only streams take, where one was given.
pub fn flag_of_streams(args: &Input) -> Option<&'static str> {
    let Service { region, profile, endpoint_url, .. } = &args.service;
    match () {
        () if args.via.is_some() => Some("--via"),
        () if region.is_some() => Some("--region"),
        () if profile.is_some() => Some("--profile"),
        () if endpoint_url.is_some() => Some("--endpoint-url"),
        () => None,
    }
}

/// A client for a stream, by the flags.
///
/// # Errors
/// The name is none, or no region is configured.
pub fn stream(input: &str, service: &Service) -> Result<StreamHandle, Failure> {
    let id: StreamId = input.parse().map_err(|error| Failure::Usage(format!("{input}: {error}")))?;
    let region = id.region().map(ToOwned::to_owned);
    Ok(client(service, region)?.stream(id))
}

/// A client, by the flags; `region` is what they leave open.
///
/// # Errors
/// No region is configured.
pub fn client(service: &Service, region: Option<String>) -> Result<Client, Failure> {
    Client::blocking(options(service, region)).map_err(failure)
}

/// How the service is reached, by the flags; `region` is what they leave open.
pub fn options(service: &Service, region: Option<String>) -> Options {
    let mut options = Options::default();
    options.region = service.region.clone().or(region);
    options.profile = service.profile.clone();
    options.endpoint_url = service.endpoint_url.clone();
    options.credentials = service.credentials.clone().map(|(access_key_id, secret_access_key)| StaticCredentials {
        access_key_id,
        secret_access_key,
        session_token: None,
    });
    options
}

/// An error of the service ends the command.
pub fn failure(error: Error) -> Failure {
    Failure::Work(error.to_string())
}

/// How a stream is read.
enum Plan {
    /// A session over GetMedia.
    Live { start: StartSelector, first: Option<FragmentNumber>, until: Until },
    /// The archived fragments of a range.
    Archive(ArchivedRange),
    /// These fragments, and those at these times.
    Named,
}

/// A range of what is archived.
struct ArchivedRange {
    range: TimeRange,
    /// In place of the range's end, where it counts from the first frame.
    length: Option<i128>,
    /// The first fragment, or with `after` the one before it.
    from: Option<FragmentNumber>,
    after: bool,
    clips: bool,
    /// Where the range is read live from, should it turn out to reach beyond what is archived by now.
    start: Option<StartSelector>,
}

/// Opens a stream as the flags say.
///
/// # Errors
/// Flags that do not go together; what the service refuses when it is asked what there is.
pub fn open(args: &Input, wanted: &Wanted) -> Result<Opened, Failure> {
    let stream = stream(&args.input, &args.service)?;
    match plan(args, wanted, now())? {
        Plan::Live { start, first, until } => Ok(live(stream, start, first, until)),
        Plan::Named => named(stream, clock(args.clock), wanted),
        Plan::Archive(range) => ranged(stream, range, wanted),
    }
}

/// Opens the fragments of some numbers, and those of some times.
fn named(stream: StreamHandle, clock: ServiceClock, wanted: &Wanted) -> Result<Opened, Failure> {
    if !wanted.fragments.is_empty() {
        check_retention(&stream)?;
    }
    let mut numbers: Vec<FragmentNumber> =
        wanted.fragments.iter().map(|text| number_of(text)).collect::<Result<_, _>>()?;
    // Times, each with the last fragment before it, that lie in a fragment which is still coming in.
    let mut coming = Vec::new();
    for moment in &wanted.at {
        let at = wall(*moment, "--at")?;
        let range = TimeRange { clock, from: at, to: at + 1 };
        let found = stream.client().block_on(stream.list_overlapping(range)).map_err(failure)?;
        if !reaches(&found, clock, at) && at.saturating_add(COMING) > now() {
            coming.push((at, found.iter().map(|entry| entry.number.clone()).max()));
        }
        numbers.extend(found.into_iter().map(|entry| entry.number));
    }
    if numbers.is_empty() && coming.is_empty() {
        check_retention(&stream)?;
    }
    numbers.sort();
    numbers.dedup();
    let archived = archive(&stream, numbers, wanted.decoded);
    let (Some((first, before)), Some((last, _))) = (coming.iter().min(), coming.iter().max()) else {
        return Ok(archived);
    };
    let start = match before {
        Some(number) => StartSelector::AfterFragment(number.clone()),
        None => from_time(clock, *first),
    };
    let rest = live(stream, start, None, Until::IdleAfter(system_time(*last)));
    let monitor = rest.monitor.clone();
    Ok(Opened { source: Box::new(Chained(archived, rest)), start: StartSelector::Earliest, monitor })
}

/// Opens what is archived of a range; the range live, where it reaches beyond that.
fn ranged(stream: StreamHandle, archived: ArchivedRange, wanted: &Wanted) -> Result<Opened, Failure> {
    let ArchivedRange { range, length, from, after, clips, start } = archived;
    let entries = listed(&stream, range, length).map_err(failure)?;
    let first = entries.iter().filter_map(|entry| entry.start(range.clock)).min();
    let end = match length {
        Some(length) => first.map(|first| first.max(range.from).saturating_add(length)),
        None => Some(range.to),
    };
    // What is not in the archive yet is still coming in.
    let is_coming =
        |end: i128| end > now() || (!reaches(&entries, range.clock, end - 1) && end.saturating_add(COMING) > now());
    if let Some(start) = start
        && let Some(end) = end.filter(|end| is_coming(*end))
    {
        return Ok(live(stream, start, from.filter(|_| !after), Until::IdleAfter(system_time(end))));
    }
    if let (Some(first), Some(length)) = (first.filter(|first| *first > range.from + LATE), length)
        && range.from > 0
    {
        let time = |nanos| ProducerTimestamp(nanos).to_rfc3339().unwrap_or_default();
        eprintln!(
            "kineframe: {}: nothing is stored from {} to {}; the {} s of --to count from there",
            stream.id(),
            time(range.from),
            time(first),
            length as f64 / 1e9,
        );
    }
    if entries.is_empty() {
        // A list of what a stream without an archive keeps is empty, and no error.
        check_retention(&stream)?;
    }
    let keep = |entry: &FragmentEntry| match &from {
        None => true,
        Some(from) if after => entry.number > *from,
        Some(from) => entry.number >= *from,
    };
    let entries: Vec<FragmentEntry> = entries.into_iter().filter(keep).collect();
    if clips {
        let source = clip::Clips::new(stream.clips(range.clock, &entries), range.clock, &entries);
        return Ok(Opened { source: Box::new(source), start: StartSelector::Earliest, monitor: None });
    }
    Ok(archive(&stream, entries.into_iter().map(|entry| entry.number).collect(), wanted.decoded))
}

/// That a stream has an archive: what is asked of one that has none is never found, and waited for in vain.
fn check_retention(stream: &StreamHandle) -> Result<(), Failure> {
    match stream.client().block_on(stream.describe()) {
        Ok(info) if info.retention_hours == 0 => {
            let (operation, target) = ("DescribeStream", Arc::from(stream.id().to_string()));
            let kind = ErrorKind::NoDataRetention;
            Err(failure(Error { operation, target, kind, message: String::new(), request_id: None }))
        }
        // Who may not ask, or not now, may still read.
        Err(error) if !matches!(error.kind, ErrorKind::NotAuthorized | ErrorKind::Throttled) => Err(failure(error)),
        _ => Ok(()),
    }
}

fn live(stream: StreamHandle, start: StartSelector, first: Option<FragmentNumber>, until: Until) -> Opened {
    let mut options = SessionOptions::default();
    options.until = until;
    let source: Box<dyn MediaSource> = match first {
        Some(number) => Box::new(FromFragment { stream, number }),
        None => Box::new(stream.get_media()),
    };
    let session = Session::new(source, options);
    let monitor = Some(session.monitor());
    Opened { source: Box::new(session), start, monitor }
}

fn archive(stream: &StreamHandle, numbers: Vec<FragmentNumber>, decoded: bool) -> Opened {
    let source: Box<dyn MediaSource> = match numbers.is_empty() || !decoded {
        true => Box::new(stream.fragment_list(numbers, ArchiveOptions::default())),
        false => Box::new(Led::new(stream, numbers)),
    };
    Opened { source, start: StartSelector::Earliest, monitor: None }
}

/// Whether one of these fragments holds this moment. Their lengths are as the service tells them.
fn reaches(entries: &[FragmentEntry], clock: ServiceClock, at: i128) -> bool {
    let holds = |(start, end): (i128, i128)| start <= at && at < end;
    entries.iter().any(|entry| entry.start(clock).zip(entry.end(clock)).is_some_and(holds))
}

/// Live media from a moment on.
fn from_time(clock: ServiceClock, nanos: i128) -> StartSelector {
    match clock {
        ServiceClock::Producer => StartSelector::ProducerTimestamp(ProducerTimestamp(nanos)),
        ServiceClock::Server => StartSelector::ServerTimestamp(ServerTimestamp(nanos)),
    }
}

/// What overlaps a range; with a length, what overlaps that much from the first fragment on.
fn listed(stream: &StreamHandle, range: TimeRange, length: Option<i128>) -> Result<Vec<FragmentEntry>, Error> {
    let list = |range| stream.client().block_on(stream.list_overlapping(range));
    let Some(length) = length else { return list(range) };
    let near = list(TimeRange { to: range.from.saturating_add(length).min(range.to), ..range })?;
    let first = near.iter().filter_map(|entry| entry.start(range.clock)).min();
    match first {
        Some(first) if first <= range.from => Ok(near),
        Some(first) => list(TimeRange { to: first.saturating_add(length).min(range.to), ..range }),
        None => {
            let mut all = list(range)?;
            if let Some(first) = all.iter().filter_map(|entry| entry.start(range.clock)).min() {
                all.retain(|entry| entry.start(range.clock).is_none_or(|start| start < first.saturating_add(length)));
            }
            Ok(all)
        }
    }
}

/// Which calls bring what the flags ask for; `now` in nanoseconds since the Unix epoch.
fn plan(args: &Input, wanted: &Wanted, now: i128) -> Result<Plan, Failure> {
    let moments: Vec<i128> = wanted.at.iter().map(|at| wall(*at, "--at")).collect::<Result<_, _>>()?;
    let named = !wanted.fragments.is_empty() || !moments.is_empty();
    let archived = matches!(args.via, None | Some(Via::Fragments));
    if named && args.from.is_none() && args.to.is_none() && archived && moments.iter().all(|at| *at < now) {
        return Ok(Plan::Named);
    }
    let clock = clock(args.clock);
    let (mut from, mut number, mut after) = (None, None, false);
    let start = match &args.from {
        None | Some(Bound::Now) => StartSelector::Now,
        Some(Bound::Earliest) => {
            from = Some(0);
            StartSelector::Earliest
        }
        Some(Bound::At(moment)) => {
            let at = wall(*moment, "--from")?;
            from = Some(at);
            from_time(clock, at)
        }
        Some(Bound::Fragment(text)) => {
            (from, number) = (Some(0), Some(number_of(text)?));
            StartSelector::Earliest
        }
        Some(Bound::AfterFragment(text)) => {
            (from, number, after) = (Some(0), Some(number_of(text)?), true);
            StartSelector::AfterFragment(number_of(text)?)
        }
        Some(Bound::Token(token)) => StartSelector::ContinuationToken(ContinuationToken(Arc::from(token.as_str()))),
        Some(Bound::AfterFirst(_)) => return Err(Failure::Usage("--from takes a time, not +DURATION".into())),
    };
    let (to, length) = match &args.to {
        None => (None, None),
        Some(Bound::At(moment)) => (Some(wall(*moment, "--to")?), None),
        // It counts from the first frame, which is not before the range.
        Some(Bound::AfterFirst(length)) => (None, Some(*length)),
        Some(_) => return Err(Failure::Usage("--to takes a time or +DURATION".into())),
    };
    let timed = matches!(args.from, Some(Bound::At(_) | Bound::Earliest));
    let past = to.is_some_and(|to| to <= now)
        || (timed && length.zip(from).is_some_and(|(length, from)| from.saturating_add(length) <= now));
    let via = args.via.unwrap_or(if past && from.is_some() { Via::Fragments } else { Via::GetMedia });
    match (via, from) {
        (Via::Fragments | Via::Clip, Some(from)) => {
            // A producer's clock may be ahead of ours.
            let range = TimeRange { clock, from, to: to.unwrap_or(now.saturating_add(AHEAD)) };
            let length = length.filter(|_| number.is_none());
            let start = args.via.is_none().then_some(start);
            let clips = via == Via::Clip;
            Ok(Plan::Archive(ArchivedRange { range, length, from: number, after, clips, start }))
        }
        (Via::Fragments | Via::Clip, None) => Err(Failure::Usage(
            "--via fragments and --via clip read what is archived: give --from earliest, a time, fragment:NUMBER or \
             after:NUMBER"
                .into(),
        )),
        (Via::Images, _) => Err(Failure::Usage(
            "--via images brings pictures, not media: it is for `kineframe frames` and `kineframe frame`".into(),
        )),
        (Via::GetMedia, _) => {
            let end = to.or_else(|| length.map(|length| from.unwrap_or(now).max(0).saturating_add(length)));
            // A length from an unknown first frame has an end that only the frames tell.
            let end = if number.is_some() && to.is_none() { None } else { end };
            let until = end.map_or(Until::Stopped, |end| Until::IdleAfter(system_time(end)));
            let first = number.filter(|_| !after);
            Ok(Plan::Live { start, first, until })
        }
    }
}

/// The clock of the flags as the service has it.
pub fn clock(clock: Clock) -> ServiceClock {
    match clock {
        Clock::Producer => ServiceClock::Producer,
        Clock::Server => ServiceClock::Server,
    }
}

/// A wall time in nanoseconds since the Unix epoch.
///
/// # Errors
/// It is a time from the start of an input.
pub fn wall(moment: Moment, flag: &str) -> Result<i128, Failure> {
    match moment {
        Moment::Wall(nanos) if nanos >= 0 => Ok(nanos),
        _ => Err(Failure::Usage(format!("{flag}: a stream has wall times: give one such as 2017-11-28T06:55:08.513Z"))),
    }
}

fn number_of(text: &str) -> Result<FragmentNumber, Failure> {
    FragmentNumber::new(text)
        .ok_or_else(|| Failure::Usage(format!("'{text}' is not a fragment number (1 to 128 digits)")))
}

/// Nanoseconds since the Unix epoch.
pub fn now() -> i128 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i128::try_from(since.as_nanos()).unwrap_or(i128::MAX)
}

fn system_time(nanos: i128) -> SystemTime {
    let since = Duration::from_nanos(u64::try_from(nanos.max(0)).unwrap_or(u64::MAX));
    SystemTime::UNIX_EPOCH.checked_add(since).unwrap_or(SystemTime::UNIX_EPOCH)
}

/// One source behind the other.
struct Chained(Opened, Opened);

impl std::fmt::Debug for Chained {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Chained").field(&self.0.source).field(&self.1.source).finish()
    }
}

impl MediaSource for Chained {
    fn open(&self, _: &StartSelector) -> PieceStream {
        let first = self.0.source.open(&self.0.start);
        let rest = self.1.source.open(&self.1.start);
        Box::pin(futures_util::StreamExt::chain(first, rest))
    }
}

/// The live media from a fragment on, that one included: the service's own selector begins *after* it.
#[derive(Debug)]
struct FromFragment {
    stream: StreamHandle,
    number: FragmentNumber,
}

impl MediaSource for FromFragment {
    fn open(&self, start: &StartSelector) -> PieceStream {
        let live = self.stream.get_media();
        if *start != StartSelector::Earliest {
            return live.open(start);
        }
        let first = self.stream.fragment_list(vec![self.number.clone()], ArchiveOptions::default());
        let rest = live.open(&StartSelector::AfterFragment(self.number.clone()));
        let first = first.open(&StartSelector::Earliest);
        Box::pin(futures_util::StreamExt::chain(first, rest))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::{Cli, Command};

    const NOW: i128 = 1_800_000_000_000_000_000;

    fn planned(flags: &str) -> Result<Plan, Failure> {
        let line = format!("kineframe fragments kvs://door {flags}");
        match Cli::try_parse_from(line.split_ascii_whitespace()).unwrap().command {
            Command::Fragments(args) => plan(&args.input, &Wanted::default(), NOW),
            _ => unreachable!(),
        }
    }

    #[test]
    fn what_is_past_comes_from_the_archive_and_the_rest_live() {
        let archive =
            ["--from 2020-01-01T00:00:00Z --to 2020-01-01T00:01:00Z", "--from earliest --to 2020-01-01T00:00:00Z"];
        for flags in archive {
            assert!(matches!(planned(flags), Ok(Plan::Archive(ArchivedRange { length: None, .. }))), "{flags}");
        }
        let flags = "--from 2020-01-01T00:00:00Z --to +10s";
        assert!(matches!(planned(flags), Ok(Plan::Archive(ArchivedRange { length: Some(10_000_000_000), .. }))));
        for flags in [
            "",
            "--from earliest",
            "--from 2020-01-01T00:00:00Z",
            "--from 2020-01-01T00:00:00Z --to 2099-01-01T00:00:00Z",
        ] {
            assert!(matches!(planned(flags), Ok(Plan::Live { first: None, .. })), "{flags}");
        }
        assert!(matches!(planned("--from fragment:12"), Ok(Plan::Live { first: Some(_), .. })));
        assert!(matches!(
            planned("--from after:12"),
            Ok(Plan::Live { first: None, start: StartSelector::AfterFragment(_), until: Until::Stopped })
        ));
        assert!(matches!(planned("--to +5s"), Ok(Plan::Live { until: Until::IdleAfter(_), .. })));
    }

    #[test]
    fn what_makes_no_sense_is_wrong_usage() {
        for flags in ["--from 4s", "--to 4s", "--from +4s", "--via fragments", "--from earliest --to fragment:1"] {
            assert!(matches!(planned(flags), Err(Failure::Usage(_))), "{flags}");
        }
    }
}
