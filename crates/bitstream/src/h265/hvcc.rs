//! `HEVCDecoderConfigurationRecord`, the `CodecPrivate` of length-prefixed H.265 (ISO/IEC 14496-15 §8.3.3.1).

use bytes::{BufMut, Bytes, BytesMut};
use kineframe_codec::ChromaSampling;

use super::{NalHeader, NalType, ProfileTierLevel, Sps};
use crate::h264::take_units;
use crate::{Error, ErrorKind};

/// Bytes before the first array.
const HEAD: usize = 23;

/// An `hvcC` record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HevcConfig {
    /// Profile, tier and level.
    pub profile: ProfileTierLevel,
    /// `min_spatial_segmentation_idc` with its reserved bits, `parallelismType`, `chromaFormat`, `bitDepthLumaMinus8`,
    /// `bitDepthChromaMinus8`, `avgFrameRate` and what shares its bytes: kept as they were.
    pub format: [u8; 8],
    /// `numTemporalLayers` and `temporalIdNested`, as they were: the upper five bits of their byte.
    pub temporal: u8,
    /// Bytes of a NAL unit's length, 1 to 4. (3 is not in the standard; there is but one way to read it.)
    pub length_size: u8,
    /// NAL units, by type: VPS, SPS, PPS and SEI.
    pub arrays: Vec<NalArray>,
    /// Whether the record ended before all of its arrays. What came before the cut stands.
    pub cut: bool,
}

/// NAL units of one type in an [`HevcConfig`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NalArray {
    /// `array_completeness`: packets hold no units of this type.
    pub complete: bool,
    /// `NAL_unit_type`.
    pub kind: NalType,
    /// The units, without framing.
    pub units: Vec<Bytes>,
}

impl HevcConfig {
    /// Reads a record; the units are slices of it.
    ///
    /// # Errors
    /// Another version than 1 (or 0, which early muxers wrote), or cut before the number of arrays. A record that is
    /// cut later is read as far as it goes.
    pub fn parse(record: &Bytes) -> Result<HevcConfig, Error> {
        let error = |field, byte: usize, kind| Error { unit: "hvcC", field, bit: byte as u64 * 8, kind };
        let Some(head) = record.first_chunk::<HEAD>() else {
            return Err(error("HEVCDecoderConfigurationRecord", record.len(), ErrorKind::Truncated));
        };
        let &[version, general, c0, c1, c2, c3, k0, k1, k2, k3, k4, k5, level_idc, ref format @ .., temporal, count] =
            head;
        if version > 1 {
            let kind = ErrorKind::Range { value: version.into(), min: 0, max: 1 };
            return Err(error("configurationVersion", 1, kind));
        }
        let mut config = HevcConfig {
            profile: ProfileTierLevel {
                profile_space: general >> 6,
                high_tier: general & 0x20 != 0,
                profile_idc: general & 0x1f,
                compatibility: u32::from_be_bytes([c0, c1, c2, c3]),
                constraints: u64::from_be_bytes([0, 0, k0, k1, k2, k3, k4, k5]),
                level_idc,
            },
            format: *format,
            temporal: temporal >> 3,
            length_size: (temporal & 3) + 1,
            arrays: Vec::new(),
            cut: false,
        };
        let mut rest = record.slice(HEAD..);
        for _ in 0..count {
            let Some(&[kind, high, low]) = rest.first_chunk::<3>() else {
                config.cut = true;
                break;
            };
            rest = rest.slice(3..);
            let (units, cut) = take_units(&mut rest, u16::from_be_bytes([high, low]));
            config.arrays.push(NalArray { complete: kind & 0x80 != 0, kind: NalType(kind & 0x3f), units });
            if cut {
                config.cut = true;
                break;
            }
        }
        Ok(config)
    }

    /// A record with lengths of four bytes for these parameter sets, in any order; other units are left out.
    ///
    /// # Errors
    /// No SPS, one that cannot be read, a unit of more than 65,535 bytes, or more than 65,535 units of a type.
    pub fn new(units: impl IntoIterator<Item = Bytes>) -> Result<HevcConfig, Error> {
        let error = |field, value: usize, max: i64| {
            let kind = ErrorKind::Range { value: value as i64, min: 1, max };
            Error { unit: "hvcC", field, bit: 0, kind }
        };
        let mut arrays =
            [NalType::VPS, NalType::SPS, NalType::PPS].map(|kind| NalArray { complete: true, kind, units: Vec::new() });
        for unit in units {
            if unit.len() > 0xffff {
                return Err(error("nalUnitLength", unit.len(), 0xffff));
            }
            let kind = NalHeader::base_kind(&unit);
            if let Some(array) = arrays.iter_mut().find(|array| Some(array.kind) == kind) {
                array.units.push(unit);
            }
        }
        if let Some(array) = arrays.iter().find(|array| array.units.len() > 0xffff) {
            return Err(error("numNalus", array.units.len(), 0xffff));
        }
        let Some(first) = arrays[1].units.first() else { return Err(error("numNalus", 0, 0xffff)) };
        let sps = Sps::parse(first)?;
        let chroma = match sps.chroma {
            ChromaSampling::Monochrome => 0,
            ChromaSampling::Yuv420 => 1,
            ChromaSampling::Yuv422 => 2,
            ChromaSampling::Yuv444 => 3,
        };
        // No word on segmentation, parallelism and frame rate.
        let format =
            [0xf0, 0, 0xfc, 0xfc | chroma, 0xf8 | (sps.bit_depth_luma - 8), 0xf8 | (sps.bit_depth_chroma - 8), 0, 0];
        Ok(HevcConfig {
            profile: sps.profile,
            format,
            temporal: sps.max_sub_layers << 1,
            length_size: 4,
            arrays: arrays.into_iter().filter(|array| !array.units.is_empty()).collect(),
            cut: false,
        })
    }

    /// The record as bytes. What it cannot count, or is longer than it can say, is left out.
    pub fn to_bytes(&self) -> Bytes {
        let mut out = BytesMut::new();
        let profile = self.profile;
        out.put_u8(1);
        out.put_u8(profile.profile_space << 6 | u8::from(profile.high_tier) << 5 | profile.profile_idc & 0x1f);
        out.put_u32(profile.compatibility);
        let [_, _, constraints @ ..] = profile.constraints.to_be_bytes();
        out.put_slice(&constraints);
        out.put_u8(profile.level_idc);
        out.put_slice(&self.format);
        out.put_u8(self.temporal << 3 | (self.length_size.clamp(1, 4) - 1));
        out.put_u8(self.arrays.len().min(255) as u8);
        for array in self.arrays.iter().take(255) {
            let units = || array.units.iter().filter(|unit| unit.len() <= 0xffff).take(0xffff);
            out.put_u8(u8::from(array.complete) << 7 | array.kind.0 & 0x3f);
            out.put_u16(units().count() as u16);
            for unit in units() {
                out.put_u16(unit.len() as u16);
                out.put_slice(unit);
            }
        }
        out.freeze()
    }

    /// All units, array by array.
    pub fn units(&self) -> impl Iterator<Item = &Bytes> {
        self.arrays.iter().flat_map(|array| &array.units)
    }
}
