//! Every H.264 stream of the media folder that KINEFRAME_MEDIA names, by default settings; `--nocapture` prints a table.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{code, framemd5, objects, run};
use md5::{Digest, Md5};

/// Streams of which equality is not asked: the README of the folder says why. The truth of the last was converted to
/// one colour by the program that made it.
const DISPUTES: [&str; 7] = [
    "gen_start_open_gop_i",
    "gen_start_recovery_point",
    "media3_invalid_nalu",
    "oh_BA_MW_D_IDR_LOST",
    "oh_Error_I_P",
    "oh_jm_1080p_allslice",
    "gen_colour_change",
];

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
fn every_h264_stream_is_exact_or_refused_for_a_reason() {
    let Some(media) = std::env::var_os("KINEFRAME_MEDIA").map(PathBuf::from) else {
        println!("skipped: KINEFRAME_MEDIA does not name a media folder");
        return;
    };
    let mut streams: Vec<PathBuf> =
        fs::read_dir(media.join("codec/h264")).expect("streams").map(|entry| entry.expect("an entry").path()).collect();
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
        let found = items.iter().map(|item| {
            sums(Path::new(item["file"].as_str().expect("a name")), number(item, "width"), number(item, "height"))
        });
        let equal = found.zip(&truth).filter(|(found, truth)| found.contains(truth)).count();
        println!("{name}\t{}\t{} pictures, {equal} equal of {}", code(&output), items.len(), truth.len());
        if equal == truth.len() && items.len() == truth.len() {
            exact += 1;
        } else if code(&output) == 1 && error.contains("no back end decodes this h264 exactly: ") {
            println!("\t{}", error.trim());
            refused += 1;
        } else if !DISPUTES.contains(&name.as_str()) {
            failures.push(format!("{name}: {}: {equal} of {} equal: {error}", code(&output), truth.len()));
        }
    }
    println!("{} streams: {exact} exact, {refused} refused", streams.len());
    assert!(failures.is_empty(), "{failures:#?}");
    assert!(exact >= 100);
}
