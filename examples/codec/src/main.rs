//! A back end for a codec that the project has never heard of: grey pictures, each sent whole or as differences.

use bytes::Bytes;
use kineframe_codec::{
    BitDepth, ChromaSampling, Codec, CodecParameters, DecodeError, DecodeErrorKind, DecodeOptions, DecoderFactory,
    Decoders, Framing, Packet, PacketId, Picture, PictureSink, PixelFormat, Plane, Recovery, Rect, Samples, Size,
    Support, VideoDecoder,
};
use std::ops::ControlFlow;
use std::sync::Arc;

const NAME: &str = "delta";
const DELTA: Codec = Codec::new("delta");
const GREY: PixelFormat = PixelFormat { chroma: ChromaSampling::Monochrome, depth: BitDepth::EIGHT };

#[derive(Debug)]
struct DeltaFactory;

impl DecoderFactory for DeltaFactory {
    fn name(&self) -> &str {
        NAME
    }

    fn framing(&self) -> Framing {
        Framing::Either
    }

    fn supports(&self, params: &CodecParameters) -> Support {
        match (params.codec, params.size) {
            (DELTA, Some(_)) => Support::Exact,
            (DELTA, None) => Support::No("the size must be known".into()),
            (other, _) => Support::No(format!("{other} is not the delta codec")),
        }
    }

    fn open(&self, params: &CodecParameters, options: &DecodeOptions) -> Result<Box<dyn VideoDecoder>, DecodeError> {
        let size = params.size.ok_or_else(|| {
            DecodeError::new(NAME, DecodeErrorKind::Unsupported("the size must be known".into()), Recovery::Reopen)
        })?;
        options.limits.check_size(NAME, size)?;
        Ok(Box::new(DeltaDecoder { size, last: None }))
    }
}

/// The last picture is all the state there is.
struct DeltaDecoder {
    size: Size,
    last: Option<Vec<u8>>,
}

impl VideoDecoder for DeltaDecoder {
    fn decode(&mut self, packet: Packet, sink: &mut dyn PictureSink) -> Result<(), DecodeError> {
        let samples = self.size.width as usize * self.size.height as usize;
        if packet.data.len() != samples {
            let kind = DecodeErrorKind::Damaged(format!("{} bytes, not {samples}", packet.data.len()));
            return Err(DecodeError::new(NAME, kind, Recovery::NextRandomAccess));
        }
        // A difference without the picture that it belongs to is shown, but said to be damaged.
        let damaged = !packet.random_access && self.last.is_none();
        let picture: Vec<u8> = match self.last.take() {
            Some(last) if !packet.random_access => {
                last.iter().zip(&packet.data).map(|(sample, change)| sample.wrapping_add(*change)).collect()
            }
            _ => packet.data.to_vec(),
        };
        if packet.wanted {
            let planes = [Plane { samples: Samples::U8(&picture), stride: self.size.width as usize }];
            let mut shown = Picture::new(packet.id, Rect::whole(self.size), GREY, &planes).map_err(|error| {
                DecodeError::new(NAME, DecodeErrorKind::Internal(error.to_string()), Recovery::Reopen)
            })?;
            shown.damaged = damaged;
            // Nothing is held back, so there is nothing to stop when the sink has enough.
            let _ = sink.picture(shown);
        }
        self.last = Some(picture);
        Ok(())
    }

    fn flush(&mut self, _: &mut dyn PictureSink) -> Result<(), DecodeError> {
        Ok(())
    }

    fn reset(&mut self) -> Result<(), DecodeError> {
        self.last = None;
        Ok(())
    }
}

fn main() -> Result<(), DecodeError> {
    let decoders = Decoders(vec![Arc::new(DeltaFactory)]);
    let mut params = CodecParameters::new(DELTA);
    params.size = Some(Size { width: 4, height: 2 });
    let factory = decoders.choose(&params).expect("the only one in the list takes it");
    let mut decoder = factory.open(&params, &DecodeOptions::default())?;

    let mut means = Vec::new();
    let mut sink = |picture: Picture<'_>| {
        let mut samples = Vec::new();
        if picture.write_packed(&mut samples).is_ok() {
            means.push(samples.iter().map(|sample| u32::from(*sample)).sum::<u32>() / samples.len() as u32);
        }
        ControlFlow::Continue(())
    };
    for (id, value) in [100, 5, 5, 251].into_iter().enumerate() {
        let data = Bytes::from(vec![value; 8]);
        decoder.decode(Packet { id: PacketId(id as u64), data, random_access: id == 0, wanted: true }, &mut sink)?;
    }
    decoder.flush(&mut sink)?;
    println!("mean grey of each picture: {means:?}");
    assert_eq!(means, [100, 105, 110, 105]);
    Ok(())
}
