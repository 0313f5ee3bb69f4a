//! The header of a WAV file; beyond 4 GiB that of RF64 (EBU Tech 3306), for which room is kept from the start.

use crate::format::{Coding, PcmFormat};

/// `WAVE_FORMAT_PCM`, `WAVE_FORMAT_IEEE_FLOAT`, `WAVE_FORMAT_EXTENSIBLE`.
const PCM: u16 = 1;
const FLOAT: u16 = 3;
const EXTENSIBLE: u16 = 0xfffe;
/// Data of the chunk that becomes `ds64`: three 64-bit sizes and the length of a table without entries.
const DS64: u32 = 28;
/// A size that is told elsewhere, or not known yet.
const ELSEWHERE: u32 = u32::MAX;
/// `SubFormat` behind its first two bytes.
const GUID: [u8; 14] = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71];
/// Loudspeakers of 1 to 8 channels (`KSAUDIO_SPEAKER_…`).
const SPEAKERS: [u32; 8] = [0x4, 0x3, 0x7, 0x33, 0x37, 0x3f, 0x70f, 0x63f];

/// The bytes in front of the samples. For one format they are as long whatever `data_len` is, so that the last
/// header takes the place of the first.
///
/// `data_len` is the length of the samples in bytes; `None` while it is not known, which readers of a pipe take for
/// "to the end". Up to 4 GiB the file is plain WAV with a `JUNK` chunk, beyond that RF64.
///
/// ```
/// use kineframe_audio::{Coding, PcmFormat, wav_header};
///
/// let format = PcmFormat { coding: Coding::Integer, rate: 8_000, channels: 1, bits: 16 };
/// let header = wav_header(&format, Some(3_200));
/// assert!(header.starts_with(b"RIFF") && header.ends_with(&[b'd', b'a', b't', b'a', 0x80, 0x0c, 0, 0]));
/// let long = wav_header(&format, Some(1 << 33));
/// assert!(long.starts_with(b"RF64\xff\xff\xff\xffWAVEds64") && long.len() == header.len());
/// ```
pub fn wav_header(format: &PcmFormat, data_len: Option<u64>) -> Vec<u8> {
    let float = matches!(format.coding, Coding::Float | Coding::FloatBigEndian);
    let tag = if float { FLOAT } else { PCM };
    let extensible = format.channels > 2 || (!float && format.bits > 16);
    let align = format.block_align();
    // At most 65,535 by how a format is made; a cast of more would saturate nothing, so it is bounded here too.
    let block_align = u16::try_from(align).unwrap_or(u16::MAX);

    let mut fmt = Vec::with_capacity(40);
    fmt.extend_from_slice(&if extensible { EXTENSIBLE } else { tag }.to_le_bytes());
    fmt.extend_from_slice(&format.channels.to_le_bytes());
    fmt.extend_from_slice(&format.rate.to_le_bytes());
    fmt.extend_from_slice(&format.rate.saturating_mul(u32::from(block_align)).to_le_bytes());
    fmt.extend_from_slice(&block_align.to_le_bytes());
    fmt.extend_from_slice(&format.bits.to_le_bytes());
    if extensible {
        let speakers = usize::from(format.channels).checked_sub(1).and_then(|index| SPEAKERS.get(index));
        fmt.extend_from_slice(&22u16.to_le_bytes());
        fmt.extend_from_slice(&format.bits.to_le_bytes());
        fmt.extend_from_slice(&speakers.copied().unwrap_or(0).to_le_bytes());
        fmt.extend_from_slice(&tag.to_le_bytes());
        fmt.extend_from_slice(&GUID);
    } else if float {
        fmt.extend_from_slice(&0u16.to_le_bytes());
    }

    // `fact` tells the length in samples where the format is not plain PCM.
    let fact = if float { 12 } else { 0 };
    let header_len = 12 + 8 + u64::from(DS64) + 8 + fmt.len() as u64 + fact + 8;
    // Behind an odd number of bytes stands one that fills up.
    let riff_len = data_len.map(|len| (header_len - 8).saturating_add(len).saturating_add(len & 1));
    let samples = data_len.map(|len| len / (align.max(1) as u64));
    let short = |len: Option<u64>| len.and_then(|len| u32::try_from(len).ok()).filter(|len| *len != ELSEWHERE);
    let long = data_len.is_some() && short(riff_len).is_none();
    let size = |len: Option<u64>| if long { ELSEWHERE } else { short(len).unwrap_or(ELSEWHERE) };

    let mut out = Vec::with_capacity(usize::try_from(header_len).unwrap_or(128));
    let chunk = |out: &mut Vec<u8>, name: &[u8; 4], size: u32| {
        out.extend_from_slice(name);
        out.extend_from_slice(&size.to_le_bytes());
    };
    chunk(&mut out, if long { b"RF64" } else { b"RIFF" }, size(riff_len));
    out.extend_from_slice(b"WAVE");
    chunk(&mut out, if long { b"ds64" } else { b"JUNK" }, DS64);
    for len in [riff_len, data_len, samples] {
        out.extend_from_slice(&len.filter(|_| long).unwrap_or(0).to_le_bytes());
    }
    out.extend_from_slice(&0u32.to_le_bytes());
    chunk(&mut out, b"fmt ", fmt.len() as u32);
    out.extend_from_slice(&fmt);
    if float {
        chunk(&mut out, b"fact", 4);
        out.extend_from_slice(&size(samples).to_le_bytes());
    }
    chunk(&mut out, b"data", size(data_len));
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn field(header: &[u8], at: usize) -> u32 {
        u32::from_le_bytes(header[at..][..4].try_into().expect("four bytes"))
    }

    #[test]
    fn the_last_size_of_plain_wav_and_the_first_of_rf64() {
        let format = PcmFormat { coding: Coding::Integer, rate: 8_000, channels: 1, bits: 16 };
        let header_len = wav_header(&format, None).len() as u64;
        let last = u64::from(u32::MAX) - 1 - (header_len - 8);
        let plain = wav_header(&format, Some(last));
        assert_eq!((&plain[..4], field(&plain, 4), &plain[12..16]), (&b"RIFF"[..], u32::MAX - 1, &b"JUNK"[..]));
        let long = wav_header(&format, Some(last + 2));
        assert_eq!((&long[..4], field(&long, 4), &long[12..16]), (&b"RF64"[..], u32::MAX, &b"ds64"[..]));
        let sizes: Vec<u64> =
            long[20..44].chunks(8).map(|eight| u64::from_le_bytes(eight.try_into().expect("eight"))).collect();
        assert_eq!(sizes, [last + 2 + header_len - 8, last + 2, (last + 2) / 2]);
    }

    proptest! {
        #[test]
        fn headers_of_a_format_are_of_one_length(channels in 1u16..=20, bits in 1u16..=4, float: bool, len: Option<u64>) {
            let (coding, bits) = if float { (Coding::Float, 32) } else { (Coding::Integer, 8 * bits) };
            let format = PcmFormat { coding, rate: 44_100, channels, bits };
            let header = wav_header(&format, len);
            prop_assert_eq!(header.len(), wav_header(&format, None).len());
            prop_assert_eq!(&header[header.len() - 8..][..4], b"data");
        }
    }
}
