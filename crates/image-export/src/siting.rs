//! Chroma at the place where it lies: linear interpolation at multiples of a quarter of a chroma sample.
//!
//! Every place that H.273 figure 1 to 10 allow, with a crop at any column and line, puts a luma sample at a
//! whole number of quarters from a chroma sample. So each output line is two input lines weighed in quarters,
//! and each output sample two samples of that, in whole numbers; at the border the outermost one is repeated.

use crate::view::{Axis, PlaneView, Sample};

/// How many times a line is repeated at each of its ends; no place lies further out.
const PAD: usize = 2;

/// A number that can be weighed in quarters twice over.
pub(crate) trait Blend: Copy + Default {
    /// Holds four times the value, and sixteen times while two are added.
    type Wide: Wide;

    /// `a` and `b` with `weight` quarters of `b`, times 4.
    fn mix(a: Self, b: Self, weight: u8) -> Self::Wide;

    /// The same of what `mix` gave: times 16.
    fn mix_again(a: Self::Wide, b: Self::Wide, weight: u8) -> Self::Wide;
}

/// What becomes of a number that was weighed twice.
pub(crate) trait Settle<W> {
    /// From sixteen times the value.
    fn settle(wide: W) -> Self;
}

macro_rules! blend {
    ($narrow:ty, $wide:ty) => {
        impl Blend for $narrow {
            type Wide = $wide;

            #[inline(always)]
            fn mix(a: Self, b: Self, weight: u8) -> $wide {
                <$wide>::from(a) * <$wide>::from(4 - weight) + <$wide>::from(b) * <$wide>::from(weight)
            }

            #[inline(always)]
            fn mix_again(a: $wide, b: $wide, weight: u8) -> $wide {
                a * <$wide>::from(4 - weight) + b * <$wide>::from(weight)
            }
        }

        /// Rounded to the nearest.
        impl Settle<$wide> for $narrow {
            #[inline(always)]
            fn settle(wide: $wide) -> $narrow {
                ((wide + 8) >> 4) as $narrow
            }
        }
    };
}

blend!(u8, u16);
blend!(u16, u32);
// For values of at most 11 bits and sign, which the luma correction of `jfif` keeps to.
blend!(i16, i16);

/// Not rounded.
impl<W: Wide> Settle<W> for f32 {
    #[inline(always)]
    fn settle(wide: W) -> f32 {
        wide.to_f32() * 0.0625
    }
}

/// Sixteen times a value.
pub(crate) trait Wide: Copy + Default {
    /// The same in floating point, exactly.
    fn to_f32(self) -> f32;
}

impl Wide for i16 {
    #[inline(always)]
    fn to_f32(self) -> f32 {
        f32::from(self)
    }
}

impl Wide for u16 {
    #[inline(always)]
    fn to_f32(self) -> f32 {
        f32::from(self)
    }
}

impl Wide for u32 {
    #[inline(always)]
    fn to_f32(self) -> f32 {
        // At most 16 × 65,535; signed numbers convert faster.
        self as i32 as f32
    }
}

/// A place in quarters as the sample before it and the quarters beyond that.
#[inline(always)]
fn place(quarters: i32) -> (i32, u8) {
    (quarters >> 2, (quarters & 3) as u8)
}

/// The chroma lines that the luma line `y` lies between, and the weight of the second.
pub(crate) fn luma_line(down: Axis, y: usize, chroma_height: usize) -> (usize, usize, u8) {
    match down {
        Axis::Same => (y.min(chroma_height - 1), y.min(chroma_height - 1), 0),
        Axis::Half { offset, .. } => between(2 * y as i64 + i64::from(offset), chroma_height),
    }
}

/// The same for line `y` of chroma that lies in the middle of its pairs.
fn centered_line(down: Axis, y: usize, chroma_height: usize) -> (usize, usize, u8) {
    match down {
        Axis::Same => luma_line(down, y, chroma_height),
        Axis::Half { offset, .. } => between(4 * y as i64 + 1 + i64::from(offset), chroma_height),
    }
}

fn between(quarters: i64, count: usize) -> (usize, usize, u8) {
    let last = count as i64 - 1;
    let first = quarters >> 2;
    let clamp = |index: i64| index.clamp(0, last) as usize;
    (clamp(first), clamp(first + 1), (quarters & 3) as u8)
}

/// Two lines weighed, with both ends repeated.
pub(crate) fn blend_lines<B: Blend>(a: &[B], b: &[B], weight: u8, wide: &mut Vec<B::Wide>) {
    wide.clear();
    let ends = |line: &[B]| (line.first().copied().unwrap_or_default(), line.last().copied().unwrap_or_default());
    let ((first_a, last_a), (first_b, last_b)) = (ends(a), ends(b));
    wide.extend(std::iter::repeat_n(B::mix(first_a, first_b, weight), PAD));
    wide.extend(a.iter().zip(b).map(|(&a, &b)| B::mix(a, b, weight)));
    wide.extend(std::iter::repeat_n(B::mix(last_a, last_b, weight), PAD));
}

/// A line from [`blend_lines`] at luma's places.
pub(crate) fn expand_line<B: Blend, S: Settle<B::Wide>>(wide: &[B::Wide], across: Axis, out: &mut [S]) {
    let Axis::Half { offset, .. } = across else {
        return shift_line::<B, S>(wide, 0, out);
    };
    let count = out.len().div_ceil(2);
    let window = |quarters| {
        let (index, weight) = place(quarters);
        let start = (PAD as i32 + index) as usize;
        (&wide[start..start + count], &wide[start + 1..start + 1 + count], weight)
    };
    let (even_a, even_b, even) = window(offset);
    let (odd_a, odd_b, odd) = window(offset + 2);
    let pairs = out.len() / 2;
    let inputs = even_a.iter().zip(even_b).zip(odd_a.iter().zip(odd_b));
    for (pair, ((&ea, &eb), (&oa, &ob))) in out.chunks_exact_mut(2).zip(inputs) {
        pair[0] = S::settle(B::mix_again(ea, eb, even));
        pair[1] = S::settle(B::mix_again(oa, ob, odd));
    }
    if let [last] = &mut out[2 * pairs..] {
        *last = S::settle(B::mix_again(even_a[pairs], even_b[pairs], even));
    }
}

/// A line from [`blend_lines`], moved by so many quarters (-4 to 7).
fn shift_line<B: Blend, S: Settle<B::Wide>>(wide: &[B::Wide], quarters: i32, out: &mut [S]) {
    let (index, weight) = place(quarters);
    let start = (PAD as i32 + index) as usize;
    let count = out.len();
    let (a, b) = (&wide[start..start + count], &wide[start + 1..start + 1 + count]);
    for ((out, &a), &b) in out.iter_mut().zip(a).zip(b) {
        *out = S::settle(B::mix_again(a, b, weight));
    }
}

/// Line `y` of a chroma plane at luma's resolution, interpolated and not rounded. `out` is as long as a luma line.
pub(crate) fn bilinear_line<T: Sample + Blend>(
    plane: &PlaneView<'_, T>,
    across: Axis,
    down: Axis,
    y: usize,
    wide: &mut Vec<T::Wide>,
    out: &mut [f32],
) {
    let (a, b, weight) = luma_line(down, y, plane.height);
    if (across, weight) == (Axis::Same, 0) {
        for (out, &sample) in out.iter_mut().zip(plane.line(a)) {
            *out = sample.to_f32();
        }
        return;
    }
    blend_lines(plane.line(a), plane.line(b), weight, wide);
    expand_line::<T, f32>(wide, across, out);
}

/// Line `y` of a chroma plane at luma's resolution, each sample repeated over its pair.
pub(crate) fn nearest_line<T: Sample>(plane: &PlaneView<'_, T>, across: Axis, down: Axis, y: usize, out: &mut [T]) {
    let line = match down {
        Axis::Same => plane.line(y),
        Axis::Half { odd, .. } => plane.line((y + usize::from(odd)) / 2),
    };
    match across {
        Axis::Same => out.copy_from_slice(&line[..out.len()]),
        Axis::Half { odd, .. } => {
            // A pair whose first half is cut off gives one sample.
            let lone = usize::from(odd).min(out.len());
            out[..lone].copy_from_slice(&line[..lone]);
            let out = &mut out[lone..];
            let line = &line[lone..];
            let last = line.last().copied().unwrap_or_default();
            for (pair, sample) in out.chunks_mut(2).zip(line.iter().copied().chain(std::iter::repeat(last))) {
                pair.fill(sample);
            }
        }
    }
}

/// Line `y` of a chroma plane, moved to the middle of the pairs of the visible part, where JFIF has it.
/// `out` holds one sample for each pair, the last one included that lacks its second half.
pub(crate) fn centered_chroma_line<T: Sample + Blend + Settle<T::Wide>>(
    plane: &PlaneView<'_, T>,
    across: Axis,
    down: Axis,
    y: usize,
    wide: &mut Vec<T::Wide>,
    out: &mut [T],
) {
    let (a, b, weight) = centered_line(down, y, plane.height);
    let quarters = match across {
        Axis::Same => 0,
        Axis::Half { offset, .. } => 1 + offset,
    };
    if quarters == 0 && weight == 0 {
        return out.copy_from_slice(&plane.line(a)[..out.len()]);
    }
    blend_lines(plane.line(a), plane.line(b), weight, wide);
    shift_line::<T, T>(wide, quarters, out);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The formula in floating point: sample `i` of the output at `(step i + first) / 4` of the line.
    fn linear(line: &[f64], quarters: i64) -> f64 {
        let at = quarters as f64 / 4.0;
        let last = line.len() as i64 - 1;
        let get = |index: i64| line[index.clamp(0, last) as usize];
        let (index, part) = (at.floor() as i64, at - at.floor());
        get(index) * (1.0 - part) + get(index + 1) * part
    }

    fn check<T: Sample + Blend>(values: &[T]) {
        let plane = PlaneView::packed(values, 5, 3).expect("the plane has 15 samples");
        let float: Vec<f64> = values.iter().map(|&value| f64::from(Into::<i32>::into(value))).collect();
        for offset_x in -2..=2 {
            for offset_y in -2..=2 {
                let axis = |offset: i32| Axis::Half { offset, odd: offset > 0 };
                let (across, down) = (axis(offset_x), axis(offset_y));
                for width in 1..=if offset_x > 0 { 9 } else { 10 } {
                    for y in 0..5 {
                        let mut out = vec![0.0; width];
                        bilinear_line(&plane, across, down, y, &mut Vec::new(), &mut out);
                        for (x, &sample) in out.iter().enumerate() {
                            let rows: Vec<f64> =
                                float.chunks(5).map(|row| linear(row, 2 * x as i64 + i64::from(offset_x))).collect();
                            let want = linear(&rows, 2 * y as i64 + i64::from(offset_y));
                            let got = f64::from(sample);
                            assert!((got - want).abs() <= 1e-6, "{offset_x} {offset_y} {x} {y}: {got} for {want}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn bilinear_is_the_formula_at_every_place() {
        check(&[0u8, 255, 7, 130, 255, 255, 0, 99, 1, 0, 3, 200, 50, 0, 255]);
        check(&[0u16, 65535, 7, 1300, 65535, 65535, 0, 999, 1, 0, 3, 2000, 500, 0, 65535]);
    }

    #[test]
    fn centered_chroma_is_the_formula_at_every_place() {
        let values = [0u8, 255, 7, 130, 255, 255, 0, 99, 1, 0, 3, 200, 50, 0, 255];
        let plane = PlaneView::packed(&values[..], 5, 3).expect("the plane has 15 samples");
        for offset_x in -2..=2 {
            for offset_y in -2..=2 {
                let axis = |offset: i32| Axis::Half { offset, odd: offset > 0 };
                for y in 0..3 {
                    let mut out = [0; 5];
                    centered_chroma_line(&plane, axis(offset_x), axis(offset_y), y, &mut Vec::new(), &mut out);
                    for (x, &got) in out.iter().enumerate() {
                        let row = |row: &[u8]| {
                            let row: Vec<f64> = row.iter().map(|&value| f64::from(value)).collect();
                            linear(&row, 4 * x as i64 + 1 + i64::from(offset_x))
                        };
                        let rows: Vec<f64> = values.chunks(5).map(row).collect();
                        let want = linear(&rows, 4 * y as i64 + 1 + i64::from(offset_y));
                        assert!((f64::from(got) - want).abs() <= 0.5, "{offset_x} {offset_y} {x} {y}");
                    }
                }
            }
        }
    }

    #[test]
    fn nearest_repeats_over_the_pairs_of_the_whole_picture() {
        let values = [10u8, 20, 30];
        let plane = PlaneView::packed(&values[..], 3, 1).expect("the plane has 3 samples");
        let line = |odd, width| {
            let mut out = vec![0; width];
            nearest_line(&plane, Axis::Half { offset: 0, odd }, Axis::Same, 0, &mut out);
            out
        };
        assert_eq!(line(false, 6), [10, 10, 20, 20, 30, 30]);
        assert_eq!(line(false, 5), [10, 10, 20, 20, 30]);
        assert_eq!(line(true, 5), [10, 20, 20, 30, 30]);
        assert_eq!(line(true, 1), [10]);
    }
}
