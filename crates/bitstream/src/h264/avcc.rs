//! `AVCDecoderConfigurationRecord`, the `CodecPrivate` of length-prefixed H.264 (ISO/IEC 14496-15 §5.3.3.1).

use bytes::{BufMut, Bytes, BytesMut};
use kineframe_codec::ChromaSampling;

use super::Sps;
use crate::{Error, ErrorKind};

/// An `avcC` record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AvcConfig {
    /// `AVCProfileIndication`.
    pub profile_idc: u8,
    /// `profile_compatibility`: the SPS's constraint flags.
    pub constraint_flags: u8,
    /// `AVCLevelIndication`.
    pub level_idc: u8,
    /// Bytes of a NAL unit's length, 1 to 4. (3 is not in the standard; there is but one way to read it.)
    pub length_size: u8,
    /// SPS NAL units, at most 31.
    pub sps: Vec<Bytes>,
    /// PPS NAL units, at most 255.
    pub pps: Vec<Bytes>,
    /// Whether the record ended before all of its parameter sets. Those before the cut stand.
    pub cut: bool,
}

impl AvcConfig {
    /// Reads a record; the parameter sets are slices of it. What follows the PPS (the high profiles' chroma
    /// format and depths, which the SPS has too) is not needed.
    ///
    /// # Errors
    /// Not version 1, or cut before the number of SPS. A record that is cut later is read as far as it goes.
    pub fn parse(record: &Bytes) -> Result<AvcConfig, Error> {
        let error = |field, byte: usize, kind| Error { unit: "avcC", field, bit: byte as u64 * 8, kind };
        let Some(&[version, profile_idc, constraint_flags, level_idc, lengths, count]) = record.first_chunk::<6>()
        else {
            return Err(error("AVCDecoderConfigurationRecord", record.len(), ErrorKind::Truncated));
        };
        if version != 1 {
            let kind = ErrorKind::Range { value: version.into(), min: 1, max: 1 };
            return Err(error("configurationVersion", 1, kind));
        }
        let mut rest = record.slice(6..);
        let (sps, sps_cut) = take_units(&mut rest, u16::from(count & 0x1f));
        let mut config = AvcConfig {
            profile_idc,
            constraint_flags,
            level_idc,
            length_size: (lengths & 3) + 1,
            sps,
            pps: Vec::new(),
            cut: true,
        };
        if let (false, Some(&count)) = (sps_cut, rest.first()) {
            rest = rest.slice(1..);
            (config.pps, config.cut) = take_units(&mut rest, count.into());
        }
        Ok(config)
    }

    /// A record with lengths of four bytes for these parameter sets.
    ///
    /// # Errors
    /// No SPS, more sets than the record can count, one that is too long or an SPS that cannot be read.
    pub fn new(sps: Vec<Bytes>, pps: Vec<Bytes>) -> Result<AvcConfig, Error> {
        let error = |field, value: usize, min, max| {
            let kind = ErrorKind::Range { value: value as i64, min, max };
            Error { unit: "avcC", field, bit: 0, kind }
        };
        let Some(first) = sps.first().filter(|_| sps.len() <= 31) else {
            return Err(error("numOfSequenceParameterSets", sps.len(), 1, 31));
        };
        if pps.len() > 255 {
            return Err(error("numOfPictureParameterSets", pps.len(), 0, 255));
        }
        if let Some(long) = sps.iter().chain(&pps).find(|unit| unit.len() > 0xffff) {
            return Err(error("parameterSetLength", long.len(), 0, 0xffff));
        }
        let Sps { profile_idc, constraint_flags, level_idc, .. } = Sps::parse(first)?;
        Ok(AvcConfig { profile_idc, constraint_flags, level_idc, length_size: 4, sps, pps, cut: false })
    }

    /// The record as bytes. Sets beyond what it can count, or longer than it can say, are left out.
    pub fn to_bytes(&self) -> Bytes {
        let sps: Vec<&Bytes> = self.sps.iter().filter(|unit| unit.len() <= 0xffff).take(31).collect();
        let pps: Vec<&Bytes> = self.pps.iter().filter(|unit| unit.len() <= 0xffff).take(255).collect();
        let mut out = BytesMut::new();
        out.put_slice(&[1, self.profile_idc, self.constraint_flags, self.level_idc]);
        out.put_u8(0xfc | (self.length_size.clamp(1, 4) - 1));
        out.put_u8(0xe0 | sps.len() as u8);
        put_units(&mut out, &sps);
        out.put_u8(pps.len() as u8);
        put_units(&mut out, &pps);
        // What every profile but these three adds.
        let first = sps.first().filter(|_| !matches!(self.profile_idc, 66 | 77 | 88));
        if let Some(sps) = first.and_then(|unit| Sps::parse(unit).ok()) {
            let chroma = match sps.chroma {
                ChromaSampling::Monochrome => 0,
                ChromaSampling::Yuv420 => 1,
                ChromaSampling::Yuv422 => 2,
                ChromaSampling::Yuv444 => 3,
            };
            out.put_slice(&[0xfc | chroma, 0xf8 | (sps.bit_depth_luma - 8), 0xf8 | (sps.bit_depth_chroma - 8), 0]);
        }
        out.freeze()
    }
}

/// Takes `count` units with lengths of two bytes; and whether the bytes ended before.
pub(crate) fn take_units(rest: &mut Bytes, count: u16) -> (Vec<Bytes>, bool) {
    let mut units = Vec::new();
    for _ in 0..count {
        let Some(&prefix) = rest.first_chunk::<2>() else { return (units, true) };
        let length = usize::from(u16::from_be_bytes(prefix));
        if rest.len() < 2 + length {
            return (units, true);
        }
        let unit = rest.slice(2..2 + length);
        *rest = rest.slice(2 + length..);
        if !unit.is_empty() {
            units.push(unit);
        }
    }
    (units, false)
}

fn put_units(out: &mut BytesMut, units: &[&Bytes]) {
    for unit in units {
        out.put_u16(unit.len() as u16); // The caller keeps them within 16 bits.
        out.put_slice(unit);
    }
}
