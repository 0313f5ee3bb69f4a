//! Where the bytes come from: a file or standard input, read by a thread of its own.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use bytes::Bytes;
use kineframe::source::{File, MediaSource, SourceError, StartSelector, Stdin};

use crate::outcome::Failure;
use crate::signals::Stop;

/// Pieces read ahead of the one in work.
const AHEAD: usize = 2;

/// The bytes of an input, piece by piece.
pub struct Input {
    name: String,
    length: Option<u64>,
    pieces: Receiver<Message>,
    stop: Stop,
    /// Bytes handed out so far.
    pub bytes_read: u64,
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
    pub fn open(name: &str) -> Result<Input, Failure> {
        if name.starts_with("kvs://") || name.starts_with("arn:") {
            return Err(Failure::Usage(format!(
                "{name}: this version reads files and standard input; save the body of GetMedia or \
                 GetMediaForFragmentList to a file, or pipe it in and give `-`"
            )));
        }
        if name == "-" {
            return Self::read("standard input", None, Stdin);
        }
        let length = std::fs::metadata(name).ok().filter(std::fs::Metadata::is_file).map(|file| file.len());
        Self::read(name, length, File::new(name))
    }

    fn read(name: &str, length: Option<u64>, source: impl MediaSource + 'static) -> Result<Input, Failure> {
        let (sender, pieces) = sync_channel(AHEAD);
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
        Ok(Input { name: name.to_owned(), length, pieces, stop, bytes_read: 0 })
    }

    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// The input cannot be opened or read further, is MP4, or a signal came.
    pub fn next_piece(&mut self) -> Result<Option<Bytes>, Failure> {
        loop {
            self.stop.check()?;
            match self.pieces.recv() {
                Ok(Message::Piece(Ok(piece))) => {
                    if self.bytes_read == 0 && piece.get(4..8) == Some(b"ftyp") {
                        return Err(Failure::Work(format!(
                            "{}: is MP4, which this version does not read; give it the Matroska body of GetMedia or \
                             GetMediaForFragmentList, or convert it: ffmpeg -i FILE -c copy FILE.mkv",
                            self.name
                        )));
                    }
                    self.bytes_read += piece.len() as u64;
                    return Ok(Some(piece));
                }
                Ok(Message::Piece(Err(error))) => return Err(Failure::Work(error.to_string())),
                Ok(Message::End) | Err(_) => return Ok(None),
                Ok(Message::Wake) => {}
            }
        }
    }

    /// Whether a signal asked us to stop.
    pub fn stop(&self) -> &Stop {
        &self.stop
    }

    /// Its length in bytes, where that can be told.
    pub fn length(&self) -> Option<u64> {
        self.length
    }

    /// The pieces alone; a signal ends them.
    pub fn into_pieces(self) -> impl Iterator<Item = Result<Bytes, SourceError>> + Send {
        let (pieces, stop) = (self.pieces, self.stop);
        std::iter::from_fn(move || {
            loop {
                stop.check().ok()?;
                match pieces.recv().ok()? {
                    Message::Piece(piece) => return Some(piece),
                    Message::End => return None,
                    Message::Wake => {}
                }
            }
        })
    }

    /// The input as the user named it.
    pub fn name(&self) -> &str {
        &self.name
    }
}

fn forward(source: &dyn MediaSource, sender: &SyncSender<Message>) {
    for piece in source.open_blocking(&StartSelector::Earliest) {
        if sender.send(Message::Piece(piece)).is_err() {
            return;
        }
    }
    // The receiver is gone where the command ended early.
    let _ = sender.send(Message::End);
}
