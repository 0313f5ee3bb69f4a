//! JPEG against the formulas: what a reader sees is the stream's own colours.

mod common;

use common::{Shape, TestPicture, psnr, reference_rgb};
use kineframe_codec::{ChromaSampling, ChromaSiting, ColorRange, MatrixCoefficients, Rect};
use kineframe_image_export::{ExportOptions, Exporter, ImageFormat, Quality, Upsampling};

fn jpeg(picture: &TestPicture, quality: u8) -> Vec<u8> {
    let mut options = ExportOptions::new(ImageFormat::Jpeg);
    options.quality = Quality::new(quality).expect("a quality");
    let mut out = Vec::new();
    picture.with(|picture| Exporter::new(options).encode(picture, &mut out)).expect("the picture is sound");
    out
}

fn decode(file: &[u8]) -> image::DynamicImage {
    image::load_from_memory_with_format(file, image::ImageFormat::Jpeg).expect("the file is a JPEG")
}

fn quality_of(picture: &TestPicture) -> f64 {
    let image = decode(&jpeg(picture, 100));
    let visible = picture.shape.visible;
    assert_eq!((image.width(), image.height()), (visible.width, visible.height));
    let got: Vec<f64> = image.to_rgb8().as_raw().iter().map(|&value| f64::from(value)).collect();
    let want: Vec<f64> =
        reference_rgb(picture, Upsampling::Bilinear).iter().map(|value| (value * 255.0).round()).collect();
    psnr(&got, &want, 255.0)
}

#[test]
fn colours_survive_from_every_matrix_range_depth_and_sampling() {
    for matrix in [
        MatrixCoefficients::Bt601,
        MatrixCoefficients::Bt709,
        MatrixCoefficients::Fcc,
        MatrixCoefficients::Smpte240,
        MatrixCoefficients::Bt2020,
        MatrixCoefficients::Identity,
    ] {
        for range in [ColorRange::Limited, ColorRange::Full] {
            for bits in [8, 10, 16] {
                for chroma in
                    [ChromaSampling::Monochrome, ChromaSampling::Yuv420, ChromaSampling::Yuv422, ChromaSampling::Yuv444]
                {
                    if matrix == MatrixCoefficients::Identity && chroma != ChromaSampling::Yuv444 {
                        continue;
                    }
                    let mut shape = Shape::new(64, 48, chroma, bits);
                    (shape.matrix, shape.range) = (Some(matrix), Some(range));
                    let got = quality_of(&TestPicture::gentle(shape));
                    assert!(got >= 38.0, "{got:.1} dB: {shape:?}");
                }
            }
        }
    }
}

#[test]
fn chroma_lies_where_a_reader_looks_for_it() {
    for siting in [
        ChromaSiting::Left,
        ChromaSiting::Center,
        ChromaSiting::TopLeft,
        ChromaSiting::Top,
        ChromaSiting::BottomLeft,
        ChromaSiting::Bottom,
    ] {
        for (left, top) in [(0, 0), (1, 0), (0, 1), (3, 5)] {
            for (width, height) in [(40, 32), (41, 33), (40, 33)] {
                let mut shape = Shape::new(48, 40, ChromaSampling::Yuv420, 8);
                shape.visible = Rect { left, top, width, height };
                (shape.siting, shape.matrix) = (Some(siting), Some(MatrixCoefficients::Bt709));
                let got = quality_of(&TestPicture::gentle(shape));
                assert!(got >= 38.0, "{got:.1} dB: {shape:?}");
            }
        }
    }
}

#[test]
fn flat_patches_at_quality_95() {
    // Y, Cb, Cr of legal colours, far apart, in 16×16 patches.
    let patches = [(235, 128, 128), (16, 128, 128), (63, 102, 240), (173, 42, 26), (32, 240, 118), (81, 90, 200)];
    for matrix in [MatrixCoefficients::Bt601, MatrixCoefficients::Bt709, MatrixCoefficients::Bt2020] {
        for range in [ColorRange::Limited, ColorRange::Full] {
            let mut shape = Shape::new(32 * patches.len() as u32, 32, ChromaSampling::Yuv420, 8);
            (shape.matrix, shape.range) = (Some(matrix), Some(range));
            let picture = TestPicture::new(shape, |plane, x, _| match plane {
                0 => patches[(x / 32).min(5)].0,
                1 => patches[(x / 16).min(5)].1,
                _ => patches[(x / 16).min(5)].2,
            });
            let image = decode(&jpeg(&picture, 95)).to_rgb8();
            let want = reference_rgb(&picture, Upsampling::Nearest);
            for patch in 0..patches.len() {
                let (x, y) = (patch * 32 + 16, 16);
                let pixel = image.get_pixel(x as u32, y as u32);
                for channel in 0..3 {
                    let want = want[(y * shape.width as usize + x) * 3 + channel] * 255.0;
                    let difference = (f64::from(pixel[channel]) - want).abs();
                    assert!(difference <= 5.0, "patch {patch} of {shape:?}: {pixel:?}, channel {channel} of {want:.1}");
                }
            }
        }
    }
}

#[test]
fn the_file_keeps_the_chroma_sampling() {
    for (chroma, factors) in [
        (ChromaSampling::Monochrome, vec![0x11]),
        (ChromaSampling::Yuv420, vec![0x22, 0x11, 0x11]),
        (ChromaSampling::Yuv422, vec![0x21, 0x11, 0x11]),
        (ChromaSampling::Yuv444, vec![0x11, 0x11, 0x11]),
    ] {
        for quality in [50, 95] {
            let file = jpeg(&TestPicture::smooth(Shape::new(33, 17, chroma, 8)), quality);
            let frame = file.windows(2).position(|bytes| bytes == [0xff, 0xc0]).expect("a baseline frame header");
            let components: Vec<u8> = file[frame + 10..].chunks(3).take(factors.len()).map(|part| part[1]).collect();
            assert_eq!((usize::from(file[frame + 9]), components), (factors.len(), factors.clone()), "{chroma:?}");
        }
    }
}

#[test]
fn a_better_quality_is_a_larger_file() {
    let picture = TestPicture::noise(Shape::new(64, 64, ChromaSampling::Yuv420, 8), 3);
    let sizes: Vec<usize> = [1, 30, 60, 90, 100].into_iter().map(|quality| jpeg(&picture, quality).len()).collect();
    assert!(sizes.is_sorted_by(|a, b| a < b), "{sizes:?}");
}
