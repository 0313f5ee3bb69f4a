//! A copy of a picture that owns its samples.

use crate::{
    ColorSpace, PacketId, Picture, PictureBuffer, PictureError, PixelFormat, Plane, Rect, Samples, SharedPicture, Size,
};

/// A copy of a picture's visible part, tightly packed.
///
/// Shape and samples belong together and are private, so that the planes that it lends always hold the picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnedPicture {
    /// The packet that it came from.
    pub id: PacketId,
    /// What the samples mean.
    pub color: ColorSpace,
    /// See [`Picture::damaged`].
    pub damaged: bool,
    size: Size,
    format: PixelFormat,
    samples: OwnedSamples,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum OwnedSamples {
    U8(Vec<u8>),
    U16(Vec<u16>),
}

impl OwnedPicture {
    pub(crate) fn copy_of(picture: &Picture<'_>) -> Result<Self, PictureError> {
        picture.check()?;
        let mut views = Vec::with_capacity(3);
        for index in 0..picture.format.chroma.planes() {
            views.push(picture.plane(index)?);
        }
        // Bounded by the planes that are there: the views lie inside of them.
        let total = views.iter().map(|view| view.width() * view.height()).sum();
        let samples = if picture.format.depth.bits() == 8 {
            let mut all = Vec::with_capacity(total);
            views.iter().filter_map(|view| view.lines_u8()).flatten().for_each(|line| all.extend_from_slice(line));
            OwnedSamples::U8(all)
        } else {
            let mut all = Vec::with_capacity(total);
            views.iter().filter_map(|view| view.lines_u16()).flatten().for_each(|line| all.extend_from_slice(line));
            OwnedSamples::U16(all)
        };
        Ok(OwnedPicture {
            id: picture.id,
            color: picture.color,
            damaged: picture.damaged,
            size: picture.visible.size(),
            format: picture.format,
            samples,
        })
    }

    /// Its size: all of it is visible.
    pub fn size(&self) -> Size {
        self.size
    }

    /// The shape of the samples.
    pub fn format(&self) -> PixelFormat {
        self.format
    }

    /// All samples, the planes one after the other, tightly packed.
    pub fn samples(&self) -> Samples<'_> {
        match &self.samples {
            OwnedSamples::U8(samples) => Samples::U8(samples),
            OwnedSamples::U16(samples) => Samples::U16(samples),
        }
    }

    /// The samples as bytes, little endian where a sample has two: what [`Picture::write_packed`] gives.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.samples().len() * if self.format.depth.bits() == 8 { 1 } else { 2 });
        self.samples().write_le(&mut bytes);
        bytes
    }

    /// Columns and lines of a plane: 0 is Y, 1 Cb, 2 Cr.
    pub fn plane_size(&self, index: usize) -> Option<Size> {
        if index >= self.format.chroma.planes() {
            return None;
        }
        let (across, down) = self.format.chroma.shifts().filter(|_| index > 0).unwrap_or((0, 0));
        Some(Size { width: self.size.width.div_ceil(1 << across), height: self.size.height.div_ceil(1 << down) })
    }

    /// Lends it as a picture.
    pub fn with<R>(&self, f: impl FnOnce(Picture<'_>) -> R) -> R {
        let planes = self.planes();
        f(Picture {
            id: self.id,
            visible: Rect::whole(self.size),
            format: self.format,
            color: self.color,
            damaged: self.damaged,
            planes: &planes,
            shared: None,
        })
    }

    /// A counted handle, at no copy.
    pub fn into_shared(self) -> SharedPicture {
        SharedPicture::of_owned(self)
    }
}

impl PictureBuffer for OwnedPicture {
    fn planes(&self) -> Vec<Plane<'_>> {
        let mut start = 0;
        let sizes = (0..self.format.chroma.planes()).filter_map(|index| self.plane_size(index));
        sizes
            .filter_map(|size| {
                let stride = size.width as usize;
                let end = start + stride * size.height as usize;
                let samples = self.samples().get(start, end)?;
                start = end;
                Some(Plane { samples, stride })
            })
            .collect()
    }
}
