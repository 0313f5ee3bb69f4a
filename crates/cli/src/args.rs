//! What a person types: commands, flags and their values.

mod serve;

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

pub use serve::{Serve, Upstream};

use crate::units::{Bound, ByteSize, Duration, Moment, Offset};

/// From a Kinesis Video stream to exact pictures.
#[derive(Debug, Parser)]
#[command(name = "kineframe", version, propagate_version = true, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Flags that every command takes.
    #[command(flatten)]
    pub common: Common,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// The whole path on a capture that this program carries: pictures, a contact sheet, what to try next
    Demo(Demo),
    /// One line per fragment: number, times, frames, tags
    Fragments(Fragments),
    /// Documents, tracks, codecs, counts and problems of a file; with --tree every element
    Inspect(Inspect),
    /// Pictures to files
    Frames(Frames),
    /// One picture
    Frame(Frame),
    /// Each fragment as a playable file of its own
    Split(Split),
    /// Consecutive fragments as one playable, seekable file
    Merge(Merge),
    /// Each audio track as WAV or, for AAC, ADTS
    Audio(Audio),
    /// The local Kinesis Video service, for tests without an account
    Serve(Serve),
    /// Media into a stream, acknowledged fragment by fragment (PutMedia)
    Put(Put),
    /// The streams of the account in this region
    Streams(Streams),
    /// What the service knows of a stream
    Describe(Describe),
    /// The decoder back ends in this build, in order of preference
    Decoders,
    /// A completion script for a shell, on standard output
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// Flags that every command takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Common options")]
pub struct Common {
    /// Newline-delimited JSON on standard output, one object per item, and nothing else there
    #[arg(long, global = true)]
    pub json: bool,
    /// Progress on standard error; `auto` only on a terminal
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub progress: When,
    /// How many threads decode and encode [default: all cores]
    #[arg(long, global = true, value_name = "N")]
    pub threads: Option<NonZeroUsize>,
    /// Use only this decoder back end (see `kineframe decoders`)
    #[arg(long, global = true, value_name = "NAME")]
    pub decoder: Option<String>,
    /// Do not check slice data before decoding it: faster, but damage inside a slice can give wrong pictures that
    /// nothing marks, as with other programs
    #[arg(long, global = true)]
    pub trust_slices: bool,
    /// Stop at the first damage; without it damage is skipped and reported
    #[arg(long, global = true)]
    pub strict: bool,
    /// Replace files that are there
    #[arg(long, global = true)]
    pub overwrite: bool,
    /// Most bytes of media held in memory, e.g. 256MiB
    #[arg(long, global = true, value_name = "SIZE")]
    pub max_memory: Option<ByteSize>,
    /// Say more on standard error
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Say only errors on standard error
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
}

/// When to show a thing that only a person wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum When {
    /// Only on a terminal.
    Auto,
    /// Also in a pipe.
    Always,
    /// Not at all.
    Never,
}

/// Where the media is, and which part of it is meant.
#[derive(Debug, Args)]
pub struct Input {
    /// A file (Matroska, WebM, a stored GetMedia or GetMediaForFragmentList body), `-` for standard input, or
    /// kvs://STREAM or an ARN for a stream in the service
    #[arg(value_name = "INPUT")]
    pub input: String,
    /// Where to start: a time (RFC 3339, or a duration from the start), fragment:NUMBER, after:NUMBER, earliest, and for
    /// kvs:// also now (the default there) and token:TOKEN
    #[arg(long, value_name = "WHERE")]
    pub from: Option<Bound>,
    /// Where to end, not included: a time, or +DURATION from the first frame
    #[arg(long, value_name = "TIME|+DURATION")]
    pub to: Option<Bound>,
    /// Which timestamps --from and --to mean
    #[arg(long, value_name = "CLOCK", default_value = "producer")]
    pub clock: Clock,
    /// How kvs:// is read [default: get-media, or fragments for what is past]
    #[arg(long, value_name = "HOW", help_heading = "Service")]
    pub via: Option<Via>,
    /// How the service is reached.
    #[command(flatten)]
    pub service: Service,
}

/// How the service is reached. What is left out comes from the usual AWS chain.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Service")]
pub struct Service {
    /// The region [default: that of the ARN, or of the AWS configuration]
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
    /// The profile of the AWS configuration; it goes before keys in the environment
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// The address of the control plane, for the local service for example
    #[arg(long, value_name = "URL", value_parser = url)]
    pub endpoint_url: Option<String>,
    /// Keys in place of those of the AWS configuration: for the local service of `demo`.
    #[arg(skip)]
    pub credentials: Option<(String, String)>,
}

fn url(text: &str) -> Result<String, String> {
    kineframe::source_aws::check_endpoint(text).map(|()| text.to_owned())
}

/// `--via`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Via {
    /// GetMedia: what arrives, and what is kept from there on.
    GetMedia,
    /// ListFragments, then GetMediaForFragmentList: what is archived.
    Fragments,
    /// ListFragments, then GetClip: what is archived, as MP4 that the service makes.
    Clip,
    /// GetImages: pictures that the service makes, for `frames` and `frame` alone.
    Images,
}

/// Which of a fragment's two timestamps is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Clock {
    /// When the producer says that it was taken.
    Producer,
    /// When the service received it.
    Server,
}

/// `kineframe demo`.
#[derive(Debug, Args)]
pub struct Demo {
    /// Where the pictures go
    #[arg(short, long, value_name = "DIR", default_value = "kineframe-demo")]
    pub output: PathBuf,
}

/// `kineframe fragments`.
#[derive(Debug, Args)]
pub struct Fragments {
    /// The input.
    #[command(flatten)]
    pub input: Input,
}

/// `kineframe put`.
#[derive(Debug, Args)]
pub struct Put {
    /// A file (Matroska, WebM, a stored body, MP4, a byte stream of H.264 or H.265), or `-` for standard input
    #[arg(value_name = "FILE")]
    pub file: String,
    /// kvs://STREAM or an ARN
    #[arg(value_name = "STREAM")]
    pub stream: String,
    /// Make the stream where it is not there
    #[arg(long)]
    pub create: bool,
    /// Hours that a stream made by --create keeps its media
    #[arg(long, value_name = "HOURS", default_value_t = 24, requires = "create")]
    pub retention: u32,
    /// The time of the first fragment: a time, or now; later ones keep their distance [default: as the file says]
    #[arg(long, value_name = "TIME|now")]
    pub start: Option<Start>,
    /// As fast as the file's own times go, or as fast as the service takes it
    #[arg(long, value_name = "HOW", default_value = "fast")]
    pub pace: Pace,
    /// Send the file again and again, N times (--loop=N), or until stopped; times go on behind the end of the round before
    #[arg(long = "loop", value_name = "N", num_args = 0..=1, default_missing_value = "0")]
    pub rounds: Option<u64>,
    /// A tag on each fragment (repeatable)
    #[arg(long, value_name = "NAME=VALUE", value_parser = tag)]
    pub tag: Vec<(String, String)>,
    /// Cut fragments anew, each at the first key frame that lies so far behind the start of the one before; 2s where
    /// the file has no Clusters [default: as the file has them]
    #[arg(long, value_name = "DURATION")]
    pub fragment_duration: Option<Duration>,
    /// How the service is reached.
    #[command(flatten)]
    pub service: Service,
}

fn tag(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, _)) if name.is_empty() || name.len() > 128 || name.starts_with("AWS") => {
            Err("a tag name has 1 to 128 bytes and does not start with AWS".into())
        }
        Some((_, value)) if value.len() > 256 => Err("a tag value has at most 256 bytes".into()),
        Some((name, value)) if !text.contains('\0') => Ok((name.to_owned(), value.to_owned())),
        _ => Err("a tag is NAME=VALUE".into()),
    }
}

/// `--start`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// The time at which the upload begins.
    Now,
    /// Nanoseconds since the Unix epoch.
    At(i128),
}

impl std::str::FromStr for Start {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse() {
            _ if text == "now" => Ok(Start::Now),
            Ok(Moment::Wall(nanos)) if nanos >= 0 => Ok(Start::At(nanos)),
            _ => Err(format!("'{text}' is neither `now` nor a time such as 2017-11-28T06:55:08.513Z")),
        }
    }
}

/// The command line with `--loop` spelled out: what follows it is its number where it is one, else the next argument.
pub fn spelled(given: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let given: Vec<OsString> = given.into_iter().collect();
    let rest = given.iter().position(|argument| argument == "--").unwrap_or(given.len());
    let number = |text: &OsString| {
        text.to_str().is_some_and(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let forever = |at: usize| at < rest && !given.get(at + 1).is_some_and(number);
    let spell = |(at, argument): (usize, &OsString)| {
        if argument == "--loop" && forever(at) { "--loop=0".into() } else { argument.clone() }
    };
    given.iter().enumerate().map(spell).collect()
}

/// `--pace`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Pace {
    /// A fragment goes out when its time has come.
    Realtime,
    /// As fast as the service takes it.
    Fast,
}

/// `kineframe streams`.
#[derive(Debug, Args)]
pub struct Streams {
    /// Only names that begin so
    #[arg(value_name = "PREFIX", default_value = "")]
    pub prefix: String,
    /// How the service is reached.
    #[command(flatten)]
    pub service: Service,
}

/// `kineframe describe`.
#[derive(Debug, Args)]
pub struct Describe {
    /// kvs://STREAM or an ARN
    #[arg(value_name = "STREAM")]
    pub stream: String,
    /// How the service is reached.
    #[command(flatten)]
    pub service: Service,
}

/// `kineframe inspect`.
#[derive(Debug, Args)]
pub struct Inspect {
    /// The input.
    #[command(flatten)]
    pub input: Input,
    /// Every element, with depth, name, ID, offset, header size and data size
    #[arg(long)]
    pub tree: bool,
}

/// `kineframe frames`.
#[derive(Debug, Args)]
pub struct Frames {
    /// The input.
    #[command(flatten)]
    pub input: Input,
    /// Where the pictures go
    #[arg(short, long, value_name = "DIR")]
    pub output: PathBuf,
    /// Which pictures.
    #[command(flatten)]
    pub selection: Selection,
    /// How they are written.
    #[command(flatten)]
    pub picture: PictureOptions,
    /// File name without ending: {fragment} {offset_ms} {index} {producer_ms} {server_ms} {stream} {track}
    /// {document}, each with an optional width as in {index:06}
    #[arg(long, value_name = "TEMPLATE", help_heading = "Picture options")]
    pub name: Option<String>,
}

/// `kineframe frame`.
#[derive(Debug, Args)]
#[group(id = "which", required = true, args = ["fragment", "at"])]
pub struct Frame {
    /// The input.
    #[command(flatten)]
    pub input: Input,
    /// The fragment that the picture is in
    #[arg(long, value_name = "NUMBER")]
    pub fragment: Option<String>,
    /// Seconds from the fragment's start (1.25, 1.25s or 1250ms): the picture on screen then
    #[arg(long, value_name = "SECONDS", requires = "fragment", allow_hyphen_values = true)]
    pub offset: Option<Offset>,
    /// The picture on screen at this time
    #[arg(long, value_name = "TIME")]
    pub at: Option<Moment>,
    /// The file to write, or - for standard output; without --format its ending chooses the format
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// The track [default: the first video track]
    #[arg(long, value_name = "N")]
    pub track: Option<u64>,
    /// How it is written.
    #[command(flatten)]
    pub picture: PictureOptions,
}

/// Which pictures.
#[derive(Debug, Args)]
#[command(next_help_heading = "Selection")]
pub struct Selection {
    /// The picture on screen at this time: the last at or before it (repeatable)
    #[arg(long, value_name = "TIME")]
    pub at: Vec<Moment>,
    /// The pictures of this fragment (repeatable)
    #[arg(long, value_name = "NUMBER")]
    pub fragment: Vec<String>,
    /// The first picture in each step of this length
    #[arg(long, value_name = "DURATION")]
    pub every: Option<Duration>,
    /// Every Nth picture, from the first
    #[arg(long, value_name = "N")]
    pub one_in: Option<std::num::NonZeroU64>,
    /// Pictures at which decoding can start
    #[arg(long)]
    pub keyframes: bool,
    /// At most this many pictures
    #[arg(long, value_name = "N")]
    pub limit: Option<u64>,
    /// The track, or `all` [default: the first video track]
    #[arg(long, value_name = "N|all")]
    pub track: Option<Track>,
    /// Pictures built on missing or damaged references
    #[arg(long, value_name = "WHAT", default_value = "keep")]
    pub damaged: Damaged,
}

/// `--track`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Track {
    /// Every video track.
    All,
    /// The one of this number.
    Number(u64),
}

impl std::str::FromStr for Track {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "all" {
            return Ok(Track::All);
        }
        text.parse().map(Track::Number).map_err(|_| format!("'{text}' is neither a track number nor `all`"))
    }
}

/// What to do with pictures on missing or damaged references.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Damaged {
    /// Write them, marked as damaged.
    Keep,
    /// Leave them out.
    Skip,
}

/// How pictures are written.
#[derive(Debug, Args)]
#[command(next_help_heading = "Picture options")]
pub struct PictureOptions {
    /// The format of the files [default: jpeg]
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<Format>,
    /// JPEG quality
    #[arg(long, value_name = "1..100", default_value_t = 80, value_parser = clap::value_parser!(u8).range(1..=100))]
    pub quality: u8,
    /// WxH, or Wx or xH to keep the aspect
    #[arg(long, value_name = "SIZE")]
    pub size: Option<String>,
    /// What --size WxH does with another aspect
    #[arg(long, value_name = "HOW", default_value = "stretch")]
    pub fit: Fit,
    /// Apply the sample aspect ratio
    #[arg(long)]
    pub square_pixels: bool,
    /// Bits of a sample in PNG and NPY
    #[arg(long, value_name = "BITS", default_value = "8", value_parser = ["8", "16"])]
    pub depth: String,
    /// Use this matrix whatever the stream says
    #[arg(long, value_name = "MATRIX")]
    pub matrix: Option<Matrix>,
    /// Use this range whatever the stream says
    #[arg(long, value_name = "RANGE")]
    pub range: Option<Range>,
}

/// `--format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// JPEG, lossy.
    #[value(alias = "jpg")]
    Jpeg,
    /// PNG.
    Png,
    /// WebP.
    Webp,
    /// An H×W×3 RGB array.
    Npy,
    /// The decoder's planes as they are.
    Yuv,
}

/// `--fit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Fit {
    /// Change the aspect.
    Stretch,
    /// Fit inside.
    Contain,
    /// Fill and cut.
    Cover,
}

/// `--matrix`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Matrix {
    /// BT.601.
    #[value(name = "601")]
    Bt601,
    /// BT.709.
    #[value(name = "709")]
    Bt709,
    /// BT.2020, non-constant luminance.
    #[value(name = "2020")]
    Bt2020,
}

/// `--range`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Range {
    /// 16 to 235.
    Limited,
    /// Every code.
    Full,
}

/// `kineframe split`.
#[derive(Debug, Args)]
pub struct Split {
    /// The input.
    #[command(flatten)]
    pub input: Input,
    /// Where the files go
    #[arg(short, long, value_name = "DIR")]
    pub output: PathBuf,
}

/// `kineframe merge`.
#[derive(Debug, Args)]
pub struct Merge {
    /// The input.
    #[command(flatten)]
    pub input: Input,
    /// The file to write, or `-` for standard output
    #[arg(short, long, value_name = "FILE|-")]
    pub output: PathBuf,
}

/// `kineframe audio`.
#[derive(Debug, Args)]
pub struct Audio {
    /// The input.
    #[command(flatten)]
    pub input: Input,
    /// Where the files go
    #[arg(short, long, value_name = "DIR")]
    pub output: PathBuf,
    /// Frames one after the other, without silence where timestamps leave gaps
    #[arg(long)]
    pub no_fill: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_loop_is_its_number_or_the_file() {
        for (line, rounds, file) in [
            ("kineframe put --loop a.mkv kvs://x", Some(0), "a.mkv"),
            ("kineframe put --loop 3 a.mkv kvs://x", Some(3), "a.mkv"),
            ("kineframe put --loop=3 a.mkv kvs://x", Some(3), "a.mkv"),
            ("kineframe put a.mkv kvs://x --loop", Some(0), "a.mkv"),
            ("kineframe put -- --loop kvs://x", None, "--loop"),
        ] {
            let given = line.split_ascii_whitespace().map(OsString::from);
            let Ok(Cli { command: Command::Put(put), .. }) = Cli::try_parse_from(spelled(given)) else {
                panic!("{line}")
            };
            assert_eq!((put.rounds, put.file.as_str()), (rounds, file), "{line}");
        }
    }
}
