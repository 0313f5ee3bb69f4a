//! Conversion against the formulas in double precision, for every format, depth, matrix, range, siting and crop.

mod common;

use common::{Shape, TestPicture, psnr, reference_rgb};
use kineframe_codec::{ChromaSampling, ChromaSiting, ColorRange, MatrixCoefficients, Rect};
use kineframe_image_export::{ExportOptions, Exporter, ImageFormat, Upsampling};

const MATRICES: [MatrixCoefficients; 5] = [
    MatrixCoefficients::Bt601,
    MatrixCoefficients::Bt709,
    MatrixCoefficients::Fcc,
    MatrixCoefficients::Smpte240,
    MatrixCoefficients::Bt2020,
];

const SITINGS: [ChromaSiting; 6] = [
    ChromaSiting::Left,
    ChromaSiting::Center,
    ChromaSiting::TopLeft,
    ChromaSiting::Top,
    ChromaSiting::BottomLeft,
    ChromaSiting::Bottom,
];

/// The largest difference and the PSNR of both depths.
fn check(picture: &TestPicture, upsampling: Upsampling) {
    let options = |depth_format| {
        let mut options = ExportOptions::new(depth_format);
        options.upsampling = upsampling;
        options
    };
    let mut exporter = Exporter::new(options(ImageFormat::Png));
    let want = reference_rgb(picture, upsampling);
    let (mut eight, mut sixteen) = (Vec::new(), Vec::new());
    picture.with(|picture| {
        exporter.rgb8(picture, &mut eight).expect("the picture is sound");
        exporter.rgb16(picture, &mut sixteen).expect("the picture is sound");
    });
    let eight: Vec<f64> = eight.iter().map(|&value| f64::from(value)).collect();
    let sixteen: Vec<f64> = sixteen.iter().map(|&value| f64::from(value)).collect();
    let want8: Vec<f64> = want.iter().map(|value| (value * 255.0).round()).collect();
    let want16: Vec<f64> = want.iter().map(|value| (value * 65_535.0).round()).collect();
    let (got8, got16) = (psnr(&eight, &want8, 255.0), psnr(&sixteen, &want16, 65_535.0));
    // A single sample that is off by one in a picture of 500 costs as much: it may lie half a code from two.
    assert!(got8 >= 65.0, "{got8:.1} dB at 8 bits: {picture:?} {upsampling:?}");
    assert!(got16 >= 100.0, "{got16:.1} dB at 16 bits: {picture:?} {upsampling:?}");
}

#[test]
fn every_matrix_range_depth_and_sampling() {
    for matrix in MATRICES {
        for range in [ColorRange::Limited, ColorRange::Full] {
            for bits in [8, 9, 10, 12, 14, 16] {
                for chroma in
                    [ChromaSampling::Monochrome, ChromaSampling::Yuv420, ChromaSampling::Yuv422, ChromaSampling::Yuv444]
                {
                    let mut shape = Shape::new(37, 22, chroma, bits);
                    (shape.matrix, shape.range) = (Some(matrix), Some(range));
                    check(&TestPicture::smooth(shape), Upsampling::Bilinear);
                    check(&TestPicture::smooth(shape), Upsampling::Nearest);
                }
            }
        }
    }
}

#[test]
fn every_siting_and_crop() {
    for siting in SITINGS {
        for (left, top) in [(0, 0), (1, 0), (0, 1), (3, 5)] {
            for (width, height) in [(20, 10), (21, 11), (1, 1), (2, 1)] {
                for chroma in [ChromaSampling::Yuv420, ChromaSampling::Yuv422] {
                    let mut shape = Shape::new(32, 20, chroma, 8);
                    shape.visible = Rect { left, top, width, height };
                    shape.siting = Some(siting);
                    check(&TestPicture::noise(shape, 7), Upsampling::Bilinear);
                    check(&TestPicture::noise(shape, 8), Upsampling::Nearest);
                }
            }
        }
    }
}

#[test]
fn planes_that_are_g_b_r() {
    for range in [ColorRange::Limited, ColorRange::Full] {
        for bits in [8, 10, 16] {
            let mut shape = Shape::new(19, 9, ChromaSampling::Yuv444, bits);
            (shape.matrix, shape.range) = (Some(MatrixCoefficients::Identity), Some(range));
            check(&TestPicture::smooth(shape), Upsampling::Bilinear);
        }
    }
}

#[test]
fn hidden_samples_never_show() {
    let mut shape = Shape::new(32, 20, ChromaSampling::Yuv420, 8);
    shape.visible = Rect { left: 4, top: 2, width: 20, height: 12 };
    let sound = TestPicture::noise(shape, 1);
    let mut other = sound.clone();
    other.spoil_hidden();
    for format in ImageFormat::ALL {
        for size in ["20x12", "9x7", "40x"] {
            let mut options = ExportOptions::new(format);
            options.resize = size.parse().expect("a size");
            let mut exporter = Exporter::new(options);
            let mut encode = |picture: &TestPicture| {
                let mut out = Vec::new();
                picture.with(|picture| exporter.encode(picture, &mut out)).expect("the picture is sound");
                out
            };
            assert!(encode(&sound) == encode(&other), "{format} at {size}");
        }
    }
}
