//! Colours: what a viewer shows is what the stream says, from bars of known colours and against R'G'B' pictures that
//! were computed from the planes in double precision.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{code, objects, run, testdata};
use image::RgbImage;
use kineframe::codec::Picture;
use kineframe::consumer::{Options, PictureInfo, Pictures};
use kineframe::image_export::{ExportOptions, Exporter, Upsampling};

/// The clips that are H.264, and the pictures that have a truth there.
fn clips() -> (PathBuf, Vec<usize>) {
    match std::env::var_os("KINEFRAME_MEDIA") {
        Some(media) => (PathBuf::from(media).join("codec/colour"), vec![0, 5]),
        None => (testdata("codec/colour"), vec![0]),
    }
}

/// Clips with truths in R'G'B'.
const CLIPS: [&str; 3] = ["c601_limited_420", "c709_limited_420", "c709_limited_422"];

/// The files that `frames` writes, in order.
fn frames(clip: &Path, flags: &[&str]) -> Vec<Vec<u8>> {
    let folder = tempfile::tempdir().expect("a folder");
    let (clip, out) = (clip.to_str().expect("UTF-8"), folder.path().to_str().expect("UTF-8"));
    let output = run(&[&["frames", clip, "-o", out, "--json"], flags].concat());
    assert_eq!(code(&output), 0, "{}", String::from_utf8_lossy(&output.stderr));
    let (items, _) = objects(&output);
    items.iter().map(|item| fs::read(item["file"].as_str().expect("a name")).expect("a file")).collect()
}

fn rgb(file: &[u8]) -> RgbImage {
    image::load_from_memory(file).expect("an image").to_rgb8()
}

/// Width, height and samples of an array of `height × width × 3`; `kind` is NumPy's name of their type.
fn npy<'a>(file: &'a [u8], kind: &str) -> ((u32, u32), &'a [u8]) {
    assert_eq!(&file[..8], b"\x93NUMPY\x01\x00");
    let length = usize::from(u16::from_le_bytes([file[8], file[9]]));
    let header = std::str::from_utf8(&file[10..10 + length]).expect("ASCII");
    assert!(header.contains(&format!("'descr': '{kind}'")), "{header}");
    assert!(header.contains("'fortran_order': False"), "{header}");
    let shape = header.split('(').nth(1).and_then(|rest| rest.split(')').next()).expect("a shape");
    let sides: Vec<u32> = shape.split(',').map(|side| side.trim().parse().expect("a number")).collect();
    assert_eq!((sides.len(), sides[2]), (3, 3), "{header}");
    ((sides[1], sides[0]), &file[10 + length..])
}

/// Peak signal to noise in dB of codes with this peak.
fn psnr(got: impl ExactSizeIterator<Item = f64>, want: impl ExactSizeIterator<Item = f64>, peak: f64) -> f64 {
    assert_eq!(got.len(), want.len());
    let count = got.len() as f64;
    let squares: f64 = got.zip(want).map(|(got, want)| (got - want).powi(2)).sum();
    10.0 * (peak * peak * count / squares).log10()
}

fn psnr8(got: &[u8], want: &[u8]) -> f64 {
    psnr(got.iter().map(|&v| v.into()), want.iter().map(|&v| v.into()), 255.0)
}

#[test]
fn bars_have_their_colours() {
    let (folder, _) = clips();
    let table = fs::read_to_string(folder.join("bars.tsv")).expect("a table of patches");
    for clip in ["bars_h264_601_full.mkv", "bars_h264_709_full.mkv"] {
        let patches: Vec<Vec<&str>> =
            table.lines().map(|line| line.split('\t').collect()).filter(|row: &Vec<&str>| row[0] == clip).collect();
        assert_eq!(patches.len(), 16, "{clip}");
        for (format, tolerance) in [("png", 2), ("webp", 2), ("npy", 2), ("jpeg", 5)] {
            let files = frames(&folder.join(clip), &["--format", format, "--quality", "95"]);
            assert_eq!(files.len(), 5);
            let mut worst = 0;
            for file in &files {
                let picture = if format == "npy" {
                    let ((width, height), samples) = npy(file, "|u1");
                    RgbImage::from_raw(width, height, samples.to_vec()).expect("as many samples as the shape says")
                } else {
                    rgb(file)
                };
                assert_eq!(picture.dimensions(), (256, 128));
                for patch in &patches {
                    let number = |column: usize| patch[column].parse::<u32>().expect("a number");
                    // The middle eighth of the patch: edges blur.
                    let (left, top) = (number(2) + number(4) / 2 - 4, number(3) + number(5) / 2 - 4);
                    for (x, y) in (0..64).map(|index| (left + index % 8, top + index / 8)) {
                        for (channel, &got) in picture.get_pixel(x, y).0.iter().enumerate() {
                            let difference = u32::from(got).abs_diff(number(9 + channel));
                            worst = worst.max(difference);
                            assert!(
                                difference <= tolerance,
                                "{clip} as {format}: {} at {x} {y}: {:?}",
                                patch[1],
                                picture.get_pixel(x, y)
                            );
                        }
                    }
                }
            }
            println!("{clip} as {format}: at most {worst} off");
        }
    }
}

#[test]
fn pictures_are_the_formulas() {
    let (folder, truths) = clips();
    for name in CLIPS {
        let clip = folder.join(format!("{name}.mkv"));
        let all = |flags: &[&str]| frames(&clip, flags);
        let (png, webp, npys) = (all(&["--format", "png"]), all(&["--format", "webp"]), all(&["--format", "npy"]));
        let deep = all(&["--format", "png", "--depth", "16"]);
        let deep_npy = all(&["--format", "npy", "--depth", "16"]);
        let jpeg = all(&["--format", "jpeg", "--quality", "95"]);
        let wrong = all(&["--format", "png", "--matrix", if name.contains("601") { "709" } else { "601" }]);
        for &index in &truths {
            let want = fs::read(folder.join(format!("{name}.{index}.bilinear.png"))).expect("a truth");
            let want = rgb(&want);
            let got = rgb(&png[index]);
            assert_eq!(got.dimensions(), want.dimensions());
            let eight = psnr8(&got, &want);
            let worst = got.iter().zip(want.iter()).map(|(got, want)| got.abs_diff(*want)).max();
            assert!(eight >= 60.0, "{name} {index}: {eight:.1} dB");
            // The other files without loss hold the same codes.
            assert!(rgb(&webp[index]) == got, "{name} {index}");
            assert_eq!(npy(&npys[index], "|u1"), (got.dimensions(), &got.as_raw()[..]));

            let image = image::load_from_memory(&deep[index]).expect("an image");
            assert_eq!(image.color(), image::ColorType::Rgb16);
            let image = image.to_rgb16();
            let sixteen = psnr(image.iter().map(|&v| f64::from(v) / 257.0), want.iter().map(|&v| f64::from(v)), 255.0);
            assert!(sixteen >= 55.0, "{name} {index}: {sixteen:.1} dB in 16 bits: no more than 8-bit rounding");
            assert!(image.iter().any(|&v| v % 257 != 0), "{name} {index}: the lower bits are in use");
            let array: Vec<u8> = image.iter().flat_map(|v| v.to_le_bytes()).collect();
            assert!(npy(&deep_npy[index], "<u2") == (got.dimensions(), &array[..]), "{name} {index}");

            let lossy = psnr8(&rgb(&jpeg[index]), &want);
            assert!(lossy >= 30.0, "{name} {index}: {lossy:.1} dB as JPEG");
            let wrong = psnr8(&rgb(&wrong[index]), &want);
            assert!(wrong < 35.0, "{name} {index}: the test tells matrices apart: {wrong:.1} dB");
            println!(
                "{name} {index}: {eight:.1} dB, at most {worst:?} off; {sixteen:.1} dB in 16 bits; {lossy:.1} dB as \
                 JPEG; {wrong:.1} dB by the wrong matrix"
            );
        }
    }
}

#[test]
fn either_upsampling_is_its_formula() {
    let (folder, truths) = clips();
    for name in CLIPS {
        let arrays = |upsampling| {
            let mut export = ExportOptions::default();
            export.upsampling = upsampling;
            let to_array = move || {
                let mut exporter = Exporter::new(export.clone());
                move |_: &PictureInfo, picture: Picture<'_>| {
                    let mut array = Vec::new();
                    exporter.rgb8(&picture, &mut array).map(|_size| array)
                }
            };
            let source = kineframe::source::File::new(folder.join(format!("{name}.mkv")));
            let options = Options::new(kineframe::decoders::default_list());
            let pictures = Pictures::open(&source, options, to_array).expect("a file");
            pictures.map(|item| item.expect("a picture").output.expect("an array")).collect::<Vec<_>>()
        };
        let (nearest, bilinear) = (arrays(Upsampling::Nearest), arrays(Upsampling::Bilinear));
        for &index in &truths {
            let truth =
                |kind: &str| rgb(&fs::read(folder.join(format!("{name}.{index}.{kind}.png"))).expect("a truth"));
            for (kind, got, other) in [("nearest", &nearest, &bilinear), ("bilinear", &bilinear, &nearest)] {
                let want = truth(kind);
                let (same, other) = (psnr8(&got[index], &want), psnr8(&other[index], &want));
                assert!(same >= 60.0, "{name} {index} {kind}: {same:.1} dB");
                assert!(other < 50.0, "{name} {index} {kind}: the test tells the two apart: {other:.1} dB");
                println!("{name} {index} {kind}: {same:.1} dB, the other way {other:.1} dB");
            }
        }
    }
}

#[test]
fn samples_that_are_not_square_become_square_when_asked_for() {
    // 40:33 by number, 5:7 written out (H.264 table E-1).
    for (name, coded, square, half) in [
        ("gen_sar_40_33", (352, 288), (427, 288), (176, 119)),
        ("gen_sar_extended", (320, 180), (229, 180), (176, 139)),
    ] {
        let clip = testdata(&format!("codec/h264/{name}.mkv"));
        for (flags, want) in
            [(&[][..], coded), (&["--square-pixels"], square), (&["--square-pixels", "--size", "176x"], half)]
        {
            for format in ["png", "jpeg"] {
                let flags = [flags, &["--format", format, "--limit", "1"]].concat();
                assert_eq!(rgb(&frames(&clip, &flags)[0]).dimensions(), want, "{name} {flags:?}");
            }
        }
    }
}
