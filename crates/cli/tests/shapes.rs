//! Pictures of odd sizes, cropped, turned by their container, with samples that are not square: as JPEG, PNG and NPY
//! they are the picture that FFmpeg shows.

mod common;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use common::{code, objects, run, testdata};
use image::RgbImage;

/// Width and height.
type Sides = (u32, u32);

/// A clip, the size of its picture as it is meant to stand, and the same with square pixels.
const CLIPS: [(&str, Sides, Sides); 7] = [
    // 150×86 after cropping on all sides, 90° counter-clockwise by the track's matrix.
    ("cropped-turned.mp4", (86, 150), (86, 150)),
    // The same, 90° clockwise by ProjectionPoseRoll.
    ("cropped-rolled.mkv", (86, 150), (86, 150)),
    // 120×80 with samples of 40:33, 90° clockwise: 145×80 on square pixels, before it is turned.
    ("aspect-turned.mp4", (80, 120), (80, 145)),
    // 4:2:2 with 10 bits: after a quarter turn chroma is coarse in lines.
    ("deep-turned.mp4", (64, 96), (64, 96)),
    // VP9 of 91×67 by 180°: each half pair of chroma comes to the other end.
    ("odd-upside-down.mp4", (91, 67), (91, 67)),
    ("odd-jpeg.mkv", (91, 67), (91, 67)),
    ("odd-av1.mkv", (91, 67), (91, 67)),
];

fn clip(name: &str) -> String {
    testdata(&format!("codec/shapes/{name}")).to_str().expect("UTF-8").to_owned()
}

/// The first picture as a file of this format.
fn picture(clip: &str, flags: &[&str]) -> (Vec<u8>, (u32, u32)) {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().to_str().expect("UTF-8");
    let output = run(&[&["frames", clip, "-o", out, "--limit", "1", "--json"], flags].concat());
    assert_eq!(code(&output), 0, "{clip} {flags:?}: {}", String::from_utf8_lossy(&output.stderr));
    let item = objects(&output).0.remove(0);
    let side = |name: &str| u32::try_from(item[name].as_u64().expect("a number")).expect("a size");
    (fs::read(Path::new(item["file"].as_str().expect("a name"))).expect("a file"), (side("width"), side("height")))
}

/// The samples of a file: an image, or a NumPy array of height × width × 3.
fn samples(file: &[u8]) -> RgbImage {
    if !file.starts_with(b"\x93NUMPY") {
        return image::load_from_memory(file).expect("an image").to_rgb8();
    }
    let length = usize::from(u16::from_le_bytes([file[8], file[9]]));
    let header = std::str::from_utf8(&file[10..10 + length]).expect("ASCII");
    let shape = header.split('(').nth(1).and_then(|rest| rest.split(')').next()).expect("a shape");
    let sides: Vec<u32> = shape.split(',').map(|side| side.trim().parse().expect("a number")).collect();
    RgbImage::from_raw(sides[1], sides[0], file[10 + length..].to_vec()).expect("as many samples as the shape says")
}

/// The first picture as FFmpeg shows it, scaled to a size; `None` without FFmpeg.
fn shown(clip: &str, (width, height): (u32, u32)) -> Option<RgbImage> {
    let filter = format!("scale={width}:{height}:flags=bicubic+accurate_rnd+full_chroma_int+full_chroma_inp");
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-flags", "unaligned", "-i", clip, "-frames:v", "1", "-vf", &filter])
        .args(["-pix_fmt", "rgb24", "-f", "rawvideo", "-"])
        .stdin(Stdio::null())
        .output()
        .ok()?;
    assert!(output.status.success(), "{clip}: {}", String::from_utf8_lossy(&output.stderr));
    Some(RgbImage::from_raw(width, height, output.stdout).expect("a picture of that size"))
}

/// Peak signal to noise in dB, and how far the worst of nine places is off, each the mean of 5×5 pixels.
fn compare(one: &RgbImage, other: &RgbImage) -> (f64, f64) {
    assert_eq!(one.dimensions(), other.dimensions());
    let squares: f64 = one.iter().zip(other.iter()).map(|(a, b)| f64::from(a.abs_diff(*b)).powi(2)).sum();
    let (width, height) = one.dimensions();
    let mean = |image: &RgbImage, left: u32, top: u32, channel: usize| {
        let around = (0..25).map(|at| f64::from(image.get_pixel(left - 2 + at % 5, top - 2 + at / 5).0[channel]));
        around.sum::<f64>() / 25.0
    };
    let mut worst = 0_f64;
    for (x, y) in (0..9).map(|at| (at % 3, at / 3)) {
        let (left, top) = (3 + x * (width - 7) / 2, 3 + y * (height - 7) / 2);
        for channel in 0..3 {
            worst = worst.max((mean(one, left, top, channel) - mean(other, left, top, channel)).abs());
        }
    }
    (10.0 * (65_025.0 * one.len() as f64 / squares).log10(), worst)
}

#[test]
fn pictures_stand_as_their_container_and_their_samples_say() {
    for (name, size, square) in CLIPS {
        let clip = clip(name);
        let half = (size.0 / 2, (f64::from(square.1 * (size.0 / 2)) / f64::from(square.0)).round() as u32);
        let narrow = format!("{}x", half.0);
        for (flags, want) in [
            (vec![], size),
            (vec!["--square-pixels"], square),
            (vec!["--square-pixels", "--size", &narrow], half),
            (vec!["--size", "40x30"], (40, 30)),
        ] {
            let truth = shown(&clip, want);
            for format in ["png", "npy", "jpeg"] {
                let flags = [&flags[..], &["--format", format, "--quality", "97"]].concat();
                let (file, told) = picture(&clip, &flags);
                let found = samples(&file);
                assert_eq!((told, found.dimensions()), (want, want), "{name} {flags:?}");
                let Some(truth) = &truth else { continue };
                let (psnr, worst) = compare(&found, truth);
                println!("{name} {flags:?}: {psnr:.1} dB, {worst:.1} off at most in nine places");
                // FFmpeg's scaler puts chroma elsewhere by a quarter of a line, which shows where strong colours meet, and
                // 4:2:0 costs a small JPEG some.
                assert!(psnr > 20.0 && worst < 45.0, "{name} {flags:?}: {psnr:.1} dB, {worst:.1}");
                let (other, far) = compare(&image::imageops::rotate180(&found), truth);
                assert!(other < 15.0 && far > 90.0, "{name} {flags:?}: upside down {other:.1} dB, {far:.1}");
            }
        }
        if shown(&clip, size).is_none() {
            println!("skipped: ffmpeg is not installed");
        }
    }
}

#[test]
fn raw_planes_stay_as_they_are_coded() {
    for (name, planes) in [("cropped-turned.mp4", 150 * 86 * 3 / 2), ("odd-upside-down.mp4", 91 * 67 + 2 * 46 * 34)] {
        let (file, _) = picture(&clip(name), &["--format", "yuv"]);
        assert_eq!(file.len(), planes, "{name}");
    }
    let (file, size) = picture(&clip("cropped-turned.mp4"), &["--format", "yuv"]);
    let (png, _) = picture(&clip("cropped-turned.mp4"), &["--format", "png"]);
    assert_eq!(size, (150, 86), "not turned");
    // The left upper corner lies at the lower left of what stands counter-clockwise.
    let corner = samples(&png).get_pixel(0, 149).0;
    let gray = (f64::from(file[0]) - 16.0) * 255.0 / 219.0;
    let [red, green, blue] = corner.map(f64::from);
    let luma = 0.299 * red + 0.587 * green + 0.114 * blue;
    assert!((luma - gray).abs() < 4.0, "{corner:?} and {gray}");
}
