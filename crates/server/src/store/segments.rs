//! Media files: fragments end to end, written once and read at any place.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use bytes::Bytes;

use super::{StoreError, StoredStream};

/// A media file. It is open while someone reads it.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) number: u64,
    path: PathBuf,
    open: Mutex<Weak<File>>,
}

impl Segment {
    pub(crate) fn new(folder: &Path, number: u64) -> Self {
        Segment { number, path: folder.join(format!("{number}.media")), open: Mutex::default() }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The file, open for reading.
    pub(crate) fn open(&self) -> io::Result<Arc<File>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = open.upgrade() {
            return Ok(file);
        }
        let file = Arc::new(File::open(&self.path)?);
        *open = Arc::downgrade(&file);
        Ok(file)
    }
}

/// Where a fragment's bytes are.
#[derive(Debug, Clone)]
pub(crate) struct Location {
    pub(crate) segment: Arc<Segment>,
    pub(crate) offset: u64,
    pub(crate) len: u64,
}

/// Bytes that are read from a media file at a time.
pub(crate) const READ: u64 = 256 << 10;

impl Location {
    /// The next bytes of the fragment from `place` on: at most [`READ`], none at its end. Blocks.
    pub(crate) fn read(&self, place: u64) -> io::Result<Bytes> {
        let len = self.len.saturating_sub(place).min(READ);
        let mut bytes = vec![0; usize::try_from(len).unwrap_or(0)];
        let file = self.segment.open()?;
        read_exact_at(&file, &mut bytes, self.offset + place)?;
        Ok(bytes.into())
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut bytes: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, bytes, offset)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => {
                bytes = &mut bytes[count..];
                offset += count as u64;
            }
        }
    }
    Ok(())
}

/// Removes media files that nothing in the index speaks of.
pub(super) fn tidy(media: &Path, streams: &[StoredStream]) -> Result<(), StoreError> {
    for folder in std::fs::read_dir(media)? {
        let folder = folder?;
        let stream = streams.iter().find(|stream| folder.file_name().to_str() == Some(&stream.id));
        let Some(stream) = stream else {
            std::fs::remove_dir_all(folder.path())?;
            continue;
        };
        let known: BTreeSet<u64> = stream.fragments.iter().map(|row| row.location.segment.number).collect();
        for file in std::fs::read_dir(folder.path())? {
            let file = file?;
            let name = file.file_name();
            let number = name.to_str().and_then(|name| name.strip_suffix(".media")?.parse().ok());
            if !number.is_some_and(|number: u64| known.contains(&number)) {
                std::fs::remove_file(file.path())?;
            }
        }
    }
    Ok(())
}
