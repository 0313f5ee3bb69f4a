//! A back end over zune-jpeg, a decoder of JPEG in Rust, held against the conformance kit.
//!
//! This is the worked example of "Add a codec back end in an afternoon" in `CONTRIBUTING.md`; the numbers are its steps.
//! zune-jpeg gives pixels, not planes: chroma comes as large as luma. So the back end says yes to images in which it is as
//! large already and to those that have none, and no to all others, with the reason.

use bytes::Bytes;
use kineframe_bitstream::frames::backend::{Decoded, Driver, Engine, EngineError};
use kineframe_bitstream::mjpeg::{self, Header};
use kineframe_codec::{
    BitDepth, ChromaSampling, Codec, CodecParameters, DecodeError, DecodeOptions, DecoderFactory, Framing, PictureBuffer,
    PixelFormat, Plane, Rect, Samples, Support, VideoDecoder,
};
use kineframe_codec_conformance::{Kit, assert_passes};
use std::sync::Arc;
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// Step 2: named after the decoder that it wraps.
const NAME: &str = "zune_jpeg";

/// Step 2: the factory. There is nothing to keep in it.
#[derive(Debug)]
struct Factory;

/// What the planes of an image are, where zune-jpeg can give them as they are coded.
fn shape(held: mjpeg::Planes) -> Result<ChromaSampling, String> {
    match held {
        mjpeg::Planes::Luma(chroma @ (ChromaSampling::Monochrome | ChromaSampling::Yuv444)) => Ok(chroma),
        mjpeg::Planes::Luma(other) => Err(format!("{other:?} chroma: zune-jpeg would enlarge it")),
        mjpeg::Planes::Rgb => Err("components that are R, G and B".to_owned()),
    }
}

impl DecoderFactory for Factory {
    fn name(&self) -> &str {
        NAME
    }

    fn description(&self) -> &str {
        "JPEG: 8 bits, 4:4:4 and grey"
    }

    // JPEG has no NAL units: whatever the stream has.
    fn framing(&self) -> Framing {
        Framing::Either
    }

    /// Begin narrow: yes only to what the kit has seen to be exact (JPEG: within 1).
    fn supports(&self, params: &CodecParameters) -> Support {
        match mjpeg::check_planes(params).and_then(shape) {
            Ok(_) => Support::Exact,
            Err(reason) => Support::No(reason),
        }
    }

    fn open(&self, params: &CodecParameters, options: &DecodeOptions) -> Result<Box<dyn VideoDecoder>, DecodeError> {
        // Steps 3 and 4: the driver refuses sizes beyond the limits before the engine sees a packet, ties pictures to
        // packets, and makes an error of a panic.
        Ok(Box::new(Driver::open(NAME, params, options, |_| Ok(Images))?))
    }
}

/// Step 3: the engine, which takes packets. Every image stands alone, so that nothing is kept.
struct Images;

impl Engine for Images {
    fn packet(&mut self, packet: &Bytes, shown: &mut Vec<Decoded>) -> Result<(), EngineError> {
        let header = Header::parse(packet).map_err(|error| EngineError::Damaged(error.to_string()))?;
        let chroma = header.planes().and_then(shape).map_err(EngineError::Unsupported)?;
        // Cameras leave the Huffman tables out.
        let image = mjpeg::with_huffman_tables(packet, &header);
        let wanted = if chroma == ChromaSampling::Monochrome { ColorSpace::Luma } else { ColorSpace::YCbCr };
        let options = DecoderOptions::default().jpeg_set_out_colorspace(wanted).set_strict_mode(true);
        let mut decoder = JpegDecoder::new_with_options(ZCursor::new(&image[..]), options);
        let pixels = decoder.decode().map_err(|error| match error {
            DecodeErrors::Unsupported(_) => EngineError::Unsupported(error.to_string()),
            _ => EngineError::Damaged(error.to_string()),
        })?;
        let size = header.size;
        let planes = chroma.planes();
        if pixels.len() != size.width as usize * size.height as usize * planes {
            return Err(EngineError::Damaged("an image of another size than its header says".to_owned()));
        }
        let planes = (0..planes).map(|plane| pixels.iter().skip(plane).step_by(planes).copied().collect());
        shown.push(Decoded {
            visible: Rect::whole(size),
            format: PixelFormat { chroma, depth: BitDepth::EIGHT },
            buffer: Arc::new(Planes { planes: planes.collect(), stride: size.width as usize }),
            damaged: !mjpeg::is_whole(&image),
        });
        Ok(())
    }
}

/// The planes of a picture, which may outlive the call that they are shown in.
struct Planes {
    planes: Vec<Vec<u8>>,
    stride: usize,
}

impl PictureBuffer for Planes {
    fn planes(&self) -> Vec<Plane<'_>> {
        let plane = |samples| Plane { samples: Samples::U8(samples), stride: self.stride };
        self.planes.iter().map(|samples| plane(samples.as_slice())).collect()
    }
}

/// Step 5: the kit. It prints its table and panics where the contract is broken.
fn main() {
    let report = assert_passes(&Factory, &Kit::inside().of(Codec::MJPEG));
    let exact: Vec<&str> =
        report.rows.iter().filter(|row| row.whole.is_exact()).map(|row| row.stream.as_str()).collect();
    let all = ["mjpeg_gen_444", "mjpeg_gen_grey_progressive", "mjpeg_gen_progressive_444", "mjpeg_gen_rgb_components"];
    assert_eq!(exact, all, "what is promised, and is inside");
}
