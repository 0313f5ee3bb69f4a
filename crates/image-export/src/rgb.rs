//! Planes to R'G'B', line by line.
//!
//! Chroma is brought to luma's resolution at the place where the siting puts it, and is not rounded before the
//! matrix is applied. Single precision holds every code of 16 bits with eight bits to spare; the result is
//! rounded once. Codes below black and above white count for what they are (H.273 equations 38 to 43 clip at the
//! very end), which matters where a decoder's ringing meets strong colours.

use crate::Upsampling;
use crate::color::{BT601, Colors, Model, to_rgb};
use crate::siting::{Blend, bilinear_line, nearest_line};
use crate::view::{Sample, View};

/// Buffers that stay from picture to picture.
#[derive(Debug, Default)]
pub(crate) struct RgbBuffers<T: Blend> {
    wide: Vec<T::Wide>,
    nearest: Vec<T>,
    chroma: [Vec<f32>; 2],
}

/// A sample of the result.
pub(crate) trait Channel: Copy + Default {
    /// The largest code.
    const LARGEST: f32;

    /// The nearest code to a value that lies between 0 and the largest.
    fn nearest(value: f32) -> Self;
}

/// Added to a value below 2^22 this leaves the nearest whole number in the lowest bits of the sum, by the
/// rounding of floating point itself. It is what a vector unit does fastest.
const ROUNDER: f32 = 12_582_912.0;

/// [`ROUNDER`] takes what lies between two codes to the even one; this takes it to the upper one. It is less than
/// what conversion by any other order of operations may differ by.
const HALF_UP: f64 = 1.0 / 16_384.0;

impl Channel for u8 {
    const LARGEST: f32 = 255.0;

    #[inline(always)]
    fn nearest(value: f32) -> u8 {
        (value + ROUNDER).to_bits() as u8
    }
}

impl Channel for u16 {
    const LARGEST: f32 = 65_535.0;

    #[inline(always)]
    fn nearest(value: f32) -> u16 {
        (value + ROUNDER).to_bits() as u16
    }
}

/// The matrix with the ranges of input and output in it: output `i` is the sum of `rows[i][j]` times plane `j`,
/// and `offsets[i]`.
struct Affine {
    rows: [[f32; 3]; 3],
    offsets: [f32; 3],
}

impl Affine {
    fn new(colors: Colors, bits: u8, largest: f32) -> Affine {
        let step = f64::from(1u32 << (bits - 8));
        let full = f64::from(1u32 << bits) - 1.0;
        // Where each plane is 0, and how many codes it is from there to 1.
        let luma = if colors.full { (0.0, full) } else { (16.0 * step, 219.0 * step) };
        let chroma = (128.0 * step, if colors.full { full } else { 224.0 * step });
        let planes = match colors.model {
            Model::Gbr => [luma; 3],
            Model::YCbCr { .. } => [luma, chroma, chroma],
        };
        let (mut rows, mut offsets) = ([[0.0; 3]; 3], [0.0; 3]);
        for ((row, offset), line) in rows.iter_mut().zip(&mut offsets).zip(to_rgb(colors.model)) {
            let mut sum = 0.0;
            for ((cell, factor), (zero, span)) in row.iter_mut().zip(line).zip(planes) {
                let factor = factor / span * f64::from(largest);
                *cell = factor as f32;
                sum -= factor * zero;
            }
            *offset = (sum + HALF_UP) as f32;
        }
        Affine { rows, offsets }
    }
}

/// Interleaved R'G'B': three samples for each visible one, line after line.
pub(crate) fn rgb<T: Sample + Blend, C: Channel>(
    view: &View<'_, T>,
    colors: Colors,
    upsampling: Upsampling,
    buffers: &mut RgbBuffers<T>,
    out: &mut Vec<C>,
) {
    let Some(chroma) = &view.chroma else {
        gray(view, colors.full, out);
        return triple(out);
    };
    let width = view.luma.width;
    let largest_code = ((1u32 << view.bits) - 1) as f32;
    let affine = Affine::new(colors, view.bits, C::LARGEST);
    out.resize(width * view.luma.height * 3, C::default());
    let RgbBuffers { wide, nearest, chroma: [first, second] } = buffers;
    nearest.resize(width, T::default());
    first.resize(width, 0.0);
    second.resize(width, 0.0);
    for (y, out) in out.chunks_exact_mut(width * 3).enumerate() {
        for (plane, line) in chroma.planes.iter().zip([&mut *first, &mut *second]) {
            match upsampling {
                Upsampling::Bilinear => bilinear_line(plane, chroma.across, chroma.down, y, wide, line),
                Upsampling::Nearest => {
                    nearest_line(plane, chroma.across, chroma.down, y, nearest);
                    for (out, &sample) in line.iter_mut().zip(nearest.iter()) {
                        *out = sample.to_f32();
                    }
                }
            }
        }
        matrix_line(&affine, largest_code, view.luma.line(y), first, second, out);
    }
}

fn matrix_line<T: Sample, C: Channel>(
    affine: &Affine,
    largest_code: f32,
    luma: &[T],
    first: &[f32],
    second: &[f32],
    out: &mut [C],
) {
    let [red, green, blue] = affine.rows;
    let [red_offset, green_offset, blue_offset] = affine.offsets;
    for (((pixel, &a), &b), &c) in out.chunks_exact_mut(3).zip(luma).zip(first).zip(second) {
        // Stray bits above the depth count as the largest code.
        let (a, b, c) = (a.to_f32().min(largest_code), b.min(largest_code), c.min(largest_code));
        let channel = |[by_a, by_b, by_c]: [f32; 3], offset: f32| {
            C::nearest((a * by_a + b * by_b + c * by_c + offset).clamp(0.0, C::LARGEST))
        };
        pixel[0] = channel(red, red_offset);
        pixel[1] = channel(green, green_offset);
        pixel[2] = channel(blue, blue_offset);
    }
}

/// Gray codes of a monochrome picture, one for each visible sample.
pub(crate) fn gray<T: Sample, C: Channel>(view: &View<'_, T>, full: bool, out: &mut Vec<C>) {
    let largest_code = ((1u32 << view.bits) - 1) as f32;
    // Any model: gray is the same in all, and its luma counts once.
    let affine = Affine::new(Colors { model: BT601, full }, view.bits, C::LARGEST);
    // Red of a gray picture: luma and what the middle of chroma leaves of the offset.
    let factor = affine.rows[0][0];
    let zero = if full { 0.0 } else { (16u32 << (view.bits - 8)) as f32 };
    let offset = HALF_UP as f32 - factor * zero;
    out.clear();
    for line in view.luma.lines() {
        out.extend(
            line.iter().map(|&y| C::nearest((y.to_f32().min(largest_code) * factor + offset).clamp(0.0, C::LARGEST))),
        );
    }
}

/// Each value three times.
fn triple<T: Copy + Default>(values: &mut Vec<T>) {
    let count = values.len();
    values.resize(count * 3, T::default());
    // From the end, so that nothing is overwritten before it is read.
    for index in (0..count).rev() {
        let value = values[index];
        values[index * 3..index * 3 + 3].fill(value);
    }
}
