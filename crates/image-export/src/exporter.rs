//! Pictures in, bytes of files out.

use kineframe_codec::{Picture, Size};

use crate::color::Colors;
use crate::formats::{self, Pixels};
use crate::geometry::Plan;
use crate::jfif::{Fixed, JfifBuffers, LineBuffers, jfif_planes};
use crate::jpeg::{BuiltinJpegEncoder, JpegEncoder, JpegPlane};
use crate::rgb::{RgbBuffers, gray, rgb};
use crate::scale::{ChromaTarget, ScaleBuffers, Scaled};
use crate::turn::TurnBuffers;
use crate::view::{AnyView, Axis, PlaneView, View, check_limits};
use crate::{Depth, ExportError, ExportOptions, ImageFormat, Rotation, SampleAspect};

/// Turns pictures into the bytes of files.
///
/// Make one per thread and keep it: its buffers stay from picture to picture, so that a run of pictures of one
/// size allocates nothing here (the PNG and WebP encoders have tables of their own). They are bounded by the
/// limits of the options: at most some 14 bytes for each sample of the larger of source and target.
pub struct Exporter {
    options: ExportOptions,
    jpeg: Box<dyn JpegEncoder>,
    eight: Lane<u8>,
    deep: Lane<u16>,
    shared: Shared,
}

/// Buffers for one type of samples.
struct Lane<T: Native> {
    turn: TurnBuffers<T>,
    work: Work<T>,
}

/// Those that are used once the picture stands as it is meant to.
struct Work<T: Native> {
    scale: ScaleBuffers<T>,
    rgb: RgbBuffers<T>,
    lines: LineBuffers<T>,
}

#[derive(Default)]
struct Shared {
    jfif: JfifBuffers,
    rgb8: Vec<u8>,
    rgb16: Vec<u16>,
}

/// A type of samples, with all that is done to it.
trait Native: Scaled + Fixed {
    /// A plane that a JPEG encoder can take as it is.
    fn lend<'a>(plane: &PlaneView<'a, Self>) -> Option<JpegPlane<'a>>;

    /// A line as raw bytes, little endian.
    fn write(line: &[Self], out: &mut Vec<u8>);
}

impl Native for u8 {
    fn lend<'a>(plane: &PlaneView<'a, u8>) -> Option<JpegPlane<'a>> {
        let (samples, stride) = plane.strided();
        Some(JpegPlane { samples, stride })
    }

    fn write(line: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(line);
    }
}

impl Native for u16 {
    fn lend<'a>(_: &PlaneView<'a, u16>) -> Option<JpegPlane<'a>> {
        None
    }

    fn write(line: &[u16], out: &mut Vec<u8>) {
        out.extend(line.iter().flat_map(|sample| sample.to_le_bytes()));
    }
}

impl<T: Native> Default for Lane<T> {
    fn default() -> Self {
        let work = Work { scale: ScaleBuffers::default(), rgb: RgbBuffers::default(), lines: LineBuffers::default() };
        Lane { turn: TurnBuffers::default(), work }
    }
}

impl std::fmt::Debug for Exporter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exporter")
            .field("options", &self.options)
            .field("jpeg", &self.jpeg.name())
            .finish_non_exhaustive()
    }
}

impl Exporter {
    /// An exporter with the built-in JPEG encoder.
    pub fn new(options: ExportOptions) -> Self {
        Self::with_jpeg_encoder(options, Box::new(BuiltinJpegEncoder::new()))
    }

    /// An exporter with another JPEG encoder.
    pub fn with_jpeg_encoder(options: ExportOptions, jpeg: Box<dyn JpegEncoder>) -> Self {
        Exporter { options, jpeg, eight: Lane::default(), deep: Lane::default(), shared: Shared::default() }
    }

    /// The options in force.
    pub fn options(&self) -> &ExportOptions {
        &self.options
    }

    /// Changes the sample aspect, which may differ from one parameter set of a stream to the next.
    pub fn set_sample_aspect(&mut self, aspect: Option<SampleAspect>) {
        self.options.sample_aspect = aspect;
    }

    /// Changes how far pictures are turned, which may differ from one track description to the next.
    pub fn set_rotation(&mut self, rotation: Rotation) {
        self.options.rotation = rotation;
    }

    /// Encodes a picture in the format of the options. `out` is cleared first and then holds the whole file.
    /// Returns the size of the file's picture.
    ///
    /// # Errors
    /// A picture that contradicts itself, a size beyond the limits or the format, a colour matrix without known
    /// coefficients, a failing encoder. `out` then holds nothing to be kept.
    pub fn encode(&mut self, picture: &Picture<'_>, out: &mut Vec<u8>) -> Result<Size, ExportError> {
        out.clear();
        let Exporter { options, jpeg, eight, deep, shared } = self;
        match AnyView::new(picture, options)? {
            AnyView::Eight(view) => eight.encode(&view, picture, options, jpeg.as_mut(), shared, out),
            AnyView::Deep(view) => deep.encode(&view, picture, options, jpeg.as_mut(), shared, out),
        }
    }

    /// A picture as an array, height × width × 3 R'G'B' of eight bits, scaled and converted as the options say;
    /// their format and depth are not looked at. Returns the array's size.
    ///
    /// # Errors
    /// As for [`encode`](Self::encode), but that nothing is encoded.
    pub fn rgb8(&mut self, picture: &Picture<'_>, out: &mut Vec<u8>) -> Result<Size, ExportError> {
        let Exporter { options, eight, deep, .. } = self;
        match AnyView::new(picture, options)? {
            AnyView::Eight(view) => eight.rgb(&view, picture, options, |view, colors, buffers| {
                rgb(view, colors, options.upsampling, buffers, out)
            }),
            AnyView::Deep(view) => deep.rgb(&view, picture, options, |view, colors, buffers| {
                rgb(view, colors, options.upsampling, buffers, out)
            }),
        }
    }

    /// The same in sixteen bits.
    ///
    /// # Errors
    /// As for [`rgb8`](Self::rgb8).
    pub fn rgb16(&mut self, picture: &Picture<'_>, out: &mut Vec<u16>) -> Result<Size, ExportError> {
        let Exporter { options, eight, deep, .. } = self;
        match AnyView::new(picture, options)? {
            AnyView::Eight(view) => eight.rgb(&view, picture, options, |view, colors, buffers| {
                rgb(view, colors, options.upsampling, buffers, out)
            }),
            AnyView::Deep(view) => deep.rgb(&view, picture, options, |view, colors, buffers| {
                rgb(view, colors, options.upsampling, buffers, out)
            }),
        }
    }
}

/// The plan for a view that was turned by `rotation`, within the limits.
fn plan<T>(view: &View<'_, T>, options: &ExportOptions, rotation: Rotation) -> Result<(Plan, bool), ExportError> {
    let source = Size { width: view.luma.width as u32, height: view.luma.height as u32 };
    let plan = Plan::new(options, source, rotation);
    check_limits(options, plan.size)?;
    Ok((plan, plan.is_copy(source)))
}

impl<T: Native> Lane<T> {
    /// Turns and scales where that is asked for, and hands the planes to `then`.
    fn rgb(
        &mut self,
        view: &View<'_, T>,
        picture: &Picture<'_>,
        options: &ExportOptions,
        then: impl FnOnce(&View<'_, T>, Colors, &mut RgbBuffers<T>),
    ) -> Result<Size, ExportError> {
        match options.rotation {
            Rotation::None => self.work.rgb(view, picture, options, Rotation::None, then),
            rotation => self.work.rgb(&self.turn.turn(view, rotation)?, picture, options, rotation, then),
        }
    }

    fn encode(
        &mut self,
        view: &View<'_, T>,
        picture: &Picture<'_>,
        options: &ExportOptions,
        jpeg: &mut dyn JpegEncoder,
        shared: &mut Shared,
        out: &mut Vec<u8>,
    ) -> Result<Size, ExportError> {
        let of = (picture, options);
        match options.rotation {
            rotation if rotation != Rotation::None && options.format != ImageFormat::Yuv => {
                self.work.encode(&self.turn.turn(view, rotation)?, of, rotation, jpeg, shared, out)
            }
            _ => self.work.encode(view, of, Rotation::None, jpeg, shared, out),
        }
    }
}

impl<T: Native> Work<T> {
    /// Scales where that is asked for, and hands the planes to `then`.
    fn rgb(
        &mut self,
        view: &View<'_, T>,
        picture: &Picture<'_>,
        options: &ExportOptions,
        rotation: Rotation,
        then: impl FnOnce(&View<'_, T>, Colors, &mut RgbBuffers<T>),
    ) -> Result<Size, ExportError> {
        let colors = Colors::resolve(picture, options)?;
        let (plan, copy) = plan(view, options, rotation)?;
        if copy {
            then(view, colors, &mut self.rgb);
        } else {
            let scaled = self.scale.scale(view, &plan, ChromaTarget::Full)?;
            then(&scaled, colors, &mut self.rgb);
        }
        Ok(plan.size)
    }

    fn encode(
        &mut self,
        view: &View<'_, T>,
        (picture, options): (&Picture<'_>, &ExportOptions),
        rotation: Rotation,
        jpeg: &mut dyn JpegEncoder,
        shared: &mut Shared,
        out: &mut Vec<u8>,
    ) -> Result<Size, ExportError> {
        let (plan, copy) = plan(view, options, rotation)?;
        let size = plan.size;
        let side = options.format.longest_side();
        if size.width > side || size.height > side {
            let format = options.format;
            return Err(ExportError::TooLargeForFormat { format, width: size.width, height: size.height, side });
        }
        let Shared { jfif, rgb8: samples8, rgb16: samples16 } = shared;
        let as_gray = view.chroma.is_none() && options.format == ImageFormat::Png;
        let upsampling = options.upsampling;
        match (options.format, options.depth) {
            (ImageFormat::Jpeg, _) => {
                let colors = Colors::resolve(picture, options)?;
                // JPEG pictures with chroma that is coarse in lines alone are read by few: it becomes as fine as luma.
                let tall = view
                    .chroma
                    .is_some_and(|chroma| chroma.across == Axis::Same && matches!(chroma.down, Axis::Half { .. }));
                let scaled;
                let view = if copy && !tall {
                    view
                } else {
                    let target = if tall { ChromaTarget::Full } else { ChromaTarget::Centered };
                    scaled = self.scale.scale(view, &plan, target)?;
                    &scaled
                };
                let planes = jfif_planes(view, colors, T::lend, jfif, &mut self.lines);
                jpeg.encode(&planes, options.quality, out)?;
            }
            (ImageFormat::Yuv, _) if copy => raw(view, out),
            (ImageFormat::Yuv, _) => raw(&self.scale.scale(view, &plan, ChromaTarget::Kept)?, out),
            (ImageFormat::Png | ImageFormat::Npy, Depth::Sixteen) => {
                self.rgb(view, picture, options, rotation, |view, colors, buffers| {
                    if as_gray {
                        gray(view, colors.full, samples16);
                    } else {
                        rgb(view, colors, upsampling, buffers, samples16);
                    }
                })?;
                if options.format == ImageFormat::Npy {
                    formats::npy(Pixels::Rgb16(samples16), size, out)?;
                } else {
                    let pixels = if as_gray { Pixels::Gray16(samples16) } else { Pixels::Rgb16(samples16) };
                    formats::png(pixels, size, out)?;
                }
            }
            (format, _) => {
                self.rgb(view, picture, options, rotation, |view, colors, buffers| {
                    if as_gray {
                        gray(view, colors.full, samples8);
                    } else {
                        rgb(view, colors, upsampling, buffers, samples8);
                    }
                })?;
                match format {
                    ImageFormat::Npy => formats::npy(Pixels::Rgb8(samples8), size, out)?,
                    ImageFormat::WebP => formats::webp(samples8, size, out)?,
                    _ if as_gray => formats::png(Pixels::Gray8(samples8), size, out)?,
                    _ => formats::png(Pixels::Rgb8(samples8), size, out)?,
                }
            }
        }
        Ok(size)
    }
}

/// The planes as they are, tightly packed.
fn raw<T: Native>(view: &View<'_, T>, out: &mut Vec<u8>) {
    for line in view.luma.lines() {
        T::write(line, out);
    }
    let Some(chroma) = &view.chroma else { return };
    // A crop that begins or ends within a pair leaves one chroma sample more than fits the size: as many as a
    // picture of this size has are written, from the first visible one on.
    let columns = chroma.across.chroma_count(view.luma.width);
    let lines = chroma.down.chroma_count(view.luma.height);
    for plane in &chroma.planes {
        for y in 0..lines {
            T::write(&plane.line(y)[..columns], out);
        }
    }
}
