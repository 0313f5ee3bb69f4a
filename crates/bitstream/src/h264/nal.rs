//! NAL unit headers (H.264 §7.3.1, table 7-1).

/// `nal_unit_type`, 0 to 31.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NalType(pub u8);

impl NalType {
    /// A slice of a picture that is not an IDR picture.
    pub const SLICE: NalType = NalType(1);
    /// Data partition A: headers and motion.
    pub const PARTITION_A: NalType = NalType(2);
    /// Data partition B: intra residual.
    pub const PARTITION_B: NalType = NalType(3);
    /// Data partition C: inter residual.
    pub const PARTITION_C: NalType = NalType(4);
    /// A slice of an IDR picture.
    pub const IDR: NalType = NalType(5);
    /// Supplemental enhancement information.
    pub const SEI: NalType = NalType(6);
    /// Sequence parameter set.
    pub const SPS: NalType = NalType(7);
    /// Picture parameter set.
    pub const PPS: NalType = NalType(8);
    /// Access unit delimiter.
    pub const AUD: NalType = NalType(9);
    /// End of sequence: the next picture is an IDR picture.
    pub const END_OF_SEQUENCE: NalType = NalType(10);
    /// End of stream.
    pub const END_OF_STREAM: NalType = NalType(11);
    /// Filler.
    pub const FILLER: NalType = NalType(12);
    /// Sequence parameter set extension.
    pub const SPS_EXTENSION: NalType = NalType(13);
    /// Prefix for scalable and multiview coding.
    pub const PREFIX: NalType = NalType(14);
    /// Subset sequence parameter set.
    pub const SUBSET_SPS: NalType = NalType(15);
    /// A slice of an auxiliary picture.
    pub const AUXILIARY_SLICE: NalType = NalType(19);
    /// A slice of another layer or view.
    pub const EXTENSION_SLICE: NalType = NalType(20);

    /// Whether it begins a slice of the primary or a redundant picture: types 1, 2 and 5.
    pub fn begins_slice(self) -> bool {
        matches!(self, Self::SLICE | Self::PARTITION_A | Self::IDR)
    }

    /// Whether it may only stand before a picture's first slice, so that one after a slice begins the next access
    /// unit (§7.4.1.2.3).
    pub fn begins_access_unit(self) -> bool {
        matches!(self, Self::SEI | Self::SPS | Self::PPS | Self::AUD) || (14..=18).contains(&self.0)
    }
}

/// The first byte of a NAL unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct NalHeader {
    /// `forbidden_zero_bit`: set by damage only.
    pub forbidden: bool,
    /// `nal_ref_idc`, 0 to 3: 0 where no other picture needs this one.
    pub ref_idc: u8,
    /// `nal_unit_type`.
    pub kind: NalType,
}

impl NalHeader {
    /// Takes the byte apart.
    pub fn from_byte(byte: u8) -> NalHeader {
        NalHeader { forbidden: byte & 0x80 != 0, ref_idc: byte >> 5 & 3, kind: NalType(byte & 0x1f) }
    }

    /// The header of a NAL unit; `None` for an empty one.
    pub fn of(nal: &[u8]) -> Option<NalHeader> {
        nal.first().map(|byte| Self::from_byte(*byte))
    }
}
