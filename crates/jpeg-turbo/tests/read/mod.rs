//! Reads the files back, by libjpeg-turbo.

/// Width, height and the R'G'B' samples of a JPEG file, line after line.
pub fn decoded(file: &[u8]) -> (usize, usize, Vec<f64>) {
    let image = turbojpeg::decompress(file, turbojpeg::PixelFormat::RGB).expect("the file is a JPEG");
    let lines = image.pixels.chunks(image.pitch).take(image.height);
    let samples = lines.flat_map(|line| line[..image.width * 3].iter().map(|&sample| f64::from(sample)));
    (image.width, image.height, samples.collect())
}
