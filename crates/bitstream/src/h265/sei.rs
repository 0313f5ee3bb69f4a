//! Supplemental enhancement information (H.265 §7.3.5, annex D).

use crate::BitReader;
use crate::h264::for_each_message;

/// A recovery point SEI message (§D.3.8): decoding may start here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RecoveryPoint {
    /// `recovery_poc_cnt`: pictures are right in output order from the order count on that is this much higher.
    pub poc: i32,
    /// `exact_match_flag`: right means equal and not only near.
    pub exact: bool,
    /// `broken_link_flag`: pictures that precede this one in output order may be bad even without a start here.
    pub broken_link: bool,
}

/// The recovery point in a prefix SEI NAL unit, if there is one.
pub fn recovery_point(nal: &[u8]) -> Option<RecoveryPoint> {
    let mut found = None;
    for_each_message(nal, 2, |kind, payload| {
        if kind == 6 {
            found = read_recovery_point(payload);
        }
        found.is_none()
    });
    found
}

fn read_recovery_point(payload: &[u8]) -> Option<RecoveryPoint> {
    // Emulation prevention bytes are gone already.
    let mut bits = BitReader::plain("recovery point SEI", payload);
    let poc = bits.se("recovery_poc_cnt").ok()?;
    // Half of the low bits of an order count is the most.
    let poc = bits.within("recovery_poc_cnt", poc, -0x8000, 0x7fff).ok()?;
    let exact = bits.flag("exact_match_flag").ok()?;
    let broken_link = bits.flag("broken_link_flag").ok()?;
    Some(RecoveryPoint { poc, exact, broken_link })
}
