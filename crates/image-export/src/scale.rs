//! Scaling of planes, before any conversion of colours: luma and chroma each by itself, so that a JPEG is made of
//! half the samples that its R'G'B' would have.

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::{InnerPixel, U8, U16};
use fast_image_resize::{FilterType, PixelTrait, ResizeAlg, ResizeOptions, Resizer};
use kineframe_codec::Size;

use crate::ExportError;
use crate::geometry::Plan;
use crate::view::{Axis, Chroma, PlaneView, Sample, View};

/// Bicubic, as ffmpeg's default, and wide enough for what is left out when a picture becomes smaller.
const ALGORITHM: ResizeAlg = ResizeAlg::Convolution(FilterType::CatmullRom);

/// A sample that `fast_image_resize` knows.
pub(crate) trait Scaled: Sample + bytemuck::Pod {
    /// The same as a pixel of one channel. Named, so that only two types are compiled.
    type Pixel: PixelTrait + InnerPixel;

    /// A bicubic filter swings over the largest code of a depth that does not fill its type.
    fn clip(samples: &mut [Self], bits: u8);
}

impl Scaled for u8 {
    type Pixel = U8;

    fn clip(_: &mut [u8], _: u8) {}
}

impl Scaled for u16 {
    type Pixel = U16;

    fn clip(samples: &mut [u16], bits: u8) {
        let largest = ((1u32 << bits) - 1) as u16;
        if largest != u16::MAX {
            for sample in samples {
                *sample = (*sample).min(largest);
            }
        }
    }
}

/// What the scaled chroma is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChromaTarget {
    /// As fine as luma, for R'G'B': scaled in one step, with no upsampling in between.
    Full,
    /// As coarse as it was, in the middle of its pairs, for JPEG.
    Centered,
    /// As coarse as it was and at the same place of its pairs, for raw planes.
    Kept,
}

/// Buffers that stay from picture to picture.
#[derive(Default)]
pub(crate) struct ScaleBuffers<T> {
    resizer: Resizer,
    packed: Vec<T>,
    /// A plane whose columns are done and whose rows are not.
    columns: Vec<T>,
    planes: [Vec<T>; 3],
}

/// Where chroma reading starts on one axis, and how much of the plane goes into `count` samples.
struct Span {
    start: f64,
    length: f64,
    count: usize,
    axis: Axis,
}

impl Span {
    /// `from` luma samples on, `length` of them become `luma_count`.
    ///
    /// In edges (a sample reaches from its number to the next), a luma edge `e` lies at chroma edge
    /// `e / 2 + 1 / 4 + offset / 4`, for source and target alike.
    fn new(source: Axis, target: ChromaTarget, from: f64, length: f64, luma_count: usize) -> Span {
        let Axis::Half { offset, odd } = source else {
            return Span { start: from, length, count: luma_count, axis: Axis::Same };
        };
        let place = |offset: i32| 0.25 + f64::from(offset) / 4.0;
        let scale = length / luma_count as f64;
        let (target_offset, count, step) = match target {
            ChromaTarget::Full => {
                let start = from / 2.0 + place(offset);
                return Span { start, length: length / 2.0, count: luma_count, axis: Axis::Same };
            }
            ChromaTarget::Centered => (-1, luma_count.div_ceil(2), 2.0),
            // The target begins at a whole pair.
            ChromaTarget::Kept => (offset - 2 * i32::from(odd), luma_count.div_ceil(2), 2.0),
        };
        let luma_edge = -place(target_offset) * step * scale + from;
        let axis = Axis::Half { offset: target_offset, odd: false };
        Span { start: luma_edge / 2.0 + place(offset), length: count as f64 * scale, count, axis }
    }
}

impl<T: Scaled> ScaleBuffers<T> {
    /// The planned part of a view at the planned size.
    pub fn scale<'a>(
        &'a mut self,
        view: &View<'_, T>,
        plan: &Plan,
        target: ChromaTarget,
    ) -> Result<View<'a, T>, ExportError> {
        let Size { width, height } = plan.size;
        let (width, height) = (width as usize, height as usize);
        let bits = view.bits;
        let across = Span { start: plan.left, length: plan.width, count: width, axis: Axis::Same };
        let down = Span { start: plan.top, length: plan.height, count: height, axis: Axis::Same };
        self.plane(0, &view.luma, &across, &down, bits)?;
        let chroma_spans = match &view.chroma {
            Some(chroma) => {
                let across = Span::new(chroma.across, target, plan.left, plan.width, width);
                let down = Span::new(chroma.down, target, plan.top, plan.height, height);
                for (index, plane) in chroma.planes.iter().enumerate() {
                    self.plane(index + 1, plane, &across, &down, bits)?;
                }
                Some((across, down))
            }
            None => None,
        };
        let [luma, cb, cr] = &self.planes;
        let packed = |samples: &'a Vec<T>, width, height| {
            PlaneView::packed(samples, width, height)
                .ok_or_else(|| ExportError::Picture("a scaled plane has no samples".to_owned()))
        };
        let luma = packed(luma, width, height)?;
        let chroma = match chroma_spans {
            Some((across, down)) => {
                let planes = [packed(cb, across.count, down.count)?, packed(cr, across.count, down.count)?];
                Some(Chroma { planes, across: across.axis, down: down.axis })
            }
            None => None,
        };
        Ok(View { luma, chroma, bits })
    }

    /// One plane into `self.planes[index]`.
    fn plane(
        &mut self,
        index: usize,
        plane: &PlaneView<'_, T>,
        across: &Span,
        down: &Span,
        bits: u8,
    ) -> Result<(), ExportError> {
        // Where the part reaches over the plane's edges, by half a chroma sample or by what an odd size adds, the
        // outermost samples are repeated.
        let margins = |span: &Span, size: usize| {
            let before = (-span.start).max(0.0).ceil() as usize;
            let after = (span.start + span.length - size as f64).max(0.0).ceil() as usize;
            (before, after)
        };
        let (left, right) = margins(across, plane.width);
        let (top, bottom) = margins(down, plane.height);
        let (width, height) = (left + plane.width + right, top + plane.height + bottom);
        let source: &[T] = match plane.tight() {
            Some(samples) if (width, height) == (plane.width, plane.height) => samples,
            _ => {
                self.packed.clear();
                for y in 0..height {
                    let line = plane.line(y.saturating_sub(top));
                    let (first, last) = (line[0], line[line.len() - 1]);
                    self.packed.extend(std::iter::repeat_n(first, left));
                    self.packed.extend_from_slice(line);
                    self.packed.extend(std::iter::repeat_n(last, right));
                }
                &self.packed
            }
        };
        // Rounding must not carry the part over the edge, which the resizer refuses.
        let part = |span: &Span, before: usize, size: usize| {
            let start = (span.start + before as f64).max(0.0);
            (start, span.length.min(size as f64 - start))
        };
        let (x, part_width) = part(across, left, width);
        let (y, part_height) = part(down, top, height);
        let out = &mut self.planes[index];
        out.resize(across.count * down.count, T::default());
        // One direction after the other, by two calls: when both are asked of the resizer at once, it takes the first
        // line's filter as the one that begins furthest up, which is false where zero weights were left out of it.
        let column = ResizeOptions::new().resize_alg(ALGORITHM).crop(0.0, y, width as f64, part_height);
        let row = ResizeOptions::new().resize_alg(ALGORITHM).crop(x, 0.0, part_width, down.count as f64);
        let resizer = &mut self.resizer;
        self.columns.resize(width * down.count, T::default());
        resize(resizer, source, (width, height), &mut self.columns, (width, down.count), &column)?;
        resize(resizer, &self.columns, (width, down.count), out, (across.count, down.count), &row)?;
        T::clip(out, bits);
        Ok(())
    }
}

/// Samples of one size into samples of another.
fn resize<T: Scaled>(
    resizer: &mut Resizer,
    source: &[T],
    source_size: (usize, usize),
    target: &mut [T],
    target_size: (usize, usize),
    options: &ResizeOptions,
) -> Result<(), ExportError> {
    let failed = |error: &dyn std::fmt::Display| ExportError::Picture(format!("scaling failed: {error}"));
    let source: TypedImageRef<'_, T::Pixel> =
        TypedImageRef::from_buffer(source_size.0 as u32, source_size.1 as u32, bytemuck::cast_slice(source))
            .map_err(|error| failed(&error))?;
    let mut target: TypedImage<'_, T::Pixel> =
        TypedImage::from_buffer(target_size.0 as u32, target_size.1 as u32, bytemuck::cast_slice_mut(target))
            .map_err(|error| failed(&error))?;
    resizer.resize_typed(&source, &mut target, options).map_err(|error| failed(&error))
}
