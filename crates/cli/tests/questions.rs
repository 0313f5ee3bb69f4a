//! The programs of the questions that people ask, as they are written with boto3 and OpenCV, and beside each the command
//! that does it right: `examples/python/README.md` is run as it stands, and what comes of both is compared.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::local::Local;
use common::shown::{blocks, python, shell};
use common::{code, objects, testdata};
use image::RgbImage;
use kineframe::fragment::{Event, Options, Splitter};
use serde_json::Value;

const STREAM: &str = "kvs://front-door";

/// Five fragments of two seconds each.
const FILM: &str = "captures/output_get_media.mkv";

/// The local service with a film in it, and where the programs run.
struct Asked {
    local: Local,
    folder: tempfile::TempDir,
    fragments: Vec<Value>,
}

impl Asked {
    fn start() -> Option<Asked> {
        if python("boto3, cv2").is_none() {
            println!("skipped: no boto3 with OpenCV; `cargo xtask setup` installs them");
            return None;
        }
        let (local, folder) = (Local::start(), tempfile::tempdir().expect("a folder"));
        local.put(&testdata(FILM), STREAM);
        let listed = local.run(&["fragments", STREAM, "--via", "fragments", "--from", "earliest", "--json"]);
        assert_eq!(code(&listed), 0, "{}", String::from_utf8_lossy(&listed.stderr));
        Some(Asked { local, folder, fragments: objects(&listed).0 })
    }

    fn text(&self, index: usize, field: &str) -> String {
        self.fragments[index][field].as_str().expect("text").to_owned()
    }

    /// Runs both blocks under the heading with this beginning, each in a folder of its own: theirs, then ours.
    fn both(&self, heading: &str, variables: &[(&str, &str)]) -> [PathBuf; 2] {
        let programs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/python");
        let text = fs::read_to_string(programs.join("README.md")).expect("a page");
        let commands: Vec<String> = blocks(&text)
            .into_iter()
            .filter(|block| block.language == "sh" && block.heading.starts_with(heading))
            .map(|block| block.text)
            .collect();
        assert_eq!(commands.len(), 2, "{heading}");
        let run = |name: &str, line: &str| {
            let folder = tempfile::tempdir_in(self.folder.path()).expect("a folder").keep();
            let line = line.replace("python ", &format!("python {}/", programs.display()));
            let mut shell = shell(&self.local, &folder, &line);
            shell.envs(variables.iter().copied());
            let output = shell.output().expect("a shell");
            assert!(output.status.success(), "{name}: {line}{}", String::from_utf8_lossy(&output.stderr));
            folder
        };
        [run("theirs", &commands[0]), run("ours", &commands[1])]
    }
}

/// The files of a folder, in order of their names.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    files
}

fn picture(path: &Path) -> RgbImage {
    image::open(path).expect("a picture").to_rgb8()
}

/// Peak signal to noise in dB.
fn psnr(one: &RgbImage, other: &RgbImage) -> f64 {
    assert_eq!(one.dimensions(), other.dimensions());
    let squares: f64 = one.iter().zip(other.iter()).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum();
    10.0 * (255.0 * 255.0 * one.len() as f64 / squares.max(1.0)).log10()
}

/// What two JPEG files of one picture have in common at least, in dB; other pictures have less, which the tests make
/// sure of.
const SAME: f64 = 34.0;

fn same_pictures(theirs: &[PathBuf], ours: &[PathBuf]) {
    assert_eq!(theirs.len(), ours.len());
    for (theirs, ours) in theirs.iter().zip(ours) {
        let likeness = psnr(&picture(theirs), &picture(ours));
        assert!(likeness > SAME, "{} and {}: {likeness} dB", theirs.display(), ours.display());
    }
}

#[test]
fn a_fragment_number_to_its_picture() {
    let Some(asked) = Asked::start() else { return };
    let mut all = Vec::new();
    for index in 0..asked.fragments.len() {
        let number = asked.text(index, "fragment_number");
        let [theirs, ours] = asked.both("A fragment number", &[("NUMBER", &number)]);
        same_pictures(&files(&theirs), &files(&ours));
        all.push((picture(&files(&theirs)[0]), picture(&files(&ours)[0])));
    }
    // The measure tells pictures apart.
    assert!(all.len() >= 3 && psnr(&all[0].0, &all[1].1) < SAME, "{}", psnr(&all[0].0, &all[1].1));
}

#[test]
fn a_time_to_its_pictures() {
    let Some(asked) = Asked::start() else { return };
    let time = |index: usize| asked.text(index, "producer_timestamp");
    let pictures = |from: &str, to: &str| {
        let variables = [("FROM", from.replace('Z', "+00:00")), ("TO", to.replace('Z', "+00:00"))];
        let [theirs, ours] = asked.both("A time", &variables.each_ref().map(|(name, value)| (*name, value.as_str())));
        (files(&theirs.join("pictures")), files(&ours.join("pictures")))
    };
    // Two whole fragments. The service's range includes a fragment that begins at its end, ours does not.
    let before_end: jiff::Timestamp = time(3).parse().expect("a time");
    let before_end = (before_end - jiff::SignedDuration::from_millis(1)).to_string();
    let (theirs, ours) = pictures(&time(1), &before_end);
    let sum: u64 = (1..3).map(|index| asked.fragments[index]["tracks"][0]["frames"].as_u64().expect("frames")).sum();
    assert_eq!(ours.len() as u64, sum);
    same_pictures(&theirs, &ours);
    assert!(psnr(&picture(&theirs[0]), &picture(&ours[ours.len() / 2])) < SAME);

    // From within a fragment: what it shows is missing in the clip, and ours has it.
    let start: jiff::Timestamp = time(1).parse().expect("a time");
    let within = (start + jiff::SignedDuration::from_millis(700)).to_string();
    let (theirs, ours) = pictures(&within, &before_end);
    let missing = ours.len() - theirs.len();
    assert!(missing > 0 && !theirs.is_empty(), "{} of {}", theirs.len(), ours.len());
    same_pictures(&theirs, &ours[missing..]);
}

/// The frames of each fragment: track and bytes.
fn frames(files: &[PathBuf]) -> Vec<Vec<(u64, Vec<u8>)>> {
    let of = |path: &PathBuf| {
        let mut splitter = Splitter::new(Options::default());
        splitter.push(fs::read(path).expect("a file").into());
        splitter.finish();
        let mut frames = Vec::new();
        while let Some(event) = splitter.next_event().expect("not strict") {
            match event {
                Event::Frame(frame) => frames.push((frame.track_number, frame.data.to_vec())),
                Event::Damage(damage) => panic!("{}: {damage:?}", path.display()),
                _ => {}
            }
        }
        frames
    };
    files.iter().map(of).collect()
}

#[test]
fn a_stream_to_its_fragments() {
    let Some(asked) = Asked::start() else { return };
    let now = jiff::Timestamp::now().to_string();
    let [theirs, ours] = asked.both("A stream", &[("NOW", &now)]).map(|folder| files(&folder.join("fragments")));
    let names = |files: &[PathBuf]| -> Vec<String> {
        files.iter().map(|path| path.file_stem().and_then(|name| name.to_str()).expect("UTF-8").to_owned()).collect()
    };
    let numbers: Vec<String> = (0..asked.fragments.len()).map(|index| asked.text(index, "fragment_number")).collect();
    assert!(numbers.len() >= 5);
    assert_eq!((names(&theirs), names(&ours)), (numbers.clone(), numbers));
    let ours = frames(&ours);
    assert!(frames(&theirs) == ours);
    let counts: Vec<Value> = ours.iter().map(|frames| frames.len().into()).collect();
    assert_eq!(counts, asked.fragments.iter().map(|fragment| fragment["frames"].clone()).collect::<Vec<_>>());
}
