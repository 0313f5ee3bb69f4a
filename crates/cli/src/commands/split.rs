//! `kineframe split`: each fragment as a playable file of its own.

use std::fs;
use std::io::{Seek, SeekFrom, Write};

use kineframe::fragment::{FragmentFiles, Output as Remuxed, RemuxOptions};
use kineframe::image_export::{AtomicFile, NameFields, NameTemplate, Names};
use serde_json::json;

use crate::args::{Common, Split};
use crate::commands::frames::{existing, file_failure};
use crate::outcome::{Failure, Outcome};
use crate::output::Output;
use crate::whole::WholeFragments;

/// Runs the command.
///
/// # Errors
/// See [`Failure`].
pub fn run(args: &Split, common: &Common) -> Result<Outcome, Failure> {
    let mut output = Output::new(common.json);
    let mut fragments = WholeFragments::open(&args.input, common)?;
    let mut maker = FragmentFiles::new(RemuxOptions::default());
    let template: NameTemplate = "{fragment}".parse().map_err(|error| Failure::Usage(format!("{error}")))?;
    let mut names = Names::new(template, "mkv");
    let mut open: Option<(AtomicFile, Option<String>)> = None;
    let mut files = 0u64;
    let mut failed = 0u64;
    let mut ended = false;
    while !ended {
        match fragments.next_event()? {
            Some(event) => maker.push(&event),
            None => {
                maker.finish();
                ended = true;
            }
        }
        while let Some(next) = maker.next_output() {
            match next {
                Remuxed::Begin(start) => {
                    let number = start.head.number.as_ref().map(ToString::to_string);
                    let fields = NameFields {
                        fragment: number.as_deref(),
                        document: start.head.index,
                        index: start.index,
                        ..NameFields::default()
                    };
                    let path = args.output.join(names.next(&fields));
                    fs::create_dir_all(&args.output).map_err(|error| Failure::output(args.output.display(), &error))?;
                    let file = AtomicFile::create(&path, existing(common)).map_err(file_failure)?;
                    open = Some((file, number));
                }
                Remuxed::Data(data) => {
                    if let Some((file, _)) = &mut open {
                        file.write_all(&data).map_err(|error| Failure::output(file.path().display(), &error))?;
                    }
                }
                Remuxed::Patch { position, data } => {
                    if let Some((file, _)) = &mut open {
                        patch(file, position, &data)?;
                    }
                }
                Remuxed::End(end) => {
                    if let Some((file, number)) = open.take() {
                        let path = file.path().display().to_string();
                        file.commit().map_err(file_failure)?;
                        files += 1;
                        let object = json!({
                            "file": path,
                            "fragment_number": number,
                            "frames": end.frames,
                            "bytes": end.len,
                            "duration_ms": end.duration / 1_000_000,
                        });
                        output.item(&object, || {
                            format!("{path}  {} frames  {:.3} s", end.frames, end.duration as f64 / 1e9)
                        })?;
                    }
                }
                Remuxed::Failed { head, error, .. } => {
                    open = None;
                    failed += 1;
                    eprintln!("kineframe: {}: document {}: {error}; it gives no file", args.input.input, head.index);
                }
                _ => {}
            }
        }
    }
    let report = fragments.report();
    let mut summary = report.json();
    summary["files"] = files.into();
    output.item(&json!({ "summary": summary }), || {
        format!("{files} file{} in {}", if files == 1 { "" } else { "s" }, args.output.display())
    })?;
    output.flush()?;
    if files == 0 {
        return Err(Failure::Work(format!("{}: no fragment with frames in it", report.input)));
    }
    let outcome = report.outcome(common);
    Ok(if failed > 0 { Outcome::Damaged } else { outcome })
}

/// Overwrites bytes of a file and returns to its end.
///
/// # Errors
/// The file cannot be written.
pub fn patch(file: &mut AtomicFile, position: u64, data: &[u8]) -> Result<(), Failure> {
    let done = file
        .seek(SeekFrom::Start(position))
        .and_then(|_| file.write_all(data))
        .and_then(|()| file.seek(SeekFrom::End(0)));
    done.map(drop).map_err(|error| Failure::output(file.path().display(), &error))
}
