//! NAL unit headers (H.265 §7.3.1.2, table 7-1).

/// `nal_unit_type`, 0 to 63.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NalType(pub u8);

impl NalType {
    /// A slice segment of a trailing picture that no picture of its sub-layer refers to.
    pub const TRAIL_N: NalType = NalType(0);
    /// A slice segment of a trailing picture.
    pub const TRAIL_R: NalType = NalType(1);
    /// Of a leading picture that can be decoded after a start at its random access point, not referred to.
    pub const RADL_N: NalType = NalType(6);
    /// Of a leading picture that can be decoded after a start at its random access point.
    pub const RADL_R: NalType = NalType(7);
    /// Of a leading picture that refers past its random access point, not referred to.
    pub const RASL_N: NalType = NalType(8);
    /// Of a leading picture that refers past its random access point.
    pub const RASL_R: NalType = NalType(9);
    /// A broken link that may have leading pictures of both kinds.
    pub const BLA_W_LP: NalType = NalType(16);
    /// A broken link without leading pictures.
    pub const BLA_N_LP: NalType = NalType(18);
    /// An IDR picture that may have leading pictures.
    pub const IDR_W_RADL: NalType = NalType(19);
    /// An IDR picture without leading pictures.
    pub const IDR_N_LP: NalType = NalType(20);
    /// Clean random access.
    pub const CRA: NalType = NalType(21);
    /// Video parameter set.
    pub const VPS: NalType = NalType(32);
    /// Sequence parameter set.
    pub const SPS: NalType = NalType(33);
    /// Picture parameter set.
    pub const PPS: NalType = NalType(34);
    /// Access unit delimiter.
    pub const AUD: NalType = NalType(35);
    /// End of sequence: the next picture begins a coded video sequence.
    pub const END_OF_SEQUENCE: NalType = NalType(36);
    /// End of bitstream.
    pub const END_OF_BITSTREAM: NalType = NalType(37);
    /// Filler.
    pub const FILLER: NalType = NalType(38);
    /// Supplemental enhancement information that stands before the slices.
    pub const PREFIX_SEI: NalType = NalType(39);
    /// Supplemental enhancement information that stands after the slices.
    pub const SUFFIX_SEI: NalType = NalType(40);

    /// A slice segment of a kind that is defined. Reserved kinds are to be ignored (§7.4.2.2).
    pub fn is_slice(self) -> bool {
        matches!(self.0, 0..=9 | 16..=21)
    }

    /// VPS, SPS or PPS.
    pub fn is_parameter_set(self) -> bool {
        matches!(self, Self::VPS | Self::SPS | Self::PPS)
    }

    /// Intra random access point: BLA, IDR, CRA, and the two that are reserved for more of them.
    pub fn is_irap(self) -> bool {
        (16..=23).contains(&self.0)
    }

    /// IDR of either kind.
    pub fn is_idr(self) -> bool {
        matches!(self, Self::IDR_W_RADL | Self::IDR_N_LP)
    }

    /// Broken link access of any kind.
    pub fn is_bla(self) -> bool {
        (Self::BLA_W_LP..=Self::BLA_N_LP).contains(&self)
    }

    /// A leading picture that cannot be decoded after a start at its random access point.
    pub fn is_rasl(self) -> bool {
        matches!(self, Self::RASL_N | Self::RASL_R)
    }

    /// A leading picture that can be decoded after a start at its random access point.
    pub fn is_radl(self) -> bool {
        matches!(self, Self::RADL_N | Self::RADL_R)
    }

    /// Sub-layer non-reference: no later picture of the same sub-layer refers to it, though one of a higher sub-layer
    /// may.
    pub fn is_sub_layer_non_reference(self) -> bool {
        self.0 < 16 && self.0.is_multiple_of(2)
    }

    /// Whether one after a slice begins the next access unit (§7.4.2.4.4).
    pub fn begins_access_unit(self) -> bool {
        matches!(self.0, 32..=35 | 39 | 41..=44 | 48..=55)
    }
}

/// The first two bytes of a NAL unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct NalHeader {
    /// `forbidden_zero_bit`: set by damage only.
    pub forbidden: bool,
    /// `nal_unit_type`.
    pub kind: NalType,
    /// `nuh_layer_id`: above 0 in the layers of scalable and multiview extensions.
    pub layer_id: u8,
    /// `TemporalId`, 0 to 6.
    pub temporal_id: u8,
}

impl NalHeader {
    /// Takes the bytes apart. Bytes whose `nuh_temporal_id_plus1` is 0, which is forbidden, count as forbidden.
    pub fn from_bytes([first, second]: [u8; 2]) -> NalHeader {
        NalHeader {
            forbidden: first & 0x80 != 0 || second & 7 == 0,
            kind: NalType(first >> 1 & 0x3f),
            layer_id: (first & 1) << 5 | second >> 3,
            temporal_id: (second & 7).saturating_sub(1),
        }
    }

    /// The header of a NAL unit; `None` for one of less than two bytes.
    pub fn of(nal: &[u8]) -> Option<NalHeader> {
        nal.first_chunk::<2>().map(|bytes| Self::from_bytes(*bytes))
    }

    /// The kind of a sound unit of the base layer; `None` for all others, which a decoder of one layer ignores.
    pub fn base_kind(nal: &[u8]) -> Option<NalType> {
        Self::of(nal).filter(|header| !header.forbidden && header.layer_id == 0).map(|header| header.kind)
    }
}
