//! Supplemental enhancement information (H.264 §7.3.2.3, annex D).

use crate::{BitReader, unescape};

/// A recovery point SEI message (§D.2.8): decoding may start here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RecoveryPoint {
    /// `recovery_frame_cnt`: from the frame whose `frame_num` is this much higher on, pictures are right in
    /// output order. 0 where this picture already is.
    pub frames: u16,
    /// `exact_match_flag`: right means equal and not only near.
    pub exact: bool,
    /// `broken_link_flag`: pictures that precede this one in output order may be bad even without a start here.
    pub broken_link: bool,
}

/// Calls `f` with type and payload of each message of a SEI NAL unit, until `f` says stop by `false`. A message
/// that reaches beyond the unit ends the walk.
pub fn for_each_sei(nal: &[u8], f: impl FnMut(u32, &[u8]) -> bool) {
    for_each_message(nal, 1, f);
}

/// As [`for_each_sei`], behind a NAL header of any length: H.265 has the same messages behind two bytes.
pub(crate) fn for_each_message(nal: &[u8], header: usize, mut f: impl FnMut(u32, &[u8]) -> bool) {
    let rbsp = unescape(nal);
    let mut rest = rbsp.get(header..).unwrap_or_default();
    // `more_rbsp_data()`: the unit ends with a byte of 0x80.
    while rest.len() > 1 {
        let Some(kind) = take_ff_coded(&mut rest) else { return };
        let Some(size) = take_ff_coded(&mut rest) else { return };
        let Some((payload, after)) = rest.split_at_checked(size as usize) else { return };
        if !f(kind, payload) {
            return;
        }
        rest = after;
    }
}

/// The recovery point in a SEI NAL unit, if there is one.
pub fn recovery_point(nal: &[u8]) -> Option<RecoveryPoint> {
    let mut found = None;
    for_each_sei(nal, |kind, payload| {
        if kind == 6 {
            found = read_recovery_point(payload);
        }
        found.is_none()
    });
    found
}

fn read_recovery_point(payload: &[u8]) -> Option<RecoveryPoint> {
    let mut bits = BitReader::new("recovery point SEI", payload);
    // `frame_num` has 16 bits at most.
    let frames = bits.ue_max("recovery_frame_cnt", 65_535).ok()? as u16;
    let exact = bits.flag("exact_match_flag").ok()?;
    let broken_link = bits.flag("broken_link_flag").ok()?;
    Some(RecoveryPoint { frames, exact, broken_link })
}

/// A number as bytes of 255 and a last byte below it. Bounded by 32 bits.
fn take_ff_coded(rest: &mut &[u8]) -> Option<u32> {
    let mut value = 0_u32;
    loop {
        let (&byte, after) = rest.split_first()?;
        *rest = after;
        value = value.checked_add(byte.into())?;
        if byte != 255 {
            return Some(value);
        }
    }
}
