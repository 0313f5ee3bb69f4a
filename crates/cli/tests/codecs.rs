//! Codecs besides H.264 by every command: `frames`, `frame`, `inspect`, `split`, `merge`, from files and from standard
//! input.

mod common;

use std::fs::{self, File};
use std::path::Path;
use std::process::Output;

use common::{code, kineframe, objects, picture_sums, run, testdata};
use md5::{Digest, Md5};

/// A body with sums of all its pictures, of each codec that this build decodes.
const BODIES: [(&str, &str, usize); 3] = [
    ("generated/av1-svt.mkv", "av1", 4),
    ("generated/av1-10bit.mkv", "av1", 2),
    ("generated/h265-main.mkv", "h.265", 4),
];

fn sum(file: &str) -> String {
    format!("{:x}", Md5::digest(fs::read(file).expect("a picture")))
}

fn pictures(output: &Output, name: &str) -> Vec<String> {
    assert_eq!(code(output), 0, "{name}: {}", String::from_utf8_lossy(&output.stderr));
    objects(output).0.iter().map(|item| sum(item["file"].as_str().expect("a name"))).collect()
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

#[test]
fn pictures_equal_their_truths() {
    for (name, codec, _) in BODIES {
        let (body, out) = (testdata(name), tempfile::tempdir().expect("a folder"));
        let truth = picture_sums(&body);
        assert!(truth.len() > 10, "{codec}");
        let folder = |name: &str| out.path().join(name).to_str().expect("UTF-8").to_owned();
        let arguments = ["--format", "yuv", "--json", "-o"];
        let all = run(&[&["frames", text(&body)][..], &arguments, &[&folder("all")]].concat());
        assert_eq!(pictures(&all, name), truth, "{name}");
        let mut piped = kineframe();
        piped.args(["frames", "-"]).args(arguments).arg(folder("piped")).stdin(File::open(&body).expect("a body"));
        assert_eq!(pictures(&piped.output().expect("the command starts"), name), truth, "{name} by a pipe");
        // Key frames are those of the truth at the places that the items name.
        let keys = run(&[&["frames", text(&body), "--keyframes"][..], &arguments, &[&folder("keys")]].concat());
        let some = pictures(&keys, name);
        assert!(!some.is_empty() && some.len() < truth.len(), "{name}: {} key frames", some.len());
        assert_eq!(some.first(), truth.first(), "{name}");
        assert!(some.iter().all(|sum| truth.contains(sum)), "{name}");
        let one = out.path().join("one.yuv");
        let output = run(&["frame", text(&body), "--at", "0s", "-o", text(&one)]);
        assert_eq!(code(&output), 0, "{name}: {}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(sum(text(&one)), truth[0], "{name}");
    }
}

#[test]
fn split_and_merged_they_stay_what_they_are() {
    for (name, _, fragments) in BODIES {
        let (body, out) = (testdata(name), tempfile::tempdir().expect("a folder"));
        let truth = picture_sums(&body);
        let merged = out.path().join("merged.mkv");
        assert_eq!(code(&run(&["merge", text(&body), "-o", text(&merged)])), 0, "{name}");
        let folder = out.path().join("pictures");
        let arguments = ["-o", text(&folder), "--format", "yuv", "--json"];
        let output = run(&[&["frames", text(&merged)][..], &arguments].concat());
        assert_eq!(pictures(&output, name), truth, "{name} merged");
        let parts = out.path().join("parts");
        assert_eq!(code(&run(&["split", text(&body), "-o", text(&parts)])), 0, "{name}");
        let mut files: Vec<_> =
            fs::read_dir(&parts).expect("fragments").map(|file| file.expect("a file").path()).collect();
        files.sort();
        assert_eq!(files.len(), fragments, "{name}");
        let each = files.iter().enumerate().flat_map(|(index, file)| {
            let folder = out.path().join(index.to_string());
            let output = run(&["frames", text(file), "-o", text(&folder), "--format", "yuv", "--json"]);
            pictures(&output, name)
        });
        assert_eq!(each.collect::<Vec<_>>(), truth, "{name} split");
    }
}

#[test]
fn inspect_and_decoders_name_them() {
    for (name, codec, _) in BODIES {
        let body = testdata(name);
        let output = run(&["inspect", text(&body)]);
        assert_eq!(code(&output), 0, "{name}");
        let words = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(words.to_lowercase().contains(codec), "{name}: {words}");
        let listed = String::from_utf8_lossy(&run(&["decoders"]).stdout).to_lowercase();
        assert!(listed.contains(codec), "{listed}");
    }
}
