//! Quarter turns: planes turned before anything else is done to them, so that a size that is asked for is that of the
//! turned picture, and chroma keeps its place.

use crate::ExportError;
use crate::view::{Axis, Chroma, PlaneView, Sample, View};

/// How far a picture is turned, clockwise, to stand as it was meant to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Rotation {
    /// Not at all.
    #[default]
    None,
    /// By 90°.
    Quarter,
    /// By 180°.
    Half,
    /// By 270°.
    ThreeQuarters,
}

impl Rotation {
    /// From clockwise degrees, of which any number of turns may be in front; `None` where they are not whole quarters.
    ///
    /// ```
    /// use kineframe_image_export::Rotation;
    ///
    /// assert_eq!(Rotation::from_degrees(-90.0), Some(Rotation::ThreeQuarters));
    /// assert_eq!(Rotation::from_degrees(45.0), None);
    /// ```
    pub fn from_degrees(degrees: f64) -> Option<Rotation> {
        let quarters = degrees.rem_euclid(360.0) / 90.0;
        if !quarters.is_finite() || (quarters - quarters.round()).abs() > 1e-6 {
            return None;
        }
        Some(match quarters.round() as u8 {
            1 => Rotation::Quarter,
            2 => Rotation::Half,
            3 => Rotation::ThreeQuarters,
            _ => Rotation::None,
        })
    }

    /// Clockwise degrees: 0, 90, 180 or 270.
    pub fn degrees(self) -> u16 {
        match self {
            Rotation::None => 0,
            Rotation::Quarter => 90,
            Rotation::Half => 180,
            Rotation::ThreeQuarters => 270,
        }
    }

    /// Columns become lines.
    pub(crate) fn swaps_sides(self) -> bool {
        matches!(self, Rotation::Quarter | Rotation::ThreeQuarters)
    }
}

/// Lines and columns that are turned at a time, so that both lie in the processor's nearest memory.
const TILE: usize = 32;

/// Buffers that stay from picture to picture.
#[derive(Debug, Default)]
pub(crate) struct TurnBuffers<T> {
    planes: [Vec<T>; 3],
}

impl<T: Sample> TurnBuffers<T> {
    /// The view, turned.
    pub fn turn<'a>(&'a mut self, view: &View<'_, T>, rotation: Rotation) -> Result<View<'a, T>, ExportError> {
        let (width, height) = (view.luma.width, view.luma.height);
        turn_plane(&view.luma, (width, height), rotation, &mut self.planes[0]);
        let reach = view.chroma.map(|chroma| (chroma.across.reach(width), chroma.down.reach(height)));
        if let (Some(chroma), Some(reach)) = (&view.chroma, reach) {
            for (plane, out) in chroma.planes.iter().zip(&mut self.planes[1..]) {
                turn_plane(plane, reach, rotation, out);
            }
        }
        let packed = |samples: &'a Vec<T>, (width, height): (usize, usize)| {
            let (width, height) = if rotation.swaps_sides() { (height, width) } else { (width, height) };
            PlaneView::packed(samples, width, height)
                .ok_or_else(|| ExportError::Picture("a turned plane has no samples".to_owned()))
        };
        let [luma, first, second] = &self.planes;
        let chroma = match (view.chroma, reach) {
            (Some(Chroma { across, down, .. }), Some(reach)) => {
                let (across, down) = match rotation {
                    Rotation::None => (across, down),
                    Rotation::Quarter => (down.reversed(height), across),
                    Rotation::Half => (across.reversed(width), down.reversed(height)),
                    Rotation::ThreeQuarters => (down, across.reversed(width)),
                };
                Some(Chroma { planes: [packed(first, reach)?, packed(second, reach)?], across, down })
            }
            _ => None,
        };
        Ok(View { luma: packed(luma, (width, height))?, chroma, bits: view.bits })
    }
}

/// Turns a plane; past its edges the outermost samples are repeated, up to `width` and `height`.
fn turn_plane<T: Sample>(
    plane: &PlaneView<'_, T>,
    (width, height): (usize, usize),
    rotation: Rotation,
    out: &mut Vec<T>,
) {
    out.clear();
    out.resize(width * height, T::default());
    let stride = if rotation.swaps_sides() { height } else { width };
    for top in (0..height).step_by(TILE) {
        for left in (0..width).step_by(TILE) {
            for y in top..height.min(top + TILE) {
                let line = plane.line(y);
                for x in left..width.min(left + TILE) {
                    let (column, row) = match rotation {
                        Rotation::None => (x, y),
                        Rotation::Quarter => (height - 1 - y, x),
                        Rotation::Half => (width - 1 - x, height - 1 - y),
                        Rotation::ThreeQuarters => (y, width - 1 - x),
                    };
                    out[row * stride + column] = line[x.min(line.len() - 1)];
                }
            }
        }
    }
}

impl Axis {
    /// Chroma samples that this many luma samples reach.
    fn reach(self, luma: usize) -> usize {
        match self {
            Axis::Same => luma,
            Axis::Half { odd, .. } => (luma + usize::from(odd)).div_ceil(2),
        }
    }

    /// The same axis from its other end, of this many luma samples.
    fn reversed(self, luma: usize) -> Axis {
        let Axis::Half { offset, odd } = self else { return self };
        // With C chroma samples, luma sample i at (2 i + offset) / 4 is number N - 1 - i from the other end, and its chroma
        // lies C - 1 - (2 i + offset) / 4 from there.
        let spare = 2 * (2 * self.reach(luma) as i64 - luma as i64);
        let offset = (spare - 2 - i64::from(offset)).clamp(-2, 2) as i32;
        // The last one is the first of a pair, whose other half is not shown.
        Axis::Half { offset, odd: (luma + usize::from(odd)) % 2 == 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: [Rotation; 4] = [Rotation::None, Rotation::Quarter, Rotation::Half, Rotation::ThreeQuarters];

    #[test]
    fn corners_go_clockwise() {
        let samples: Vec<u8> = (0..6).collect();
        let plane = PlaneView::packed(&samples, 3, 2).unwrap();
        let turned = ALL.map(|rotation| {
            let mut out = Vec::new();
            turn_plane(&plane, (3, 2), rotation, &mut out);
            out
        });
        assert_eq!(turned[0], [0, 1, 2, 3, 4, 5]);
        assert_eq!(turned[1], [3, 0, 4, 1, 5, 2]);
        assert_eq!(turned[2], [5, 4, 3, 2, 1, 0]);
        assert_eq!(turned[3], [2, 5, 1, 4, 0, 3]);
    }

    #[test]
    fn degrees_are_read_and_told() {
        for rotation in ALL {
            let degrees = f64::from(rotation.degrees());
            assert_eq!(Rotation::from_degrees(degrees), Some(rotation));
            assert_eq!(Rotation::from_degrees(degrees - 720.0), Some(rotation));
        }
        for odd in [1.0, 89.9, f64::NAN, f64::INFINITY] {
            assert_eq!(Rotation::from_degrees(odd), None, "{odd}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn chroma_keeps_its_place(luma in 1_usize..40, place in 0_i32..3, odd: bool) {
            let axis = Axis::half(place, odd);
            let back = axis.reversed(luma);
            let (Axis::Half { offset, .. }, Axis::Half { offset: other, .. }) = (axis, back) else { unreachable!() };
            prop_assert_eq!(back.reversed(luma), axis);
            prop_assert_eq!(back.reach(luma), axis.reach(luma));
            // Quarters of a chroma sample from the other end.
            for sample in 0..luma as i32 {
                let last = 4 * (axis.reach(luma) as i32 - 1);
                prop_assert_eq!(2 * (luma as i32 - 1 - sample) + other, last - (2 * sample + offset));
            }
        }

        #[test]
        fn four_quarters_are_the_picture(width in 1_usize..70, height in 1_usize..70, seed: u8) {
            let samples: Vec<u8> = (0..width * height).map(|at| (at as u8).wrapping_mul(31) ^ seed).collect();
            let (mut out, mut from, mut size) = (Vec::new(), samples.clone(), (width, height));
            for _ in 0..4 {
                turn_plane(&PlaneView::packed(&from, size.0, size.1).unwrap(), size, Rotation::Quarter, &mut out);
                (from, size) = (out.clone(), (size.1, size.0));
            }
            prop_assert_eq!(&from, &samples);
        }
    }
}
