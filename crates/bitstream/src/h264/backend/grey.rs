//! Grey pictures for a stream that begins where pictures refer to others that are not there.
//!
//! Cameras that refresh a picture column by column send no IDR picture: decoding begins at a recovery point (§D.2.8), the
//! pictures from there to `recovery_frame_cnt` later refer to what came before, and by then nothing of that is left. Decoders
//! that conceal nothing refuse the first and so all. Of whatever the references are made, the pictures from the recovery
//! point on are the same, so grey ones are made here: an IDR picture, and as many more as the stream keeps, numbered up to
//! the first real one.
//!
//! They are coded as CAVLC with a PPS of their own: each macroblock predicts the mean of its neighbours, which without any
//! is grey, and has no residual (§8.3.3, §8.3.4).

use bytes::{BufMut, Bytes, BytesMut};
use kineframe_codec::ChromaSampling;

use super::{CodedPicture, CodedSlice};
use crate::backend::Stored;
use crate::escape;
use crate::h264::{OutputOrder, ParameterSets, PictureStructure, PocType, SliceHeader, SliceTail, Sps};

/// The number of the PPS: the last, which streams hardly use.
const PPS_ID: u8 = 255;

/// A parameter set, and pictures with what they lie in.
#[derive(Debug)]
pub(super) struct Grey {
    /// The PPS, without framing.
    pub(super) pps: Bytes,
    /// In decoding order, each in a packet of its own.
    pub(super) pictures: Vec<(Bytes, CodedPicture)>,
}

impl Grey {
    /// What `first`, the first picture that a decoder gets, can refer to. `None` where it need not or where that is not
    /// served: interlaced streams, and the chroma of 4:4:4, which is coded in another way.
    pub(super) fn before(first: &CodedPicture) -> Option<Grey> {
        let sps = &first.sps.set;
        let predicts = first.slices.iter().any(|slice| !slice.header.slice_type.is_intra());
        let served = sps.frame_mbs_only && sps.chroma != ChromaSampling::Yuv444 && !sps.separate_planes;
        let taken = first.slices.iter().any(|slice| slice.pps.set.id == PPS_ID);
        if first.is_idr() || !predicts || !served || taken || first.structure() != PictureStructure::Frame {
            return None;
        }
        let pps = pps(sps.id);
        let mut sets = ParameterSets::default();
        sets.insert(&first.sps.nal).ok()?;
        sets.insert(&pps).ok()?;
        let header = &first.slices.first()?.header;
        let count = u32::from(sps.max_ref_frames.clamp(1, 16));
        let pictures = (1..=count).rev().map(|back| {
            let nal = picture(sps, header, back, back == count);
            let mut packet = BytesMut::from(&[0, 0, 1][..]);
            packet.put_slice(&nal);
            let (header, tail) = SliceTail::parse(&nal, &sets).ok()?;
            let pps = Stored { set: sets.pps(PPS_ID)?.clone(), nal: pps.clone() };
            let coded = CodedPicture {
                sps: first.sps.clone(),
                slices: vec![CodedSlice { header, tail, pps, nal: 3..packet.len() }],
                order: OutputOrder { count: first.order.count - 2 * i64::from(back), ..first.order },
                second_field: false,
                damaged: true,
                gap: 0,
                long_term: false,
            };
            Some((packet.freeze(), coded))
        });
        Some(Grey { pictures: pictures.collect::<Option<_>>()?, pps: pps.clone() })
    }
}

/// A PPS (§7.3.2.2) that asks for nothing: CAVLC, one slice group, no weights.
fn pps(sps_id: u8) -> Bytes {
    let mut bits = Bits::default();
    bits.put(8, 0x68);
    bits.ue(PPS_ID.into());
    bits.ue(sps_id.into());
    // No CABAC, no second order count, one slice group, one reference in each list, no weights.
    bits.put(2, 0);
    bits.ue(0);
    bits.ue(0);
    bits.ue(0);
    bits.put(3, 0);
    // Three quantisers, then: deblocking can be turned off, intra macroblocks are not constrained, no redundant pictures.
    for _ in 0..3 {
        bits.ue(0);
    }
    bits.put(3, 0b100);
    bits.nal()
}

/// The slice of a grey reference picture (§7.3.3), so many frames in front of the picture with this header.
fn picture(sps: &Sps, first: &SliceHeader, back: u32, idr: bool) -> Bytes {
    let before = |value: u16, back: u32, bits: u8| u32::from(value).wrapping_sub(back) & ((1 << bits.min(16)) - 1);
    let mut bits = Bits::default();
    bits.put(8, if idr { 0x65 } else { 0x61 });
    // The first macroblock; all slices are intra.
    bits.ue(0);
    bits.ue(7);
    bits.ue(PPS_ID.into());
    // That of an IDR picture must be 0, but then frames would be missing up to the next one.
    bits.put(sps.frame_num_bits, before(first.frame_num, back, sps.frame_num_bits));
    if idr {
        bits.ue(0);
    }
    match sps.poc {
        PocType::Lsb { bits: count } => bits.put(count, before(first.poc_lsb, 2 * back, count)),
        PocType::Cycle { delta_always_zero: false, .. } => bits.ue(0),
        PocType::Cycle { .. } | PocType::DecodingOrder => {}
    }
    // Of an IDR picture: output of others, long-term reference. Of another: memory management commands. None of it.
    bits.put(if idr { 2 } else { 1 }, 0);
    // No change of the quantiser, no deblocking.
    bits.ue(0);
    bits.ue(1);
    let color = sps.chroma != ChromaSampling::Monochrome;
    for _ in 0..u64::from(sps.width_in_mbs) * u64::from(sps.height_in_mbs) {
        // I_16x16_2_0_0, DC prediction of chroma, no change of the quantiser, no coefficients.
        bits.ue(3);
        bits.put(if color { 3 } else { 2 }, 0b111);
    }
    bits.nal()
}

/// A NAL unit that is written bit by bit.
#[derive(Debug, Default)]
struct Bits {
    bytes: Vec<u8>,
    /// Bits that do not fill a byte yet, and how many.
    open: u64,
    count: u8,
}

impl Bits {
    /// The lowest `count` bits, at most 32, of a value.
    fn put(&mut self, count: u8, value: u32) {
        self.open = self.open << count | u64::from(value) & ((1 << count) - 1);
        self.count += count;
        while self.count >= 8 {
            self.count -= 8;
            self.bytes.push((self.open >> self.count & 0xff) as u8);
        }
    }

    /// An Exp-Golomb code (§9.1) of a value below 2¹⁵.
    fn ue(&mut self, value: u32) {
        let length = 32 - (value + 1).leading_zeros();
        self.put((2 * length - 1) as u8, value + 1);
    }

    /// With the stop bit, and escaped.
    fn nal(mut self) -> Bytes {
        self.put(1, 1);
        self.put((8 - self.count) % 8, 0);
        escape(&self.bytes).into()
    }
}
