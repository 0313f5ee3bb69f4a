//! Every stream of the media folder that KINEFRAME_MEDIA names, by default settings; `--nocapture` prints a table.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{code, framemd5, objects, run, testdata};
use kineframe_codec_conformance::DISPUTED;
use kineframe_testkit::media;
use md5::{Digest, Md5};

/// Its truth was converted to one colour by the program that made it.
const CONVERTED: &str = "gen_colour_change";

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

/// A picture: its sums, whether decoding can start at it, whether it was marked.
type Shown = ([String; 2], bool, bool);

/// Of a stream that begins in the middle or has losses: from the first picture on that decoding can start at, that
/// comes after the first one that differs, and behind which nothing is marked (no more losses), all are equal. The
/// end of the stream is the end of its truth. Gives the place, where there is such a picture.
fn equal_from(found: &[Shown], truth: &[String]) -> Option<Result<usize, usize>> {
    let differs = found.iter().zip(truth).position(|((sums, ..), truth)| !sums.contains(truth)).unwrap_or(0);
    let marked = found.iter().rposition(|(.., marked)| *marked).unwrap_or(0);
    let from = differs.max(marked) + 1;
    let clean = found.iter().skip(from).position(|(_, keyframe, _)| *keyframe)? + from;
    let equal =
        found.iter().rev().zip(truth.iter().rev()).take_while(|((sums, ..), truth)| sums.contains(truth)).count();
    Some(if clean + equal >= found.len() { Ok(clean) } else { Err(clean) })
}

#[test]
fn equality_is_asked_from_the_clean_random_access_point_on() {
    let truth: Vec<String> = (0..6).map(|sum| sum.to_string()).collect();
    let shown = |sum: &str, keyframe, marked| ([sum.to_owned(), String::new()], keyframe, marked);
    let mut found = vec![shown("x", true, false), shown("y", false, true), shown("2", true, false)];
    found.extend([shown("4", false, false), shown("5", false, false)]);
    assert_eq!(equal_from(&found, &truth), Some(Err(2)), "a picture is missing after it");
    found.insert(3, shown("3", false, false));
    assert_eq!(equal_from(&found, &truth), Some(Ok(2)));
    found[4] = shown("z", false, true);
    assert_eq!(equal_from(&found, &truth), None, "more was lost");
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
    assert_eq!(fs::read_dir(out.path()).expect("the folder").count(), 0, "no picture");
}

#[test]
fn every_stream_is_exact_or_refused_for_a_reason() {
    let Some(media) = media() else { return };
    let folders = ["h264", "av1"].map(|codec| media.join("codec").join(codec));
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
        let truth = framemd5(&path.with_extension("framemd5"));
        let out = tempfile::tempdir().expect("a folder");
        let (input, folder) = (path.to_str().expect("UTF-8"), out.path().to_str().expect("UTF-8"));
        let output = run(&["frames", input, "-o", folder, "--format", "yuv", "--json"]);
        let error = String::from_utf8_lossy(&output.stderr);
        let items = if code(&output) == 1 { Vec::new() } else { objects(&output).0 };
        let number = |item: &serde_json::Value, field: &str| item[field].as_u64().expect("a number") as usize;
        let found: Vec<Shown> = items
            .iter()
            .map(|item| {
                let file = Path::new(item["file"].as_str().expect("a name"));
                let sums = sums(file, number(item, "width"), number(item, "height"));
                let flag = |field: &str| item[field].as_bool().expect("yes or no");
                (sums, flag("keyframe"), flag("damaged"))
            })
            .collect();
        let equal = found.iter().zip(&truth).filter(|((found, ..), truth)| found.contains(truth)).count();
        println!("{name}\t{}\t{} pictures, {equal} equal of {}", code(&output), items.len(), truth.len());
        if equal == truth.len() && items.len() == truth.len() {
            exact += 1;
        } else if code(&output) == 1 && error.contains("no back end decodes this ") {
            println!("\t{}", error.trim());
            refused += 1;
        } else if name == CONVERTED || DISPUTED.contains(&name.as_str()) {
            let clean = equal_from(&found, &truth);
            println!("\tdisputed; after the next clean random access point: {clean:?}");
            if let Some(Err(from)) = clean {
                failures.push(format!("{name}: not equal from the random access point at picture {from} on"));
            }
        } else {
            failures.push(format!("{name}: {}: {equal} of {} equal: {error}", code(&output), truth.len()));
        }
    }
    println!("{} streams: {exact} exact, {refused} refused", streams.len());
    assert!(failures.is_empty(), "{failures:#?}");
    assert!(exact >= 100);
}
