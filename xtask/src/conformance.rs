//! `cargo xtask conformance [--media DIR]`: the conformance kit over every back end of every build, as
//! `docs/conformance.md`.

use crate::args::Args;
use crate::shell::{self, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Folders of the media folder that have streams with truths.
const CODECS: [&str; 6] = ["h264", "h265", "av1", "vp8", "vp9", "mjpeg"];

/// Back ends of the plain build that stand in the others too: they are not run twice.
const PLAIN: &str = "rusty_h264,rust_h264,openh264,rust_h265,rusty_vp9,oxideav_vp8,rusty_jpeg";

/// What came of a stream at a back end.
struct Row {
    part: String,
    stream: String,
    back_end: String,
    result: String,
}

/// Runs the kit, in the profile of the tests, and writes its tables. Without `--plain` also over what needs system
/// libraries: dav1d, libvpx, FFmpeg.
pub fn run(args: &mut Args) -> Result<()> {
    let media = args.value("--media")?;
    let plain = args.flag("--plain");
    args.finish()?;
    let mut folders = Vec::new();
    for (folder, codec) in media.iter().flat_map(|media| CODECS.map(|codec| (media, codec))) {
        let folder = Path::new(folder).join("codec").join(codec);
        folders.extend(if codec == "mjpeg" { with_planes(&folder)? } else { Some(folder) });
    }
    let mut text = String::new();
    let (mut rows, mut sound) = (Vec::new(), true);
    let everything: [(&[&str], &str); 2] =
        [(&[], ""), (&["--features", "kineframe-decoders/full,kineframe-decoders/ffmpeg"], PLAIN)];
    for (features, without) in everything.into_iter().take(if plain { 1 } else { 2 }) {
        let mut build = shell::cargo();
        // Named together, so that features of the one may be asked for.
        build.args(["build", "--quiet", "--locked", "--package", "kineframe-codec-conformance"]);
        shell::run(build.args(["--package", "kineframe-decoders", "--example", "conformance"]).args(features))?;
        let target = target();
        let path = target.join("conformance.rows");
        let mut report = shell::command(target.join("debug").join("examples").join("conformance"));
        report.arg("--rows").arg(&path).args(["--without", without]).args(&folders);
        // The tables are worth having most of all where something fails.
        let result = report.stderr(std::process::Stdio::inherit()).output()?;
        if result.stdout.is_empty() {
            return Err("the kit did not run".into());
        }
        sound &= result.status.success();
        text.push_str(&String::from_utf8_lossy(&result.stdout));
        rows.extend(parse(&std::fs::read_to_string(&path)?));
    }
    let page = format!("{HEAD}{}{text}", refusals(&rows, if plain { &BUILDS[..1] } else { &BUILDS }));
    std::fs::write(shell::root().join("docs").join("conformance.md"), page)?;
    println!("conformance: docs/conformance.md is written");
    if sound { Ok(()) } else { Err("a back end does not keep the contract".into()) }
}

fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| shell::root().join("target"), Into::into)
}

/// A copy of a folder of Motion JPEG with the planes beside each stream, by which the kit allows samples to differ by
/// one: the inverse transform of JPEG is not normative, so that sums alone say nothing. FFmpeg makes the planes, and
/// their sums anew; a stream in which it finds no picture is left out. `None` without FFmpeg.
fn with_planes(folder: &Path) -> Result<Option<PathBuf>> {
    if !shell::has("ffmpeg", "-version") {
        println!("conformance: no ffmpeg to tell the planes of {}; it is left out", folder.display());
        return Ok(None);
    }
    let copy = target().join("conformance").join("mjpeg");
    if copy.exists() {
        std::fs::remove_dir_all(&copy)?;
    }
    std::fs::create_dir_all(&copy)?;
    for entry in std::fs::read_dir(folder)? {
        let stream = entry?.path();
        let Some(name) =
            stream.file_name().filter(|_| stream.extension().is_some_and(|kind| kind == "mjpeg" || kind == "jpg"))
        else {
            continue;
        };
        let beside = copy.join(name);
        let make = |format: &str, ending: &str| -> Result<PathBuf> {
            let made = beside.with_extension(ending);
            let mut ffmpeg = shell::command("ffmpeg");
            ffmpeg.args(["-v", "quiet", "-threads", "1", "-flags", "unaligned", "-i"]).arg(&stream);
            ffmpeg.args(["-map", "0:v:0", "-vsync", "passthrough", "-autoscale", "0", "-f", format]).arg(&made);
            // It ends badly where a stream is damaged on purpose; what it has written is looked at.
            ffmpeg.stdin(std::process::Stdio::null()).status()?;
            Ok(made)
        };
        let planes = make("rawvideo", "yuv")?;
        if std::fs::metadata(&planes).is_ok_and(|file| file.len() > 0) {
            make("framemd5", "framemd5")?;
            std::fs::copy(&stream, &beside)?;
        }
    }
    Ok(Some(copy))
}

const HEAD: &str = "# Conformance

Written by `cargo xtask conformance`. What is asked is in the documentation of `kineframe-codec-conformance`; truths are
FFmpeg's planes. A result is `exact` where every picture is equal in every sample (JPEG: within 1), in order and of the
right packet; `refused` where the back end says beforehand that it is not; `disputed` where sound decoders differ. `ms` is
the wall time of the whole stream with its MD5 sums, in the profile of the tests, on a machine that did other things too:
good for orders of magnitude alone. The tables of damage tell pictures that are equal, marked as damaged, wrong and
unmarked, and missing.
";

fn parse(text: &str) -> Vec<Row> {
    let row = |line: &str| {
        let mut fields = line.split('\t').map(str::to_owned);
        Some(Row { part: fields.next()?, stream: fields.next()?, back_end: fields.next()?, result: fields.next()? })
    };
    text.lines().filter_map(row).collect()
}

/// The builds, with the back ends that each has besides those that all have.
const BUILDS: [(&str, &[&str]); 3] =
    [("plain", &["rav1d"]), ("full", &["dav1d", "vpx"]), ("full and ffmpeg", &["dav1d", "vpx", "ffmpeg"])];

/// The streams that no back end of these builds takes, by kind, and what closes each.
fn refusals(rows: &[Row], builds: &[(&str, &[&str])]) -> String {
    let mut out = "\n## What no back end takes\n\nStreams of the tables below that end in a refusal by default settings, by kind: the \
                   reason of the back end that takes most.\n"
        .to_owned();
    let mut streams: BTreeMap<(&str, &str), Vec<&Row>> = BTreeMap::new();
    for row in rows {
        streams.entry((&row.part, &row.stream)).or_default().push(row);
    }
    let in_build = |row: &Row, extra: &[&str]| {
        PLAIN.split(',').any(|name| name == row.back_end) || extra.contains(&&*row.back_end)
    };
    let taken = |all: &[&Row], extra: &[&str]| {
        all.iter()
            .any(|row| in_build(row, extra) && (row.result.starts_with("exact") || row.result.starts_with("disputed")))
    };
    writeln!(out, "\n| build | streams | exact or disputed | refused |\n|---|---:|---:|---:|").ok();
    for (name, extra) in builds {
        let good = streams.values().filter(|all| taken(all, extra)).count();
        writeln!(out, "| {name} | {} | {good} | {} |", streams.len(), streams.len() - good).ok();
    }
    // By reason: how many, which streams, and the first build that takes them.
    let mut kinds: BTreeMap<(String, &str), BTreeSet<&str>> = BTreeMap::new();
    for ((_, stream), all) in streams.iter().filter(|(_, all)| !taken(all, BUILDS[0].1)) {
        let closes =
            builds.iter().skip(1).find(|(_, extra)| taken(all, extra)).map_or("nothing here", |(name, _)| name);
        let here: Vec<&&Row> = all.iter().filter(|row| in_build(row, BUILDS[0].1)).collect();
        let thorough = here.iter().find(|row| row.back_end == "rust_h264").or(here.last());
        let reason = thorough.map_or("no back end for this codec", |row| row.result.trim_start_matches("refused: "));
        kinds.entry((reason.to_owned(), closes)).or_default().insert(stream);
    }
    writeln!(out, "\n| refused by the plain build | streams | which | what closes it |\n|---|---:|---|---|").ok();
    for ((reason, closes), streams) in &kinds {
        let names: Vec<&str> = streams.iter().copied().collect();
        writeln!(out, "| {} | {} | {} | {closes} |", reason.replace('|', "/"), names.len(), names.join(", ")).ok();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_counted_by_build_and_kind() {
        let rows = parse(
            "h265\ta\trust_h265\texact\nh265\tb\trust_h265\trefused: 4:2:2 chroma\nh265\tb\tffmpeg\texact\n\
             vp8\tc\tvpx\texact\nvp8\tc\tffmpeg\texact\nmjpeg\td\trusty_jpeg\trefused: 4:1:1\nmjpeg\td\tffmpeg\trefused: 4:1:1\n",
        );
        let text = refusals(&rows, &BUILDS);
        assert!(text.contains("| plain | 4 | 1 | 3 |") && text.contains("| full | 4 | 2 | 2 |"), "{text}");
        assert!(text.contains("| full and ffmpeg | 4 | 3 | 1 |"), "{text}");
        assert!(text.contains("| 4:2:2 chroma | 1 | b | full and ffmpeg |"), "{text}");
        assert!(text.contains("| no back end for this codec | 1 | c | full |"), "{text}");
        assert!(text.contains("| 4:1:1 | 1 | d | nothing here |"), "{text}");
    }
}
