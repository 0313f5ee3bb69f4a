//! The visible part of one plane, with its bounds checked once.

use crate::{Picture, Samples};

/// A picture whose planes do not hold what it claims: an error of the back end that made it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PictureError {
    /// Not one plane for monochrome, or not three for colour.
    #[error("{found} planes where the format has {expected}")]
    PlaneCount {
        /// Planes that the format has.
        expected: usize,
        /// Planes that are there.
        found: usize,
    },
    /// Nothing of the picture is visible.
    #[error("a visible part of no columns or no lines")]
    Empty,
    /// The samples are not of the width that the bit depth asks for.
    #[error("plane {plane}: 8-bit samples go with a depth of 8 and 16-bit samples with 9 to 16, not with {depth}")]
    SampleWidth {
        /// Index of the plane.
        plane: usize,
        /// The depth that the format names.
        depth: u8,
    },
    /// Lines would overlap: the stride does not reach the right edge of the visible part.
    #[error("plane {plane}: a stride of {stride} samples where the visible part reaches {needed}")]
    Stride {
        /// Index of the plane.
        plane: usize,
        /// Samples from line to line.
        stride: usize,
        /// Columns up to the right edge.
        needed: u64,
    },
    /// The slice ends before the visible part does.
    #[error("plane {plane}: {samples} samples where the visible part needs {needed}")]
    Short {
        /// Index of the plane.
        plane: usize,
        /// Samples that are there.
        samples: usize,
        /// Samples up to the end of the last visible line.
        needed: u64,
    },
}

/// The visible part of one plane: `height` lines of `width` samples, proven to lie inside the plane.
#[derive(Debug, Clone, Copy)]
pub struct PlaneView<'a> {
    samples: Samples<'a>,
    stride: usize,
    width: usize,
    height: usize,
}

impl<'a> PlaneView<'a> {
    /// Columns. Of chroma planes half of the luma columns, rounded up, where chroma is subsampled.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Lines. Of chroma planes half of the luma lines, rounded up, where chroma is subsampled.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Samples from one line to the next, at least `width`.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// The samples from the first visible one of the first line to the last visible one of the last line; what
    /// lies between two lines' visible parts is in there too.
    pub fn samples(&self) -> Samples<'a> {
        self.samples
    }

    /// Line `y` from the top; `None` past the last.
    pub fn line(&self, y: usize) -> Option<Samples<'a>> {
        if y >= self.height {
            return None;
        }
        let start = y.checked_mul(self.stride)?;
        self.samples.get(start, start.checked_add(self.width)?)
    }

    /// All lines, from the top.
    pub fn lines(&self) -> impl ExactSizeIterator<Item = Samples<'a>> + use<'a> {
        let view = *self;
        // Every line lies inside the samples, so the empty slice is never taken.
        (0..self.height).map(move |y| view.line(y).unwrap_or(Samples::U8(&[])))
    }

    /// All lines of a plane of 8-bit samples, from the top; `None` where samples have more bits.
    pub fn lines_u8(&self) -> Option<impl ExactSizeIterator<Item = &'a [u8]> + use<'a>> {
        let Samples::U8(samples) = self.samples else { return None };
        let (stride, width) = (self.stride, self.width);
        Some((0..self.height).map(move |y| samples.get(y * stride..y * stride + width).unwrap_or_default()))
    }

    /// All lines of a plane of 9 to 16-bit samples, from the top; `None` where samples have eight bits.
    pub fn lines_u16(&self) -> Option<impl ExactSizeIterator<Item = &'a [u16]> + use<'a>> {
        let Samples::U16(samples) = self.samples else { return None };
        let (stride, width) = (self.stride, self.width);
        Some((0..self.height).map(move |y| samples.get(y * stride..y * stride + width).unwrap_or_default()))
    }

    /// Appends the lines one after the other, little endian where a sample has two bytes.
    pub fn write_packed(&self, out: &mut Vec<u8>) {
        if self.stride == self.width {
            self.samples.write_le(out);
        } else {
            self.lines().for_each(|line| line.write_le(out));
        }
    }
}

/// Views plane `index` of `picture`, all bounds checked.
pub(crate) fn view<'a>(picture: &Picture<'a>, index: usize) -> Result<PlaneView<'a>, PictureError> {
    let expected = picture.format.chroma.planes();
    let found = picture.planes.len();
    let (true, Some(plane)) = (found == expected, picture.planes.get(index)) else {
        return Err(PictureError::PlaneCount { expected, found });
    };
    let depth = picture.format.depth.bits();
    if matches!(plane.samples, Samples::U8(_)) != (depth == 8) {
        return Err(PictureError::SampleWidth { plane: index, depth });
    }
    let shifts = if index == 0 { None } else { picture.format.chroma.shifts() };
    let (across, down) = shifts.unwrap_or((0, 0));
    let visible = picture.visible;
    if visible.width == 0 || visible.height == 0 {
        return Err(PictureError::Empty);
    }
    // 64 bits hold every sum and product of two 32-bit numbers and a stride below 2^31; larger strides are refused
    // by the checked multiplication.
    let (left, top) = (u64::from(visible.left >> across), u64::from(visible.top >> down));
    let width = (u64::from(visible.width) + (1 << across) - 1) >> across;
    let height = (u64::from(visible.height) + (1 << down) - 1) >> down;
    let stride = plane.stride as u64;
    if left + width > stride {
        return Err(PictureError::Stride { plane: index, stride: plane.stride, needed: left + width });
    }
    let first = stride.checked_mul(top).and_then(|lines| lines.checked_add(left));
    let end = stride.checked_mul(top + height - 1).and_then(|lines| lines.checked_add(left + width));
    let samples = plane.samples.len();
    let short = |needed: Option<u64>| PictureError::Short { plane: index, samples, needed: needed.unwrap_or(u64::MAX) };
    let (Some(first), Some(last)) = (first, end) else { return Err(short(None)) };
    let range = usize::try_from(first).ok().zip(usize::try_from(last).ok());
    let part = range.and_then(|(first, last)| plane.samples.get(first, last)).ok_or_else(|| short(end))?;
    // Both fit: the range that they span has just been cut from a slice.
    Ok(PlaneView { samples: part, stride: plane.stride, width: width as usize, height: height as usize })
}
