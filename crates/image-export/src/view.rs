//! The visible part of a picture's planes, checked once, so that no later index can miss.

use kineframe_codec::{ChromaSampling, ChromaSiting, Picture, Plane, Samples, Size};

use crate::{ExportError, ExportOptions};

/// A sample of a plane: `u8` or `u16`.
pub(crate) trait Sample: Copy + Default + std::fmt::Debug + Into<i32> + 'static {
    /// The code.
    fn to_f32(self) -> f32;
}

impl Sample for u8 {
    #[inline(always)]
    fn to_f32(self) -> f32 {
        f32::from(self)
    }
}

impl Sample for u16 {
    #[inline(always)]
    fn to_f32(self) -> f32 {
        f32::from(self)
    }
}

/// A plane whose every line of `width` samples lies inside `samples`. Neither side is 0.
#[derive(Clone, Copy)]
pub(crate) struct PlaneView<'a, T> {
    samples: &'a [T],
    stride: usize,
    pub width: usize,
    pub height: usize,
}

impl<'a, T> PlaneView<'a, T> {
    /// A window of a plane; `None` where it does not lie inside.
    pub fn new(
        samples: &'a [T],
        stride: usize,
        (left, top): (usize, usize),
        (width, height): (usize, usize),
    ) -> Option<Self> {
        if width == 0 || height == 0 || left.checked_add(width)? > stride {
            return None;
        }
        let start = top.checked_mul(stride)?.checked_add(left)?;
        let end = start.checked_add((height - 1).checked_mul(stride)?)?.checked_add(width)?;
        let samples = samples.get(start..end)?;
        Some(PlaneView { samples, stride, width, height })
    }

    /// A tightly packed plane.
    pub fn packed(samples: &'a [T], width: usize, height: usize) -> Option<Self> {
        Self::new(samples, width, (0, 0), (width, height))
    }

    /// A line; past the last one the last.
    pub fn line(&self, y: usize) -> &'a [T] {
        let start = y.min(self.height - 1) * self.stride;
        &self.samples[start..start + self.width]
    }

    pub fn lines(&self) -> impl Iterator<Item = &'a [T]> + use<'a, T> {
        let view = PlaneView { ..*self };
        (0..view.height).map(move |y| view.line(y))
    }

    /// The samples from the first to the last, and how many there are from line to line.
    pub fn strided(&self) -> (&'a [T], usize) {
        (self.samples, self.stride)
    }

    /// All samples, where nothing lies between the lines.
    pub fn tight(&self) -> Option<&'a [T]> {
        (self.stride == self.width || self.height == 1).then_some(self.samples)
    }
}

/// Where chroma lies on one axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Axis {
    /// A chroma sample for each luma sample.
    Same,
    /// One for two. Luma sample `i` takes chroma at `(2 i + offset) / 4`; `offset` is -2 to 2.
    Half {
        offset: i32,
        /// The first luma sample is the second of its pair.
        odd: bool,
    },
}

impl Axis {
    /// The place of the chroma sample in the pair, in halves of a luma sample (0, 1 or 2), and whether the
    /// first luma sample shown is the second of a pair.
    pub fn half(place: i32, odd: bool) -> Axis {
        Axis::Half { offset: 2 * i32::from(odd) - place, odd }
    }

    /// Chroma in the middle of the pair, as JFIF has it.
    pub const CENTERED: Axis = Axis::Half { offset: -1, odd: false };

    /// How many chroma samples belong to this many luma samples.
    pub fn chroma_count(self, luma: usize) -> usize {
        match self {
            Axis::Same => luma,
            Axis::Half { .. } => luma.div_ceil(2),
        }
    }
}

/// The visible part of a picture.
#[derive(Clone, Copy)]
pub(crate) struct View<'a, T> {
    pub luma: PlaneView<'a, T>,
    pub chroma: Option<Chroma<'a, T>>,
    pub bits: u8,
}

/// The two chroma planes and where their samples lie.
#[derive(Clone, Copy)]
pub(crate) struct Chroma<'a, T> {
    pub planes: [PlaneView<'a, T>; 2],
    pub across: Axis,
    pub down: Axis,
}

/// A view of either sample type.
pub(crate) enum AnyView<'a> {
    Eight(View<'a, u8>),
    Deep(View<'a, u16>),
}

impl<'a> AnyView<'a> {
    /// Checks a picture against its own words and the limits.
    pub fn new(picture: &Picture<'a>, options: &ExportOptions) -> Result<Self, ExportError> {
        let size = Size { width: picture.visible.width, height: picture.visible.height };
        check_limits(options, size)?;
        let eight = |plane: &Plane<'a>| match plane.samples {
            Samples::U8(samples) => Some(samples),
            Samples::U16(_) => None,
        };
        let deep = |plane: &Plane<'a>| match plane.samples {
            Samples::U16(samples) => Some(samples),
            Samples::U8(_) => None,
        };
        match picture.format.depth.bits() {
            8 => view(picture, eight).map(AnyView::Eight),
            _ => view(picture, deep).map(AnyView::Deep),
        }
    }
}

/// Refuses a size beyond the options' limits.
pub(crate) fn check_limits(options: &ExportOptions, size: Size) -> Result<(), ExportError> {
    let limits = &options.limits;
    let samples = u64::from(size.width) * u64::from(size.height);
    if size.width > limits.side || size.height > limits.side || samples > limits.samples {
        return Err(ExportError::Limit {
            width: size.width,
            height: size.height,
            side: limits.side,
            samples: limits.samples,
        });
    }
    Ok(())
}

fn view<'a, T>(
    picture: &Picture<'a>,
    samples: impl Fn(&Plane<'a>) -> Option<&'a [T]>,
) -> Result<View<'a, T>, ExportError> {
    let visible = picture.visible;
    let [left, top, width, height] = [visible.left, visible.top, visible.width, visible.height].map(|n| n as usize);
    if width == 0 || height == 0 {
        return Err(ExportError::Picture(format!("its visible part is {width}×{height}")));
    }
    let bits = picture.format.depth.bits();
    let plane = |index: usize, corner: (usize, usize), size: (usize, usize)| {
        let plane = picture.planes.get(index).ok_or_else(|| {
            ExportError::Picture(format!("it has {} planes, and plane {index} is missing", picture.planes.len()))
        })?;
        let samples = samples(plane).ok_or_else(|| {
            ExportError::Picture(format!("plane {index} has samples of another width than {bits} bits ask for"))
        })?;
        PlaneView::new(samples, plane.stride, corner, size).ok_or_else(|| {
            ExportError::Picture(format!(
                "plane {index} ({} samples, {} from line to line) does not hold {}×{} at column {} of line {}",
                samples.len(),
                plane.stride,
                size.0,
                size.1,
                corner.0,
                corner.1
            ))
        })
    };
    let luma = plane(0, (left, top), (width, height))?;
    let Some((shift_x, shift_y)) = picture.format.chroma.shifts() else {
        return Ok(View { luma, chroma: None, bits });
    };
    // Where the visible part begins in the middle of a pair, that pair's chroma sample is the first one.
    let (first_x, first_y) = (left >> shift_x, top >> shift_y);
    let (last_x, last_y) = match (left.checked_add(width - 1), top.checked_add(height - 1)) {
        (Some(x), Some(y)) => (x >> shift_x, y >> shift_y),
        _ => return Err(ExportError::Picture("its visible part lies beyond every plane".to_owned())),
    };
    let corner = (first_x, first_y);
    let reached = (last_x - first_x + 1, last_y - first_y + 1);
    // A crop that begins and ends within pairs reaches one chroma sample more than a picture of its size has.
    // A decoder owes only the latter.
    let owed = ((width + (1 << shift_x) - 1) >> shift_x, (height + (1 << shift_y) - 1) >> shift_y);
    let chroma_plane = |index| plane(index, corner, reached).or_else(|_| plane(index, corner, owed));
    let planes = [chroma_plane(1)?, chroma_plane(2)?];
    // In halves of a luma sample. Without a word from the stream chroma lies left (H.264 §E.2.1,
    // `chroma_sample_loc_type_top_field`: inferred to be 0).
    let (place_x, place_y) = match picture.color.siting.unwrap_or(ChromaSiting::Left) {
        ChromaSiting::Left => (0, 1),
        ChromaSiting::Center => (1, 1),
        ChromaSiting::TopLeft => (0, 0),
        ChromaSiting::Top => (1, 0),
        ChromaSiting::BottomLeft => (0, 2),
        ChromaSiting::Bottom => (1, 2),
    };
    let (across, down) = match picture.format.chroma {
        ChromaSampling::Yuv420 => (Axis::half(place_x, left & 1 == 1), Axis::half(place_y, top & 1 == 1)),
        ChromaSampling::Yuv422 => (Axis::half(place_x, left & 1 == 1), Axis::Same),
        ChromaSampling::Yuv444 | ChromaSampling::Monochrome => (Axis::Same, Axis::Same),
    };
    Ok(View { luma, chroma: Some(Chroma { planes, across, down }), bits })
}
