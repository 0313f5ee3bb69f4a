//! What comes out of a decoder.

use std::fmt;
use std::sync::Arc;

use crate::plane::view;
use crate::{ColorSpace, OwnedPicture, PacketId, PictureError, PixelFormat, Plane, PlaneView, Rect};

/// A decoded picture, lent by the decoder for the length of a [`PictureSink`](crate::PictureSink) call.
///
/// Its fields are what the back end says; [`plane`](Self::plane) looks at the samples with every bound checked, so
/// that a back end's mistake is an error and never a panic of the caller.
///
/// ```
/// use kineframe_codec::{BitDepth, ChromaSampling, PacketId, Picture, PixelFormat, Plane, Rect, Samples};
///
/// // A picture of 3 columns and 2 lines, in planes that are 4 columns wide.
/// let (luma, chroma) = ([16, 17, 18, 0, 19, 20, 21, 0], [128, 129]);
/// let planes = [
///     Plane { samples: Samples::U8(&luma), stride: 4 },
///     Plane { samples: Samples::U8(&chroma), stride: 2 },
///     Plane { samples: Samples::U8(&chroma), stride: 2 },
/// ];
/// let format = PixelFormat { chroma: ChromaSampling::Yuv420, depth: BitDepth::EIGHT };
/// let visible = Rect { left: 0, top: 0, width: 3, height: 2 };
/// let picture = Picture::new(PacketId(7), visible, format, &planes)?;
///
/// let lines: Vec<&[u8]> = picture.plane(0)?.lines_u8().unwrap().collect();
/// assert_eq!(lines, [[16, 17, 18], [19, 20, 21]]);
/// let mut bytes = Vec::new();
/// picture.write_packed(&mut bytes)?;
/// assert_eq!(bytes, [16, 17, 18, 19, 20, 21, 128, 129, 128, 129]);
/// # Ok::<(), kineframe_codec::PictureError>(())
/// ```
#[derive(Clone, Copy)]
pub struct Picture<'a> {
    /// The packet that it came from.
    pub id: PacketId,
    /// What is to be shown of the planes.
    pub visible: Rect,
    /// The shape of the samples.
    pub format: PixelFormat,
    /// What the samples mean, as the stream says.
    pub color: ColorSpace,
    /// Built on missing or damaged references, or concealed: not what the encoder made.
    pub damaged: bool,
    /// One plane for monochrome, else three: Y, Cb, Cr.
    pub planes: &'a [Plane<'a>],
    /// How to get a counted handle, where the back end owns its pictures.
    pub shared: Option<&'a Arc<dyn PictureBuffer>>,
}

impl<'a> Picture<'a> {
    /// A sound picture of which only the shape is known: colour unspecified, not damaged, not shared. Set the
    /// fields to say more.
    ///
    /// # Errors
    /// Planes that do not hold the visible part.
    pub fn new(
        id: PacketId,
        visible: Rect,
        format: PixelFormat,
        planes: &'a [Plane<'a>],
    ) -> Result<Self, PictureError> {
        let picture =
            Picture { id, visible, format, color: ColorSpace::default(), damaged: false, planes, shared: None };
        picture.check()?;
        Ok(picture)
    }

    /// Whether the planes hold the visible part.
    ///
    /// # Errors
    /// The first thing that they lack.
    pub fn check(&self) -> Result<(), PictureError> {
        (0..self.format.chroma.planes()).try_for_each(|index| view(self, index).map(drop))
    }

    /// The visible part of a plane: 0 is Y, 1 Cb, 2 Cr.
    ///
    /// Chroma begins at `left` and `top` halved and rounded down, and has `width` and `height` halved and rounded
    /// up, in the directions in which it is subsampled.
    ///
    /// # Errors
    /// A plane that is not there or does not hold the visible part.
    pub fn plane(&self, index: usize) -> Result<PlaneView<'a>, PictureError> {
        view(self, index)
    }

    /// Appends the visible part to `out`, tightly packed: the planes one after the other, line by line, little
    /// endian where a sample has two bytes. The MD5 of these bytes is the one in FFmpeg's `framemd5`.
    ///
    /// # Errors
    /// Planes that do not hold the visible part; `out` is then as it was.
    pub fn write_packed(&self, out: &mut Vec<u8>) -> Result<(), PictureError> {
        self.check()?;
        (0..self.format.chroma.planes()).try_for_each(|index| {
            self.plane(index)?.write_packed(out);
            Ok(())
        })
    }

    /// A copy of the visible part.
    ///
    /// # Errors
    /// Planes that do not hold the visible part.
    pub fn to_owned(&self) -> Result<OwnedPicture, PictureError> {
        OwnedPicture::copy_of(self)
    }

    /// A counted handle at no copy where the back end owns its pictures; `None` where it only lends them.
    pub fn share(&self) -> Option<SharedPicture> {
        let buffer = self.shared?.clone();
        Some(SharedPicture {
            id: self.id,
            visible: self.visible,
            format: self.format,
            color: self.color,
            damaged: self.damaged,
            buffer,
        })
    }

    /// A handle that may be kept: counted where the back end owns its pictures, else a copy.
    ///
    /// # Errors
    /// Planes that do not hold the visible part, where they must be copied.
    pub fn share_or_copy(&self) -> Result<SharedPicture, PictureError> {
        match self.share() {
            Some(shared) => Ok(shared),
            None => Ok(self.to_owned()?.into_shared()),
        }
    }
}

impl fmt::Debug for Picture<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Picture")
            .field("id", &self.id)
            .field("visible", &self.visible)
            .field("format", &self.format)
            .field("color", &self.color)
            .field("damaged", &self.damaged)
            .finish_non_exhaustive()
    }
}

/// The planes of a picture that a back end can share.
pub trait PictureBuffer: Send + Sync {
    /// The planes: one for monochrome, else three.
    fn planes(&self) -> Vec<Plane<'_>>;
}

/// A picture that may be kept and sent to another thread.
#[derive(Clone)]
pub struct SharedPicture {
    id: PacketId,
    visible: Rect,
    format: PixelFormat,
    color: ColorSpace,
    damaged: bool,
    buffer: Arc<dyn PictureBuffer>,
}

impl SharedPicture {
    pub(crate) fn of_owned(picture: OwnedPicture) -> Self {
        SharedPicture {
            id: picture.id,
            visible: Rect::whole(picture.size()),
            format: picture.format(),
            color: picture.color,
            damaged: picture.damaged,
            buffer: Arc::new(picture),
        }
    }

    /// Lends the picture.
    pub fn with<R>(&self, f: impl FnOnce(Picture<'_>) -> R) -> R {
        let planes = self.buffer.planes();
        f(Picture {
            id: self.id,
            visible: self.visible,
            format: self.format,
            color: self.color,
            damaged: self.damaged,
            planes: &planes,
            shared: Some(&self.buffer),
        })
    }

    /// The packet that it came from.
    pub fn id(&self) -> PacketId {
        self.id
    }

    /// What is to be shown of the planes.
    pub fn visible(&self) -> Rect {
        self.visible
    }

    /// The shape of the samples.
    pub fn format(&self) -> PixelFormat {
        self.format
    }

    /// See [`Picture::damaged`].
    pub fn damaged(&self) -> bool {
        self.damaged
    }
}

impl fmt::Debug for SharedPicture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedPicture").field("id", &self.id).field("visible", &self.visible).finish_non_exhaustive()
    }
}
