//! Against R'G'B' pictures that were computed elsewhere from the same planes, in double precision.

use std::fs;
use std::path::{Path, PathBuf};

use kineframe_codec::{
    BitDepth, ChromaSampling, ChromaSiting, ColorRange, ColorSpace, MatrixCoefficients, PacketId, Picture, PixelFormat,
    Plane, Rect, Samples,
};
use kineframe_image_export::{Depth, ExportOptions, Exporter, ImageFormat, Upsampling};

fn testdata(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/codec/colour").join(name)
}

/// Ten bits, BT.2020, limited range, chroma at the upper left: in sixteen bits nothing hides behind rounding.
#[test]
fn ten_bits_in_sixteen() {
    let (width, height) = (320, 180);
    let bytes = fs::read(testdata("c2020_limited_420_10.0.yuv")).expect("planes");
    let samples: Vec<u16> = bytes.chunks(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    let (luma, chroma) = samples.split_at(width * height);
    let (cb, cr) = chroma.split_at(width / 2 * (height / 2));
    let plane = |samples, stride| Plane { samples: Samples::U16(samples), stride };
    let planes = [plane(luma, width), plane(cb, width / 2), plane(cr, width / 2)];
    let picture = Picture {
        id: PacketId(0),
        visible: Rect { left: 0, top: 0, width: width as u32, height: height as u32 },
        format: PixelFormat { chroma: ChromaSampling::Yuv420, depth: BitDepth::new(10).expect("a depth") },
        color: ColorSpace {
            matrix: Some(MatrixCoefficients::Bt2020),
            range: Some(ColorRange::Limited),
            siting: Some(ChromaSiting::TopLeft),
            primaries: None,
            transfer: None,
        },
        damaged: false,
        planes: &planes,
        shared: None,
    };
    for (upsampling, name) in [(Upsampling::Nearest, "nearest"), (Upsampling::Bilinear, "bilinear")] {
        let mut options = ExportOptions::new(ImageFormat::Png);
        (options.depth, options.upsampling) = (Depth::Sixteen, upsampling);
        let mut file = Vec::new();
        Exporter::new(options).encode(&picture, &mut file).expect("the picture is sound");
        let got = image::load_from_memory(&file).expect("an image");
        assert_eq!(got.color(), image::ColorType::Rgb16);
        let truth = fs::read(testdata(&format!("c2020_limited_420_10.0.{name}.16.png"))).expect("a truth");
        let truth = image::load_from_memory(&truth).expect("an image").to_rgb16();
        let worst = got.to_rgb16().iter().zip(truth.iter()).map(|(got, want)| got.abs_diff(*want)).max();
        // One code in sixteen bits: the arithmetic is in single precision.
        assert!(worst <= Some(1), "{name}: {worst:?}");
        println!("{name}: at most {worst:?} off in sixteen bits");
    }
}
