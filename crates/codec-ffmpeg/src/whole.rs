//! AV1, VP8, VP9 and Motion JPEG: packets that are whole frames, and pictures that come out at once.

use std::ffi::CStr;
use std::sync::Arc;

use bytes::Bytes;
use kineframe_bitstream::frames::backend::{Decoded, Engine, EngineError};
use kineframe_bitstream::mjpeg::{self, Header};
use kineframe_codec::{Codec, DecodeOptions};

use crate::decoder_of;
use crate::library::{Library, Settings};

pub(crate) struct Whole {
    library: Library,
    codec: Codec,
}

impl Whole {
    pub(crate) fn av1(options: &DecodeOptions) -> Result<Self, EngineError> {
        Self::open(Codec::AV1, options)
    }

    pub(crate) fn vp8(options: &DecodeOptions) -> Result<Self, EngineError> {
        Self::open(Codec::VP8, options)
    }

    pub(crate) fn vp9(options: &DecodeOptions) -> Result<Self, EngineError> {
        Self::open(Codec::VP9, options)
    }

    pub(crate) fn mjpeg(options: &DecodeOptions) -> Result<Self, EngineError> {
        Self::open(Codec::MJPEG, options)
    }

    fn open(codec: Codec, options: &DecodeOptions) -> Result<Self, EngineError> {
        let name: &CStr = decoder_of(codec).map_err(EngineError::Unsupported)?;
        let settings =
            Settings { threads: options.threads, low_delay: true, cut: true, samples: options.limits.samples };
        Ok(Whole { library: Library::open(name, &settings)?, codec })
    }
}

impl Engine for Whole {
    fn parameter_set(&mut self, unit: &Bytes) -> Result<(), EngineError> {
        // The sequence header of AV1. What VP9 has here is for `supports` alone, and JPEG has its own in each image.
        if self.codec == Codec::AV1 { self.packet(unit, &mut Vec::new()) } else { Ok(()) }
    }

    fn packet(&mut self, packet: &Bytes, shown: &mut Vec<Decoded>) -> Result<(), EngineError> {
        // FFmpeg shows what there is of an image that ends early.
        let whole = self.codec != Codec::MJPEG || {
            let header = Header::parse(packet).map_err(|error| EngineError::Damaged(error.to_string()))?;
            mjpeg::is_whole(&mjpeg::with_huffman_tables(packet, &header))
        };
        let mut frames = Vec::new();
        let result = self.library.send(&[packet], 0, false, &mut frames);
        shown.extend(frames.into_iter().map(|frame| Decoded {
            visible: frame.visible,
            format: frame.format,
            damaged: frame.concealed || !whole,
            buffer: Arc::new(frame),
        }));
        result
    }
}
