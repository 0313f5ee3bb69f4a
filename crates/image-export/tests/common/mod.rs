//! Pictures made for tests, and the formulas of ITU-T H.273 in double precision.

// Each test file uses its own part.
#![allow(dead_code)]

use kineframe_codec::{
    BitDepth, ChromaSampling, ChromaSiting, ColorRange, ColorSpace, MatrixCoefficients, PacketId, Picture, PixelFormat,
    Plane, Rect, Samples,
};
use kineframe_image_export::Upsampling;

/// What a test picture is like. Coded width and height are those of the planes.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    pub width: u32,
    pub height: u32,
    pub visible: Rect,
    pub chroma: ChromaSampling,
    pub bits: u8,
    pub matrix: Option<MatrixCoefficients>,
    pub range: Option<ColorRange>,
    pub siting: Option<ChromaSiting>,
}

impl Shape {
    pub fn new(width: u32, height: u32, chroma: ChromaSampling, bits: u8) -> Self {
        let visible = Rect { left: 0, top: 0, width, height };
        Shape { width, height, visible, chroma, bits, matrix: None, range: None, siting: None }
    }
}

/// Planes with some samples between the lines.
#[derive(Clone)]
pub struct TestPicture {
    pub shape: Shape,
    pub planes: Vec<(Vec<u16>, usize, usize)>,
    eight: Vec<Vec<u8>>,
}

impl std::fmt::Debug for TestPicture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.shape.fmt(f)
    }
}

/// Samples between two lines that belong to nobody.
const GAP: usize = 3;

impl TestPicture {
    /// A picture from a function of plane, column and line, in codes.
    pub fn new(shape: Shape, sample: impl Fn(usize, usize, usize) -> u16) -> Self {
        let (width, height) = (shape.width as usize, shape.height as usize);
        let mut sizes = vec![(width, height)];
        if let Some((x, y)) = shape.chroma.shifts() {
            let size = ((width + (1 << x) - 1) >> x, (height + (1 << y) - 1) >> y);
            sizes.extend([size, size]);
        }
        let planes: Vec<_> = sizes
            .into_iter()
            .enumerate()
            .map(|(plane, (width, height))| {
                let stride = width + GAP;
                let samples = (0..stride * height)
                    .map(|index| {
                        let (x, y) = (index % stride, index / stride);
                        if x < width { sample(plane, x, y) } else { 0 }
                    })
                    .collect();
                (samples, stride, width)
            })
            .collect();
        let mut picture = TestPicture { shape, planes, eight: Vec::new() };
        picture.refresh();
        picture
    }

    /// Slow waves through the legal codes, and some beyond them.
    pub fn smooth(shape: Shape) -> Self {
        let largest = f64::from((1u32 << shape.bits) - 1);
        TestPicture::new(shape, |plane, x, y| {
            let phase = x as f64 / (9.0 + plane as f64) + y as f64 / 7.0 + plane as f64;
            ((0.5 + 0.3 * phase.sin()) * largest).round() as u16
        })
    }

    /// Slow waves through colours that every model holds, so that nothing is clipped on the way.
    pub fn gentle(shape: Shape) -> Self {
        let largest = f64::from((1u32 << shape.bits) - 1);
        let (across, down) = shape.chroma.shifts().unwrap_or((0, 0));
        TestPicture::new(shape, |plane, x, y| {
            let (x, y) = if plane == 0 { (x, y) } else { (x << across, y << down) };
            let phase = x as f64 / (19.0 + 3.0 * plane as f64) + y as f64 / 17.0 + plane as f64;
            let swing = if plane == 0 { 0.2 } else { 0.1 };
            ((0.5 + swing * phase.sin()) * largest).round() as u16
        })
    }

    /// Slow waves with grain in luma.
    pub fn grainy(shape: Shape) -> Self {
        let gentle = TestPicture::gentle(shape);
        let noise = TestPicture::noise(shape, 9);
        TestPicture::new(shape, |plane, x, y| {
            let (samples, stride, _) = &gentle.planes[plane];
            let grain = if plane == 0 { noise.planes[0].0[y * stride + x] >> 5 } else { 0 };
            samples[y * stride + x] + grain
        })
    }

    /// Any code anywhere, from a small generator with a seed.
    pub fn noise(shape: Shape, seed: u32) -> Self {
        let mask = ((1u32 << shape.bits) - 1) as u16;
        TestPicture::new(shape, |plane, x, y| {
            let place = [plane as u32 + 1, x as u32 + 1, y as u32 + 1];
            let factors = [0x9e37_79b9u32, 0x85eb_ca6b, 0xc2b2_ae35];
            let mut value =
                place.iter().zip(factors).fold(seed, |value, (place, factor)| value ^ place.wrapping_mul(factor));
            for _ in 0..3 {
                value ^= value << 13;
                value ^= value >> 17;
                value ^= value << 5;
            }
            (value >> 8) as u16 & mask
        })
    }

    fn refresh(&mut self) {
        self.eight.clear();
        if self.shape.bits == 8 {
            let narrow = |samples: &Vec<u16>| samples.iter().map(|&sample| sample as u8).collect();
            self.eight = self.planes.iter().map(|(samples, ..)| narrow(samples)).collect();
        }
    }

    /// Other values wherever nothing is visible.
    pub fn spoil_hidden(&mut self) {
        let visible = self.shape.visible;
        let shifts = self.shape.chroma.shifts().unwrap_or((0, 0));
        for (index, (samples, stride, _)) in self.planes.iter_mut().enumerate() {
            let (sx, sy) = if index == 0 { (0, 0) } else { shifts };
            let columns = visible.left >> sx..=(visible.left + visible.width - 1) >> sx;
            let lines = visible.top >> sy..=(visible.top + visible.height - 1) >> sy;
            for (at, sample) in samples.iter_mut().enumerate() {
                let (x, y) = ((at % *stride) as u32, (at / *stride) as u32);
                if !columns.contains(&x) || !lines.contains(&y) {
                    *sample ^= 0x5a;
                }
            }
        }
        self.refresh();
    }

    /// Lends the picture.
    pub fn with<R>(&self, then: impl FnOnce(&Picture<'_>) -> R) -> R {
        let planes: Vec<Plane<'_>> = if self.shape.bits == 8 {
            let planes = self.eight.iter().zip(&self.planes);
            planes.map(|(samples, &(_, stride, _))| Plane { samples: Samples::U8(samples), stride }).collect()
        } else {
            let planes = self.planes.iter();
            planes.map(|(samples, stride, _)| Plane { samples: Samples::U16(samples), stride: *stride }).collect()
        };
        let shape = &self.shape;
        then(&Picture {
            id: PacketId(0),
            visible: shape.visible,
            format: PixelFormat {
                chroma: shape.chroma,
                depth: BitDepth::new(shape.bits).expect("a test's depth is 8 to 16"),
            },
            color: ColorSpace {
                matrix: shape.matrix,
                range: shape.range,
                siting: shape.siting,
                primaries: None,
                transfer: None,
            },
            damaged: false,
            planes: &planes,
            shared: None,
        })
    }
}

/// Kr and Kb of H.273 table 4; `None` for planes that are G, B, R.
pub fn luma_coefficients(shape: &Shape) -> Option<(f64, f64)> {
    let default = if shape.visible.height >= 720 { MatrixCoefficients::Bt709 } else { MatrixCoefficients::Bt601 };
    match shape.matrix.unwrap_or(default) {
        MatrixCoefficients::Identity => None,
        MatrixCoefficients::Bt601 => Some((0.299, 0.114)),
        MatrixCoefficients::Bt709 => Some((0.2126, 0.0722)),
        MatrixCoefficients::Fcc => Some((0.30, 0.11)),
        MatrixCoefficients::Smpte240 => Some((0.212, 0.087)),
        MatrixCoefficients::Bt2020 => Some((0.2627, 0.0593)),
        other => panic!("no coefficients for {other:?}"),
    }
}

/// R'G'B' from 0 to 1, three for each visible sample, clipped, not rounded.
pub fn reference_rgb(picture: &TestPicture, upsampling: Upsampling) -> Vec<f64> {
    let shape = &picture.shape;
    let visible = shape.visible;
    let scale = f64::from(1u32 << (shape.bits - 8));
    let largest = f64::from((1u32 << shape.bits) - 1);
    let full = shape.range == Some(ColorRange::Full);
    let luma = |code: f64| if full { code / largest } else { (code - 16.0 * scale) / (219.0 * scale) };
    let chroma = |code: f64| {
        let distance = code - 128.0 * scale;
        if full { distance / largest } else { distance / (224.0 * scale) }
    };
    let mut out = Vec::new();
    for y in visible.top..visible.top + visible.height {
        for x in visible.left..visible.left + visible.width {
            let code = luma_code(picture, x, y);
            if shape.chroma == ChromaSampling::Monochrome {
                out.extend([luma(code); 3]);
                continue;
            }
            let [first, second] = [1, 2].map(|plane| chroma_code(picture, plane, x, y, upsampling));
            let Some((kr, kb)) = luma_coefficients(shape) else {
                out.extend([luma(second), luma(code), luma(first)]);
                continue;
            };
            let (y, pb, pr) = (luma(code), chroma(first), chroma(second));
            let red = y + 2.0 * (1.0 - kr) * pr;
            let blue = y + 2.0 * (1.0 - kb) * pb;
            let green = (y - kr * red - kb * blue) / (1.0 - kr - kb);
            out.extend([red, green, blue]);
        }
    }
    for value in &mut out {
        *value = value.clamp(0.0, 1.0);
    }
    out
}

fn luma_code(picture: &TestPicture, x: u32, y: u32) -> f64 {
    let (samples, stride, _) = &picture.planes[0];
    f64::from(samples[y as usize * stride + x as usize])
}

fn chroma_code(picture: &TestPicture, plane: usize, x: u32, y: u32, upsampling: Upsampling) -> f64 {
    let shape = &picture.shape;
    let visible = shape.visible;
    let (samples, stride, _) = &picture.planes[plane];
    let (shift_x, shift_y) = shape.chroma.shifts().expect("the picture has chroma");
    // Only visible chroma counts.
    let get = |column: i64, line: i64| {
        let column =
            column.clamp(i64::from(visible.left >> shift_x), i64::from((visible.left + visible.width - 1) >> shift_x));
        let line =
            line.clamp(i64::from(visible.top >> shift_y), i64::from((visible.top + visible.height - 1) >> shift_y));
        f64::from(samples[line as usize * stride + column as usize])
    };
    if upsampling == Upsampling::Nearest {
        return get(i64::from(x >> shift_x), i64::from(y >> shift_y));
    }
    let (place_x, place_y) = match shape.siting.unwrap_or(ChromaSiting::Left) {
        ChromaSiting::Left => (0.0, 0.5),
        ChromaSiting::Center => (0.5, 0.5),
        ChromaSiting::TopLeft => (0.0, 0.0),
        ChromaSiting::Top => (0.5, 0.0),
        ChromaSiting::BottomLeft => (0.0, 1.0),
        ChromaSiting::Bottom => (0.5, 1.0),
    };
    let at =
        |luma: u32, place: f64, shift: u32| if shift == 0 { f64::from(luma) } else { (f64::from(luma) - place) / 2.0 };
    let (column, line) = (at(x, place_x, shift_x), at(y, place_y, shift_y));
    let (left, top) = (column.floor(), line.floor());
    let (right_part, lower_part) = (column - left, line - top);
    let row = |line: i64| get(left as i64, line) * (1.0 - right_part) + get(left as i64 + 1, line) * right_part;
    row(top as i64) * (1.0 - lower_part) + row(top as i64 + 1) * lower_part
}

/// Peak signal to noise in dB; infinite where the two are equal.
pub fn psnr(got: &[f64], want: &[f64], peak: f64) -> f64 {
    assert_eq!(got.len(), want.len());
    let squares: f64 = got.iter().zip(want).map(|(got, want)| (got - want).powi(2)).sum();
    10.0 * (peak * peak * got.len() as f64 / squares).log10()
}
