//! Pictures: each equal, bit for bit, to what its truth lists; and chosen as the flags say.

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use common::{bodies, code, objects, picture_sums, run, testdata, truth};
use md5::{Digest, Md5};
use serde_json::Value;

/// MD5 of each picture that `frames --format yuv` writes, in order, and whether it was marked as damaged.
fn pictures(body: &Path, flags: &[&str]) -> Result<Vec<(String, bool)>, (i32, String)> {
    let folder = tempfile::tempdir().expect("a folder");
    let (body, out) = (body.to_str().expect("UTF-8"), folder.path().to_str().expect("UTF-8"));
    let output = run(&[&["frames", body, "-o", out, "--format", "yuv", "--json"], flags].concat());
    if ![0, 3].contains(&code(&output)) {
        return Err((code(&output), String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    let (items, summary) = objects(&output);
    assert_eq!(summary["pictures"].as_u64(), Some(items.len() as u64));
    let sum = |item: &Value| {
        let bytes = fs::read(item["file"].as_str().expect("a name")).expect("a file");
        assert_eq!(item["bytes"].as_u64(), Some(bytes.len() as u64));
        (format!("{:x}", Md5::digest(&bytes)), item["damaged"].as_bool().expect("marked or not"))
    };
    Ok(items.iter().map(sum).collect())
}

/// Whether the first video track of every document is H.264 or H.265.
fn is_h26x(body: &Path) -> bool {
    let truth = truth(body);
    let documents = truth["fragments"].as_array().expect("fragments").iter();
    let mut video = documents
        .flat_map(|document| document["tracks"].as_array().expect("tracks").iter().find(|t| t["type"] == "video"))
        .peekable();
    video.peek().is_some()
        && video.all(|track| track["codec_id"] == "V_MPEG4/ISO/AVC" || track["codec_id"] == "V_MPEGH/ISO/HEVC")
}

#[test]
fn every_h264_and_h265_picture_of_every_body_is_exact() {
    let mut compared = 0;
    for body in bodies().iter().filter(|body| is_h26x(body)) {
        let wanted = picture_sums(body);
        if wanted.is_empty() {
            continue;
        }
        let found = pictures(body, &[]).unwrap_or_else(|(code, error)| panic!("{}: {code}: {error}", body.display()));
        let found: Vec<String> = found.into_iter().map(|(sum, _)| sum).collect();
        let at = found.iter().zip(&wanted).position(|(found, wanted)| found != wanted);
        assert!(
            at.is_none() && found.len() == wanted.len(),
            "{}: {} pictures of {}, the first that differs is {at:?}",
            body.display(),
            found.len(),
            wanted.len()
        );
        compared += found.len();
    }
    assert!(compared > 1000, "only {compared} pictures compared");
}

#[test]
fn threads_do_not_change_what_comes_out() {
    let body = testdata("captures/output_get_media.mkv");
    let one = pictures(&body, &["--threads", "1", "--every", "300ms"]).expect("pictures");
    let three = pictures(&body, &["--threads", "3", "--every", "300ms"]).expect("pictures");
    assert_eq!(one.len(), 34);
    assert_eq!(one, three);
}

#[test]
fn a_selection_gives_the_same_pictures_as_all_of_them_filtered() {
    let body = testdata("captures/output_get_media.mkv");
    let all = pictures(&body, &[]).expect("pictures");
    let one_in_seven = pictures(&body, &["--one-in", "7"]).expect("pictures");
    let expected: Vec<_> = all.iter().step_by(7).cloned().collect();
    assert_eq!(one_in_seven, expected);
    let limited = pictures(&body, &["--one-in", "7", "--limit", "3"]).expect("pictures");
    assert_eq!(limited, expected[..3]);
    // Frames last a thirtieth of a second: the one on screen after a second and a bit is the thirty-first.
    let at = pictures(&body, &["--at", "1010ms", "--at", "0s"]).expect("pictures");
    assert_eq!(at, [all[0].clone(), all[30].clone()]);
}

#[test]
fn a_range_cuts_at_frames() {
    let body = testdata("captures/output_get_media.mkv");
    let all = pictures(&body, &[]).expect("pictures");
    // Thirty frames a second; fragments of sixty.
    let second = "91343852333181432397633822764885441725874549018";
    for (flags, wanted) in [
        (&["--from", "1s", "--to", "3s"][..], &all[30..90]),
        (&["--to", "+1s"], &all[..30]),
        (&["--from", "1s", "--to", "+1s"], &all[30..60]),
        (&["--from", &format!("fragment:{second}"), "--to", "+1s"], &all[60..90]),
        (&["--from", &format!("after:{second}"), "--limit", "5"], &all[120..125]),
        (&["--from", "2017-11-28T06:55:18Z"], &all[285..]),
    ] {
        assert_eq!(pictures(&body, flags).expect("pictures"), wanted, "{flags:?}");
    }
}

#[test]
fn keyframes_alone_are_decoded() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().to_str().expect("UTF-8");
    let body = testdata("captures/output_get_media.mkv");
    let body = body.to_str().expect("UTF-8");
    let output = run(&["frames", body, "-o", out, "--keyframes", "--size", "160x", "--json"]);
    assert_eq!(code(&output), 0, "{}", String::from_utf8_lossy(&output.stderr));
    let (items, summary) = objects(&output);
    assert_eq!(summary["frames_decoded"].as_u64(), Some(items.len() as u64), "a key frame needs no other frame");
    for item in &items {
        assert_eq!((item["width"].as_u64(), item["height"].as_u64()), (Some(160), Some(90)));
        assert_eq!(item["keyframe"], true);
        let name = Path::new(item["file"].as_str().expect("a name")).file_name().expect("a name").to_owned();
        let number = item["fragment_number"].as_str().expect("a number");
        let offset = item["offset_ms"].as_i64().expect("an offset");
        assert_eq!(name.to_str(), Some(format!("{number}-{offset:06}.jpg").as_str()));
    }
}

#[test]
fn one_picture_of_a_fragment() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("picture.png");
    let body = testdata("captures/output_get_media.mkv");
    let (body, out) = (body.to_str().expect("UTF-8"), file.to_str().expect("UTF-8"));
    let number = "91343852333181432402585582922026963247510532162";
    let output = run(&["frame", body, "--fragment", number, "--offset", "0.5", "-o", out, "--json"]);
    let (items, summary) = objects(&output);
    assert_eq!((code(&output), items.len()), (0, 1));
    assert_eq!(items[0]["offset_ms"].as_i64(), Some(500));
    assert_eq!(items[0]["producer_timestamp"], "2017-11-28T06:55:13.013Z");
    assert!(summary["frames_decoded"].as_u64().expect("a count") <= 16);
    assert!(fs::read(&file).expect("a picture").starts_with(b"\x89PNG"));
    let missing = run(&["frame", body, "--fragment", "123", "-o", out, "--overwrite"]);
    assert_eq!(code(&missing), 1);
}

#[test]
fn the_demo_ends_with_pictures_and_a_page_that_shows_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = run(&["demo", "-o", folder.path().to_str().expect("UTF-8")]);
    assert_eq!(code(&output), 0, "{}", String::from_utf8_lossy(&output.stderr));
    let files: BTreeSet<PathBuf> = fs::read_dir(folder.path().join("pictures"))
        .expect("pictures")
        .map(|file| file.expect("a file").path())
        .collect();
    assert!(files.len() >= 12);
    let page = fs::read_to_string(folder.path().join("index.html")).expect("a page");
    for file in &files {
        assert!(fs::read(file).expect("a picture").starts_with(b"\xFF\xD8\xFF"), "{}", file.display());
        let name = file.strip_prefix(folder.path()).expect("below the folder").to_str().expect("UTF-8");
        assert!(page.contains(&format!("src=\"{name}\"")), "{name} is on the page");
    }
}
