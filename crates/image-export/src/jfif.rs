//! Planes to JFIF's colours: full range, BT.601, eight bits, chroma in the middle of its pairs.
//!
//! No R'G'B' image comes in between. Every R'G'B' → Y'CbCr matrix keeps gray gray, so BT.601's chroma depends
//! on the stream's chroma alone and is made at chroma's own resolution; BT.601's luma is the stream's luma and a
//! small part of its chroma (for BT.709 at most a tenth of Cb and a fifth of Cr), made at chroma's resolution,
//! interpolated and added.
//!
//! Fixed point in 16 bits, so that one vector instruction serves eight samples: inputs are scaled to fill
//! 16 bits, the factor keeps 13 or 14 bits behind the point, and the upper half of the product is the value
//! with [`FRACTION`] bits behind the point.

use kineframe_codec::{ChromaSampling, Size};

use crate::color::{BT601, Colors, Model, to_bt601};
use crate::jpeg::{JpegPlane, JpegPlanes};
use crate::siting::{Blend, Settle, blend_lines, centered_chroma_line, expand_line, luma_line};
use crate::view::{Axis, Chroma, PlaneView, Sample, View};

/// Bits behind the point of an intermediate value.
const FRACTION: u32 = 5;

/// Half of the last bit that stays.
const HALF: i16 = 1 << (FRACTION - 1);

/// The chroma of gray, as an intermediate value that will be rounded.
const GRAY: i16 = (128 << FRACTION) + HALF;

/// A sample that is read as a 16-bit fraction.
pub(crate) trait Fixed: Sample + Blend + Settle<<Self as Blend>::Wide> {
    /// Luma less `offset`, times 128 on an 8-bit scale.
    fn luma(self, offset: i16, bits: u8) -> i16;

    /// Chroma less the middle, times 256 on an 8-bit scale.
    fn chroma(self, bits: u8) -> i16;
}

impl Fixed for u8 {
    #[inline(always)]
    fn luma(self, offset: i16, _bits: u8) -> i16 {
        (i16::from(self) - offset) << 7
    }

    #[inline(always)]
    fn chroma(self, _bits: u8) -> i16 {
        (i16::from(self) - 128) << 8
    }
}

impl Fixed for u16 {
    #[inline(always)]
    fn luma(self, offset: i16, bits: u8) -> i16 {
        // Stray bits above the depth count as the largest value.
        let value = i32::from(self).min((1 << bits) - 1) - (i32::from(offset) << (bits - 8));
        ((value << 15) >> bits) as i16
    }

    #[inline(always)]
    fn chroma(self, bits: u8) -> i16 {
        let value = i32::from(self).min((1 << bits) - 1) - (1 << (bits - 1));
        ((value << 16) >> bits) as i16
    }
}

/// The upper half of a product.
///
/// Processors have one instruction for eight of these and more, and the compiler finds it only where it sees in
/// the loop itself that both numbers have 16 bits. A factor that is carried into the loop comes as 32 bits; one
/// that is loaded there does not: hence [`Factor`].
#[inline(always)]
fn high(a: i16, b: i16) -> i16 {
    ((i32::from(a) * i32::from(b)) >> 16) as i16
}

#[inline(always)]
fn to_u8(value: i16) -> u8 {
    (value >> FRACTION).clamp(0, 255) as u8
}

/// The factors, as the upper halves want them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Factors {
    /// What is taken from luma on an 8-bit scale.
    offset: i16,
    /// The three rows: JFIF's Y, Cb, Cr from the three planes.
    rows: [[i16; 3]; 3],
}

impl Factors {
    fn new(colors: Colors, bits: u8) -> Factors {
        let matrix = to_bt601(colors.model);
        // On an 8-bit scale full range ends a little past 255: at 255.75 for 10 bits.
        let full = 255.0 * f64::from(1u32 << (bits - 8)) / (f64::from(1u32 << bits) - 1.0);
        let (luma, chroma) = if colors.full { (full, full) } else { (255.0 / 219.0, 255.0 / 224.0) };
        // 128 × 2^14 and 256 × 2^13 are both 2^(16 + FRACTION).
        let (by_luma, by_chroma) = (luma * 16_384.0, chroma * 8_192.0);
        let columns = match colors.model {
            Model::Gbr => [by_luma; 3],
            Model::YCbCr { .. } => [by_luma, by_chroma, by_chroma],
        };
        let rows = matrix.map(|row| {
            let mut out = [0; 3];
            for ((cell, factor), scale) in out.iter_mut().zip(row).zip(columns) {
                *cell = (factor * scale).round() as i16;
            }
            out
        });
        Factors { offset: if colors.full { 0 } else { 16 }, rows }
    }
}

/// A factor as a line of itself, for [`high`].
#[derive(Debug, Default)]
struct Factor(Vec<i16>);

impl Factor {
    /// `factor` for each sample of a line.
    fn line(&mut self, factor: i16, width: usize) -> &[i16] {
        self.0.clear();
        self.0.resize(width, factor);
        &self.0
    }
}

/// Buffers that stay from picture to picture.
#[derive(Debug, Default)]
pub(crate) struct JfifBuffers {
    luma: Vec<u8>,
    chroma: [Vec<u8>; 2],
    corrections: [Correction; 2],
    wide: Vec<i16>,
    line: Vec<i16>,
    factors: [Factor; 4],
}

/// What chroma adds to luma, for one chroma line.
#[derive(Debug, Default)]
struct Correction {
    values: Vec<i16>,
    /// The line that it is of.
    of: Option<usize>,
}

/// Buffers that depend on the type of the samples.
#[derive(Debug, Default)]
pub(crate) struct LineBuffers<T: Fixed> {
    wide: Vec<T::Wide>,
    moved: [Vec<T>; 2],
}

/// The planes in JFIF's colours: lent as they are where they are so already, else made in the buffers.
pub(crate) fn jfif_planes<'a, T: Fixed>(
    view: &View<'a, T>,
    colors: Colors,
    lent: impl Fn(&PlaneView<'a, T>) -> Option<JpegPlane<'a>>,
    buffers: &'a mut JfifBuffers,
    lines: &mut LineBuffers<T>,
) -> JpegPlanes<'a> {
    let size = Size { width: view.luma.width as u32, height: view.luma.height as u32 };
    let Some(chroma) = &view.chroma else {
        let luma = match lent(&view.luma) {
            Some(plane) if colors.full => plane,
            _ => {
                let factors = Factors::new(Colors { model: BT601, ..colors }, view.bits);
                scale_luma(&view.luma, view.bits, factors, buffers);
                JpegPlane { samples: &buffers.luma, stride: view.luma.width }
            }
        };
        return JpegPlanes { size, sampling: ChromaSampling::Monochrome, luma, chroma: None };
    };
    let sampling = match (chroma.across, chroma.down) {
        (Axis::Same, _) => ChromaSampling::Yuv444,
        (Axis::Half { .. }, Axis::Same) => ChromaSampling::Yuv422,
        (Axis::Half { .. }, Axis::Half { .. }) => ChromaSampling::Yuv420,
    };
    let centered = |axis| matches!(axis, Axis::Same | Axis::CENTERED);
    if colors == (Colors { model: BT601, full: true })
        && centered(chroma.across)
        && centered(chroma.down)
        && let (Some(luma), Some(cb), Some(cr)) = (lent(&view.luma), lent(&chroma.planes[0]), lent(&chroma.planes[1]))
    {
        return JpegPlanes { size, sampling, luma, chroma: Some([cb, cr]) };
    }
    let factors = Factors::new(colors, view.bits);
    let chroma_width = chroma.across.chroma_count(view.luma.width);
    match colors.model {
        Model::Gbr => convert_gbr(view, chroma, factors, buffers),
        Model::YCbCr { .. } => {
            convert_chroma(view, chroma, factors, buffers, lines);
            if factors.rows[0][1..] == [0, 0] {
                scale_luma(&view.luma, view.bits, factors, buffers);
            } else {
                correct_luma(view, chroma, factors, buffers);
            }
        }
    }
    let buffers = &*buffers;
    let [cb, cr] = &buffers.chroma;
    JpegPlanes {
        size,
        sampling,
        luma: JpegPlane { samples: &buffers.luma, stride: view.luma.width },
        chroma: Some([cb, cr].map(|samples| JpegPlane { samples, stride: chroma_width })),
    }
}

/// Luma whose colours are BT.601's already.
fn scale_luma<T: Fixed>(luma: &PlaneView<'_, T>, bits: u8, factors: Factors, buffers: &mut JfifBuffers) {
    let JfifBuffers { luma: out, factors: [by_luma, ..], .. } = buffers;
    out.resize(luma.width * luma.height, 0);
    let offset = factors.offset;
    let by_luma = by_luma.line(factors.rows[0][0], luma.width);
    for (line, out) in luma.lines().zip(out.chunks_exact_mut(luma.width)) {
        for ((&y, &factor), out) in line.iter().zip(by_luma).zip(out) {
            *out = to_u8(high(y.luma(offset, bits), factor) + HALF);
        }
    }
}

/// Luma, and what chroma adds to it.
fn correct_luma<T: Fixed>(view: &View<'_, T>, chroma: &Chroma<'_, T>, factors: Factors, buffers: &mut JfifBuffers) {
    let JfifBuffers { luma: out, corrections, wide, line, factors: lines, .. } = buffers;
    let (luma, bits) = (&view.luma, view.bits);
    let (offset, [factor, by_cb, by_cr]) = (factors.offset, factors.rows[0]);
    let [by_luma, cb_line, cr_line, _] = lines;
    let by_luma = by_luma.line(factor, luma.width);
    out.resize(luma.width * luma.height, 0);
    line.resize(luma.width, 0);
    for correction in corrections.iter_mut() {
        correction.of = None;
    }
    let [cb, cr] = &chroma.planes;
    let (by_cb, by_cr) = (cb_line.line(by_cb, cb.width), cr_line.line(by_cr, cb.width));
    for (y, out) in out.chunks_exact_mut(luma.width).enumerate() {
        let (above, below, weight) = luma_line(chroma.down, y, cb.height);
        for wanted in [above, below] {
            // Two lines that are needed at a time are neighbours: each has a slot of its own.
            let slot = &mut corrections[wanted & 1];
            if slot.of != Some(wanted) {
                slot.of = Some(wanted);
                slot.values.clear();
                let cb = cb.line(wanted).iter().zip(by_cb).map(|(cb, &factor)| high(cb.chroma(bits), factor));
                let cr = cr.line(wanted).iter().zip(by_cr).map(|(cr, &factor)| high(cr.chroma(bits), factor));
                slot.values.extend(cb.zip(cr).map(|(cb, cr)| cb + cr));
            }
        }
        blend_lines(&corrections[above & 1].values, &corrections[below & 1].values, weight, wide);
        expand_line::<i16, i16>(wide, chroma.across, line);
        for (((&y, &factor), &correction), out) in luma.line(y).iter().zip(by_luma).zip(line.iter()).zip(out) {
            *out = to_u8(high(y.luma(offset, bits), factor) + correction + HALF);
        }
    }
}

/// Chroma of any Y'CbCr model, moved to where JFIF has it.
fn convert_chroma<T: Fixed>(
    view: &View<'_, T>,
    chroma: &Chroma<'_, T>,
    factors: Factors,
    buffers: &mut JfifBuffers,
    lines: &mut LineBuffers<T>,
) {
    let JfifBuffers { chroma: out, factors: [a, b, c, d], .. } = buffers;
    let width = chroma.across.chroma_count(view.luma.width);
    let height = chroma.down.chroma_count(view.luma.height);
    for plane in out.iter_mut() {
        plane.resize(width * height, 0);
    }
    let LineBuffers { wide, moved: [moved_cb, moved_cr] } = lines;
    moved_cb.resize(width, T::default());
    moved_cr.resize(width, T::default());
    let bits = view.bits;
    let [_, [_, cb_by_cb, cb_by_cr], [_, cr_by_cb, cr_by_cr]] = factors.rows;
    let (cb_by_cb, cb_by_cr) = (a.line(cb_by_cb, width), b.line(cb_by_cr, width));
    let (cr_by_cb, cr_by_cr) = (c.line(cr_by_cb, width), d.line(cr_by_cr, width));
    let [out_cb, out_cr] = out;
    for (y, (out_cb, out_cr)) in out_cb.chunks_exact_mut(width).zip(out_cr.chunks_exact_mut(width)).enumerate() {
        let [cb, cr] = &chroma.planes;
        centered_chroma_line(cb, chroma.across, chroma.down, y, wide, moved_cb);
        centered_chroma_line(cr, chroma.across, chroma.down, y, wide, moved_cr);
        for (out, by_cb, by_cr) in [(out_cb, cb_by_cb, cb_by_cr), (out_cr, cr_by_cb, cr_by_cr)] {
            let cb = moved_cb.iter().zip(by_cb).map(|(cb, &factor)| high(cb.chroma(bits), factor));
            let cr = moved_cr.iter().zip(by_cr).map(|(cr, &factor)| high(cr.chroma(bits), factor));
            for ((cb, cr), out) in cb.zip(cr).zip(out) {
                *out = to_u8(cb + cr + GRAY);
            }
        }
    }
}

/// Planes that are G, B, R, all of one size.
fn convert_gbr<T: Fixed>(view: &View<'_, T>, chroma: &Chroma<'_, T>, factors: Factors, buffers: &mut JfifBuffers) {
    let (width, height) = (view.luma.width, view.luma.height);
    let (offset, bits) = (factors.offset, view.bits);
    let JfifBuffers { luma, chroma: [out_cb, out_cr], factors: [a, b, c, _], .. } = buffers;
    for (out, row, bias) in [(luma, 0, HALF), (out_cb, 1, GRAY), (out_cr, 2, GRAY)] {
        out.resize(width * height, 0);
        let [by_g, by_b, by_r] = factors.rows[row];
        let by = a.line(by_g, width).iter().zip(b.line(by_b, width)).zip(c.line(by_r, width));
        for (y, out) in out.chunks_exact_mut(width).enumerate() {
            let [b, r] = chroma.planes.map(|plane| plane.line(y));
            let samples = view.luma.line(y).iter().zip(b).zip(r);
            for ((((g, b), r), ((by_g, by_b), by_r)), out) in samples.zip(by.clone()).zip(out) {
                let part = |sample: &T, factor: &i16| high(sample.luma(offset, bits), *factor);
                *out = to_u8(part(g, by_g) + part(b, by_b) + part(r, by_r) + bias);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_correction_stays_within_what_it_is_interpolated_in() {
        for (kr, kb) in [(0.2126, 0.0722), (0.30, 0.11), (0.212, 0.087), (0.2627, 0.0593)] {
            for (full, bits) in [(true, 8), (false, 8), (true, 16), (false, 16), (false, 10)] {
                let factors = Factors::new(Colors { model: Model::YCbCr { kr, kb }, full }, bits);
                let [_, by_cb, by_cr] = factors.rows[0];
                // Either sign, the largest input: 16 times it must stay inside 16 bits.
                let largest = i32::from(high(i16::MIN, by_cb)).abs() + i32::from(high(i16::MIN, by_cr)).abs() + 2;
                assert!(largest * 16 + 8 <= i32::from(i16::MAX), "{kr} {kb}: {largest}");
            }
        }
    }
}
