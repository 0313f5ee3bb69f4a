//! Bars have their colours in the files of this encoder.

#[path = "../../image-export/tests/common/mod.rs"]
mod common;
mod read;

use common::{Shape, TestPicture};
use kineframe_codec::{ChromaSampling, ColorRange, MatrixCoefficients};
use kineframe_image_export::{ExportOptions, Exporter};
use kineframe_jpeg_turbo::TurboJpegEncoder;
use read::decoded;

#[test]
fn bars_have_their_colours_at_quality_95() {
    let table = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/codec/colour/bars.tsv");
    let table = std::fs::read_to_string(table).expect("a table of patches");
    for (clip, matrix) in
        [("bars_h264_601_full.mkv", MatrixCoefficients::Bt601), ("bars_h264_709_full.mkv", MatrixCoefficients::Bt709)]
    {
        // Columns: place and size of the patch from 2, expected R'G'B' from 9, Y Cb Cr from 12, as the header says.
        let patches: Vec<[usize; 10]> = table
            .lines()
            .map(|line| line.split('\t').collect::<Vec<_>>())
            .filter(|row| row[0] == clip)
            .map(|row| {
                let columns = (2..6).chain(9..15).map(|column| row[column].parse().expect("a number"));
                let mut patch = [0; 10];
                patch.iter_mut().zip(columns).for_each(|(cell, value)| *cell = value);
                patch
            })
            .collect();
        assert_eq!(patches.len(), 16, "{clip}");
        let mut shape = Shape::new(256, 128, ChromaSampling::Yuv420, 8);
        (shape.matrix, shape.range) = (Some(matrix), Some(ColorRange::Full));
        let picture = TestPicture::new(shape, |plane, x, y| {
            let (x, y) = if plane == 0 { (x, y) } else { (2 * x, 2 * y) };
            let inside = |patch: &&[usize; 10]| {
                (patch[0]..patch[0] + patch[2]).contains(&x) && (patch[1]..patch[1] + patch[3]).contains(&y)
            };
            let patch = patches.iter().find(inside).expect("the patches cover the picture");
            patch[7 + plane] as u16
        });
        let mut options = ExportOptions::default();
        options.quality = "95".parse().expect("a quality");
        let turbo = Box::new(TurboJpegEncoder::new().expect("libjpeg-turbo starts"));
        let mut file = Vec::new();
        let mut exporter = Exporter::with_jpeg_encoder(options, turbo);
        picture.with(|picture| exporter.encode(picture, &mut file)).expect("the picture is sound");
        let (width, _, samples) = decoded(&file);
        let mut worst = 0.0f64;
        for patch in &patches {
            let (left, top) = (patch[0] + patch[2] / 2 - 4, patch[1] + patch[3] / 2 - 4);
            for (x, y) in (0..64).map(|index| (left + index % 8, top + index / 8)) {
                for channel in 0..3 {
                    let difference = samples[(y * width + x) * 3 + channel] - patch[4 + channel] as f64;
                    worst = worst.max(difference.abs());
                }
            }
        }
        assert!(worst <= 5.0, "{clip}: {worst} off");
        println!("{clip}: at most {worst} off");
    }
}
