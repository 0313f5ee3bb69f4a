//! Colour bars in 4:2:0 become a JPEG, a PNG and a thumbnail.
//!
//! `colour-bars [FOLDER]`, or without a folder one among the system's temporary files.

use kineframe_codec::{
    BitDepth, ChromaSampling, ColorRange, MatrixCoefficients, PacketId, Picture, PixelFormat, Plane, Rect, Samples,
    Size,
};
use kineframe_image_export::{ExportOptions, Exporter, ImageFormat};
use std::error::Error;
use std::path::PathBuf;

const SIZE: Size = Size { width: 640, height: 360 };

/// Y'CbCr of white, yellow, cyan, green, magenta, red, blue and black at 75 %: BT.709, limited range.
const BARS: [[u8; 3]; 8] = [
    [180, 128, 128],
    [168, 44, 136],
    [145, 147, 44],
    [133, 63, 52],
    [63, 193, 204],
    [51, 109, 212],
    [28, 212, 120],
    [16, 128, 128],
];

/// One plane of the bars.
fn plane(component: usize, width: usize, height: usize) -> Vec<u8> {
    let line: Vec<u8> = (0..width).map(|x| BARS[x * BARS.len() / width][component]).collect();
    line.repeat(height)
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).map_or_else(|| std::env::temp_dir().join("colour-bars"), PathBuf::from);
    std::fs::create_dir_all(&folder)?;

    let (width, height) = (SIZE.width as usize, SIZE.height as usize);
    let samples = [plane(0, width, height), plane(1, width / 2, height / 2), plane(2, width / 2, height / 2)];
    let strides = [width, width / 2, width / 2];
    let planes: Vec<Plane<'_>> = std::iter::zip(&samples, strides)
        .map(|(samples, stride)| Plane { samples: Samples::U8(samples), stride })
        .collect();
    let format = PixelFormat { chroma: ChromaSampling::Yuv420, depth: BitDepth::EIGHT };
    let mut picture = Picture::new(PacketId(0), Rect::whole(SIZE), format, &planes)?;
    picture.color.matrix = Some(MatrixCoefficients::Bt709);
    picture.color.range = Some(ColorRange::Limited);

    let mut thumbnail = ExportOptions::new(ImageFormat::Jpeg);
    thumbnail.resize = "160x".parse()?;
    let files = [
        ("bars.jpg", ExportOptions::new(ImageFormat::Jpeg)),
        ("bars.png", ExportOptions::new(ImageFormat::Png)),
        ("thumbnail.jpg", thumbnail),
    ];
    for (name, options) in files {
        let mut file = Vec::new();
        let size = Exporter::new(options).encode(&picture, &mut file)?;
        std::fs::write(folder.join(name), &file)?;
        println!("{}: {size}, {} bytes", folder.join(name).display(), file.len());
    }

    // The middle of the red bar, as an array would have it.
    let mut rgb = Vec::new();
    let size = Exporter::new(ExportOptions::default()).rgb8(&picture, &mut rgb)?;
    let at = ((size.height / 2 * size.width + size.width * 11 / 16) * 3) as usize;
    println!("red is {:?}", &rgb[at..at + 3]);
    assert!(rgb[at] > 185 && rgb[at + 1] < 6 && rgb[at + 2] < 6);
    Ok(())
}
