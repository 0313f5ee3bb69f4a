//! Picture order count: from decoding order to output order (H.264 §8.2.1).

use super::{OutputOrder, PictureStructure, PocType, SliceHeader, Sps};

/// Computes the order count of pictures that come in decoding order; by default before the first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PictureOrder {
    epoch: u64,
    /// Of the previous reference picture, for type 0.
    prev_msb: i64,
    prev_lsb: i64,
    /// Of the previous picture, for types 1 and 2.
    prev_frame_num: i64,
    prev_offset: i64,
}

impl PictureOrder {
    /// The order of the next picture, by the header of any of its slices. Both fields of a frame are pictures:
    /// the frame's count is the lesser of the two.
    pub fn next(&mut self, sps: &Sps, slice: &SliceHeader) -> OutputOrder {
        if slice.is_idr() {
            *self = PictureOrder { epoch: self.epoch + 1, ..Default::default() };
        }
        let (top, bottom) = match &sps.poc {
            PocType::Lsb { bits } => self.by_lsb(*bits, slice),
            PocType::Cycle { offset_for_non_ref, offset_top_to_bottom, offsets, .. } => {
                let offset = self.frame_num_offset(sps, slice);
                let expected = expected_delta(offset, slice, i64::from(*offset_for_non_ref), offsets);
                let [first, second] = slice.delta_poc.map(i64::from);
                let to_bottom = i64::from(*offset_top_to_bottom);
                match slice.structure {
                    PictureStructure::Frame => (expected + first, expected + first + to_bottom + second),
                    PictureStructure::TopField => (expected + first, i64::MAX),
                    PictureStructure::BottomField => (i64::MAX, expected + to_bottom + first),
                }
            }
            PocType::DecodingOrder => {
                let twice = 2 * (self.frame_num_offset(sps, slice) + i64::from(slice.frame_num));
                let count = if slice.nal.ref_idc == 0 { twice - 1 } else { twice };
                (count, count)
            }
        };
        let mut count = top.min(bottom);
        if slice.drops_references {
            // §8.2.1: the picture itself counts as the first of a new sequence, its own count becomes 0, and what
            // follows builds on that.
            let top_after = if slice.structure == PictureStructure::BottomField { 0 } else { top - count };
            *self = PictureOrder { epoch: self.epoch + 1, prev_lsb: top_after, ..Default::default() };
            count = 0;
        }
        OutputOrder { epoch: self.epoch, count }
    }

    /// Type 0 (§8.2.1.1).
    fn by_lsb(&mut self, bits: u8, slice: &SliceHeader) -> (i64, i64) {
        let max = 1_i64 << bits;
        let lsb = i64::from(slice.poc_lsb);
        let msb = if lsb < self.prev_lsb && self.prev_lsb - lsb >= max / 2 {
            self.prev_msb + max
        } else if lsb > self.prev_lsb && lsb - self.prev_lsb > max / 2 {
            self.prev_msb - max
        } else {
            self.prev_msb
        };
        if slice.nal.ref_idc != 0 {
            (self.prev_msb, self.prev_lsb) = (msb, lsb);
        }
        match slice.structure {
            PictureStructure::Frame => (msb + lsb, msb + lsb + i64::from(slice.delta_poc_bottom)),
            PictureStructure::TopField => (msb + lsb, i64::MAX),
            PictureStructure::BottomField => (i64::MAX, msb + lsb),
        }
    }

    /// `FrameNumOffset` of types 1 and 2.
    fn frame_num_offset(&mut self, sps: &Sps, slice: &SliceHeader) -> i64 {
        let frame_num = i64::from(slice.frame_num);
        if self.prev_frame_num > frame_num {
            self.prev_offset += 1 << sps.frame_num_bits;
        }
        self.prev_frame_num = frame_num;
        self.prev_offset
    }
}

/// `expectedPicOrderCnt` of type 1 (§8.2.1.2).
fn expected_delta(offset: i64, slice: &SliceHeader, for_non_ref: i64, offsets: &[i32]) -> i64 {
    let non_ref = slice.nal.ref_idc == 0;
    let cycle = offsets.len() as i64;
    let mut number = if cycle == 0 { 0 } else { offset + i64::from(slice.frame_num) };
    if non_ref && number > 0 {
        number -= 1;
    }
    let mut expected = 0;
    if number > 0 {
        let per_cycle: i64 = offsets.iter().map(|offset| i64::from(*offset)).sum();
        let (cycles, place) = ((number - 1) / cycle, (number - 1) % cycle);
        // The number of cycles grows by one with a packet at most, so the product stays far within 64 bits.
        expected = cycles * per_cycle;
        expected += offsets.iter().take(place as usize + 1).map(|offset| i64::from(*offset)).sum::<i64>();
    }
    expected + if non_ref { for_non_ref } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::h264::{NalHeader, SliceType};

    fn sps(poc: PocType) -> Sps {
        let mut sps = Sps::parse(&[0x67, 66, 0xc0, 10, 0xf8, 0x41, 0xa2]).unwrap();
        sps.poc = poc;
        sps.frame_num_bits = 4;
        sps
    }

    fn slice(kind: u8, ref_idc: u8, frame_num: u16, poc_lsb: u16) -> SliceHeader {
        SliceHeader {
            nal: NalHeader::from_byte(ref_idc << 5 | kind),
            first_mb: 0,
            slice_type: SliceType::P,
            pps_id: 0,
            sps_id: 0,
            frame_num,
            structure: PictureStructure::Frame,
            idr_pic_id: (kind == 5).then_some(0),
            poc_lsb,
            delta_poc_bottom: 0,
            delta_poc: [0; 2],
            redundant: 0,
            drops_references: false,
        }
    }

    #[test]
    fn written_low_bits_wrap_both_ways() {
        let sps = sps(PocType::Lsb { bits: 4 });
        let mut order = PictureOrder::default();
        let mut count = |kind, ref_idc, lsb| order.next(&sps, &slice(kind, ref_idc, 0, lsb)).count;
        assert_eq!(count(5, 1, 0), 0);
        assert_eq!(count(1, 1, 8), 8);
        assert_eq!(count(1, 0, 4), 4);
        assert_eq!(count(1, 1, 0), 16); // Up across the wrap.
        assert_eq!(count(1, 0, 12), 12); // Down across it, and not a reference.
        assert_eq!(count(1, 1, 8), 24);
        assert_eq!(count(5, 1, 0), 0);
    }

    #[test]
    fn the_cycle_is_that_of_the_specification() {
        // Offsets 2 and 4: the n-th reference frame is at the sum of n offsets, a non-reference frame one before.
        let poc = PocType::Cycle {
            delta_always_zero: true,
            offset_for_non_ref: -1,
            offset_top_to_bottom: 1,
            offsets: vec![2, 4],
        };
        let sps = sps(poc);
        let mut order = PictureOrder::default();
        let mut count = |kind, ref_idc, frame_num| order.next(&sps, &slice(kind, ref_idc, frame_num, 0)).count;
        assert_eq!(count(5, 1, 0), 0);
        assert_eq!(count(1, 1, 1), 2);
        assert_eq!(count(1, 1, 2), 6);
        assert_eq!(count(1, 0, 3), 5); // As if frame 2, less one.
        assert_eq!(count(1, 1, 3), 8);
        assert_eq!(count(1, 1, 15), 44); // 7 cycles of 6 and one offset of 2.
        assert_eq!(count(1, 1, 0), 48); // frame_num wrapped: frame 16.
    }

    #[test]
    fn decoding_order_is_twice_the_frame_number() {
        let sps = sps(PocType::DecodingOrder);
        let mut order = PictureOrder::default();
        let mut count = |kind, ref_idc, frame_num| order.next(&sps, &slice(kind, ref_idc, frame_num, 0)).count;
        assert_eq!((count(5, 1, 0), count(1, 0, 1), count(1, 1, 1), count(1, 1, 0)), (0, 1, 2, 32));
    }

    #[test]
    fn operation_5_begins_a_new_count() {
        let sps = sps(PocType::Lsb { bits: 8 });
        let mut order = PictureOrder::default();
        let first = order.next(&sps, &slice(5, 1, 0, 0));
        let before = order.next(&sps, &slice(1, 1, 1, 100));
        let dropping = SliceHeader { drops_references: true, ..slice(1, 1, 2, 60) };
        let at = order.next(&sps, &dropping);
        let after = order.next(&sps, &slice(1, 1, 1, 4));
        assert!(first < before && before < at && at < after, "{first:?} {before:?} {at:?} {after:?}");
        assert_eq!((at.count, after.count), (0, 4));
    }
}
