//! Files made of fragments: what `split` and `merge` have in common.

use std::io::{self, Seek, SeekFrom, Write};
use std::path::PathBuf;

use kineframe::fragment::{Event, FileEnd, FileStart, FragmentFiles, Merger, Output as Remuxed};
use kineframe::image_export::AtomicFile;
use serde_json::{Value, json};

use crate::args::{Common, Input};
use crate::commands::frames::{existing, file_failure};
use crate::outcome::{Failure, Outcome};
use crate::output::Output;
use crate::whole::WholeFragments;

/// Makes files of fragment events.
pub trait Maker {
    /// Takes the next event.
    fn push(&mut self, event: &Event);
    /// Says that no more events come.
    fn finish(&mut self);
    /// What is to be done next with a file.
    fn next_output(&mut self) -> Option<Remuxed>;
}

macro_rules! makers {
    ($($maker:ty),*) => {$(
        impl Maker for $maker {
            fn push(&mut self, event: &Event) {
                self.push(event);
            }

            fn finish(&mut self) {
                self.finish();
            }

            fn next_output(&mut self) -> Option<Remuxed> {
                self.next_output()
            }
        }
    )*};
}

makers!(FragmentFiles, Merger);

/// Where a file goes.
pub enum Place {
    /// To this path. The fields of `about`, an object, are told of it beside those that every file has.
    File {
        /// The path.
        path: PathBuf,
        /// What is known of the file.
        about: Value,
    },
    /// To standard output.
    Pipe,
    /// Nowhere: the work ends before it and is not whole.
    Nowhere,
}

/// The file that is being written.
enum Open {
    File(AtomicFile, Value),
    Pipe,
}

/// Makes the files of an input: each goes where `place` says as it begins. `last` is the line for a person that ends
/// the work, given the number of files; none where it is empty.
///
/// # Errors
/// See [`Failure`]; an input that gives no file is one.
pub fn make(
    mut maker: impl Maker,
    input: &Input,
    common: &Common,
    mut place: impl FnMut(&FileStart) -> Result<Place, Failure>,
    last: impl FnOnce(u64) -> String,
) -> Result<Outcome, Failure> {
    let mut fragments = WholeFragments::open(input, common)?;
    let mut output = Output::new(common.json);
    let mut pipe = io::BufWriter::with_capacity(256 << 10, io::stdout());
    let mut open: Option<Open> = None;
    let (mut files, mut whole, mut ended, mut stopped) = (0u64, true, false, false);
    while !ended && !stopped {
        match fragments.next_event()? {
            Some(event) => maker.push(&event),
            None => {
                maker.finish();
                ended = true;
            }
        }
        while let Some(next) = maker.next_output() {
            match next {
                Remuxed::Begin(start) => match place(&start)? {
                    Place::File { path, about } => {
                        let file = AtomicFile::create(&path, existing(common)).map_err(file_failure)?;
                        open = Some(Open::File(file, about));
                    }
                    Place::Pipe => open = Some(Open::Pipe),
                    Place::Nowhere => {
                        stopped = true;
                        break;
                    }
                },
                Remuxed::Data(data) => match &mut open {
                    Some(Open::File(file, _)) => {
                        file.write_all(&data).map_err(|error| Failure::output(file.path().display(), &error))?;
                    }
                    Some(Open::Pipe) => pipe.write_all(&data).map_err(to_pipe)?,
                    None => {}
                },
                Remuxed::Patch { position, data } => {
                    if let Some(Open::File(file, _)) = &mut open {
                        patch(file, position, &data)?;
                    }
                }
                Remuxed::End(end) => {
                    files += 1;
                    if let Some(Open::File(file, about)) = open.take() {
                        commit(file, about, &end, &mut output)?;
                    }
                }
                Remuxed::Failed { head, error, .. } => {
                    open = None;
                    whole = false;
                    eprintln!("kineframe: {}: document {}: {error}; it gives no file", input.input, head.index);
                }
                _ => {}
            }
        }
    }
    pipe.flush().map_err(to_pipe)?;
    let report = fragments.report();
    let mut summary = report.json();
    summary["files"] = files.into();
    output.item(&json!({ "summary": summary }), || last(files))?;
    output.flush()?;
    if files == 0 && !stopped {
        return Err(Failure::Work(format!("{}: no fragment with frames in it", report.input)));
    }
    let outcome = report.outcome(common);
    Ok(if whole && !stopped { outcome } else { Outcome::Damaged })
}

fn to_pipe(error: io::Error) -> Failure {
    Failure::output("standard output", &error)
}

/// Puts a whole file in its place and tells of it.
fn commit(file: AtomicFile, about: Value, end: &FileEnd, output: &mut Output) -> Result<(), Failure> {
    let path = file.path().display().to_string();
    file.commit().map_err(file_failure)?;
    let mut object = about;
    object["file"] = path.as_str().into();
    object["frames"] = end.frames.into();
    object["bytes"] = end.len.into();
    object["duration_ms"] = json!(end.duration / 1_000_000);
    output.item(&object, || format!("{path}  {} frames  {:.3} s", end.frames, end.duration as f64 / 1e9))
}

/// Overwrites bytes of a file and returns to its end.
fn patch(file: &mut AtomicFile, position: u64, data: &[u8]) -> Result<(), Failure> {
    let done = file
        .seek(SeekFrom::Start(position))
        .and_then(|_| file.write_all(data))
        .and_then(|()| file.seek(SeekFrom::End(0)));
    done.map(drop).map_err(|error| Failure::output(file.path().display(), &error))
}
