//! `kineframe merge`: consecutive fragments as one playable, seekable file.

use std::fs;
use std::path::{Path, PathBuf};

use kineframe::fragment::{FileStart, Merger, RemuxOptions};
use serde_json::json;

use crate::args::{Common, Merge};
use crate::made::{Place, make};
use crate::outcome::{Failure, Outcome};

/// Runs the command.
///
/// # Errors
/// See [`Failure`].
pub fn run(args: &Merge, common: &Common) -> Result<Outcome, Failure> {
    let piped = args.output == Path::new("-");
    if piped && common.json {
        return Err(Failure::Usage("standard output cannot hold the file and --json both; name a file with -o".into()));
    }
    if !piped
        && let (Ok(input), Ok(output)) = (fs::canonicalize(&args.input.input), fs::canonicalize(&args.output))
        && input == output
    {
        return Err(Failure::Usage(format!("-o {}: is the input; name another file", args.output.display())));
    }
    let mut options = RemuxOptions::default();
    options.patches = !piped;
    let place = |start: &FileStart| {
        Ok(match (piped, start.index) {
            (false, index) => {
                let path = part_name(&args.output, index);
                if index > 0 && !common.quiet {
                    eprintln!(
                        "kineframe: {}: the tracks change at document {}, and a file has one set of them; what follows is in {}",
                        args.input.input,
                        start.head.index,
                        path.display()
                    );
                }
                Place::File { path, about: json!({}) }
            }
            (true, 0) => Place::Pipe,
            (true, _) => {
                let index = start.head.index;
                eprintln!(
                    "kineframe: {}: the tracks change at document {index}, and a pipe holds one file; with -o FILE \
                     each part goes to a file of its own",
                    args.input.input
                );
                Place::Nowhere
            }
        })
    };
    make(Merger::new(options), &args.input, common, place, |_| String::new())
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
