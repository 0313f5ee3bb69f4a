//! Processor time of decoding and JPEG files of every picture of the 720p capture, one thread.

use std::path::Path;
use std::process::Command;

use super::run::{Bench, absent, load, python, quiet, row};
use super::table::{Section, Target};
use crate::shell::{self, Result};

/// The 720p capture; it is no part of the repository.
const CAPTURE: &str = "bezos_vogels.mkv";
/// A smaller one that is.
const INSTEAD: &str = "output_get_media.mkv";

/// OpenCV alone: its own reader, its own JPEG encoder.
pub(super) const OPENCV: &str = "\
import sys, cv2
cv2.setNumThreads(1)
source = cv2.VideoCapture(sys.argv[1], cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
count = 0
while True:
    ok, picture = source.read()
    if not ok: break
    data = cv2.imencode('.jpg', picture, [cv2.IMWRITE_JPEG_QUALITY, 80])[1]
    with open(f'{sys.argv[2]}/{count:06}.jpg', 'wb') as file: file.write(data.tobytes())
    count += 1
assert count";

/// PyAV for the pictures, OpenCV for the files: the usual way in Python.
const PYAV: &str = "\
import sys, av, cv2
cv2.setNumThreads(1)
source = av.open(sys.argv[1])
stream = source.streams.video[0]
stream.codec_context.thread_count = 1
count = 0
for picture in source.decode(stream):
    data = cv2.imencode('.jpg', picture.to_ndarray(format='bgr24'), [cv2.IMWRITE_JPEG_QUALITY, 80])[1]
    with open(f'{sys.argv[2]}/{count:06}.jpg', 'wb') as file: file.write(data.tobytes())
    count += 1
assert count";

pub fn run(bench: &Bench) -> Result<Section> {
    let mut section = Section::default();
    let input = match bench.find(CAPTURE).or_else(|| bench.find(INSTEAD)) {
        Some(input) => input,
        None => return Err(format!("neither {CAPTURE} nor {INSTEAD} is under {}", bench.media.display()).into()),
    };
    if input.file_name().is_some_and(|name| name != CAPTURE) {
        section.notes.push(format!("{CAPTURE} is not there (`--media DIR`); {INSTEAD} instead"));
    }
    let (plain, full) = (bench.build(false)?, bench.build(true)?);
    let busy = load();
    let kineframe = |build: &Path, out: &Path| our_jpegs(build, &input, 1, out);
    let plain = |out: &Path| kineframe(&plain, out);
    let trusting = |out: &Path| {
        let mut command = kineframe(&full, out);
        command.arg("--trust-slices");
        command
    };
    let full = |out: &Path| kineframe(&full, out);

    let ffmpeg = |out: &Path| ffmpeg_jpegs(&input, 1, out);
    let script = |python: &str, script: &str, out: &Path| scripted(python, script, &input, out);
    let mut left_out = Vec::new();
    let mut peer = |there: Option<String>, name: &str| {
        there.or_else(|| {
            left_out.push(absent(name));
            None
        })
    };
    let ffmpeg_there = peer(shell::has("ffmpeg", "-version").then(String::new), "ffmpeg");
    let opencv_python = peer(python("cv2"), "OpenCV");
    let pyav_python = peer(python("av, cv2"), "PyAV");
    // All of them in each turn, so that one run of ours is compared with all peers. Who is not there does nothing.
    let nothing = || quiet("true");
    let opencv = |out: &Path| opencv_python.as_deref().map_or_else(nothing, |python| script(python, OPENCV, out));
    let pyav = |out: &Path| pyav_python.as_deref().map_or_else(nothing, |python| script(python, PYAV, out));
    let ffmpeg = |out: &Path| if ffmpeg_there.is_some() { ffmpeg(out) } else { nothing() };
    let turns = bench.turns(bench.rounds, [&full, &plain, &ffmpeg, &opencv, &pyav, &trusting])?;
    let (full, plain, ffmpeg, opencv, pyav, trusting) = (0, 1, 2, 3, 4, 5);
    let mut rate = |what: &str, target, ours: usize, theirs: usize| {
        let pairs: Vec<_> = turns.iter().map(|turn| [turn[ours], turn[theirs]]).collect();
        section.rows.push(row(what, target, |cost| cost.cpu, &pairs));
    };
    if ffmpeg_there.is_some() {
        rate("full build, against ffmpeg -q:v 3", Target::AtMost(0.65), full, ffmpeg);
        rate("full build, --trust-slices, against ffmpeg -q:v 3", Target::None, trusting, ffmpeg);
        rate("plain build, against ffmpeg -q:v 3", Target::AtMost(1.1), plain, ffmpeg);
    }
    if opencv_python.is_some() {
        rate("full build, against OpenCV", Target::AtMost(1.15), full, opencv);
    }
    if pyav_python.is_some() {
        // "Well ahead", as a number.
        rate("full build, against PyAV and OpenCV", Target::AtMost(0.9), full, pyav);
    }
    section.notes.extend(left_out);
    section.notes.extend(busy);
    Ok(section)
}

/// Every picture as a JPEG file of quality 80, by this build.
pub(super) fn our_jpegs(build: &Path, input: &Path, threads: usize, out: &Path) -> Command {
    let mut command = quiet(build);
    command.arg("frames").arg(input).arg("-o").arg(out).args(["--threads", &threads.to_string()]);
    command.args(["--quality", "80", "-q"]);
    command
}

/// Every picture as a JPEG file, by ffmpeg.
pub(super) fn ffmpeg_jpegs(input: &Path, threads: usize, out: &Path) -> Command {
    let threads = threads.to_string();
    let mut command = quiet("ffmpeg");
    command.args(["-v", "error", "-threads", &threads, "-i"]).arg(input);
    command.args(["-threads", &threads, "-filter_threads", &threads, "-q:v", "3"]).arg(out.join("%06d.jpg"));
    command
}

/// A script that reads the input and writes into the folder.
pub(super) fn scripted(python: &str, script: &str, input: &Path, out: &Path) -> Command {
    let mut command = quiet(python);
    command.args(["-c", script]).arg(input).arg(out);
    command
}
