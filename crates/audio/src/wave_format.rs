//! WAVEFORMATEX, the CodecPrivate of `A_MS/ACM`: what it says of PCM and G.711.
//!
//! Microsoft's `mmreg.h`: little endian, 16 bytes at least (PCMWAVEFORMAT); 18 with the length of what follows; 40 as
//! WAVEFORMATEXTENSIBLE, which names the format by a GUID of which the first two bytes are the tag.

use crate::FormatError;

/// `WAVE_FORMAT_PCM`.
pub const TAG_PCM: u16 = 0x0001;
/// `WAVE_FORMAT_IEEE_FLOAT`.
pub const TAG_FLOAT: u16 = 0x0003;
/// `WAVE_FORMAT_ALAW`.
pub const TAG_A_LAW: u16 = 0x0006;
/// `WAVE_FORMAT_MULAW`.
pub const TAG_MU_LAW: u16 = 0x0007;
/// `WAVE_FORMAT_RAW_AAC1`: AAC whose extra bytes are an AudioSpecificConfig.
pub const TAG_RAW_AAC: u16 = 0x00ff;
/// `WAVE_FORMAT_EXTENSIBLE`.
pub const TAG_EXTENSIBLE: u16 = 0xfffe;

/// WAVEFORMATEX, as far as sound is written from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaveFormat<'a> {
    /// `wFormatTag`, or that of `SubFormat` where it is extensible.
    pub tag: u16,
    /// `nChannels`.
    pub channels: u16,
    /// `nSamplesPerSec`.
    pub rate: u32,
    /// `nBlockAlign`: bytes of one sample of all channels.
    pub block_align: u16,
    /// `wBitsPerSample`.
    pub bits: u16,
    /// What follows, as far as it is there; that of WAVEFORMATEXTENSIBLE is not in it.
    pub extra: &'a [u8],
}

impl<'a> WaveFormat<'a> {
    /// Reads a CodecPrivate.
    ///
    /// ```
    /// use kineframe_audio::WaveFormat;
    ///
    /// let private = [6, 0, 1, 0, 0x40, 0x1f, 0, 0, 0x40, 0x1f, 0, 0, 1, 0, 8, 0, 0, 0];
    /// let format = WaveFormat::parse(&private)?;
    /// assert_eq!((format.tag, format.channels, format.rate, format.bits), (6, 1, 8_000, 8));
    /// # Ok::<(), kineframe_audio::FormatError>(())
    /// ```
    ///
    /// # Errors
    /// Less than 16 bytes.
    pub fn parse(private: &'a [u8]) -> Result<Self, FormatError> {
        let short = FormatError::WaveFormat { len: private.len() };
        let Some((fixed, rest)) = private.split_first_chunk::<16>() else { return Err(short) };
        let [t0, t1, c0, c1, r0, r1, r2, r3, _, _, _, _, a0, a1, b0, b1] = *fixed;
        let mut format = WaveFormat {
            tag: u16::from_le_bytes([t0, t1]),
            channels: u16::from_le_bytes([c0, c1]),
            rate: u32::from_le_bytes([r0, r1, r2, r3]),
            block_align: u16::from_le_bytes([a0, a1]),
            bits: u16::from_le_bytes([b0, b1]),
            extra: &[],
        };
        if let Some((size, extra)) = rest.split_first_chunk::<2>() {
            let size = usize::from(u16::from_le_bytes(*size));
            format.extra = extra.get(..size).unwrap_or(extra);
        }
        if format.tag == TAG_EXTENSIBLE {
            // Valid bits (2), channel mask (4), SubFormat (16).
            if let Some((head, extra)) = format.extra.split_first_chunk::<22>() {
                format.tag = u16::from_le_bytes([head[6], head[7]]);
                format.extra = extra;
            }
        }
        Ok(format)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extensible_form_names_its_format_by_the_first_bytes_of_a_guid() {
        let mut private = vec![0xfe, 0xff, 2, 0, 0x80, 0xbb, 0, 0, 0, 0x65, 4, 0, 6, 0, 24, 0, 22, 0];
        private.extend([24, 0, 3, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71]);
        let format = WaveFormat::parse(&private).expect("long enough");
        assert_eq!((format.tag, format.channels, format.rate, format.bits), (TAG_PCM, 2, 48_000, 24));
        // Cut before the GUID it stays what it says, which nobody writes.
        assert_eq!(WaveFormat::parse(&private[..20]).expect("long enough").tag, TAG_EXTENSIBLE);
    }

    #[test]
    fn shorter_than_pcm_waveformat_is_none_and_a_wrong_length_of_extra_bytes_does_no_harm() {
        assert_eq!(WaveFormat::parse(&[1; 15]), Err(FormatError::WaveFormat { len: 15 }));
        let private = [0xff, 0, 1, 0, 0x40, 0x1f, 0, 0, 0, 0, 0, 0, 1, 0, 16, 0, 200, 0, 0x15, 0x88];
        assert_eq!(WaveFormat::parse(&private).expect("long enough").extra, [0x15, 0x88]);
    }
}
