//! Files that appear whole or not at all.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::{NameFields, NameTemplate, Names};

/// What becomes of a file that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Existing {
    /// It stays, and writing fails.
    #[default]
    Keep,
    /// It is replaced, at once and as a whole.
    Replace,
}

/// A file that was not written. Under its final name nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: cannot {action}: {reason}{}", path.display(), self.advice())]
pub struct FileError {
    /// The final name.
    pub path: PathBuf,
    /// What was tried.
    pub action: &'static str,
    /// The system's kind of error.
    pub kind: io::ErrorKind,
    /// The system's words.
    pub reason: String,
}

impl FileError {
    fn new(path: &Path, action: &'static str, error: &io::Error) -> Self {
        FileError { path: path.to_owned(), action, kind: error.kind(), reason: error.to_string() }
    }

    fn exists(path: &Path) -> Self {
        let error = io::Error::new(io::ErrorKind::AlreadyExists, "the file exists");
        FileError::new(path, "create it", &error)
    }

    fn advice(&self) -> &'static str {
        match self.kind {
            io::ErrorKind::AlreadyExists => "; remove it, choose another name, or ask for it to be overwritten",
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "; make room and run again",
            _ => "",
        }
    }
}

/// A file under a temporary name in its final folder. [`commit`](Self::commit) gives it its name; dropped before
/// that, it is removed.
///
/// ```
/// use std::io::Write;
/// use kineframe_image_export::{AtomicFile, Existing};
///
/// # let folder = tempfile::tempdir()?;
/// let path = folder.path().join("picture.png");
/// let mut file = AtomicFile::create(&path, Existing::Keep)?;
/// file.write_all(b"...")?;
/// assert!(!path.exists());
/// file.commit()?;
/// assert!(path.exists());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct AtomicFile {
    temporary: NamedTempFile,
    path: PathBuf,
    existing: Existing,
}

impl AtomicFile {
    /// Starts a file. Its folder must be there.
    ///
    /// # Errors
    /// A file of this name that is to be kept; something there that is not a file (a folder, a device, which no
    /// rename should replace); a folder that cannot be written.
    pub fn create(path: &Path, existing: Existing) -> Result<Self, FileError> {
        match fs::metadata(path) {
            Ok(found) if !found.is_file() => {
                let error = io::Error::other("it is there and is not a file");
                return Err(FileError::new(path, "replace it", &error));
            }
            // Known early; a file that comes into being later is seen when the name is given.
            Ok(_) if existing == Existing::Keep => return Err(FileError::exists(path)),
            _ => {}
        }
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let mut builder = tempfile::Builder::new();
        builder.prefix(".kineframe-").suffix(".part");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // As for any file that a command makes: the user's mask decides. A temporary file would be private.
            builder.permissions(fs::Permissions::from_mode(0o666));
        }
        let temporary = builder.tempfile_in(folder).map_err(|error| {
            // The path of the temporary name says nothing to anybody.
            let kind = error.kind();
            FileError { path: path.to_owned(), action: "create it", kind, reason: kind.to_string() }
        })?;
        Ok(AtomicFile { temporary, path: path.to_owned(), existing })
    }

    /// Gives the file its name, in one step: nobody ever sees a part of it, and of two writers that keep what
    /// exists one fails.
    ///
    /// # Errors
    /// A file that has come into being meanwhile and is to be kept; the system's refusal. The temporary file is
    /// removed.
    pub fn commit(self) -> Result<(), FileError> {
        let AtomicFile { temporary, path, existing } = self;
        let done = match existing {
            Existing::Keep => temporary.persist_noclobber(&path),
            Existing::Replace => temporary.persist(&path),
        };
        match done {
            Ok(_) => Ok(()),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Err(FileError::exists(&path)),
            Err(error) => Err(FileError::new(&path, "give the file its name", &error.error)),
        }
    }

    /// The final name.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.temporary.as_file_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.temporary.as_file_mut().flush()
    }
}

impl io::Seek for AtomicFile {
    fn seek(&mut self, position: io::SeekFrom) -> io::Result<u64> {
        self.temporary.as_file_mut().seek(position)
    }
}

/// Writes a whole file.
///
/// # Errors
/// As for [`AtomicFile`], and a full disk; nothing stays behind.
pub fn write_file(path: &Path, bytes: &[u8], existing: Existing) -> Result<(), FileError> {
    let mut file = AtomicFile::create(path, existing)?;
    file.write_all(bytes).map_err(|error| FileError::new(path, "write it", &error))?;
    file.commit()
}

/// A folder that pictures are written to, each under a name of its own.
#[derive(Debug)]
pub struct PictureFolder {
    root: PathBuf,
    names: Names,
    existing: Existing,
}

impl PictureFolder {
    /// A folder; it is made where it is missing.
    ///
    /// # Errors
    /// The system's refusal.
    pub fn create(root: &Path, names: Names, existing: Existing) -> Result<Self, FileError> {
        fs::create_dir_all(root).map_err(|error| FileError::new(root, "make the folder", &error))?;
        Ok(PictureFolder { root: root.to_owned(), names, existing })
    }

    /// A folder with names by a template.
    ///
    /// # Errors
    /// The system's refusal.
    pub fn with_template(
        root: &Path,
        template: NameTemplate,
        extension: &'static str,
        existing: Existing,
    ) -> Result<Self, FileError> {
        Self::create(root, Names::new(template, extension), existing)
    }

    /// Writes the next picture and returns where it is.
    ///
    /// # Errors
    /// As for [`write_file`].
    pub fn write(&mut self, fields: &NameFields<'_>, bytes: &[u8]) -> Result<PathBuf, FileError> {
        let name = self.names.next(fields);
        let path = self.root.join(&name);
        if let Some(folder) = name.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            let folder = self.root.join(folder);
            fs::create_dir_all(&folder).map_err(|error| FileError::new(&folder, "make the folder", &error))?;
        }
        write_file(&path, bytes, self.existing)?;
        Ok(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder)
            .expect("the folder is there")
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_appears_whole_or_not_at_all() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("a.png");
        let mut file = AtomicFile::create(&path, Existing::Keep).expect("a new file");
        file.write_all(b"half").expect("room for four bytes");
        assert!(!path.exists());
        drop(file);
        assert_eq!(entries(folder.path()), Vec::<String>::new(), "nothing stays behind");
        write_file(&path, b"whole", Existing::Keep).expect("a new file");
        assert_eq!((fs::read(&path).expect("it is there"), entries(folder.path()).len()), (b"whole".to_vec(), 1));
    }

    #[test]
    fn what_exists_is_kept_unless_it_is_to_be_replaced() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("a.png");
        write_file(&path, b"old", Existing::Keep).expect("a new file");
        let error = write_file(&path, b"new", Existing::Keep).expect_err("it exists");
        assert_eq!(error.kind, io::ErrorKind::AlreadyExists);
        assert!(error.to_string().contains("a.png"), "{error}");
        assert_eq!(fs::read(&path).expect("it is there"), b"old");
        write_file(&path, b"new", Existing::Replace).expect("it may be replaced");
        assert_eq!(fs::read(&path).expect("it is there"), b"new");
        assert_eq!(entries(folder.path()), ["a.png"]);
    }

    #[test]
    fn of_two_writers_one_wins() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("a.png");
        let mut files: Vec<_> =
            (0..2).map(|_| AtomicFile::create(&path, Existing::Keep).expect("nothing is there yet")).collect();
        for (index, file) in files.iter_mut().enumerate() {
            write!(file, "{index}").expect("room for a byte");
        }
        let mut files = files.into_iter();
        files.next().expect("the first").commit().expect("nothing is there yet");
        let error = files.next().expect("the second").commit().expect_err("the first is there");
        assert_eq!(error.kind, io::ErrorKind::AlreadyExists);
        assert_eq!((fs::read(&path).expect("it is there"), entries(folder.path()).len()), (b"0".to_vec(), 1));
    }

    #[test]
    fn folders_and_devices_are_not_replaced() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        assert!(write_file(folder.path(), b"", Existing::Replace).is_err());
        #[cfg(unix)]
        assert!(write_file(Path::new("/dev/null"), b"", Existing::Replace).is_err());
        let missing = folder.path().join("missing").join("a.png");
        let error = write_file(&missing, b"", Existing::Keep).expect_err("its folder is missing");
        assert_eq!((error.kind, error.path), (io::ErrorKind::NotFound, missing));
    }

    #[cfg(unix)]
    #[test]
    fn the_users_mask_decides_who_may_read() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (ours, plain) = (folder.path().join("a"), folder.path().join("b"));
        write_file(&ours, b"", Existing::Keep).expect("a new file");
        fs::write(&plain, b"").expect("a new file");
        let mode = |path| fs::metadata(path).expect("it is there").permissions().mode();
        assert_eq!(mode(&ours), mode(&plain));
    }

    #[test]
    fn a_folder_of_pictures() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let template = "{stream}/{index:03}".parse().expect("a template");
        let mut folder = PictureFolder::with_template(&root.path().join("new/out"), template, "jpg", Existing::Keep)
            .expect("a folder");
        let fields = NameFields { stream: Some("../../etc"), index: 4, ..NameFields::default() };
        let path = folder.write(&fields, b"1").expect("a new file");
        assert_eq!(path, root.path().join("new/out/_._.._etc/004.jpg"));
        assert_eq!(folder.write(&fields, b"2").expect("another"), root.path().join("new/out/_._.._etc/004-2.jpg"));
    }
}
