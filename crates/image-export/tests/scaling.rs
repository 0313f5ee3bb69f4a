//! Any part of a flat picture at any size is flat: wherever a filter starts, its weights are over samples of the plane.

mod common;

use common::{Shape, TestPicture};
use kineframe_codec::{ChromaSampling, Rect};
use kineframe_image_export::{ExportOptions, Exporter, Fit, ImageFormat, Resize};
use proptest::prelude::*;

fn shapes() -> impl Strategy<Value = Shape> {
    let chroma = prop::sample::select(vec![
        ChromaSampling::Monochrome,
        ChromaSampling::Yuv420,
        ChromaSampling::Yuv422,
        ChromaSampling::Yuv444,
    ]);
    let bits = prop::sample::select(vec![8, 10, 16]);
    (1..40u32, 1..40u32, 0..4u32, 0..4u32, chroma, bits).prop_map(|(width, height, left, top, chroma, bits)| {
        let mut shape = Shape::new(width + left, height + top, chroma, bits);
        shape.visible = Rect { left, top, width, height };
        shape
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_flat_picture_stays_flat(
        shape in shapes(),
        (width, height) in (1..90u32, 1..90u32),
        fit in prop::sample::select(vec![Fit::Stretch, Fit::Contain, Fit::Cover]),
        share in 0.0..1.0f64,
    ) {
        let value = (share * f64::from((1u32 << shape.bits) - 1)).round() as u16;
        // What is hidden is of another colour, so that reading beyond the part shows.
        let mut picture = TestPicture::new(shape, |_, _, _| value);
        picture.spoil_hidden();
        let mut options = ExportOptions::new(ImageFormat::Yuv);
        options.resize = Resize::Both(width.try_into().expect("not 0"), height.try_into().expect("not 0"));
        options.fit = fit;
        let mut file = Vec::new();
        picture.with(|picture| Exporter::new(options).encode(picture, &mut file)).expect("the picture is sound");
        let codes: Vec<u16> = if shape.bits == 8 {
            file.iter().map(|&code| u16::from(code)).collect()
        } else {
            file.chunks(2).map(|code| u16::from_le_bytes([code[0], code[1]])).collect()
        };
        // Weights are rounded, so the last bits of 16 may move.
        let most = if shape.bits == 16 { 4 } else { 0 };
        prop_assert!(codes.iter().all(|code| code.abs_diff(value) <= most), "{value}: {codes:?}");
    }
}
