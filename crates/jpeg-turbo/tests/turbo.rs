//! Both encoders make the same picture of the same planes.

#[path = "../../image-export/tests/common/mod.rs"]
mod common;
mod read;

use common::{Shape, TestPicture, psnr};
use kineframe_codec::{ChromaSampling, Rect};
use kineframe_image_export::{ExportOptions, Exporter};
use kineframe_jpeg_turbo::TurboJpegEncoder;
use proptest::prelude::*;
use read::decoded;

#[test]
fn as_the_built_in_encoder_at_every_sampling_and_size() {
    let mut options = ExportOptions::default();
    options.quality = "95".parse().expect("a quality");
    // One of each for all pictures: their buffers are used again.
    let turbo = Box::new(TurboJpegEncoder::new().expect("libjpeg-turbo starts"));
    let mut turbo = Exporter::with_jpeg_encoder(options.clone(), turbo);
    let mut builtin = Exporter::new(options);
    for chroma in [ChromaSampling::Yuv420, ChromaSampling::Monochrome, ChromaSampling::Yuv422, ChromaSampling::Yuv444] {
        for (width, height) in [(64, 48), (33, 17), (1, 1), (17, 40), (200, 31)] {
            let mut shape = Shape::new(210, 60, chroma, 8);
            shape.visible = Rect { left: 4, top: 2, width, height };
            let picture = TestPicture::gentle(shape);
            let encode = |exporter: &mut Exporter| {
                let mut file = Vec::new();
                picture.with(|picture| exporter.encode(picture, &mut file)).expect("the picture is sound");
                decoded(&file)
            };
            let (ours, theirs) = (encode(&mut turbo), encode(&mut builtin));
            assert_eq!((ours.0, ours.1), (width as usize, height as usize), "{shape:?}");
            let got = psnr(&ours.2, &theirs.2, 255.0);
            assert!(got >= 42.0, "{got:.1} dB: {shape:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_geometry_becomes_a_file_of_its_size(
        (width, left) in (1_u32..70, 0_u32..6),
        (height, top) in (1_u32..70, 0_u32..6),
        chroma in prop::sample::select(vec![
            ChromaSampling::Monochrome, ChromaSampling::Yuv420, ChromaSampling::Yuv422, ChromaSampling::Yuv444,
        ]),
        bits in prop::sample::select(vec![8_u8, 10, 16]),
        quality in 1_u8..=100,
        seed: u32,
    ) {
        let mut options = ExportOptions::default();
        options.quality = quality.to_string().parse().expect("a quality");
        let mut shape = Shape::new(left + width + 3, top + height + 3, chroma, bits);
        shape.visible = Rect { left, top, width, height };
        let picture = TestPicture::noise(shape, seed);
        let mut exporter = Exporter::with_jpeg_encoder(options, Box::new(TurboJpegEncoder::new().expect("a start")));
        let mut files = [Vec::new(), Vec::new()];
        for file in &mut files {
            picture.with(|picture| exporter.encode(picture, file)).expect("the picture is sound");
        }
        let (wide, high, samples) = decoded(&files[0]);
        prop_assert_eq!((wide, high), (width as usize, height as usize));
        prop_assert_eq!(samples.len(), wide * high * 3);
        prop_assert_eq!(&files[0], &files[1], "buffers that are used again change nothing");
        let mut hidden = picture;
        hidden.spoil_hidden();
        let mut again = Vec::new();
        hidden.with(|picture| exporter.encode(picture, &mut again)).expect("the picture is sound");
        prop_assert_eq!(&again, &files[0], "what is not visible changes nothing");
    }
}
