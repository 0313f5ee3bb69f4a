//! Every stream of the media folder that KINEFRAME_MEDIA names, by default settings; `--nocapture` prints a table.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{code, framemd5, objects, run, testdata};
use kineframe_codec_conformance::DISPUTED;
use kineframe_testkit::media;
use md5::{Digest, Md5};

/// The program that made their truths converted all to one range, or to one depth; the truths of the repository's test
/// data are put right.
const CONVERTED: [(&str, &str); 2] = [("h264", "gen_colour_change"), ("h265", "gen_format_change")];

/// The sum of a picture, and that of it with the grey chroma planes that truths of monochrome streams have.
fn sums(file: &Path, width: usize, height: usize) -> [String; 2] {
    let mut bytes = fs::read(file).expect("a file");
    let plain = format!("{:x}", Md5::digest(&bytes));
    let chroma = 2 * width.div_ceil(2) * height.div_ceil(2);
    if bytes.len() == width * height {
        bytes.resize(bytes.len() + chroma, 128);
    } else if bytes.len() == 2 * width * height {
        // Of 10 bits, in 16.
        bytes.extend([0, 2].repeat(chroma));
    }
    [plain, format!("{:x}", Md5::digest(&bytes))]
}

#[test]
fn lossless_macroblocks_are_refused_by_name() {
    // High 4:4:4 Predictive in 4:2:0: it looks like what every decoder takes.
    let stream = testdata("codec/h264/gen_lossless_420.mkv");
    let out = tempfile::tempdir().expect("a folder");
    let (input, folder) = (stream.to_str().expect("UTF-8"), out.path().to_str().expect("UTF-8"));
    let output = run(&["frames", input, "-o", folder, "--json"]);
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(code(&output), 1, "{error}");
    let reason = "no back end decodes this h264 exactly: ";
    assert!(
        error.contains(reason) && error.contains("lossless macroblocks (High 4:4:4 Predictive profile)"),
        "{error}"
    );
    assert!(error.contains("A build with the feature `ffmpeg` may decode it"), "what would close it: {error}");
    assert_eq!(fs::read_dir(out.path()).expect("the folder").count(), 0, "no picture");
}

#[test]
fn every_stream_is_exact_or_refused_for_a_reason() {
    let Some(media) = media() else { return };
    let folders = ["h264", "h265", "av1"].map(|codec| media.join("codec").join(codec));
    let mut streams: Vec<PathBuf> = folders
        .iter()
        .flat_map(|folder| fs::read_dir(folder).expect("streams"))
        .map(|entry| entry.expect("an entry").path())
        .collect();
    streams.retain(|path| path.extension().is_some_and(|ending| ending == "mkv"));
    streams.sort();
    let (mut exact, mut refused, mut failures) = (0, 0, Vec::new());
    for path in &streams {
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let truth = CONVERTED.iter().find(|(codec, converted)| {
            *converted == name && path.parent().is_some_and(|folder| folder.ends_with(codec))
        });
        let truth = match truth {
            Some((codec, name)) => testdata("codec").join(codec).join(format!("{name}.framemd5")),
            None => path.with_extension("framemd5"),
        };
        let truth = framemd5(&truth);
        let out = tempfile::tempdir().expect("a folder");
        let (input, folder) = (path.to_str().expect("UTF-8"), out.path().to_str().expect("UTF-8"));
        let output = run(&["frames", input, "-o", folder, "--format", "yuv", "--json"]);
        let error = String::from_utf8_lossy(&output.stderr);
        let items = if code(&output) == 1 { Vec::new() } else { objects(&output).0 };
        let number = |item: &serde_json::Value, field: &str| item[field].as_u64().expect("a number") as usize;
        let found = items.iter().map(|item| {
            let file = Path::new(item["file"].as_str().expect("a name"));
            sums(file, number(item, "width"), number(item, "height"))
        });
        let equal = found.zip(&truth).filter(|(found, truth)| found.contains(truth)).count();
        println!("{name}\t{}\t{} pictures, {equal} equal of {}", code(&output), items.len(), truth.len());
        if equal == truth.len() && items.len() == truth.len() {
            exact += 1;
        } else if code(&output) == 1 && error.contains("no back end decodes this ") {
            println!("\t{}", error.trim());
            refused += 1;
        } else if DISPUTED.contains(&name.as_str()) {
            // `disputed.rs` holds what they give; here they end as they should.
            assert!([1, 3].contains(&code(&output)), "{name}: {error}");
        } else {
            failures.push(format!("{name}: {}: {equal} of {} equal: {error}", code(&output), truth.len()));
        }
    }
    println!("{} streams: {exact} exact, {refused} refused", streams.len());
    assert!(failures.is_empty(), "{failures:#?}");
    assert!(exact >= 130);
}
