//! The beginning of a frame header (§5.9.2): what is shown, which references it uses, and which it becomes.

use kineframe_codec::Size;

use super::SequenceHeader;
use crate::frames::CodedFrame;
use crate::{BitReader, Error};

/// Where the frame stands among layers.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Layer {
    pub temporal_id: u8,
    pub spatial_id: u8,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum FrameType {
    Key,
    Inter,
    IntraOnly,
    Switch,
}

/// What is known of the eight reference slots.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Slots {
    /// Slots that hold a key frame.
    pub keys: u8,
}

/// Reads a frame header.
pub(super) fn parse(
    payload: &[u8],
    sequence: &SequenceHeader,
    layer: Layer,
    slots: &mut Slots,
) -> Result<CodedFrame, Error> {
    let mut bits = BitReader::plain("frame header", payload);
    if sequence.reduced_still_picture {
        return Ok(CodedFrame { clean: true, refreshes: 0xff, ..CodedFrame::shown(sequence.max_size) });
    }
    if bits.flag("show_existing_frame")? {
        let slot = bits.byte(3, "frame_to_show_map_idx")?;
        let key = slots.keys >> slot & 1 == 1;
        if key {
            slots.keys = 0xff;
        }
        // A key frame that is shown later becomes every reference (§7.21).
        let refreshes = if key { 0xff } else { 0 };
        return Ok(CodedFrame { shows: Some(slot), refreshes, ..CodedFrame::shown(sequence.max_size) });
    }
    let kind = match bits.bits(2, "frame_type")? {
        0 => FrameType::Key,
        1 => FrameType::Inter,
        2 => FrameType::IntraOnly,
        _ => FrameType::Switch,
    };
    let shown = bits.flag("show_frame")?;
    if shown {
        if let (Some(model), false) = (sequence.decoder_model, sequence.equal_picture_interval) {
            bits.bits(model.presentation_time_bits, "frame_presentation_time")?;
        }
    } else {
        bits.flag("showable_frame")?;
    }
    let shown_key = kind == FrameType::Key && shown;
    let resilient = kind == FrameType::Switch || shown_key || bits.flag("error_resilient_mode")?;
    bits.flag("disable_cdf_update")?;
    let screen_content = match sequence.force_screen_content_tools {
        Some(forced) => forced,
        None => bits.flag("allow_screen_content_tools")?,
    };
    if screen_content && sequence.force_integer_mv.is_none() {
        bits.flag("force_integer_mv")?;
    }
    if let Some(lengths) = sequence.frame_id_bits {
        bits.bits(lengths.id, "current_frame_id")?;
    }
    let own_size = kind == FrameType::Switch || bits.flag("frame_size_override_flag")?;
    bits.bits(sequence.order_hint_bits, "order_hint")?;
    let intra = matches!(kind, FrameType::Key | FrameType::IntraOnly);
    if !intra && !resilient {
        bits.bits(3, "primary_ref_frame")?;
    }
    removal_times(&mut bits, sequence, layer)?;
    let all = kind == FrameType::Switch || shown_key;
    let refreshes = if all { 0xff } else { bits.byte(8, "refresh_frame_flags")? };
    if (!intra || refreshes != 0xff) && resilient && sequence.order_hint_bits > 0 {
        for _ in 0..8 {
            bits.bits(sequence.order_hint_bits, "ref_order_hint")?;
        }
    }
    let (mut size, mut uses) = (sequence.max_size, 0);
    if intra {
        if own_size {
            size = Size {
                width: bits.bits(sequence.width_bits, "frame_width_minus_1")? + 1,
                height: bits.bits(sequence.height_bits, "frame_height_minus_1")? + 1,
            };
        }
    } else {
        uses = references(&mut bits, sequence)?;
    }
    slots.keys &= !refreshes;
    if kind == FrameType::Key {
        slots.keys |= refreshes;
    }
    Ok(CodedFrame { shown, clean: shown_key, size: Some(size), uses, refreshes, state: false, shows: None })
}

/// `buffer_removal_time`, for the operating points that this layer is of.
fn removal_times(bits: &mut BitReader<'_>, sequence: &SequenceHeader, layer: Layer) -> Result<(), Error> {
    let Some(model) = sequence.decoder_model else { return Ok(()) };
    if !bits.flag("buffer_removal_time_present_flag")? {
        return Ok(());
    }
    for point in sequence.points.iter().filter(|point| point.decoder_model) {
        let in_temporal = point.idc >> layer.temporal_id & 1 == 1;
        let in_spatial = point.idc >> (layer.spatial_id + 8) & 1 == 1;
        if point.idc == 0 || (in_temporal && in_spatial) {
            bits.bits(model.removal_time_bits, "buffer_removal_time")?;
        }
    }
    Ok(())
}

/// The slots that an inter frame may predict from.
fn references(bits: &mut BitReader<'_>, sequence: &SequenceHeader) -> Result<u8, Error> {
    // Which ones a short form means depends on order hints of the past; any of them, then.
    if sequence.order_hint_bits > 0 && bits.flag("frame_refs_short_signaling")? {
        return Ok(0xff);
    }
    let mut uses = 0;
    for _ in 0..7 {
        uses |= 1 << bits.bits(3, "ref_frame_idx")?;
        if let Some(lengths) = sequence.frame_id_bits {
            bits.bits(lengths.delta, "delta_frame_id_minus_1")?;
        }
    }
    Ok(uses)
}
