//! An archive with a key frame each second: two threads against one, and what is left out before it is decoded.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::run::{Bench, absent, load, quiet, row};
use super::table::{Section, Target};
use crate::shell::{self, Result};

/// Pictures a second, and so pictures in a group: each second starts with an IDR picture.
const RATE: usize = 25;
/// Seconds of the stream that is decoded whole.
const SHORT: usize = 40;
/// Seconds of the stream of which little is decoded.
const LONG: usize = 600;
/// Seconds from one chosen picture to the next.
const STEP: usize = 10;

pub fn run(bench: &Bench) -> Result<Section> {
    let mut section = Section::default();
    if !shell::has("ffmpeg", "-version") {
        section.notes.push(absent("ffmpeg, which makes the stream,"));
        return Ok(section);
    }
    let (short, long) = streams(&bench.cache()?)?;
    let kineframe = bench.build(true)?;
    section
        .notes
        .extend(load().map(|load| format!("{load}; time on the clock is worth something only where none did")));
    let ours = |input: &Path, more: &[&str], out: &Path| {
        let mut command = quiet(&kineframe);
        command.arg("frames").arg(input).arg("-o").arg(out).args(["-q", "--quality", "80"]).args(more);
        command
    };
    let ffmpeg = |before: &[&str], after: &[&str], out: &Path| {
        let mut command = quiet("ffmpeg");
        command.args(["-v", "error", "-threads", "1"]).args(before).arg("-i").arg(&long);
        command.args(["-threads", "1", "-filter_threads", "1"]).args(after);
        command.args(["-q:v", "3"]).arg(out.join("%06d.jpg"));
        command
    };
    section.rows.push(bench.race(
        &format!("one thread against two, wall time, {SHORT} groups"),
        Target::AtLeast(1.8),
        |cost| cost.wall,
        [&|out| ours(&short, &["--threads", "1"], out), &|out| ours(&short, &["--threads", "2"], out)],
    )?);
    section.rows.push(bench.race(
        "--keyframes of 10 minutes, against ffmpeg -skip_frame nokey",
        Target::AtMost(1.0),
        |cost| cost.cpu,
        [&|out| ours(&long, &["--threads", "1", "--keyframes"], out), &|out| {
            ffmpeg(&["-skip_frame", "nokey"], &["-fps_mode", "passthrough"], out)
        }],
    )?);
    section.rows.push(bench.race(
        "--keyframes --trust-slices of 10 minutes, against ffmpeg -skip_frame nokey",
        Target::AtMost(1.0),
        |cost| cost.cpu,
        [&|out| ours(&long, &["--threads", "1", "--keyframes", "--trust-slices"], out), &|out| {
            ffmpeg(&["-skip_frame", "nokey"], &["-fps_mode", "passthrough"], out)
        }],
    )?);
    let every = format!("{STEP}s");
    // The peer decodes all ten minutes: half the turns will do.
    let turns = bench.turns(
        bench.rounds.div_ceil(2),
        [&|out: &Path| ours(&long, &["--threads", "1", "--every", &every], out), &|out: &Path| {
            ffmpeg(&[], &["-vf", "fps=1/10"], out)
        }],
    )?;
    let what = "--every 10s of 10 minutes, against ffmpeg -vf fps=1/10";
    section.rows.push(row(what, Target::AtMost(0.15), |cost| cost.cpu, &turns));
    // Every chosen picture is an IDR picture, which needs no other: the fewest are the chosen ones.
    for (what, more, fewest) in
        [("--keyframes", vec!["--keyframes"], LONG), ("--every 10s", vec!["--every", "10s"], LONG / STEP)]
    {
        let mut command = ours(&long, &more, &bench.folder("out")?);
        command.arg("--json");
        let [pictures, decoded] = counts(&mut command)?;
        let verdict = if [pictures, decoded] == [fewest; 2] { "the fewest there are" } else { "**not the fewest**" };
        section.notes.push(format!("{what}: {pictures} pictures, {decoded} frames decoded, {verdict} ({fewest})"));
    }
    Ok(section)
}

/// `pictures` and `frames_decoded` of the summary.
fn counts(command: &mut Command) -> Result<[usize; 2]> {
    let lines = shell::output(command)?;
    let last = lines.lines().last().unwrap_or_default();
    let value: serde_json::Value = serde_json::from_str(last)?;
    let count = |name: &str| value["summary"][name].as_u64().map(|count| count as usize);
    match (count("pictures"), count("frames_decoded")) {
        (Some(pictures), Some(decoded)) => Ok([pictures, decoded]),
        _ => Err(format!("no counts in `{last}`").into()),
    }
}

/// The two streams, made once: moving shapes, 720p, groups of B pictures.
fn streams(folder: &Path) -> Result<(PathBuf, PathBuf)> {
    let short = folder.join("archive-short.mkv");
    let long = folder.join("archive-long.mkv");
    if !short.is_file() {
        let part = folder.join("part.mkv");
        let picture = format!("testsrc2=size=1280x720:rate={RATE}:duration={SHORT}");
        let group = RATE.to_string();
        let mut make = quiet("ffmpeg");
        make.args(["-v", "error", "-y", "-f", "lavfi", "-i", &picture]);
        make.args(["-c:v", "libx264", "-preset", "superfast", "-bf", "2", "-g", &group, "-keyint_min", &group]);
        make.args(["-sc_threshold", "0", "-x264-params", "open-gop=0", "-pix_fmt", "yuv420p"]).arg(&part);
        println!("archive: making {SHORT} seconds of 720p");
        shell::output(&mut make)?;
        std::fs::rename(part, &short)?;
    }
    if !long.is_file() {
        let part = folder.join("part.mkv");
        let mut repeat = quiet("ffmpeg");
        repeat.args(["-v", "error", "-y", "-stream_loop", &(LONG / SHORT - 1).to_string(), "-i"]).arg(&short);
        repeat.args(["-c", "copy"]).arg(&part);
        shell::output(&mut repeat)?;
        std::fs::rename(part, &long)?;
    }
    Ok((short, long))
}
