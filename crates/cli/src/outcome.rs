//! How a command ends: exit codes, and the one line that says why.

use std::fmt;
use std::io;
use std::process::ExitCode;

/// How a command that did its work ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Everything went well.
    Good,
    /// Done, but the input was damaged or truncated, or some pictures could not be decoded.
    Damaged,
}

/// Why a command did not do its work.
#[derive(Debug)]
pub enum Failure {
    /// Wrong usage that the argument parser cannot see.
    Usage(String),
    /// I/O, nothing decodable, no picture matched, …
    Work(String),
    /// The reader of our output closed it: not an error.
    OutputClosed,
    /// A signal asked us to stop; everything finished so far is kept.
    Interrupted(i32),
}

impl Failure {
    /// A failure to write to standard output or to a file, at `place`.
    pub fn output(place: impl fmt::Display, error: &io::Error) -> Failure {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Failure::OutputClosed;
        }
        let next = match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "make room or choose another place with -o",
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => "choose another place with -o",
            io::ErrorKind::AlreadyExists => "choose another place with -o, or replace it with --overwrite",
            _ => "what was finished before is kept",
        };
        Failure::Work(format!("{place}: cannot be written: {error}; {next}"))
    }
}

/// The next item of a read, which a signal ends like any other end, so that what came so far is summed up: a live stream
/// is ended no other way. `signal` keeps it. With `json` it fails at once: for a script a summary says that the read went
/// to its end.
///
/// # Errors
/// Those of the read, but for the signal.
pub fn until_signal<T>(
    next: Result<Option<T>, Failure>,
    json: bool,
    signal: &mut Option<Failure>,
) -> Result<Option<T>, Failure> {
    match next {
        Err(interrupted @ Failure::Interrupted(_)) if !json => {
            *signal = Some(interrupted);
            Ok(None)
        }
        next => next,
    }
}

/// The exit code for how a command ended; says why on standard error.
pub fn exit(result: Result<Outcome, Failure>) -> ExitCode {
    match result {
        Ok(Outcome::Good) | Err(Failure::OutputClosed) => ExitCode::SUCCESS,
        Ok(Outcome::Damaged) => ExitCode::from(3),
        Err(Failure::Usage(why)) => {
            eprintln!("kineframe: {why}");
            ExitCode::from(2)
        }
        Err(Failure::Work(why)) => {
            eprintln!("kineframe: {why}");
            ExitCode::FAILURE
        }
        Err(Failure::Interrupted(signal)) => ExitCode::from(128u8.saturating_add(u8::try_from(signal).unwrap_or(0))),
    }
}
