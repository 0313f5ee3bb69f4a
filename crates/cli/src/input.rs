//! Where the bytes come from: a file, standard input or a stream, read by a thread of its own.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use kineframe::mp4::{MovieBox, find_movie, is_mp4};
use kineframe::source::{File, MediaSource, SourceError, SourceErrorKind, StartSelector, Stdin};
use kineframe::source_aws::StreamId;

use crate::args::{Common, Input as InputArgs};
use crate::kvs::{self, Opened, Wanted};
use crate::outcome::Failure;
use crate::signals::Stop;
use crate::units::{Bound, Moment};

/// Longest description of an MP4 file that is read ahead.
const MAX_MOVIE: u64 = 64 << 20;
/// Pieces read ahead of the one in work.
const AHEAD: usize = 2;

/// What is said of a file, or a pipe, in which nothing was found; `None` of a stream, where that is nothing unusual.
pub fn without_media(name: &str, bytes: u64) -> Option<&'static str> {
    match bytes {
        _ if kvs::is_stream(name) => None,
        0 => Some("it is empty"),
        _ => Some(
            "nothing that kineframe reads is in it: Matroska, WebM, MP4, or what GetMedia, GetMediaForFragmentList and \
             GetClip send",
        ),
    }
}

/// The stream that may be meant by the name of a file that is not there.
fn meant(name: &str) -> Option<String> {
    let absent = std::fs::symlink_metadata(name).is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound);
    let stream = name.strip_prefix("kvs:").map_or(name, |rest| rest.trim_start_matches('/'));
    // A dot ends the name of a file most of the time; it may stand in that of a stream.
    let plain = stream.len() < name.len() || !stream.contains('.');
    let stream = format!("kvs://{stream}");
    (absent && plain && stream.parse::<StreamId>().is_ok()).then_some(stream)
}

/// That a range does not end before it begins, as far as its flags alone tell.
///
/// # Errors
/// It does.
pub fn check_range(args: &InputArgs) -> Result<(), Failure> {
    let at = |bound: &Option<Bound>| match bound {
        Some(Bound::At(moment)) => Some(*moment),
        _ => None,
    };
    match (at(&args.from), at(&args.to)) {
        (Some(Moment::Wall(from)), Some(Moment::Wall(to)))
        | (Some(Moment::FromStart(from)), Some(Moment::FromStart(to)))
            if from > to =>
        {
            Err(Failure::Usage("--to lies before --from: nothing is between them; are the two swapped?".into()))
        }
        _ => Ok(()),
    }
}

/// After so long without a piece a person wonders.
const SILENCE: Duration = Duration::from_secs(5);

/// The bytes of an input, piece by piece.
pub struct Input {
    name: String,
    length: Option<u64>,
    movie: Option<MovieBox>,
    pieces: Incoming,
    stop: Stop,
    /// What was looked at and not handed out yet.
    ahead: Option<Bytes>,
    /// Nothing comes behind what was received.
    ended: bool,
    /// Bytes handed out so far.
    pub bytes_read: u64,
}

/// What the reader's thread sends.
struct Incoming {
    messages: Receiver<Message>,
    /// The stream to speak of when nothing comes.
    silent: Option<String>,
}

impl Incoming {
    /// The next message; `None` behind the last. Says once that there is none yet.
    fn next(&mut self) -> Option<Message> {
        let Some(name) = &self.silent else { return self.messages.recv().ok() };
        match self.messages.recv_timeout(SILENCE) {
            Err(RecvTimeoutError::Timeout) => {
                eprintln!("kineframe: {name}: nothing has come for {} s; still waiting", SILENCE.as_secs());
                self.messages.recv().ok()
            }
            received => received.ok(),
        }
    }
}

enum Message {
    Piece(Result<Bytes, SourceError>),
    End,
    /// A signal came: wakes a reader that waits for a pipe.
    Wake,
}

impl Input {
    /// Opens a path, or standard input for `-`.
    ///
    /// # Errors
    /// An address that this version does not read; no thread to read with. What cannot be opened is told by the
    /// first piece.
    pub fn open(args: &InputArgs, common: &Common) -> Result<Input, Failure> {
        Self::open_for(args, &Wanted::default(), common)
    }

    /// As [`open`](Self::open), where only some fragments or times are wanted, so that no more is asked for.
    ///
    /// # Errors
    /// As for `open`.
    pub fn open_for(args: &InputArgs, wanted: &Wanted, common: &Common) -> Result<Input, Failure> {
        check_range(args)?;
        let name = args.input.as_str();
        if kvs::is_stream(name) {
            let mut input = Self::read(name, None, None, kvs::open(args, wanted)?)?;
            input.pieces.silent = (!common.quiet).then(|| name.to_owned());
            return Ok(input);
        }
        if let Some(flag) = kvs::flag_of_streams(args) {
            return Err(Failure::Usage(format!("{flag} is for streams; {name} is a file")));
        }
        let opened = |source| Opened { source, start: StartSelector::Earliest, monitor: None };
        if name == "-" {
            return Self::read("standard input", None, None, opened(Box::new(Stdin)));
        }
        if let Some(stream) = meant(name) {
            return Err(Failure::Work(format!("{name}: no such file; check the path, or write {stream} for a stream")));
        }
        Self::open_file(name)
    }

    /// Opens a file, and nothing else.
    ///
    /// # Errors
    /// No thread to read with.
    pub fn open_file(name: &str) -> Result<Input, Failure> {
        let opened = |source| Opened { source, start: StartSelector::Earliest, monitor: None };
        let length = std::fs::metadata(name).ok().filter(std::fs::Metadata::is_file).map(|file| file.len());
        let file = File::new(name);
        // What cannot be read here is told by the first piece.
        let movie = file.random_access().and_then(|mut file| find_movie(&mut *file, MAX_MOVIE).ok().flatten());
        Self::read(name, length, movie, opened(Box::new(file)))
    }

    fn read(name: &str, length: Option<u64>, movie: Option<MovieBox>, source: Opened) -> Result<Input, Failure> {
        let (sender, messages) = sync_channel(AHEAD);
        let wake = sender.clone();
        let stop = Stop::watch(move || {
            // Where the channel is full its reader is awake and sees the signal at its next piece.
            let _ = wake.try_send(Message::Wake);
        })
        .map_err(|error| Failure::Work(format!("signal handlers cannot be installed: {error}")))?;
        thread::Builder::new()
            .name("reader".into())
            .spawn(move || forward(&source, &sender))
            .map_err(|error| Failure::Work(format!("no thread to read with: {error}")))?;
        let pieces = Incoming { messages, silent: None };
        Ok(Input { name: name.to_owned(), length, movie, pieces, stop, ahead: None, ended: false, bytes_read: 0 })
    }

    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// The input cannot be opened or read further, or a signal came.
    pub fn next_piece(&mut self) -> Result<Option<Bytes>, Failure> {
        let piece = match self.ahead.take() {
            Some(piece) => Some(piece),
            None => self.receive()?,
        };
        self.bytes_read += piece.as_ref().map_or(0, |piece| piece.len() as u64);
        Ok(piece)
    }

    /// Whether the input is MP4; waits for its first bytes. To be asked before anything is read.
    ///
    /// # Errors
    /// As for [`next_piece`](Self::next_piece).
    pub fn is_mp4(&mut self) -> Result<bool, Failure> {
        let mut first = Vec::new();
        while first.len() < 8 {
            let Some(piece) = self.receive()? else { break };
            if first.is_empty() && piece.len() >= 8 {
                let known = is_mp4(&piece);
                self.ahead = Some(piece);
                return Ok(known);
            }
            first.extend_from_slice(&piece);
        }
        let known = is_mp4(&first);
        self.ahead = Some(first.into()).filter(|first: &Bytes| !first.is_empty());
        Ok(known)
    }

    fn receive(&mut self) -> Result<Option<Bytes>, Failure> {
        // The end is told once: behind it nothing would come, and the channel stays open for signals.
        while !self.ended {
            self.stop.check()?;
            match self.pieces.next() {
                Some(Message::Piece(Ok(piece))) => return Ok(Some(piece)),
                Some(Message::Piece(Err(error))) => return Err(Failure::Work(error.to_string())),
                Some(Message::End) | None => {
                    self.ended = true;
                    return Ok(None);
                }
                Some(Message::Wake) => {}
            }
        }
        Ok(None)
    }

    /// Whether a signal asked us to stop.
    pub fn stop(&self) -> &Stop {
        &self.stop
    }

    /// What describes it, where it is MP4 with that behind the media.
    pub fn movie(&self) -> Option<MovieBox> {
        self.movie.clone()
    }

    /// Its length in bytes, where that can be told.
    pub fn length(&self) -> Option<u64> {
        self.length
    }

    /// The pieces alone; a signal ends them.
    pub fn into_pieces(self) -> impl Iterator<Item = Result<Bytes, SourceError>> + Send {
        let (mut ahead, mut ended, mut pieces, stop) = (self.ahead, self.ended, self.pieces, self.stop);
        std::iter::from_fn(move || {
            if let Some(piece) = ahead.take() {
                return Some(Ok(piece));
            }
            while !ended {
                stop.check().ok()?;
                match pieces.next()? {
                    Message::Piece(piece) => return Some(piece),
                    Message::End => ended = true,
                    Message::Wake => {}
                }
            }
            None
        })
    }

    /// The input as the user named it.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// Tells the reader when the thread that reads for it has panicked: signals keep the channel open.
struct Fallen<'a>(&'a SyncSender<Message>);

impl Drop for Fallen<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            let message = "reading failed for a fault of kineframe's own; please report it".to_owned();
            let kind = SourceErrorKind::Other { message, retry: false };
            let error = SourceError { input: "the input".into(), offset: 0, kind };
            let _ = self.0.send(Message::Piece(Err(error)));
        }
    }
}

fn forward(opened: &Opened, sender: &SyncSender<Message>) {
    let _fallen = Fallen(sender);
    for piece in opened.source.open_blocking(&opened.start) {
        opened.say();
        if sender.send(Message::Piece(piece)).is_err() {
            return;
        }
    }
    opened.say();
    // The receiver is gone where the command ended early.
    let _ = sender.send(Message::End);
}
