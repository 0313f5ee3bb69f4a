//! `kineframe merge`: consecutive fragments as one playable, seekable file.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use kineframe::fragment::{Merger, Output as Remuxed, RemuxOptions};
use kineframe::image_export::AtomicFile;
use serde_json::json;

use crate::args::{Common, Merge};
use crate::commands::frames::{existing, file_failure};
use crate::commands::split::patch;
use crate::outcome::{Failure, Outcome};
use crate::output::Output;
use crate::whole::WholeFragments;

/// Where the parts go.
enum Target {
    /// Each part to a file of its own: `x.mkv`, `x-2.mkv`, …
    Files { path: PathBuf, open: Option<AtomicFile> },
    /// The first part to standard output.
    Pipe(io::BufWriter<io::Stdout>),
}

/// Runs the command.
///
/// # Errors
/// See [`Failure`].
pub fn run(args: &Merge, common: &Common) -> Result<Outcome, Failure> {
    let piped = args.output == Path::new("-");
    if piped && common.json {
        return Err(Failure::Usage("standard output cannot hold the file and --json both; name a file with -o".into()));
    }
    let mut target = if piped {
        Target::Pipe(io::BufWriter::with_capacity(256 << 10, io::stdout()))
    } else {
        Target::Files { path: args.output.clone(), open: None }
    };
    let mut output = Output::new(common.json);
    let mut fragments = WholeFragments::open(&args.input, common)?;
    let mut options = RemuxOptions::default();
    options.patches = !piped;
    let mut merger = Merger::new(options);
    let mut files = 0u64;
    let mut failed = 0u64;
    let mut changed = false;
    let mut ended = false;
    while !ended {
        match fragments.next_event()? {
            Some(event) => merger.push(&event),
            None => {
                merger.finish();
                ended = true;
            }
        }
        while let Some(next) = merger.next_output() {
            match next {
                Remuxed::Begin(start) => match &mut target {
                    Target::Files { path, open } => {
                        let path = part_name(path, start.index);
                        *open = Some(AtomicFile::create(&path, existing(common)).map_err(file_failure)?);
                    }
                    Target::Pipe(_) if start.index > 0 => {
                        let index = start.head.index;
                        eprintln!(
                            "kineframe: {}: the tracks change at document {index}, and a pipe holds one file; \
                             with -o FILE each part goes to a file of its own",
                            args.input.input
                        );
                        (changed, ended) = (true, true);
                        break;
                    }
                    Target::Pipe(_) => {}
                },
                Remuxed::Data(data) => match &mut target {
                    Target::Files { open: Some(file), .. } => {
                        file.write_all(&data).map_err(|error| Failure::output(file.path().display(), &error))?;
                    }
                    Target::Files { .. } => {}
                    Target::Pipe(pipe) => {
                        pipe.write_all(&data).map_err(|error| Failure::output("standard output", &error))?;
                    }
                },
                Remuxed::Patch { position, data } => {
                    if let Target::Files { open: Some(file), .. } = &mut target {
                        patch(file, position, &data)?;
                    }
                }
                Remuxed::End(end) => {
                    files += 1;
                    let Target::Files { open, .. } = &mut target else { continue };
                    let Some(file) = open.take() else { continue };
                    let path = file.path().display().to_string();
                    file.commit().map_err(file_failure)?;
                    let object = json!({
                        "file": path,
                        "frames": end.frames,
                        "bytes": end.len,
                        "duration_ms": end.duration / 1_000_000,
                    });
                    output.item(&object, || {
                        format!("{path}  {} frames  {:.3} s", end.frames, end.duration as f64 / 1e9)
                    })?;
                }
                Remuxed::Failed { head, error, .. } => {
                    failed += 1;
                    if let Target::Files { open, .. } = &mut target {
                        *open = None;
                    }
                    eprintln!("kineframe: {}: document {}: {error}; it gives no file", args.input.input, head.index);
                }
                _ => {}
            }
        }
    }
    if let Target::Pipe(pipe) = &mut target {
        pipe.flush().map_err(|error| Failure::output("standard output", &error))?;
    }
    let report = fragments.report();
    let mut summary = report.json();
    summary["files"] = files.into();
    output.item(&json!({ "summary": summary }), String::new)?;
    output.flush()?;
    if files == 0 && !changed {
        return Err(Failure::Work(format!("{}: no fragment with frames in it", report.input)));
    }
    let outcome = report.outcome(common);
    Ok(if changed || failed > 0 { Outcome::Damaged } else { outcome })
}

/// `x.mkv`, `x-2.mkv`, `x-3.mkv`, …
fn part_name(path: &Path, index: u64) -> PathBuf {
    if index == 0 {
        return path.to_owned();
    }
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!("-{}", index + 1));
    if let Some(ending) = path.extension() {
        name.push(".");
        name.push(ending);
    }
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_numbered_before_the_ending() {
        assert_eq!(part_name(Path::new("a/x.y.mkv"), 0), Path::new("a/x.y.mkv"));
        assert_eq!(part_name(Path::new("a/x.y.mkv"), 1), Path::new("a/x.y-2.mkv"));
        assert_eq!(part_name(Path::new("x"), 2), Path::new("x-3"));
    }
}
