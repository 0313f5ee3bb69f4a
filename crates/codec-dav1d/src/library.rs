//! dav1d by way of the `dav1d` crate.

use std::sync::Arc;

use bytes::Bytes;
use dav1d::{Decoder, Error, Picture, PixelLayout, PlanarImageComponent, Settings};
use kineframe_bitstream::frames::backend::{Decoded, EngineError};
use kineframe_codec::{
    BitDepth, ChromaSampling, DecodeOptions, PictureBuffer, PixelFormat, Plane, Rect, Samples, Size,
};

/// An open decoder that hands out every picture as soon as its packet is in.
pub(crate) struct Library(Decoder);

fn failed(error: Error) -> EngineError {
    match error {
        Error::NotEnoughMemory => EngineError::Internal("no memory for a picture".to_owned()),
        other => EngineError::Damaged(other.to_string()),
    }
}

impl Library {
    pub(crate) fn open(options: &DecodeOptions) -> Result<Self, EngineError> {
        let mut settings = Settings::new();
        // More threads than this do not help; the most that it takes is 256.
        settings.set_n_threads(options.threads.get().min(64) as u32);
        settings.set_max_frame_delay(1);
        settings.set_frame_size_limit(u32::try_from(options.limits.samples).unwrap_or(u32::MAX));
        settings.set_all_layers(false);
        settings.set_strict_std_compliance(options.check_slices);
        Decoder::with_settings(&settings).map(Library).map_err(failed)
    }

    pub(crate) fn decode(&mut self, packet: &Bytes, shown: &mut Vec<Decoded>) -> Result<(), EngineError> {
        if packet.is_empty() {
            return Ok(());
        }
        let mut given = self.0.send_data(packet.clone(), None, None, None);
        loop {
            if let Err(error) = given
                && !error.is_again()
            {
                return Err(failed(error));
            }
            let before = shown.len();
            loop {
                match self.0.get_picture() {
                    Ok(picture) => shown.push(decoded(picture)?),
                    Err(error) if error.is_again() => break,
                    Err(error) => {
                        // What is left of the packet would stand in the way of the next one.
                        while self.0.send_pending_data().is_err_and(|error| error.is_again()) {
                            if self.0.get_picture().is_err() {
                                break;
                            }
                        }
                        return Err(failed(error));
                    }
                }
            }
            if given.is_ok() {
                return Ok(());
            }
            given = self.0.send_pending_data();
            // Data that it does not take though no picture is in the way would never be taken.
            if given.is_err_and(|error| error.is_again()) && shown.len() == before {
                self.0.flush();
                return Err(EngineError::Damaged("the decoder does not take the packet".to_owned()));
            }
        }
    }
}

fn decoded(picture: Picture) -> Result<Decoded, EngineError> {
    let chroma = match picture.pixel_layout() {
        PixelLayout::I400 => ChromaSampling::Monochrome,
        PixelLayout::I420 => ChromaSampling::Yuv420,
        PixelLayout::I422 => ChromaSampling::Yuv422,
        PixelLayout::I444 => ChromaSampling::Yuv444,
    };
    let depth = u8::try_from(picture.bit_depth()).ok().and_then(BitDepth::new);
    let depth = depth.ok_or_else(|| EngineError::Damaged("a picture of no known depth".to_owned()))?;
    let size = Size { width: picture.width(), height: picture.height() };
    let components = [PlanarImageComponent::Y, PlanarImageComponent::U, PlanarImageComponent::V];
    let planes = components.into_iter().take(chroma.planes());
    let planes = planes.map(|component| (picture.plane(component), picture.stride(component) as usize)).collect();
    let buffer = Arc::new(Planes { planes, deep: depth != BitDepth::EIGHT });
    Ok(Decoded { visible: Rect::whole(size), format: PixelFormat { chroma, depth }, buffer, damaged: false })
}

/// A picture in the library's memory, counted: bytes, and how many of them a line has.
struct Planes {
    planes: Vec<(dav1d::Plane, usize)>,
    /// A sample has two bytes.
    deep: bool,
}

impl PictureBuffer for Planes {
    fn planes(&self) -> Vec<Plane<'_>> {
        self.planes
            .iter()
            .filter_map(|(bytes, stride)| {
                let bytes: &[u8] = bytes.as_ref();
                Some(if self.deep {
                    // The library aligns its planes, so that this always succeeds.
                    Plane { samples: Samples::U16(bytemuck::try_cast_slice(bytes).ok()?), stride: stride / 2 }
                } else {
                    Plane { samples: Samples::U8(bytes), stride: *stride }
                })
            })
            .collect()
    }
}
