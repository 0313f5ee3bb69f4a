//! Each codec: decoding and JPEG files of every picture against ffmpeg, with one thread and with all.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::pictures::{OPENCV, ffmpeg_jpegs, our_jpegs, scripted};
use super::run::{Bench, Cost, absent, load, python, quiet, row};
use super::table::{Row, Section, Target};
use crate::shell::{self, Result};

/// The 720p capture whose pictures are encoded; it is no part of the repository.
const CAPTURE: &str = "bezos_vogels.mkv";
/// What is encoded in its place: moving shapes in noise.
const MADE: &str = "testsrc2=size=1280x720:rate=25,noise=alls=6:allf=t:all_seed=1";
/// Pictures of each clip; a process starts within the time of one.
const PICTURES: usize = 250;

/// The codecs, and how their clips are made: at the rates and settings of cameras, a key frame each second.
const CODECS: [(&str, &[&str]); 6] = [
    ("H.264", &["-c:v", "libx264", "-preset", "veryfast", "-b:v", "2M"]),
    ("H.265", &["-c:v", "libx265", "-preset", "veryfast", "-b:v", "2M", "-x265-params", "log-level=error"]),
    ("AV1", &["-c:v", "libaom-av1", "-usage", "realtime", "-cpu-used", "8", "-b:v", "2M"]),
    ("VP8", &["-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "2M"]),
    ("VP9", &["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "2M"]),
    ("MJPEG", &["-c:v", "mjpeg", "-q:v", "4"]),
];

/// Makes a command that writes into a folder.
type Make<'a> = &'a dyn Fn(&Path) -> Command;

pub fn run(bench: &Bench) -> Result<Section> {
    let mut section = Section::default();
    if !shell::has("ffmpeg", "-version") {
        section.notes.push(absent("ffmpeg, which makes the clips,"));
        return Ok(section);
    }
    let capture = bench.find(CAPTURE);
    if capture.is_none() {
        section
            .notes
            .push(format!("{CAPTURE} is not there (`--media DIR`); the clips are of pictures that ffmpeg makes"));
    }
    let folder = bench.cache()?;
    let mut clips = Vec::new();
    for (codec, settings) in CODECS {
        clips.push((codec, clip(&folder, codec, settings, capture.as_deref())?));
    }
    let (plain, full, with_ffmpeg) = (bench.build(false)?, bench.build(true)?, bench.build_with_ffmpeg()?);
    let all = std::thread::available_parallelism()?.get();
    let busy = load();
    let mut several = Vec::new();
    for (codec, clip) in &clips {
        let one = |build: &Path, out: &Path| our_jpegs(build, clip, 1, out);
        let many = |build: &Path, out: &Path| our_jpegs(build, clip, all, out);
        let full_one = |out: &Path| one(&full, out);
        let plain_one = |out: &Path| one(&plain, out);
        let ffmpeg_one = |out: &Path| ffmpeg_jpegs(clip, 1, out);
        let commands: [(&str, Make<'_>); 3] =
            [("the full build", &full_one), ("the plain build", &plain_one), ("ffmpeg", &ffmpeg_one)];
        for (who, command) in commands {
            // All must do the same, or there is nothing to compare.
            let out = bench.folder("out")?;
            shell::output(&mut command(&out))?;
            let found = std::fs::read_dir(&out)?.count();
            if found != PICTURES {
                return Err(format!("{codec}: {who} wrote {found} pictures of {PICTURES}").into());
            }
        }
        let turns = bench.turns(
            bench.rounds,
            [&full_one, &plain_one, &ffmpeg_one, &|out| many(&full, out), &|out| many(&plain, out), &|out| {
                ffmpeg_jpegs(clip, all, out)
            }],
        )?;
        let of = |ours: usize, theirs: usize| -> Vec<[Cost; 2]> {
            turns.iter().map(|turn| [turn[ours], turn[theirs]]).collect()
        };
        section.rows.push(row(&format!("{codec}, full build"), Target::None, |cost| cost.cpu, &of(0, 2)));
        section.rows.push(row(&format!("{codec}, plain build"), Target::None, |cost| cost.cpu, &of(1, 2)));
        several.push(rates(&format!("{codec}, full build, pictures per CPU second, {all} threads"), &of(3, 5)));
        several.push(rates(&format!("{codec}, plain build, pictures per CPU second, {all} threads"), &of(4, 5)));
    }
    section.rows.extend(several);
    match (clips.first(), python("cv2")) {
        (Some((codec, clip)), Some(python)) => section.rows.push(bench.race(
            &format!("{codec}, full build with FFmpeg, `--decoder ffmpeg`, against OpenCV"),
            Target::AtMost(1.0),
            |cost| cost.cpu,
            [
                &|out| {
                    let mut command = our_jpegs(&with_ffmpeg, clip, 1, out);
                    command.args(["--decoder", "ffmpeg"]);
                    command
                },
                &|out| scripted(&python, OPENCV, clip, out),
            ],
        )?),
        _ => section.notes.push(absent("OpenCV")),
    }
    section.notes.extend(busy);
    Ok(section)
}

/// Pictures for each second of processor time, ours by theirs.
fn rates(what: &str, turns: &[[Cost; 2]]) -> Row {
    let pairs: Vec<[f64; 2]> = turns.iter().map(|turn| turn.map(|cost| PICTURES as f64 / cost.cpu)).collect();
    let row = Row::of_pairs(what, &pairs, Target::None, |rate| format!("{rate:.0}"));
    println!("{what}: {:.3}", row.ratio[0]);
    row
}

/// A clip, made once.
fn clip(folder: &Path, codec: &str, settings: &[&str], capture: Option<&Path>) -> Result<PathBuf> {
    let of = if capture.is_some() { "capture" } else { "made" };
    let place = folder.join(format!("codec-{}-{of}.mkv", codec.to_lowercase().replace('.', "")));
    if place.is_file() {
        return Ok(place);
    }
    let part = folder.join("part.mkv");
    let mut make = quiet("ffmpeg");
    make.args(["-v", "error", "-y"]);
    match capture {
        Some(capture) => make.arg("-i").arg(capture),
        None => make.args(["-f", "lavfi", "-i", MADE]),
    };
    make.args(["-map", "0:v:0", "-frames:v", &PICTURES.to_string(), "-fps_mode", "passthrough", "-pix_fmt"]);
    // JPEG has the full range alone.
    make.arg(if codec == "MJPEG" { "yuvj420p" } else { "yuv420p" });
    println!("codecs: making {PICTURES} pictures of {codec}");
    shell::output(make.args(["-g", "25"]).args(settings).arg(&part))?;
    std::fs::rename(part, &place)?;
    Ok(place)
}
