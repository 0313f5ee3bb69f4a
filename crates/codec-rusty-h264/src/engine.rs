//! The wrapped decoder, one picture at a time.

use std::sync::Arc;

use kineframe_bitstream::h264::backend::{CodedPicture, CodedSlice, Decoded, Engine, EngineError};
use kineframe_bitstream::h264::{OutputOrder, PictureStructure, SliceType};
use kineframe_codec::{PictureBuffer, Plane, Samples};
use rusty_h264_decoder::{DecodeError, Decoder};

use crate::exact::{check_pps, check_sps};

/// The planes of a picture, as the wrapped decoder gives them away: tightly packed, whole macroblocks.
struct Planes {
    width: usize,
    y: Vec<u8>,
    cb: Vec<u8>,
    cr: Vec<u8>,
}

impl PictureBuffer for Planes {
    fn planes(&self) -> Vec<Plane<'_>> {
        let plane = |samples, stride| Plane { samples: Samples::U8(samples), stride };
        vec![plane(&self.y, self.width), plane(&self.cb, self.width / 2), plane(&self.cr, self.width / 2)]
    }
}

/// Bytes per macroblock, over a picture, from which on uncompressed ones are likely. They have 384.
const PCM_SUSPECTED: usize = 160;

pub(crate) struct RustyEngine {
    decoder: Decoder,
    /// A NAL unit with its start code, where it cannot be taken from the packet as it lies.
    scratch: Vec<u8>,
    /// Since the last IDR picture there was something that the wrapped decoder's order counts or reference lists
    /// leave out, and that B pictures need.
    unfit_for_b: Option<&'static str>,
    /// Reference pictures since the last IDR picture, and the last of them in output order.
    references: u32,
    last_reference: Option<OutputOrder>,
}

impl RustyEngine {
    pub(crate) fn new() -> Self {
        RustyEngine {
            decoder: Decoder::new(),
            scratch: Vec::new(),
            unfit_for_b: None,
            references: 0,
            last_reference: None,
        }
    }

    /// Refuses what the wrapped decoder would decode wrongly without a word.
    fn screen(&mut self, picture: &CodedPicture) -> Result<(), EngineError> {
        let unsupported = |what: &str| Err(EngineError::Unsupported(what.to_owned()));
        check_sps(&picture.sps.set).map_err(EngineError::Unsupported)?;
        picture
            .slices
            .iter()
            .try_for_each(|slice| check_pps(&slice.pps.set, &picture.sps.set))
            .map_err(EngineError::Unsupported)?;
        if picture.structure() != PictureStructure::Frame {
            return unsupported("field pictures");
        }
        if picture.is_idr() {
            (self.unfit_for_b, self.references, self.last_reference) = (None, 0, None);
        }
        if picture.gap > 0 && picture.sps.set.gaps_in_frame_num_allowed {
            self.unfit_for_b = Some("B pictures after a gap in frame_num");
        }
        if picture.slices.iter().any(|slice| slice.header.drops_references) {
            self.unfit_for_b = Some("B pictures after memory management control operation 5");
        }
        // It carries out the operations of every slice, one after the other, where they are the same in all and are meant
        // once (§7.4.3.3). The others change nothing when they are repeated; this one takes the index from the picture
        // that was given it just before, and that picture is lost.
        if picture.slices.len() > 1 && picture.slices.iter().any(|slice| slice.tail.relabels) {
            return unsupported("an earlier picture made a long-term reference by a picture of several slices");
        }
        if picture.long_term {
            self.unfit_for_b = Some("B pictures with long-term references");
        }
        if picture.is_bipredictive() {
            if let Some(what) = self.unfit_for_b {
                return unsupported(what);
            }
            // The initial lists 0 and 1 are equal when all references lie on one side, and then list 1 begins with
            // its second entry (§8.2.4.2.3), also when it is cut to one entry. The wrapped decoder keeps the first.
            let one_sided = self.last_reference.is_none_or(|last| last < picture.order);
            let cut_to_one = |slice: &CodedSlice| {
                slice.header.slice_type == SliceType::B
                    && slice.tail.active[1] == 1
                    && !slice.tail.modifications.iter().any(|(list, _, _)| *list == 1)
            };
            if one_sided
                && self.references > 1
                && picture.sps.set.max_ref_frames > 1
                && picture.slices.iter().any(cut_to_one)
            {
                return unsupported("B pictures that refer to the past alone");
            }
        }
        // It deblocks uncompressed macroblocks (I_PCM) with the quantiser of their neighbours in place of 0 (§8.7.2.2).
        // Headers do not tell where those are; they have 384 bytes each, and quantisers at which an encoder resorts
        // to them fill a picture with bytes also elsewhere.
        let macroblocks = picture.sps.set.width_in_mbs as usize * picture.sps.set.height_in_mbs as usize;
        if picture.slices.iter().map(|slice| slice.nal.len()).sum::<usize>() > macroblocks * PCM_SUSPECTED {
            return unsupported("a picture large enough for uncompressed macroblocks");
        }
        if picture.is_reference() {
            self.references = self.references.saturating_add(1);
            self.last_reference = self.last_reference.max(Some(picture.order));
        }
        slices_agree(&picture.slices)
    }
}

/// Slices of a picture share one set of lists, one deblocking and one place in the wrapped decoder.
fn slices_agree(slices: &[CodedSlice]) -> Result<(), EngineError> {
    let unsupported = |what: &str| Err(EngineError::Unsupported(what.to_owned()));
    if slices.first().is_none_or(|slice| slice.header.first_mb != 0) {
        return Err(EngineError::Stuck("the first slice of the picture is missing or does not come first".to_owned()));
    }
    for pair in slices.windows(2) {
        let [one, other] = pair else { continue };
        if one.header.first_mb >= other.header.first_mb {
            return unsupported("slices in arbitrary order");
        }
        if one.pps != other.pps {
            return unsupported("slices of a picture with different picture parameter sets");
        }
        if one.tail.deblocking != other.tail.deblocking {
            return unsupported("slices of a picture that differ in deblocking");
        }
    }
    let mut predicted = slices.iter().filter(|slice| !slice.header.slice_type.is_intra());
    let Some(first) = predicted.next() else { return Ok(()) };
    for slice in predicted {
        if slice.header.slice_type != first.header.slice_type {
            return unsupported("P and B slices in one picture");
        }
        if (slice.tail.active, &slice.tail.modifications) != (first.tail.active, &first.tail.modifications) {
            return unsupported("slices of a picture that differ in their references");
        }
    }
    Ok(())
}

fn failed(error: DecodeError) -> EngineError {
    match error {
        DecodeError::Unsupported(what) => EngineError::Unsupported(what.to_owned()),
        DecodeError::Internal(what) => EngineError::Internal(what.to_owned()),
        // It keeps the unfinished picture, and its references with a hole in them: no way on from here.
        DecodeError::Truncated => EngineError::Stuck("the picture ends early or names a missing reference".to_owned()),
        DecodeError::MissingParameterSet => EngineError::Stuck("a parameter set is missing".to_owned()),
    }
}

impl Engine for RustyEngine {
    const IDR_FORGETS: bool = true;

    fn parameter_set(&mut self, nal: &[u8]) -> Result<(), EngineError> {
        self.scratch.clear();
        self.scratch.extend_from_slice(&[0, 0, 1]);
        self.scratch.extend_from_slice(nal);
        self.decoder.decode(&self.scratch).map(drop).map_err(failed)
    }

    fn picture(&mut self, packet: &[u8], picture: &CodedPicture) -> Result<Option<Decoded>, EngineError> {
        self.screen(picture)?;
        let mut frame = None;
        for slice in &picture.slices {
            // The NAL unit with the start code in front of it, as it lies.
            let behind = slice.nal.start.checked_sub(3).and_then(|start| packet.get(start..slice.nal.end));
            let unit = match behind {
                Some(unit) if unit.starts_with(&[0, 0, 1]) => unit,
                _ => {
                    self.scratch.clear();
                    self.scratch.extend_from_slice(&[0, 0, 1]);
                    self.scratch.extend_from_slice(packet.get(slice.nal.clone()).unwrap_or_default());
                    &self.scratch
                }
            };
            frame = self.decoder.decode(unit).map_err(failed)?;
        }
        let Some(frame) = frame else {
            return Err(EngineError::Stuck("slices of the picture are missing".to_owned()));
        };
        let planes = Planes { width: frame.width, y: frame.y, cb: frame.u, cr: frame.v };
        Ok(Some(Decoded { buffer: Arc::new(planes), damaged: false }))
    }
}
