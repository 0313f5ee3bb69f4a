//! Pictures of every shape: what is in bounds is packed as it lies there, what is not is an error.

use kineframe_codec::{
    BitDepth, ChromaSampling, PacketId, Picture, PictureError, PixelFormat, Plane, Rect, Samples, Size,
};
use proptest::prelude::*;

const CHROMA: [ChromaSampling; 4] =
    [ChromaSampling::Monochrome, ChromaSampling::Yuv420, ChromaSampling::Yuv422, ChromaSampling::Yuv444];

/// Sample `(x, y)` of a plane, so that every place differs from its neighbours.
fn value(plane: usize, x: usize, y: usize) -> u16 {
    (plane * 977 + y * 131 + x * 7) as u16 & 0x3ff
}

/// Planes of a coded size with padding, and what the packed visible part must be, computed sample by sample.
struct Case {
    format: PixelFormat,
    visible: Rect,
    wide: Vec<(Vec<u16>, usize)>,
    packed: Vec<u8>,
}

fn case(chroma: ChromaSampling, deep: bool, visible: Rect, pad: usize) -> Case {
    let depth = if deep { BitDepth::new(10).unwrap() } else { BitDepth::EIGHT };
    let mut wide = Vec::new();
    let mut packed = Vec::new();
    for plane in 0..chroma.planes() {
        let (across, down) = if plane == 0 { (0, 0) } else { chroma.shifts().unwrap() };
        let columns = ((visible.left + visible.width + 1) as usize >> across) + 1;
        let lines = ((visible.top + visible.height + 1) as usize >> down) + 1;
        let stride = columns + pad;
        let samples = (0..lines * stride).map(|i| value(plane, i % stride, i / stride)).collect();
        let (left, top) = ((visible.left >> across) as usize, (visible.top >> down) as usize);
        let width = (visible.width as usize).div_ceil(1 << across);
        let height = (visible.height as usize).div_ceil(1 << down);
        for y in top..top + height {
            for x in left..left + width {
                let sample = value(plane, x, y);
                if deep { packed.extend(sample.to_le_bytes()) } else { packed.push(sample as u8) }
            }
        }
        wide.push((samples, stride));
    }
    Case { format: PixelFormat { chroma, depth }, visible, wide, packed }
}

fn with_picture<R>(case: &Case, f: impl FnOnce(Result<Picture<'_>, PictureError>) -> R) -> R {
    let narrow: Vec<Vec<u8>> = case.wide.iter().map(|(s, _)| s.iter().map(|v| *v as u8).collect()).collect();
    let planes: Vec<Plane<'_>> = case
        .wide
        .iter()
        .zip(&narrow)
        .map(|((wide, stride), narrow)| Plane {
            samples: if case.format.depth.bits() == 8 { Samples::U8(narrow) } else { Samples::U16(wide) },
            stride: *stride,
        })
        .collect();
    f(Picture::new(PacketId(3), case.visible, case.format, &planes))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn packing_takes_exactly_the_visible_samples(
        chroma in 0_usize..4, deep: bool, left in 0_u32..9, top in 0_u32..9,
        width in 1_u32..23, height in 1_u32..23, pad in 0_usize..5,
    ) {
        let case = case(CHROMA[chroma], deep, Rect { left, top, width, height }, pad);
        with_picture(&case, |picture| {
            let picture = picture.unwrap();
            let mut packed = vec![9];
            picture.write_packed(&mut packed).unwrap();
            prop_assert_eq!(&packed[1..], &case.packed[..]);

            let owned = picture.to_owned().unwrap();
            prop_assert_eq!(owned.to_bytes(), &case.packed[..]);
            prop_assert_eq!(owned.size(), Size { width, height });
            let again = owned.with(|lent| lent.to_owned().unwrap());
            prop_assert_eq!(&again, &owned);
            let shared = owned.into_shared();
            let moved = std::thread::spawn(move || shared.with(|lent| lent.to_owned().unwrap())).join().unwrap();
            prop_assert_eq!(&moved, &again);
            Ok(())
        })?;
    }

    #[test]
    fn any_planes_whatever_are_looked_at_without_a_panic(
        chroma in 0_usize..4, depth in 8_u8..=16, count in 0_usize..5, len in 0_usize..300, stride: usize,
        small_stride in 0_usize..40, pick: bool, wide: bool,
        left: u32, top: u32, width: u32, height: u32, shift in 0_u32..32,
    ) {
        let (bytes, words) = (vec![1; len], vec![1; len]);
        let plane = Plane {
            samples: if wide { Samples::U16(&words) } else { Samples::U8(&bytes) },
            stride: if pick { stride } else { small_stride },
        };
        let planes = vec![plane; count];
        let visible =
            Rect { left: left >> shift, top: top >> shift, width: width >> shift, height: height >> shift };
        let format = PixelFormat { chroma: CHROMA[chroma], depth: BitDepth::new(depth).unwrap() };
        if let Ok(picture) = Picture::new(PacketId(0), visible, format, &planes) {
            let mut packed = Vec::new();
            picture.write_packed(&mut packed).unwrap();
            prop_assert!(packed.len() <= count * len * 2);
            for index in 0..count {
                let view = picture.plane(index).unwrap();
                prop_assert_eq!(view.lines().len(), view.height());
                prop_assert!(view.lines().all(|line| line.len() == view.width()));
                prop_assert!(view.line(view.height()).is_none());
            }
        }
    }
}

#[test]
fn each_mistake_of_a_back_end_has_its_error() {
    let good = case(ChromaSampling::Yuv420, false, Rect { left: 0, top: 0, width: 6, height: 4 }, 0);
    let bytes = [0_u8; 64];
    let words = [0_u16; 64];
    let plane = |len: usize, stride| Plane { samples: Samples::U8(&bytes[..len]), stride };
    let new = |visible, planes: &[Plane<'_>]| Picture::new(PacketId(0), visible, good.format, planes).map(drop);

    assert_eq!(new(good.visible, &[plane(24, 6), plane(6, 3), plane(6, 3)]), Ok(()));
    assert_eq!(new(good.visible, &[plane(24, 6)]), Err(PictureError::PlaneCount { expected: 3, found: 1 }));
    let wide = Plane { samples: Samples::U16(&words), stride: 6 };
    assert_eq!(
        new(good.visible, &[wide, plane(6, 3), plane(6, 3)]),
        Err(PictureError::SampleWidth { plane: 0, depth: 8 })
    );
    assert_eq!(
        new(good.visible, &[plane(24, 6), plane(64, 2), plane(6, 3)]),
        Err(PictureError::Stride { plane: 1, stride: 2, needed: 3 })
    );
    assert_eq!(
        new(good.visible, &[plane(24, 6), plane(6, 3), plane(5, 3)]),
        Err(PictureError::Short { plane: 2, samples: 5, needed: 6 })
    );
    let nothing = Rect { width: 0, ..good.visible };
    assert_eq!(new(nothing, &[plane(24, 6), plane(6, 3), plane(6, 3)]), Err(PictureError::Empty));
}

#[test]
fn the_last_line_may_end_at_the_visible_edge() {
    let samples = [0_u8; 10 * 3 + 6];
    let planes = [Plane { samples: Samples::U8(&samples), stride: 10 }];
    let format = PixelFormat { chroma: ChromaSampling::Monochrome, depth: BitDepth::EIGHT };
    let visible = Rect { left: 1, top: 1, width: 5, height: 3 };
    let picture = Picture::new(PacketId(0), visible, format, &planes).unwrap();
    assert_eq!(picture.plane(0).unwrap().lines_u8().unwrap().last().unwrap().len(), 5);
}
