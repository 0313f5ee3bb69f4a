//! Files and standard input.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kineframe_fragment::StartSelector;

use crate::reader::reader;
use crate::{MediaSource, PieceStream, Pieces, ReadSeek, SourceError, SourceErrorKind, thread};

/// Bytes asked of a file in one read: enough that system calls do not count, and little enough to stay in the
/// processor's caches until the demuxer has been over it.
const FILE_PIECE: usize = 256 << 10;

/// Bytes asked of standard input in one read: what a pipe holds on Linux.
const STDIN_PIECE: usize = 64 << 10;

/// A stored body, read from its first byte.
#[derive(Debug, Clone)]
pub struct File {
    path: PathBuf,
    piece: usize,
}

impl File {
    /// The file at `path`. It is opened when it is read.
    pub fn new(path: impl AsRef<Path>) -> Self {
        File { path: path.as_ref().to_owned(), piece: FILE_PIECE }
    }

    /// Reads at most this many bytes at once; 256 KiB by default.
    pub fn with_piece_size(mut self, bytes: usize) -> Self {
        self.piece = bytes.max(1);
        self
    }

    fn label(&self) -> Arc<str> {
        Arc::from(self.path.to_string_lossy())
    }
}

impl MediaSource for File {
    fn open(&self, start: &StartSelector) -> PieceStream {
        let (file, start) = (self.clone(), start.clone());
        thread::stream(&self.label(), move || file.open_blocking(&start))
    }

    fn open_blocking(&self, start: &StartSelector) -> Pieces {
        let label = self.label();
        if let Err(error) = from_the_beginning(&label, start) {
            return failed(error);
        }
        let opened = std::fs::File::open(&self.path).and_then(|file| {
            // A directory opens on Unix and only fails when it is read, with an error that says less.
            match file.metadata()?.is_dir() {
                true => Err(io::ErrorKind::IsADirectory.into()),
                false => Ok(file),
            }
        });
        match opened {
            Ok(file) => Box::new(reader(&label, file, self.piece)),
            Err(error) => failed(SourceError::from_io(&label, 0, &error)),
        }
    }

    fn random_access(&self) -> Option<Box<dyn ReadSeek>> {
        // Only of a regular file: opening a pipe a second time would take bytes from the first reader.
        let file = std::fs::metadata(&self.path).ok().filter(std::fs::Metadata::is_file);
        file.and_then(|_| std::fs::File::open(&self.path).ok()).map(|file| Box::new(file) as Box<dyn ReadSeek>)
    }
}

/// Standard input: pieces while they arrive.
///
/// It can be read once: a second read goes on where the first was left.
#[derive(Debug, Clone, Default)]
pub struct Stdin;

impl Stdin {
    /// Its name in errors.
    pub const NAME: &'static str = "standard input";
}

impl MediaSource for Stdin {
    fn open(&self, start: &StartSelector) -> PieceStream {
        let start = start.clone();
        thread::stream(&Arc::from(Self::NAME), move || Stdin.open_blocking(&start))
    }

    fn open_blocking(&self, start: &StartSelector) -> Pieces {
        match from_the_beginning(&Arc::from(Self::NAME), start) {
            // The lock's own buffer is smaller than our reads, so that it is passed by.
            Ok(()) => Box::new(reader(Self::NAME, io::stdin(), STDIN_PIECE)),
            Err(error) => failed(error),
        }
    }
}

/// A stored body has no index: it begins where it begins.
pub(crate) fn from_the_beginning(input: &Arc<str>, start: &StartSelector) -> Result<(), SourceError> {
    let wish = match start {
        StartSelector::Now | StartSelector::Earliest => return Ok(()),
        StartSelector::AfterFragment(number) => format!("after fragment {number}"),
        StartSelector::ProducerTimestamp(_) => "at a producer time".to_owned(),
        StartSelector::ServerTimestamp(_) => "at a server time".to_owned(),
        StartSelector::ContinuationToken(_) => "at a continuation token".to_owned(),
    };
    Err(SourceError { input: input.clone(), offset: 0, kind: SourceErrorKind::Start(wish) })
}

pub(crate) fn failed(error: SourceError) -> Pieces {
    Box::new(std::iter::once(Err(error)))
}
