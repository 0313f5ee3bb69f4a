//! Taking a body apart in memory, beside other crates and `memcpy`: the package `bench-peers`, which has a lock file
//! of its own.

use super::run::{Bench, target};
use super::table::{Row, Section, Target};
use crate::shell::{self, Result};

/// The body that is repeated and timed, then those that a peer must also be right on, frame by frame and tag by tag.
const CAPTURES: [&str; 4] = [
    "output_get_media.mkv",
    "kinesis_video_renderer_example_output.mkv",
    "output-get-media-non-increasing-timecode.mkv",
    "empty-mkv-with-tags.mkv",
];

pub fn run(bench: &Bench) -> Result<Section> {
    let mut cargo = shell::cargo();
    cargo.args(["run", "--release", "--locked", "--manifest-path", "bench-peers/Cargo.toml"]);
    cargo.arg("--target-dir").arg(target().join("bench-peers"));
    cargo.args(["--", "--rounds", &(bench.rounds * 3).to_string()]);
    for name in CAPTURES {
        cargo.arg(shell::root().join("testdata/captures").join(name));
    }
    println!("splitting: building and running bench-peers");
    section(&shell::output(&mut cargo)?)
}

/// The lines of the program, as a section.
fn section(lines: &str) -> Result<Section> {
    let mut section = Section::default();
    for line in lines.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        match fields[..] {
            ["row", what, ours, theirs, median, least, greatest, target] => section.rows.push(Row {
                what: what.to_owned(),
                ours: ours.to_owned(),
                theirs: theirs.to_owned(),
                ratio: [median.parse()?, least.parse()?, greatest.parse()?],
                target: Target::parse(target).ok_or_else(|| format!("no target: {target}"))?,
            }),
            [verdict @ ("right" | "wrong"), peer, what] => {
                // The folder of the capture is of no interest.
                let (what, capture) = what.rsplit_once(": ").unwrap_or((what, ""));
                let capture = capture.rsplit('/').next().unwrap_or(capture);
                section.notes.push(format!("{peer} is {verdict} on `{capture}`: {what}"));
            }
            _ => return Err(format!("bench-peers printed `{line}`").into()),
        }
    }
    Ok(section)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_rows_and_notes() {
        let lines = "wrong\tx\t0 of 5 frames: /a/b.mkv\nrow\tin memory\t2 GB/s\t1 GB/s\t2.0\t1.5\t2.5\t>= 1.0\n";
        let section = section(lines).unwrap();
        assert_eq!(section.notes, ["x is wrong on `b.mkv`: 0 of 5 frames"]);
        assert_eq!(section.rows[0].ratio, [2.0, 1.5, 2.5]);
        assert!(super::section("hello").is_err());
    }
}
