//! The wrapped decoder, one picture at a time.

use std::borrow::Cow;
use std::sync::Arc;

use kineframe_bitstream::h264::PictureStructure;
use kineframe_bitstream::h264::backend::{CodedPicture, CodedSlice, Decoded, Engine, EngineError};
use kineframe_bitstream::unescape;
use kineframe_codec::ChromaSampling;
use rust_h264::decoder::{Decoder, Frame};
use rust_h264::error::DecodeError;
use rust_h264::nal::{NalUnit, NalUnitType};

use crate::exact::{check_pps, check_sps};
use crate::planes::{Planes, has_hole};

pub(crate) struct RustEngine {
    decoder: Decoder,
    monochrome: bool,
    /// Something in the first field was missing.
    damaged_field: bool,
}

impl RustEngine {
    pub(crate) fn new() -> Self {
        RustEngine { decoder: Decoder::new(), monochrome: false, damaged_field: false }
    }

    fn decoded(&self, frame: Frame, damaged: bool) -> Decoded {
        let damaged = damaged || has_hole(&frame);
        Decoded { buffer: Arc::new(Planes::new(frame, self.monochrome)), damaged }
    }
}

fn unit(nal: &[u8]) -> NalUnit<'_> {
    let (header, payload) = nal.split_first().map_or((0, &[][..]), |(header, payload)| (*header, payload));
    // Only the zero bytes inside the unit matter to emulation prevention: the header byte is never one.
    let rbsp: Cow<'_, [u8]> = unescape(payload);
    NalUnit { nal_ref_idc: header >> 5 & 3, nal_unit_type: NalUnitType::from(header & 31), rbsp }
}

fn failed(error: DecodeError) -> EngineError {
    match error {
        DecodeError::Unsupported(what) => EngineError::Unsupported(what.to_owned()),
        DecodeError::UnexpectedEof => EngineError::Damaged("the picture ends early".to_owned()),
        DecodeError::InvalidSyntax(what) => EngineError::Damaged(what.to_owned()),
    }
}

impl Engine for RustEngine {
    fn parameter_set(&mut self, nal: &[u8]) -> Result<(), EngineError> {
        self.decoder.decode_nal(&unit(nal)).map(drop).map_err(failed)
    }

    fn picture(&mut self, packet: &[u8], picture: &CodedPicture) -> Result<Option<Decoded>, EngineError> {
        check_sps(&picture.sps.set).map_err(EngineError::Unsupported)?;
        for slice in &picture.slices {
            check_pps(&slice.pps.set, &picture.sps.set).map_err(EngineError::Unsupported)?;
        }
        // The deblocking filter takes the offsets of the first slice for the whole picture.
        let offsets = |slice: &CodedSlice| slice.pps.set.chroma_qp_offsets;
        if picture.slices.windows(2).any(|pair| pair.first().map(offsets) != pair.last().map(offsets)) {
            let what = "slices of a picture that differ in their chroma quantiser offsets";
            return Err(EngineError::Unsupported(what.to_owned()));
        }
        self.monochrome = picture.sps.set.chroma == ChromaSampling::Monochrome;
        let mut outcome = Ok(());
        let mut previous = None;
        for slice in &picture.slices {
            // It takes a slice that begins at macroblock 0 for a new picture and every other one for more of the
            // last, and hands out the last one as the next begins: flushed below, so nothing is left from before.
            if previous.is_some_and(|previous| previous >= slice.header.first_mb) {
                return Err(EngineError::Unsupported("slices in arbitrary order".to_owned()));
            }
            previous = Some(slice.header.first_mb);
            let nal = packet.get(slice.nal.clone()).unwrap_or_default();
            outcome = outcome.and(self.decoder.decode_nal(&unit(nal)).map(drop));
        }
        if picture.structure() != PictureStructure::Frame && !picture.second_field {
            self.damaged_field = outcome.is_err();
            return outcome.map(|()| None).map_err(failed);
        }
        let damaged = outcome.is_err() | std::mem::take(&mut self.damaged_field);
        match (self.decoder.flush(), outcome) {
            (Some(frame), _) if frame.height == picture.sps.set.coded_size().height => {
                Ok(Some(self.decoded(frame, damaged)))
            }
            (_, Err(error)) => Err(failed(error)),
            (_, Ok(())) => Err(EngineError::Damaged("nothing of the picture could be decoded".to_owned())),
        }
    }

    fn unpaired_field(&mut self) -> Result<Option<Decoded>, EngineError> {
        let Some(field) = self.decoder.flush() else { return Ok(None) };
        Ok(Some(self.decoded(doubled(field), true)))
    }
}

/// A frame out of one field: each line twice.
fn doubled(field: Frame) -> Frame {
    let twice = |plane: &[u8], line: usize| -> Vec<u8> {
        plane.chunks(line.max(1)).flat_map(|line| [line, line]).flatten().copied().collect()
    };
    let bytes = field.bytes_per_sample();
    let (luma, chroma) = (field.width as usize * bytes, field.chroma_width() as usize * bytes);
    Frame {
        height: field.height * 2,
        y: twice(&field.y, luma),
        u: twice(&field.u, chroma),
        v: twice(&field.v, chroma),
        ..field
    }
}
