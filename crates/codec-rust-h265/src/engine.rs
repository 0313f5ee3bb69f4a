//! The wrapped decoder, one picture at a time.

use std::sync::Arc;

use kineframe_bitstream::h265::backend::{CodedPicture, Decoded, Engine, EngineError};
use kineframe_codec::{PictureBuffer, Plane, Samples};
use rust_h265::{DecodeError, Decoder, Frame, NalUnit, NalUnitType, PixelData, parse_nal};

use crate::exact::{check_slice, check_sps};

pub(crate) struct RustEngine {
    decoder: Decoder,
}

impl RustEngine {
    pub(crate) fn new() -> Self {
        // Sizes have passed the limits before it sees them; its own would only be others.
        let limits = rust_h265::DecodeLimits { max_picture_pixels: u64::MAX, max_picture_memory_bytes: u64::MAX };
        RustEngine { decoder: Decoder::with_limits(limits) }
    }
}

fn unit(nal: &[u8]) -> Result<NalUnit<'_>, EngineError> {
    parse_nal(nal).ok_or_else(|| EngineError::Damaged("a NAL unit with a forbidden header".to_owned()))
}

fn failed(error: DecodeError) -> EngineError {
    match error {
        DecodeError::Unsupported(what) | DecodeError::ResourceLimit(what) => EngineError::Unsupported(what.to_owned()),
        other => EngineError::Damaged(other.to_string()),
    }
}

impl Engine for RustEngine {
    fn parameter_set(&mut self, nal: &[u8]) -> Result<(), EngineError> {
        self.decoder.decode_nal(&unit(nal)?).map(drop).map_err(failed)
    }

    fn end_of_sequence(&mut self) {
        // Two bytes that every decoder knows: nothing of a picture is pending.
        if let Some(unit) = parse_nal(&[36 << 1, 1]) {
            debug_assert_eq!(unit.nal_unit_type, NalUnitType::Eos);
            let _ = self.decoder.decode_nal(&unit);
        }
    }

    fn picture(&mut self, packet: &[u8], picture: &CodedPicture) -> Result<Option<Decoded>, EngineError> {
        check_sps(&picture.sps.set).map_err(EngineError::Unsupported)?;
        check_slice(&picture.header).map_err(EngineError::Unsupported)?;
        let mut outcome = Ok(());
        let mut frame = None;
        for range in &picture.segments {
            let nal = packet.get(range.clone()).unwrap_or_default();
            match self.decoder.decode_nal(&unit(nal)?) {
                Ok(done) => frame = frame.or(done),
                Err(error) => outcome = outcome.and(Err(failed(error))),
            }
        }
        // It hands a picture out as the next one begins, or here: nothing is left from before.
        while let Some(done) = self.decoder.flush() {
            frame = Some(done);
        }
        let damaged = outcome.is_err();
        match (frame, outcome) {
            (_, Err(error @ EngineError::Unsupported(_))) => Err(error),
            (Some(frame), _) if i64::from(frame.pic_order_cnt) == picture.order.count => {
                Ok(Some(Decoded { buffer: Arc::new(Planes(frame)), damaged }))
            }
            (None, Ok(())) if !picture.header.output => Ok(None),
            (_, Err(error)) => Err(error),
            (_, Ok(())) => Err(EngineError::Damaged("nothing of the picture could be decoded".to_owned())),
        }
    }
}

/// The planes of a picture, as the wrapped decoder gives them away: tightly packed, cut to the conformance window.
struct Planes(Frame);

impl PictureBuffer for Planes {
    fn planes(&self) -> Vec<Plane<'_>> {
        let width = self.0.width as usize;
        let chroma = if self.0.chroma_format_idc == 3 { width } else { width / 2 };
        vec![plane(&self.0.y, width), plane(&self.0.u, chroma), plane(&self.0.v, chroma)]
    }
}

fn plane(data: &PixelData, stride: usize) -> Plane<'_> {
    let samples = match data {
        PixelData::U8(samples) => Samples::U8(samples),
        PixelData::U16(samples) => Samples::U16(samples),
    };
    Plane { samples, stride }
}
