//! Which part of the picture goes to which size.

use kineframe_codec::Size;

use crate::{ExportOptions, Fit, Resize, Rotation};

/// A part of the source in luma samples, and the size that it becomes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Plan {
    /// The size of the file's picture.
    pub size: Size,
    /// The first column and line taken, from the visible corner, and how many of each.
    pub left: f64,
    pub top: f64,
    pub width: f64,
    pub height: f64,
}

impl Plan {
    /// The plan for a source of this visible size (not 0 on either side), turned already by `rotation`.
    pub fn new(options: &ExportOptions, source: Size, rotation: Rotation) -> Plan {
        let (source_width, source_height) = (f64::from(source.width), f64::from(source.height));
        // How the picture is meant to look: its size on square pixels.
        let aspect = match options.sample_aspect {
            Some(aspect) if options.square_pixels => f64::from(aspect.width.get()) / f64::from(aspect.height.get()),
            _ => 1.0,
        };
        // What were columns are lines after a quarter turn.
        let (shown_width, shown_height) = if rotation.swaps_sides() {
            (source_width, source_height * aspect)
        } else {
            (source_width * aspect, source_height)
        };
        let whole = |size| Plan { size, left: 0.0, top: 0.0, width: source_width, height: source_height };
        match options.resize {
            Resize::Keep => whole(Size { width: rounded(shown_width), height: rounded(shown_height) }),
            Resize::Width(width) => {
                whole(Size { width: width.get(), height: rounded(f64::from(width.get()) * shown_height / shown_width) })
            }
            Resize::Height(height) => whole(Size {
                width: rounded(f64::from(height.get()) * shown_width / shown_height),
                height: height.get(),
            }),
            Resize::Both(width, height) => {
                let size = Size { width: width.get(), height: height.get() };
                let (across, down) = (f64::from(size.width) / shown_width, f64::from(size.height) / shown_height);
                match options.fit {
                    Fit::Stretch => whole(size),
                    Fit::Contain => {
                        let scale = across.min(down);
                        whole(Size {
                            width: rounded(shown_width * scale).min(size.width),
                            height: rounded(shown_height * scale).min(size.height),
                        })
                    }
                    Fit::Cover => {
                        let scale = across.max(down);
                        // The share of each side that stays, at most all of it.
                        let width = (source_width * across / scale).min(source_width);
                        let height = (source_height * down / scale).min(source_height);
                        let left = (source_width - width) / 2.0;
                        let top = (source_height - height) / 2.0;
                        Plan { size, left, top, width, height }
                    }
                }
            }
        }
    }

    /// Nothing is to be scaled or cut.
    pub fn is_copy(&self, source: Size) -> bool {
        self.size == source
            && self.left == 0.0
            && self.top == 0.0
            && self.width == f64::from(source.width)
            && self.height == f64::from(source.height)
    }
}

/// The nearest whole number of samples, at least one. What is too large for `u32` becomes its largest value,
/// which every limit refuses.
fn rounded(value: f64) -> u32 {
    // A float turned into an integer saturates.
    value.round().max(1.0) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SampleAspect;

    fn plan(resize: &str, fit: Fit, aspect: Option<(u32, u32)>, width: u32, height: u32) -> Plan {
        let options = ExportOptions {
            resize: if resize.is_empty() { Resize::Keep } else { resize.parse().expect("a test's size") },
            fit,
            sample_aspect: aspect.and_then(|(width, height)| SampleAspect::new(width, height)),
            square_pixels: aspect.is_some(),
            ..ExportOptions::default()
        };
        Plan::new(&options, Size { width, height }, Rotation::None)
    }

    fn size(plan: Plan) -> (u32, u32) {
        (plan.size.width, plan.size.height)
    }

    #[test]
    fn one_side_keeps_the_aspect() {
        assert_eq!(size(plan("160x", Fit::Stretch, None, 1280, 720)), (160, 90));
        assert_eq!(size(plan("x90", Fit::Stretch, None, 1280, 720)), (160, 90));
        assert_eq!(size(plan("3x", Fit::Stretch, None, 4000, 10)), (3, 1), "never 0 lines");
    }

    #[test]
    fn both_sides_by_fit() {
        assert_eq!(size(plan("100x100", Fit::Stretch, None, 1280, 720)), (100, 100));
        assert_eq!(size(plan("100x100", Fit::Contain, None, 1280, 720)), (100, 56));
        assert_eq!(size(plan("100x100", Fit::Contain, None, 720, 1280)), (56, 100));
        let cover = plan("100x100", Fit::Cover, None, 1280, 720);
        assert_eq!((size(cover), cover.left, cover.width), ((100, 100), 280.0, 720.0));
        assert_eq!((cover.top, cover.height), (0.0, 720.0));
    }

    #[test]
    fn samples_that_are_not_square() {
        assert_eq!(size(plan("", Fit::Stretch, Some((4, 3)), 1440, 1080)), (1920, 1080));
        assert_eq!(size(plan("960x", Fit::Stretch, Some((4, 3)), 1440, 1080)), (960, 540));
        let cover = plan("500x500", Fit::Cover, Some((4, 3)), 1440, 1080);
        assert_eq!((cover.left, cover.width, cover.height), (315.0, 810.0, 1080.0));
    }

    #[test]
    fn the_own_size_is_a_copy() {
        let source = Size { width: 321, height: 181 };
        assert!(plan("", Fit::Stretch, None, 321, 181).is_copy(source));
        assert!(plan("321x181", Fit::Cover, None, 321, 181).is_copy(source));
        assert!(plan("321x", Fit::Contain, None, 321, 181).is_copy(source));
        assert!(!plan("320x", Fit::Contain, None, 321, 181).is_copy(source));
    }
}
