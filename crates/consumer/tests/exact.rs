//! Every picture of the captures and the generated bodies equals its truth, by the default list of back ends, however the body is cut
//! and with any number of threads.

mod common;

use std::path::{Path, PathBuf};

use common::{framemd5, options, read, run, testdata};
use kineframe_codec::Picture;
use kineframe_codec_conformance::DISPUTED;
use kineframe_consumer::{DropReason, Notice, PictureInfo, Pictures, Selection};
use kineframe_source::{Chopped, File};
use kineframe_testkit::media;

/// The pictures that the truth beside a body lists: of each document, or of the whole.
fn truth(body: &Path) -> Option<Vec<String>> {
    let beside = |suffix: &str| PathBuf::from(format!("{}{suffix}", body.display()));
    if let Ok(whole) = std::fs::read_to_string(beside(".framemd5")) {
        return Some(framemd5(&whole));
    }
    let json: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(beside(".truth.json")).ok()?).ok()?;
    let mut all = Vec::new();
    for part in 0..json["ebmlwalk"]["ebml_headers"].as_u64()? {
        // A document without pictures has no file.
        if let Ok(part) = std::fs::read_to_string(beside(&format!(".part{part:02}.framemd5"))) {
            all.extend(framemd5(&part));
        }
    }
    (!all.is_empty()).then_some(all)
}

/// The first notices, as a person reads them.
fn said(notices: &[Notice]) -> Vec<String> {
    notices.iter().take(3).map(ToString::to_string).collect()
}

fn bodies(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut bodies: Vec<PathBuf> = entries.map(|entry| entry.expect("a folder that can be read").path()).collect();
    bodies.retain(|path| path.extension().is_some_and(|extension| extension == "mkv"));
    bodies.sort();
    bodies
}

/// Compares one body; `None` where no back end decodes it.
fn check(body: &Path, threads: usize, piece: Option<usize>) -> Option<usize> {
    let truth = truth(body)?;
    let options = options(kineframe_decoders::default_list(), threads);
    let found = match piece {
        None => run(&File::new(body), options),
        Some(size) => run(&Chopped::every(File::new(body), size), options),
    };
    if found.notices.iter().any(|notice| matches!(notice, Notice::NoDecoder(_))) {
        assert!(found.items.is_empty());
        assert_eq!(found.summary.frames_dropped.get(&DropReason::NoDecoder), Some(&found.summary.frames_seen));
        return None;
    }
    let name = body.display();
    let pictures: Vec<&String> = found.items.iter().map(|item| &item.output).collect();
    let equal = pictures.iter().zip(&truth).take_while(|(a, b)| **a == *b).count();
    assert_eq!(
        (pictures.len(), equal),
        (truth.len(), truth.len()),
        "{name}, {threads} threads, {piece:?}: pictures and how many are equal from the start; {:?}",
        said(&found.notices)
    );
    assert!(found.items.iter().all(|item| !item.damaged), "{name}: sound pictures are not marked");
    Some(pictures.len())
}

#[test]
fn captures() {
    let mut pictures = 0;
    for body in bodies(&testdata("captures")) {
        pictures += check(&body, 2, Some(1000)).unwrap_or(0);
    }
    assert_eq!(pictures, 300 + 444 + 358);
    // The capture with gaps in the frame numbers, with other threads and pieces.
    let gaps = testdata("captures/kinesis_video_renderer_example_output.mkv");
    for threads in [1, 4] {
        assert_eq!(check(&gaps, threads, None), Some(444));
    }
}

#[test]
fn generated_bodies() {
    let mut exact = 0;
    // The inverse transform of JPEG is not normative: no sums.
    let jpeg = testdata("generated/mjpeg.mkv");
    for body in bodies(&testdata("generated")).into_iter().filter(|body| *body != jpeg) {
        exact += usize::from(check(&body, 2, Some(4096)).is_some());
    }
    assert!(exact >= 23, "{exact} bodies whose pictures are equal");
}

#[test]
fn samples_of_motion_jpeg_are_within_one() {
    let (body, truth) = (testdata("generated/mjpeg.mkv"), read("generated/mjpeg.mkv.part00.yuv"));
    let work = || {
        |_: &PictureInfo, picture: Picture<'_>| {
            let mut packed = Vec::new();
            picture.write_packed(&mut packed).expect("a picture that fits its planes");
            packed
        }
    };
    let pictures = Pictures::open(&File::new(&body), options(kineframe_decoders::default_list(), 2), work);
    let pictures: Vec<Vec<u8>> = pictures.expect("threads").map(|item| item.expect("a picture").output).collect();
    let first = pictures.iter().map(Vec::len).next().expect("pictures");
    assert!(pictures.len() * first > truth.len(), "{} pictures of {first} bytes", pictures.len());
    for (index, (picture, truth)) in pictures.iter().zip(truth.chunks(first)).enumerate() {
        let furthest = picture.iter().zip(truth).map(|(one, other)| one.abs_diff(*other)).max();
        assert!(furthest <= Some(1), "picture {index}: {furthest:?}");
    }
}

#[test]
fn chosen_pictures_equal_those_of_the_whole() {
    for name in [
        "generated/h264-high-bframes-aac.mkv",
        "generated/h265-main.mkv",
        "generated/not-at-key-frame.mkv",
        "generated/resolution-change.mkv",
    ] {
        let body = testdata(name);
        let list = kineframe_decoders::default_list;
        let all = run(&File::new(&body), options(list(), 1));
        for (n, threads) in [(2, 1), (3, 2), (7, 3), (40, 1)] {
            let mut options = options(list(), threads);
            options.selection = Selection::one_in(n);
            let found = run(&File::new(&body), options);
            let expected = all.items.iter().step_by(usize::try_from(n).unwrap());
            assert!(
                found
                    .items
                    .iter()
                    .map(|item| (&item.info, &item.output))
                    .eq(expected.map(|item| (&item.info, &item.output))),
                "{name}: one in {n}"
            );
        }
    }
}

/// All media of a folder laid out as the truths' collection is, named by `KINEFRAME_MEDIA`.
#[test]
fn all_media() {
    let Some(media) = media() else { return };
    let mut failed = Vec::new();
    for folder in [
        "kvs/getmedia",
        "kvs/putmedia",
        "generated/kvs",
        "codec/h264",
        "codec/h265",
        "codec/av1",
        "codec/vp8",
        "codec/vp9",
    ] {
        for body in bodies(&media.join(folder)) {
            let stem = body.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            let beside = body.with_extension("framemd5");
            let checked = std::panic::catch_unwind(|| {
                if !folder.starts_with("codec/") || DISPUTED.contains(&stem) {
                    if stem.contains("jpeg") {
                        // No sums: see above.
                    } else if !DISPUTED.contains(&stem) {
                        check(&body, 2, None);
                    } else {
                        run(&File::new(&body), options(kineframe_decoders::default_list(), 2));
                    }
                    return;
                }
                let Ok(text) = std::fs::read_to_string(&beside) else { return };
                let found = run(&File::new(&body), options(kineframe_decoders::default_list(), 2));
                if found.notices.iter().any(|notice| matches!(notice, Notice::NoDecoder(_))) {
                    println!("{stem}: {}", found.notices[0]);
                    return;
                }
                let notices = found.notices;
                let pictures: Vec<String> = found.items.into_iter().map(|item| item.output).collect();
                let mut truth = framemd5(&text);
                if stem == "gen_colour_change" {
                    // Its second half is the first once more, called full range; the tool that wrote the truth
                    // converted that half back to limited range.
                    truth.truncate(12);
                    truth.extend_from_within(..);
                }
                let equal = pictures.iter().zip(&truth).take_while(|(a, b)| a == b).count();
                assert_eq!((pictures.len(), equal), (truth.len(), truth.len()), "{:?}", said(&notices));
            });
            if let Err(payload) = checked {
                let why = payload.downcast_ref::<String>().cloned().unwrap_or_default();
                failed.push(format!("{folder}/{stem}: {why}"));
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
